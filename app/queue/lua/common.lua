-- What every script begins with. KEYS[1] is arq's sorted set; all of ours lies under its name.
--
-- arq's keys keep their meaning: QUEUE holds every id that waits or runs, by the time from which it
-- may run; a running one's time is the end of its lease, so that no look for work meets it. Beside
-- it stands an index of our own, by priority and tenant. All time is the server's.
local QUEUE = KEYS[1]
local JOB, LOCK = 'arq:job:', 'arq:in-progress:'
local RETRY, RESULT, ABORT = 'arq:retry:', 'arq:result:', 'arq:abort'

local INDEX = QUEUE .. ':index'       -- hash: id -> '<class>|<tenant>|<limit key>'
local DEFERRED = QUEUE .. ':deferred' -- sorted set: ids that wait for a time
local LEASES = QUEUE .. ':leases'     -- sorted set: ids that our workers hold, by the lease's end
local RUNNING = QUEUE .. ':running'   -- hash: how many are held by 't|<tenant>' and 'k|<limit key>'
local CAPPED = QUEUE .. ':capped'     -- set: '<class>|<tenant>' at the limit, out of the ring
local HELD = QUEUE .. ':held'         -- set: limit keys for which ids are held back
local PARKED = QUEUE .. ':parked'     -- sorted set: ids of a newer version of the envelope
local PAUSED = QUEUE .. ':paused'
local DEAD = QUEUE .. ':dead'         -- sorted set: dead letters by time of death
local WAKE = QUEUE .. ':wake'         -- list: at most one token, for one worker with room
local WAKE_CHAT = WAKE .. ':chat'     -- the same, for work of chat: also for one with room for it alone
local CLASSES = { '1', '2', '3' }     -- chat, ingestion, bulk
local UNKNOWN = '2||'                 -- of an id that came from elsewhere
local KEPT_MS = 2592000000            -- 30 days: no job is lost because its queue stood still

local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)

local function parts(entry)
  return string.match(entry, '^(%d)|([^|]*)|(.*)$')
end

local function due_of(class, tenant)
  return QUEUE .. ':due:' .. class .. ':' .. tenant
end

-- Sorted set: tenants with due work, by their pass (stride scheduling, Waldspurger and Weihl 1995).
local function ring_of(class)
  return QUEUE .. ':ring:' .. class
end

local function held_of(key)
  return QUEUE .. ':held:' .. key
end

local entered = {}

-- Who comes back starts where the others are: idleness saves up nothing.
local function enter_ring(class, tenant)
  local place = class .. '|' .. tenant
  if entered[place] or redis.call('SISMEMBER', CAPPED, place) == 1 then
    return
  end
  entered[place] = true
  local ring = ring_of(class)
  if not redis.call('ZSCORE', ring, tenant) then
    local first = redis.call('ZRANGE', ring, 0, 0, 'WITHSCORES')
    redis.call('ZADD', ring, first[2] or 0, tenant)
  end
end

local function put_due(id, entry, at)
  local class, tenant = parts(entry)
  redis.call('ZADD', due_of(class, tenant), at, id)
  enter_ring(class, tenant)
end

local sooner = {}

local function list_of(class)
  return class == '1' and WAKE_CHAT or WAKE
end

local function put(id, entry, at)
  if at > now then
    redis.call('ZADD', DEFERRED, at, id)
    if redis.call('ZRANGE', DEFERRED, 0, 0)[1] == id then
      sooner[list_of(parts(entry))] = true -- than any worker is set to look
    end
  else
    put_due(id, entry, at)
  end
end

local function entry_of(id)
  return redis.call('HGET', INDEX, id) or UNKNOWN
end

local function count(name, by)
  if redis.call('HINCRBY', RUNNING, name, by) <= 0 then
    redis.call('HDEL', RUNNING, name)
  end
end

local function hold(entry)
  local _, tenant, key = parts(entry)
  redis.call('HINCRBY', RUNNING, 't|' .. tenant, 1)
  if key ~= '' then
    redis.call('HINCRBY', RUNNING, 'k|' .. key, 1)
  end
end

