-- ARGV: time of death and id of the letter after which to go on ('' and '': from the newest), how
-- many, tenant whose letters alone are wanted, with those of none ('|': all).
-- Answers: letters ({id, died at, letter, index entry, bytes of payload}), newest first, perhaps
-- fewer than there are; the time and id to go on after ('' and '': there are no more).
local after_ms, after_id, number, tenant = ARGV[1], ARGV[2], tonumber(ARGV[3]), ARGV[4]
local CHUNK, LOOKS = 100, 2000

local rank = after_ms == '' and 0 or redis.call('ZCOUNT', DEAD, '(' .. after_ms, '+inf')
local letters, looks = {}, 0
local last_ms, last_id = after_ms, after_id

-- As Redis orders ids, by bytes; '<' goes by the server's locale.
local function is_below(one, other)
  for i = 1, math.min(#one, #other) do
    local a, b = string.byte(one, i), string.byte(other, i)
    if a ~= b then
      return a < b
    end
  end
  return #one < #other
end

local function take(id, at)
  local dead = DEAD .. ':' .. id
  local found = redis.call('HMGET', dead, 'letter', 'entry')
  if not found[1] then
    redis.call('ZREM', DEAD, id) -- it has expired
    rank = rank - 1
    return
  end
  local entry = found[2] or UNKNOWN
  local _, owner = parts(entry)
  if tenant == '|' or not owner or owner == '' or owner == tenant then
    letters[#letters + 1] = { id, at, found[1], entry, redis.call('HSTRLEN', dead, 'payload') }
  end
end

while #letters < number and looks < LOOKS do
  local chunk = redis.call('ZREVRANGE', DEAD, rank, rank + CHUNK - 1, 'WITHSCORES')
  if #chunk == 0 then
    return { letters, '', '' }
  end
  rank = rank + #chunk / 2
  for i = 1, #chunk, 2 do
    local id, at = chunk[i], chunk[i + 1]
    -- Those that were told in the same call died at the same time; among them ids go downwards.
    if at ~= after_ms or is_below(id, after_id) then
      take(id, at)
      last_ms, last_id = at, id
      looks = looks + 1
    end
    if #letters == number then
      break
    end
  end
end
return { letters, last_ms, last_id }
