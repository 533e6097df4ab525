-- ARGV: ms that letters to be purged are older than, the time that this is counted from ('': now),
-- how many at most. Answers: how many were there, how many were looked at, the time counted from.
local from = ARGV[2] == '' and now or tonumber(ARGV[2])
local ids = redis.call('ZRANGEBYSCORE', DEAD, '-inf', from - ARGV[1], 'LIMIT', 0, ARGV[3])
local purged = 0
for _, id in ipairs(ids) do
  redis.call('ZREM', DEAD, id)
  purged = purged + redis.call('DEL', DEAD .. ':' .. id)
end
return { purged, #ids, tostring(from) }
