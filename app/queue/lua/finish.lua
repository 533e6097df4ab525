-- ARGV: ms that dead letters are kept, then per job: id, owner token, what, result, ms, letter.
-- what: 'done' (result kept for ms; a letter makes it a dead one), 'again' (in ms), 'back' (at once,
-- the try is not spent), 'park' (looked at again in ms, by then perhaps by a newer worker).
-- Answers the ids whose lease was lost: nothing was changed for them.
local keep_dead = tonumber(ARGV[1])
local lost = {}

local function bury(id, entry, letter)
  local dead = DEAD .. ':' .. id
  redis.call('HSET', dead, 'letter', letter, 'entry', entry, 'payload', redis.call('GET', JOB .. id) or '')
  redis.call('PEXPIRE', dead, keep_dead)
  redis.call('ZREMRANGEBYSCORE', DEAD, '-inf', now - keep_dead)
  redis.call('ZADD', DEAD, now, id)
  redis.call('PEXPIRE', DEAD, keep_dead)
end

-- A lease that has passed is still ours until somebody looks: so long nobody else has begun.
local function is_ours(id, owner)
  local holder = redis.call('GET', LOCK .. id)
  if holder then
    return holder == owner
  end
  return redis.call('ZSCORE', LEASES, id) and redis.call('ZSCORE', QUEUE, id)
end

local aborts = redis.call('EXISTS', ABORT) == 1
local parked = redis.call('EXISTS', PARKED) == 1
for i = 2, #ARGV, 6 do
  local id, what, result = ARGV[i], ARGV[i + 2], ARGV[i + 3]
  local ms, letter = tonumber(ARGV[i + 4]), ARGV[i + 5]
  if not is_ours(id, ARGV[i + 1]) then
    lost[#lost + 1] = id
  else
    local entry = entry_of(id)
    release(id, entry)
    if aborts and what == 'done' then
      redis.call('ZREM', ABORT, id)
    end
    if parked and what ~= 'park' then
      redis.call('ZREM', PARKED, id)
    end
    if what == 'done' then
      if letter ~= '' then
        bury(id, entry, letter)
      end
      forget(id, entry)
      tell_result(id, result, ms)
    else
      redis.call('DEL', LOCK .. id)
      redis.call('ZADD', QUEUE, now + ms, id)
      put(id, entry, now + ms)
      if what ~= 'again' and redis.call('DECR', RETRY .. id) <= 0 then
        redis.call('DEL', RETRY .. id)
      end
      if what == 'park' then
        redis.call('ZADD', PARKED, 'NX', now, id)
        redis.call('PEXPIRE', JOB .. id, 2592000000) -- 30 days, anew each time
      end
    end
  end
end
wake()
return lost
