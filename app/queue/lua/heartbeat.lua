-- ARGV: lease in ms, worker's key, worker's report, then per job: id, owner token, index entry.
-- A lease that vanished without a successor (Redis lost its keys, or was away for longer) is taken
-- again. Answers: ids that are lost, ids whose payload is missing and which were left alone.
local lease = tonumber(ARGV[1])
local lost, missing = {}, {}

local function renew(id, owner, entry)
  local holder = redis.call('GET', LOCK .. id)
  if holder and holder ~= owner then
    return false
  end
  if not holder then
    if redis.call('EXISTS', RESULT .. id) == 1 then
      return false
    end
    if redis.call('EXISTS', JOB .. id) == 0 then
      missing[#missing + 1] = id -- taken again together with it: alone, it would look expired
      return true
    end
    redis.call('HSETNX', INDEX, id, entry)
    entry = entry_of(id) -- what release will go by
    take_out(id, entry)
  end
  redis.call('SET', LOCK .. id, owner, 'PX', lease)
  redis.call('ZADD', QUEUE, now + lease, id)
  if redis.call('ZADD', LEASES, now + lease, id) == 1 then
    hold(entry)
  end
  return true
end

for i = 4, #ARGV, 3 do
  if not renew(ARGV[i], ARGV[i + 1], ARGV[i + 2]) then
    lost[#lost + 1] = ARGV[i]
  end
end
redis.call('SET', ARGV[2], ARGV[3], 'PX', lease)

-- Limits may have been raised meanwhile: whoever waits at one is looked at anew.
for _, place in ipairs(redis.call('SMEMBERS', CAPPED)) do
  redis.call('SREM', CAPPED, place)
  local class, tenant = string.match(place, '^(%d)|(.*)$')
  if redis.call('EXISTS', due_of(class, tenant)) == 1 then
    enter_ring(class, tenant)
  end
end
for _, key in ipairs(redis.call('SMEMBERS', HELD)) do
  let_in(key)
end
wake()
return { lost, missing }
