-- ARGV: id, payload, index entry, letter, ms to keep. A dead letter of a job that is in no queue.
local id, keep = ARGV[1], tonumber(ARGV[5])
local dead = DEAD .. ':' .. id
redis.call('HSET', dead, 'letter', ARGV[4], 'entry', ARGV[3], 'payload', ARGV[2])
redis.call('PEXPIRE', dead, keep)
redis.call('ZADD', DEAD, now, id)
redis.call('PEXPIRE', DEAD, keep)
return 1