-- The next that waits for this key; those whose tenant is at its own limit do not bar its way.
local function let_in(key)
  for _ = 1, 100 do
    local first = redis.call('ZPOPMIN', held_of(key))
    if not first[1] then
      break
    end
    local entry = entry_of(first[1])
    local class, tenant = parts(entry)
    put_due(first[1], entry, first[2])
    if redis.call('SISMEMBER', CAPPED, class .. '|' .. tenant) == 0 then
      break
    end
  end
  if redis.call('EXISTS', held_of(key)) == 0 then
    redis.call('SREM', HELD, key)
  end
end

-- So many fewer of this name are held: whoever waited at its limit may come.
local function released(name, number)
  count(name, -number)
  local kind, rest = string.sub(name, 1, 2), string.sub(name, 3)
  if kind == 'k|' then
    for _ = 1, number do
      if redis.call('SISMEMBER', HELD, rest) == 0 then
        return
      end
      let_in(rest)
    end
  elseif redis.call('EXISTS', CAPPED) == 1 then
    for _, class in ipairs(CLASSES) do
      if redis.call('SREM', CAPPED, class .. '|' .. rest) == 1 then
        enter_ring(class, rest)
      end
    end
  end
end

-- Ends the lease, if there is one.
local function release(id, entry)
  if redis.call('ZREM', LEASES, id) == 1 then
    local _, tenant, key = parts(entry)
    released('t|' .. tenant, 1)
    if key ~= '' then
      released('k|' .. key, 1)
    end
  end
end

-- Out of the index, wherever it waits.
local function take_out(id, entry)
  local class, tenant, key = parts(entry)
  local due = due_of(class, tenant)
  redis.call('ZREM', DEFERRED, id)
  local was_due = redis.call('ZREM', due, id) == 1
  if was_due and redis.call('EXISTS', due) == 0 then
    local place = class .. '|' .. tenant
    redis.call('ZREM', ring_of(class), tenant)
    redis.call('SREM', CAPPED, place)
    entered[place] = nil
  end
  if key == '' or redis.call('SISMEMBER', HELD, key) == 0 then
    return
  end
  if was_due then -- perhaps let in, and now it will not start
    let_in(key)
  elseif redis.call('ZREM', held_of(key), id) == 1 and redis.call('EXISTS', held_of(key)) == 0 then
    redis.call('SREM', HELD, key)
  end
end

-- Of an id that has left the queue.
local function drop(id)
  redis.call('HDEL', INDEX, id)
  redis.call('ZREM', PARKED, id)
end

local function forget(id)
  redis.call('ZREM', QUEUE, id)
  redis.call('HDEL', INDEX, id)
  redis.call('DEL', LOCK .. id, RETRY .. id, JOB .. id)
end

local function tell_result(id, result, keep_ms)
  if result ~= '' then
    redis.call('SET', RESULT .. id, result, 'PX', keep_ms)
  end
  redis.call('PUBLISH', QUEUE .. ':done:' .. id, '')
end

-- Keeps a dead letter for so long; the list lets go of those whose time is over.
local function bury(id, payload, entry, letter, keep_ms)
  local dead = DEAD .. ':' .. id
  redis.call('HSET', dead, 'letter', letter, 'entry', entry, 'payload', payload)
  redis.call('PEXPIRE', dead, keep_ms)
  redis.call('ZREMRANGEBYSCORE', DEAD, '-inf', now - keep_ms)
  redis.call('ZADD', DEAD, now, id)
  redis.call('PEXPIRE', DEAD, keep_ms)
end

-- One waiting worker is woken; it passes the word on if more is due than it takes. A token that
-- nobody waits for may expire: a worker that comes, or has room again, looks anyway.
local function wake()
  local due = {}
  for _, class in ipairs(CLASSES) do
    due[list_of(class)] = due[list_of(class)] or redis.call('EXISTS', ring_of(class)) == 1
  end
  for _, list in ipairs({ WAKE_CHAT, WAKE }) do
    if (due[list] or sooner[list]) and redis.call('EXISTS', list) == 0 then
      redis.call('RPUSH', list, '1')
      redis.call('PEXPIRE', list, 60000)
    end
  end
  return due[WAKE_CHAT] or due[WAKE]
end
