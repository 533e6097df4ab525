-- ARGV: ms that dead letters are kept, then per job: id, owner token, what, result, ms, letter.
-- what: 'done' (result kept for ms; a letter makes it a dead one), 'again' (in ms), 'back' (at once,
-- the try is not spent), 'park' (looked at again in ms, by then perhaps by a newer worker).
-- Answers the ids whose lease was lost: nothing was changed for them.
local keep_dead = tonumber(ARGV[1])
local lost = {}

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

local function finish(id, what, result, ms, letter)
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
      bury(id, redis.call('GET', JOB .. id) or '', entry, letter, keep_dead)
    end
    forget(id)
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
      redis.call('PEXPIRE', JOB .. id, KEPT_MS) -- anew each time
    end
  end
end

-- Jobs that just ended, whose lease stands: what nearly all are, in as few commands as can be.
local function finish_plain(plain)
  if #plain == 0 then
    return
  end
  local ids, keys = {}, {}
  for position, i in ipairs(plain) do
    local id = ARGV[i]
    ids[position] = id
    keys[#keys + 1] = LOCK .. id
    keys[#keys + 1] = RETRY .. id
    keys[#keys + 1] = JOB .. id
  end
  local counts = {}
  for position, entry in ipairs(redis.call('HMGET', INDEX, unpack(ids))) do
    local _, tenant, key = parts(entry or UNKNOWN)
    counts['t|' .. tenant] = (counts['t|' .. tenant] or 0) + 1
    if key ~= '' then
      counts['k|' .. key] = (counts['k|' .. key] or 0) + 1
    end
  end
  redis.call('ZREM', LEASES, unpack(ids))
  redis.call('ZREM', QUEUE, unpack(ids))
  redis.call('HDEL', INDEX, unpack(ids))
  redis.call('DEL', unpack(keys))
  for name, number in pairs(counts) do
    released(name, number)
  end
  for _, i in ipairs(plain) do
    tell_result(ARGV[i], ARGV[i + 3], ARGV[i + 4])
  end
end

local BATCH = 6 * 500
for start = 2, #ARGV, BATCH do
  local last = math.min(start + BATCH - 1, #ARGV)
  local ids, locks = {}, {}
  for i = start, last, 6 do
    ids[#ids + 1] = ARGV[i]
    locks[#locks + 1] = LOCK .. ARGV[i]
  end
  local holders, leases = redis.call('MGET', unpack(locks)), redis.call('ZMSCORE', LEASES, unpack(ids))
  local plain = {}
  for position, id in ipairs(ids) do
    local i = start + 6 * (position - 1)
    local what, letter = ARGV[i + 2], ARGV[i + 5]
    if holders[position] == ARGV[i + 1] and leases[position] and what == 'done' and letter == '' and not (aborts or parked) then
      plain[#plain + 1] = i
    elseif is_ours(id, ARGV[i + 1]) then
      finish(id, what, ARGV[i + 3], tonumber(ARGV[i + 4]), letter)
    else
      lost[#lost + 1] = id
    end
  end
  finish_plain(plain)
end
wake()
return lost
