-- ARGV: ms that a payload outlives its time, then ids of dead letters. Puts each job back as it was,
-- with all of its tries. Answers per id: 'queued', 'unknown' (no such letter), 'there' (a job of
-- this id waits or runs), 'empty' (its payload was gone before it died).
local answers = {}

local function put_back(id)
  local dead = DEAD .. ':' .. id
  local found = redis.call('HMGET', dead, 'payload', 'entry')
  if not found[1] then
    return redis.call('ZSCORE', QUEUE, id) and 'there' or 'unknown'
  elseif redis.call('ZSCORE', QUEUE, id) or redis.call('EXISTS', JOB .. id) == 1 then
    return 'there'
  elseif found[1] == '' then
    return 'empty'
  end
  local entry = found[2]
  if not (entry and parts(entry)) then
    entry = UNKNOWN
  end
  redis.call('DEL', dead, RETRY .. id, RESULT .. id)
  redis.call('ZREM', DEAD, id)
  redis.call('ZREM', ABORT, id)
  redis.call('PSETEX', JOB .. id, ARGV[1], found[1])
  redis.call('ZADD', QUEUE, now, id)
  redis.call('HSET', INDEX, id, entry)
  put(id, entry, now)
  return 'queued'
end

for i = 2, #ARGV do
  answers[#answers + 1] = put_back(ARGV[i])
end
wake()
return answers
