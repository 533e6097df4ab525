-- ARGV: id, time of death of the letter that is meant ('': whichever). Answers 1 if it was there.
local id = ARGV[1]
local at = redis.call('ZSCORE', DEAD, id)
if not at or (ARGV[2] ~= '' and at ~= ARGV[2]) then
  return 0
end
redis.call('ZREM', DEAD, id)
return redis.call('DEL', DEAD .. ':' .. id)
