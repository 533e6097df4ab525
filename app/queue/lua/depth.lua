-- Answers: now, counts (held back at a limit, deferred, running, dead, parked), due by class, ms
-- that the oldest of each class is due (-1: none), the same of those held back, tenants that wait
-- (tenant, class, how many wait, how many run in all classes, 1 if at the limit) up to 100, pause
-- (text or ''), ms until it ends (negative: it does not end by itself).
local MOST, TOLD = 1000, 100 -- of each kind: it must not hold Redis up
local due, held, tenants, rest = { 0, 0, 0 }, 0, {}, 2
local due_since, held_since = {}, {}

local function waits(since, class, at)
  class, at = tonumber(class), tonumber(at)
  if at and at <= now and (not since[class] or at < since[class]) then
    since[class] = at
  end
end

local function tenant_waits(class, tenant, at_limit)
  local number = redis.call('ZCARD', due_of(class, tenant))
  if number > 0 then
    local first = redis.call('ZRANGE', due_of(class, tenant), 0, 0, 'WITHSCORES')
    waits(at_limit == 1 and held_since or due_since, class, first[2])
    if #tenants < TOLD then
      local running = tonumber(redis.call('HGET', RUNNING, 't|' .. tenant) or 0)
      tenants[#tenants + 1] = { tenant, class, number, running, at_limit }
    end
  end
  return number
end

local function count_indexed()
  for position, class in ipairs(CLASSES) do
    local ring = redis.call('ZRANGE', ring_of(class), 0, MOST)
    for i = 1, math.min(#ring, MOST) do
      due[position] = due[position] + tenant_waits(class, ring[i], 0)
    end
    if #ring > MOST then
      rest = position
    end
  end
  for _, place in ipairs(redis.call('SMEMBERS', CAPPED)) do
    local class, tenant = string.match(place, '^(%d)|(.*)$')
    held = held + tenant_waits(class, tenant, 1)
  end
  for _, key in ipairs(redis.call('SMEMBERS', HELD)) do
    held = held + redis.call('ZCARD', held_of(key))
    local first = redis.call('ZRANGE', held_of(key), 0, 0, 'WITHSCORES')
    if first[1] then
      waits(held_since, (parts(entry_of(first[1]))), first[2])
    end
  end
end

-- What fell due, or lost its lease, since a worker last claimed. 'sweep' in claim.lua moves it.
local function count_unswept()
  for _, key in ipairs({ DEFERRED, LEASES }) do
    for _, id in ipairs(redis.call('ZRANGEBYSCORE', key, '-inf', now, 'LIMIT', 0, MOST)) do
      local at = redis.call('ZSCORE', QUEUE, id)
      if at and tonumber(at) <= now then
        local class = parts(entry_of(id))
        due[tonumber(class)] = due[tonumber(class)] + 1
        waits(due_since, class, at)
      end
    end
  end
end

local function is_held(id)
  local class, tenant, key = parts(entry_of(id))
  return redis.call('SISMEMBER', CAPPED, class .. '|' .. tenant) == 1
    or redis.call('ZSCORE', held_of(key), id)
end

-- What came in without our index, as from arq's own producers, is of the class in the middle; the
-- tenants that were too many to look at are of theirs.
local function count_rest()
  local unknown = redis.call('ZCOUNT', QUEUE, '-inf', now) - due[1] - due[2] - due[3] - held
  if unknown <= 0 then
    return
  end
  due[rest] = due[rest] + unknown
  local oldest = redis.call('ZRANGEBYSCORE', QUEUE, '-inf', now, 'WITHSCORES', 'LIMIT', 0, TOLD)
  for i = 1, #oldest, 2 do
    -- A worker of arq's own leaves there what it has in hand.
    if redis.call('EXISTS', LOCK .. oldest[i]) == 0 and not is_held(oldest[i]) then
      waits(due_since, (parts(entry_of(oldest[i]))), oldest[i + 1])
      return
    end
  end
end

-- Letters expire by themselves, the oldest first; their place in the set does not.
local function count_dead()
  while true do
    local id = redis.call('ZRANGE', DEAD, 0, 0)[1]
    if not id or redis.call('EXISTS', DEAD .. ':' .. id) == 1 then
      return redis.call('ZCARD', DEAD)
    end
    redis.call('ZREM', DEAD, id)
  end
end

count_indexed()
count_unswept()
count_rest()
local running = redis.call('ZCOUNT', LEASES, '(' .. now, '+inf')
local function ages(since)
  local told = {}
  for position in ipairs(CLASSES) do
    told[position] = since[position] and now - math.floor(since[position]) or -1
  end
  return told
end

return {
  now,
  {
    held,
    math.max(redis.call('ZCOUNT', QUEUE, '(' .. now, '+inf') - running, 0),
    running,
    count_dead(),
    redis.call('ZCARD', PARKED),
  },
  due,
  ages(due_since),
  ages(held_since),
  tenants,
  redis.call('GET', PAUSED) or '',
  redis.call('PTTL', PAUSED),
}
