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
      redis.call('HDEL', INDEX, id) -- a worker of arq's own took it over, and finished it
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

local function at_limit(name, limit)
  return limit and tonumber(redis.call('HGET', RUNNING, name) or 0) >= limit
end

local function tenant_done(class, tenant, ring, due)
  if redis.call('EXISTS', due) == 0 then
    redis.call('ZREM', ring, tenant)
    entered[class .. '|' .. tenant] = nil
    waiting[class] = redis.call('EXISTS', ring) == 1
  end
end

local function lease_out(id, entry)
  redis.call('ZADD', QUEUE, 'XX', now + lease, id)
  redis.call('ZADD', LEASES, now + lease, id)
  hold(id, entry)
  local try = redis.call('INCR', RETRY .. id)
  redis.call('PEXPIRE', RETRY .. id, 2592000000) -- 30 days
  return { id, redis.call('GET', JOB .. id) or '', try, entry }
end

-- One job of this class, or nothing: then the next look may go elsewhere.
local function pick(class)
  local ring = ring_of(class)
  local tenant = redis.call('ZRANGE', ring, 0, 0)[1]
  if not tenant then
    waiting[class] = false
    return
  end
  if at_limit('t|' .. tenant, options.tenant_limit) then
    redis.call('ZREM', ring, tenant)
    redis.call('SADD', CAPPED, class .. '|' .. tenant)
    entered[class .. '|' .. tenant] = nil
    waiting[class] = redis.call('EXISTS', ring) == 1
    return
  end
  local due = due_of(class, tenant)
  local popped = redis.call('ZPOPMIN', due)
  local id, at, job = popped[1], popped[2], nil
  local entry = id and redis.call('HGET', INDEX, id)
  if entry then
    local _, _, key = parts(entry)
    if key ~= '' and at_limit('k|' .. key, options.key_limits[key]) then
      redis.call('SADD', HELD, key)
      redis.call('ZADD', held_of(key), at, id)
    elseif not redis.call('ZSCORE', QUEUE, id) then
      redis.call('HDEL', INDEX, id) -- a worker of arq's own has finished it
    elseif aborts and redis.call('ZSCORE', ABORT, id) then
      redis.call('ZADD', DEFERRED, now + lease, id) -- never begun: this worker is told below
    elseif not redis.call('SET', LOCK .. id, owner, 'NX', 'PX', lease) then
      redis.call('ZADD', DEFERRED, now + lease, id) -- one of those has it: look again later
    else
      job = lease_out(id, entry)
      job[5] = math.max(now - math.floor(at), 0)
      redis.call('ZINCRBY', ring, 1 / (options.weights[tenant] or 1), tenant)
    end
    -- The limit may have been raised, or who was let in has not started: the next one may come.
    if key ~= '' and redis.call('SISMEMBER', HELD, key) == 1 and not at_limit('k|' .. key, options.key_limits[key]) then
      let_in(key)
      look()
    end
  end
  tenant_done(class, tenant, ring, due)
  return job
end

local jobs = {}

local function fill(room, chat_only)
  local looks = 0
  while room > 0 and looks < 10000 do
    looks = looks + 1
    local class = chat_only and (waiting['1'] and '1') or not chat_only and next_class()
    if not class then
      return
    end
    local job = pick(class)
    if job then
      jobs[#jobs + 1] = job
      room = room - 1
    end
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
