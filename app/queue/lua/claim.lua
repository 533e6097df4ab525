-- ARGV: how many, how many more of chat alone, lease in ms, owner token, options as JSON:
-- shares by class, weights by tenant, tenant_limit, key_limits.
-- Answers: jobs ({id, payload, try, index entry, ms waited}), ms until something falls due by
-- itself (-1: nothing), 1 if more is due now, ids that wait or run here and are to be aborted.
local want, express, lease, owner = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3]), ARGV[4]
local options = cjson.decode(ARGV[5])
local SHARES = QUEUE .. ':shares'
local SCAN = 100
local aborts = redis.call('EXISTS', ABORT) == 1

local function sweep()
  local ended = redis.call('ZRANGEBYSCORE', LEASES, '-inf', '(' .. now, 'LIMIT', 0, SCAN)
  for _, id in ipairs(ended) do
    local entry = entry_of(id)
    release(id, entry)
    if redis.call('ZSCORE', QUEUE, id) then
      put_due(id, entry, now)
    else
      drop(id) -- a worker of arq's own took it over, and finished it
    end
  end
  local due = redis.call('ZRANGEBYSCORE', DEFERRED, '-inf', now, 'WITHSCORES', 'LIMIT', 0, SCAN)
  for i = 1, #due, 2 do
    redis.call('ZREM', DEFERRED, due[i])
    put_due(due[i], entry_of(due[i]), due[i + 1])
  end
  return #ended == SCAN or #due == 2 * SCAN
end

-- Ids that arq's own producers put in: newest first, since the others are known.
local function adopt()
  if redis.call('ZCARD', QUEUE) <= redis.call('HLEN', INDEX) then
    return
  end
  local ids = redis.call('ZRANGE', QUEUE, now, '-inf', 'BYSCORE', 'REV', 'LIMIT', 0, SCAN, 'WITHSCORES')
  for i = 1, #ids, 2 do
    if redis.call('HSETNX', INDEX, ids[i], UNKNOWN) == 1 then
      put_due(ids[i], UNKNOWN, ids[i + 1])
    end
  end
end

