-- ARGV: rank to start at, how many. Takes into the index what it does not know, whatever came in
-- how. Answers the rank to start at next time.
local from, number = tonumber(ARGV[1]), tonumber(ARGV[2])
local ids = redis.call('ZRANGE', QUEUE, from, from + number - 1, 'WITHSCORES')
for i = 1, #ids, 2 do
  if redis.call('HSETNX', INDEX, ids[i], UNKNOWN) == 1 then
    put(ids[i], UNKNOWN, tonumber(ids[i + 1]))
  end
end
wake()
return #ids < 2 * number and 0 or from + number
