-- ARGV: ms that a payload outlives its time, then per job: id, payload, index entry, ms to wait,
-- time to run at (0: now + wait), idempotency key ('' without), ms that the key lives.
-- Answers per job: '1' new, '0' the id is there already, else the id that came first with the key.
local answers = {}
local aborts = redis.call('EXISTS', ABORT) == 1
for i = 2, #ARGV, 7 do
  local id, entry, wait, at = ARGV[i], ARGV[i + 2], tonumber(ARGV[i + 3]), tonumber(ARGV[i + 4])
  local once = ARGV[i + 5] ~= '' and QUEUE .. ':once:' .. ARGV[i + 5]
  local first = once and redis.call('GET', once)
  if first then
    answers[#answers + 1] = first
  elseif redis.call('ZSCORE', QUEUE, id) or redis.call('EXISTS', RESULT .. id) == 1 then
    answers[#answers + 1] = '0'
  else
    at = at > 0 and at or now + wait
    redis.call('PSETEX', JOB .. id, math.max(at - now, 0) + ARGV[1], ARGV[i + 1])
    redis.call('ZADD', QUEUE, at, id)
    if redis.call('HSETNX', INDEX, id, entry) == 0 then
      -- Known, yet in no queue: a worker of arq's own has finished an earlier one of this id.
      local earlier = entry_of(id)
      release(id, earlier)
      take_out(id, earlier)
      drop(id)
      redis.call('HSET', INDEX, id, entry)
    end
    put(id, entry, at)
    if once then
      redis.call('SET', once, id, 'PX', ARGV[i + 6])
    end
    if aborts then -- an order to abort an unknown id must not hit this one
      redis.call('ZREM', ABORT, id)
    end
    answers[#answers + 1] = '1'
  end
end
wake()
return answers