local function orders_to_abort()
  local ids = {}
  if not aborts then
    return ids
  end
  local worker = string.match(owner, '^(.*:)%d+$')
  for _, id in ipairs(redis.call('ZRANGE', ABORT, 0, SCAN - 1)) do
    if redis.call('ZSCORE', QUEUE, id) then
      local holder = redis.call('GET', LOCK .. id)
      if not holder or string.sub(holder, 1, #worker) == worker then
        ids[#ids + 1] = id
      end
    elseif redis.call('EXISTS', JOB .. id) == 0 then -- in no other queue either
      redis.call('ZREM', ABORT, id)
    end
  end
  return ids
end

local waiting = {}
for _, class in ipairs(CLASSES) do
  waiting[class] = false
end

local function look()
  for _, class in ipairs(CLASSES) do
    waiting[class] = redis.call('EXISTS', ring_of(class)) == 1
  end
end

-- The highest class that waits, but a lower one that waits gets at least its share of the starts.
local credit, credit_changed = {}, false

local function next_class()
  local first, owed
  for _, class in ipairs(CLASSES) do
    if waiting[class] and not first then
      first = class
    elseif waiting[class] then
      credit_changed = true
      credit[class] = credit[class] + options.shares[class]
      owed = owed or (credit[class] >= 1 and class)
    end
  end
  if owed then
    credit[owed] = credit[owed] - 1
    return owed
  end
  return first
end

-- How many more of a name may be held; what this claim has taken already is counted too.
local held, taken = {}, {}

local function room_under(name, limit)
  if not limit then
    return math.huge
  end
  if not held[name] then
    held[name] = tonumber(redis.call('HGET', RUNNING, name) or 0)
  end
  return limit - held[name] - (taken[name] or 0)
end

local function take(name)
  taken[name] = (taken[name] or 0) + 1
end

local function is_alone(class)
  for _, other in ipairs(CLASSES) do
    if other ~= class and waiting[other] then
      return false
    end
  end
  return true
end

local function leave_ring(class, tenant, ring)
  redis.call('ZREM', ring, tenant)
  entered[class .. '|' .. tenant] = nil
  waiting[class] = redis.call('EXISTS', ring) == 1
end

-- The next that waits for this key may come, if there is room.
local function let_next_in(key)
  if key ~= '' and redis.call('SISMEMBER', HELD, key) == 1 and room_under('k|' .. key, options.key_limits[key]) > 0 then
    let_in(key)
    look()
  end
end

-- The next of this class by turns, or as many as fit when nobody else waits: {id, time, …}.
local function pick(class, room)
  local ring = ring_of(class)
  local turn = redis.call('ZRANGE', ring, 0, 1)
  local tenant = turn[1]
  if not tenant then
    waiting[class] = false
    return
  end
  local free = room_under('t|' .. tenant, options.tenant_limit)
  if free <= 0 then
    redis.call('SADD', CAPPED, class .. '|' .. tenant)
    leave_ring(class, tenant, ring)
    local first = redis.call('ZRANGE', due_of(class, tenant), 0, 0)[1]
    if first then -- perhaps let in, and now it will not start
      let_next_in(select(3, parts(entry_of(first))))
    end
    return
  end
  local due, number = due_of(class, tenant), 1
  if not turn[2] and is_alone(class) then
    number = math.min(room, free, 500)
  end
  local popped = redis.call('ZPOPMIN', due, number)
  redis.call('ZINCRBY', ring, #popped / 2 / (options.weights[tenant] or 1), tenant)
  if redis.call('EXISTS', due) == 0 then
    leave_ring(class, tenant, ring)
  end
  return popped, class, tenant
end

-- Whether this one may begin; if not, it is put where it belongs.
local function begins(id, at, entry, is_queued)
  if not entry then
    return false
  end
  local _, _, key = parts(entry)
  if key ~= '' and room_under('k|' .. key, options.key_limits[key]) <= 0 then
    redis.call('SADD', HELD, key)
    redis.call('ZADD', held_of(key), at, id)
  elseif not is_queued then -- a worker of arq's own has finished it
    drop(id)
  elseif aborts and redis.call('ZSCORE', ABORT, id) then
    redis.call('ZADD', DEFERRED, now + lease, id) -- never begun: this worker is told below
  elseif not redis.call('SET', LOCK .. id, owner, 'NX', 'PX', lease) then
    redis.call('ZADD', DEFERRED, now + lease, id) -- one of those has it: look again later
  else
    return true
  end
  return false
end

local function try_of(id)
  if redis.call('SET', RETRY .. id, 1, 'NX', 'PX', KEPT_MS) then
    return 1
  end
  redis.call('PEXPIRE', RETRY .. id, KEPT_MS)
  return redis.call('INCR', RETRY .. id)
end

local jobs = {}

-- Leases of those that may begin, told to Redis in as few commands as can be.
local function lease_out(popped, class, tenant)
  local ids = {}
  for i = 1, #popped, 2 do
    ids[#ids + 1] = popped[i]
  end
  if #ids == 0 then
    return 0
  end
  local entries, queued = redis.call('HMGET', INDEX, unpack(ids)), redis.call('ZMSCORE', QUEUE, unpack(ids))
  local leases, payloads, keys, first = {}, {}, {}, #jobs + 1
  for i, id in ipairs(ids) do
    local entry, at = entries[i], popped[2 * i]
    local key = entry and select(3, parts(entry)) or ''
    if key ~= '' then
      keys[#keys + 1] = key
    end
    if begins(id, at, entry, queued[i]) then
      take('t|' .. tenant)
      if key ~= '' then
        take('k|' .. key)
      end
      leases[#leases + 1] = now + lease
      leases[#leases + 1] = id
      payloads[#payloads + 1] = JOB .. id
      jobs[#jobs + 1] = { id, '', try_of(id), entry, math.max(now - math.floor(at), 0) }
    end
  end
  local begun = #jobs - first + 1
  if begun < #ids then -- who did not begin costs no turn
    local back = (begun - #ids) / (options.weights[tenant] or 1)
    redis.call('ZADD', ring_of(class), 'XX', 'INCR', back, tenant)
  end
  if begun > 0 then
    redis.call('ZADD', QUEUE, 'XX', unpack(leases))
    redis.call('ZADD', LEASES, unpack(leases))
    for i, payload in ipairs(redis.call('MGET', unpack(payloads))) do
      jobs[first + i - 1][2] = payload or ''
    end
  end
  -- A limit may have been raised, or who was let in did not begin: then the next one may come.
  for _, key in ipairs(keys) do
    let_next_in(key)
  end
  return begun
end

local function fill(room, chat_only)
  local looks = 0
  while room > 0 and looks < 10000 do
    looks = looks + 1
    local class = chat_only and (waiting['1'] and '1') or not chat_only and next_class()
    if not class then
      return
    end
    local popped, of_class, tenant = pick(class, room)
    if popped then
      room = room - lease_out(popped, of_class, tenant)
    end
  end
end

local function count_taken()
  for name, number in pairs(taken) do
    redis.call('HINCRBY', RUNNING, name, number)
  end
end

local more = sweep()
adopt()
if redis.call('EXISTS', PAUSED) == 0 then
  look()
  if want + express > 0 and (waiting['1'] or waiting['2'] or waiting['3']) then
    local saved = redis.call('HMGET', SHARES, '2', '3')
    credit['2'], credit['3'] = tonumber(saved[1] or 0), tonumber(saved[2] or 0)
    fill(want, false)
    fill(express, true)
    count_taken()
    if credit_changed then
      redis.call('HSET', SHARES, '2', credit['2'], '3', credit['3'])
      redis.call('PEXPIRE', SHARES, 3600000)
    end
  end
  more = wake() or more
end

local wait = -1
for _, key in ipairs({ DEFERRED, LEASES }) do
  local first = redis.call('ZRANGE', key, 0, 0, 'WITHSCORES')[2]
  if first then
    local ms = math.max(math.floor(first) - now + 1, 0)
    wait = wait < 0 and ms or math.min(wait, ms)
  end
end
return { jobs, wait, more and 1 or 0, orders_to_abort() }
