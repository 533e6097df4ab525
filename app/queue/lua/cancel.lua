-- ARGV: id, result to keep, ms to keep it. Answers 'unknown', 'cancelled' or 'told' (its worker).
local id = ARGV[1]
if not redis.call('ZSCORE', QUEUE, id) then
  redis.call('ZREM', ABORT, id)
  return 'unknown'
end
local holder = redis.call('GET', LOCK .. id)
if holder then
  redis.call('ZADD', ABORT, now, id) -- a worker that misses the word finds it here
  -- With the holder: all databases of a server share its channels, and may have a job of this id.
  redis.call('PUBLISH', QUEUE .. ':cancel', cjson.encode({ id, holder }))
  return 'told'
end
local entry = entry_of(id)
release(id, entry) -- its lease may be over, and nobody has looked yet
take_out(id, entry)
forget(id)
redis.call('ZREM', ABORT, id)
redis.call('ZREM', PARKED, id)
tell_result(id, ARGV[2], ARGV[3])
wake()
return 'cancelled'
