"""Rate limits that all processes share: the arithmetic of `app.resilience.limits`, in Redis.

A waiter takes its turn at once and sleeps until it comes: one round trip, first come first served
across all processes. Time is that of the Redis server. While it is away or slow, each process
decides by its own limiter, which has counted along.
"""

import asyncio
import re
import time
from collections.abc import Callable, Mapping, Sequence
from typing import cast

from redis.asyncio import Redis
from redis.exceptions import OutOfMemoryError

from app.errors import RetryableError
from app.resilience.limits import (
    Cost,
    Rate,
    RateLimiter,
    Reservation,
    check_observation,
    check_pause,
    corrections,
    rate_limited,
)
from app.store.failures import redis_errors
from app.store.redis import RedisPool
from app.telemetry.logs import get_logger

log = get_logger(__name__)

_PROBE_EVERY_S = 1.0
_NAME = re.compile(r"[^\s{}]{1,200}")

# One hash per limiter. `t:` when the bucket is full again, `r:` seconds given back so far, `l:` and
# `u:` the provider's word (units left, until when), each followed by the dimension; `last` the
# latest turn given, `paused` until when nobody goes, `shift` by how much turns were moved so far,
# `era` when the hash was made: a ticket of an earlier era (the key expired, or Redis lost it) must
# give nothing back.
_SCRIPT = """
local key = KEYS[1]
local clock = redis.call('TIME')
local now = tonumber(clock[1]) + tonumber(clock[2]) / 1e6
local state, changed, next_arg = {}, {}, 1

local flat = redis.call('HGETALL', key)
for i = 1, #flat, 2 do state[flat[i]] = flat[i + 1] end

local function arg() next_arg = next_arg + 1; return ARGV[next_arg - 1] end
local function number() return tonumber(arg()) end
local function text(value) return string.format('%.17g', value) end
local function get(field, default) return tonumber(state[field]) or default end
local function put(field, value)
  state[field] = text(value)
  changed[field] = state[field]
end
local function full_at(name) return get('t:' .. name, 0) end

local function save()
  local pairs_, keep = {}, now
  for field, value in pairs(changed) do
    pairs_[#pairs_ + 1] = field
    pairs_[#pairs_ + 1] = value
  end
  if #pairs_ == 0 then return end
  redis.call('HSET', key, unpack(pairs_))
  for field, value in pairs(state) do
    local kind = string.sub(field, 1, 2)
    if kind == 't:' or kind == 'u:' or field == 'paused' or field == 'last' then
      keep = math.max(keep, tonumber(value))
    end
  end
  redis.call('PEXPIRE', key, math.ceil((keep - now + 60) * 1000))
end

-- Move every turn that is still to come.
local function move(by)
  for field, value in pairs(state) do
    if string.sub(field, 1, 2) == 't:' then put(field, math.max(tonumber(value), now) + by) end
  end
  put('last', get('last', 0) + by)
  put('shift', get('shift', 0) + by)
end

local function pause(seconds)
  local till, before = now + seconds, math.max(now, get('paused', 0))
  if till <= before then return end
  if get('last', 0) > now then move(till - before) end
  put('paused', till)
end

local operation = {}

function operation.acquire()
  local max_wait, costs = number(), {}
  local at = math.max(now, get('paused', 0), get('last', 0))
  for i = 1, number() do
    local one = {name = arg(), unit = number(), burst = number(), units = number()}
    costs[i] = one
    if one.units > 0 then
      at = math.max(at, full_at(one.name) + one.units * one.unit - one.burst)
      if one.units > get('l:' .. one.name, math.huge) then
        at = math.max(at, get('u:' .. one.name, 0))
      end
    end
  end
  if not (at - now <= max_wait) then return {0, text(at - now)} end
  if not state.era then put('era', now) end
  local answer = {1, text(at - now), state.era, text(get('shift', 0)), text(get('last', 0)), text(at)}
  for _, one in ipairs(costs) do
    put('t:' .. one.name, math.max(full_at(one.name), at) + one.units * one.unit)
    if at < get('u:' .. one.name, 0) then
      put('l:' .. one.name, get('l:' .. one.name, 0) - one.units)
    end
    answer[#answer + 1] = text(full_at(one.name) + get('r:' .. one.name, 0))
  end
  put('last', at)
  save()
  return answer
end

-- Tickets: what to charge further, or (negative) to give back. `turn` is 0 for a turn that was
-- used; for one that was not, the latest turn is what it was before, if nobody came after.
function operation.correct()
  for _ = 1, number() do
    local era, shift, turn, previous = arg(), number(), number(), number()
    local moved = get('shift', 0) - shift
    local known = era == state.era
    local latest = known and turn > 0 and turn + moved >= get('last', 0) - 1e-6
    if latest then put('last', previous + moved) end
    for _ = 1, number() do
      local name, unit, units, mark = arg(), number(), number(), number()
      if units >= 0 then
        put('t:' .. name, math.max(full_at(name), now) + units * unit)
        if state['l:' .. name] then put('l:' .. name, get('l:' .. name, 0) - units) end
      elseif known then
        local full = mark + moved - get('r:' .. name, 0)
        if latest then full = full_at(name) end
        local back = math.min(-units * unit, full - math.max(now, get('last', 0)))
        if back > 0 then
          put('t:' .. name, full_at(name) - back)
          put('r:' .. name, get('r:' .. name, 0) + back)
        end
      end
    end
  end
  save()
  return {}
end

function operation.observe()
  local name, unit, burst, remaining, reset = arg(), number(), number(), number(), number()
  -- What waits has its turn already, and the provider does not know of it yet.
  local waiting = math.max(0, (full_at(name) - now - burst) / unit)
  if waiting > remaining then pause(reset) end
  put('l:' .. name, math.max(remaining - waiting, 0))
  put('u:' .. name, now + reset)
  save()
  return {}
end

function operation.pause()
  pause(number())
  save()
  return {}
end

function operation.shift()
  return {state.era or '', text(get('shift', 0))}
end

return operation[arg()]()
"""


class SharedReservation(Reservation):
    """A turn in Redis. Its numbers stay the texts that Redis made of them: nothing is rounded."""

    __slots__ = ("era", "local", "previous", "shared_marks", "shift", "turn")

    def __init__(self, cost: Cost, local: Reservation, answer: Sequence[bytes]) -> None:
        super().__init__(cost, {})
        self.local = local
        self.era, self.shift, self.previous, self.turn, *marks = answer
        self.shared_marks = dict(zip(cost, marks, strict=True))


class SharedLimiter:
    """The limiter of all processes that use the same name on the same Redis."""

    def __init__(
        self,
        pool: RedisPool,
        name: str,
        rates: Mapping[str, Rate],
        *,
        answer_within_s: float = 0.05,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Share what goes by `name`: that of a dependency, since a Redis key is made of it.

        Past `answer_within_s` Redis counts as away, and is asked again once a second. `clock`
        measures in this process alone.
        """
        if not _NAME.fullmatch(name):
            raise ValueError(f"{name!r} is no name of a limiter: no spaces, no braces")
        self._rates = dict(rates)
        self._local = RateLimiter(rates, clock=clock)
        self._redis: Redis = Redis(connection_pool=pool)
        self._script = self._redis.register_script(_SCRIPT)
        self._name = name
        self._key = f"naru:limits:{{{name}}}"
        self._answer_within_s = answer_within_s
        self._clock = clock
        self._away = False
        self._ask_again_at_s = 0.0
        self._unused: list[SharedReservation] = []

    @property
    def shared(self) -> bool:
        """Whether Redis answered the last time; else this process decides alone."""
        return not self._away

    def admit(self, cost: Cost) -> Reservation | None:
        """Nothing: Redis has to be asked."""
        del cost
        return None

    async def acquire(self, cost: Cost, *, max_wait_s: float) -> Reservation:
        """See `Limiter`.

        One round trip; a call that has waited makes a second one, to hear of pauses. One that is
        cancelled gives back what nobody behind it has counted on.
        """
        self._local.check(cost)
        asked: list[str | float] = [max_wait_s, len(cost)]
        for dimension, units in cost.items():
            rate = self._rates[dimension]
            asked += (dimension, rate.unit_s, rate.burst * rate.unit_s, units)
        answer = await self._ask("acquire", asked)
        if answer is None:
            return await self._local.acquire(cost, max_wait_s=max_wait_s)
        admitted, wait_s, *notes = answer
        if not int(admitted):
            raise rate_limited(float(wait_s))
        reserved = SharedReservation(cost, self._local.count(cost), notes)
        if float(wait_s) > 0:
            await self._wait_for_turn(reserved, float(wait_s), max_wait_s)
        return reserved

    async def settle(self, reserved: Reservation, actual: Cost) -> None:
        """See `Limiter`."""
        if not isinstance(reserved, SharedReservation):
            await self._local.settle(reserved, actual)
        elif further := corrections(reserved, actual):
            await self._local.settle(reserved.local, actual)
            await self._ask("correct", [1, *self._ticket(reserved, further, turn=b"0")])

    async def observe(self, dimension: str, *, remaining: float, reset_s: float) -> None:
        """See `Limiter`."""
        check_observation(remaining, reset_s)
        await self._local.observe(dimension, remaining=remaining, reset_s=reset_s)
        rate = self._rates[dimension]
        numbers = (rate.unit_s, rate.burst * rate.unit_s, max(remaining, 0), reset_s)
        await self._ask("observe", [dimension, *numbers])

    async def pause(self, seconds: float) -> None:
        """See `Limiter`. Those who wait in any process go so much later, in the same order."""
        check_pause(seconds)
        await self._local.pause(seconds)
        await self._ask("pause", [seconds])

    async def _wait_for_turn(
        self, reserved: SharedReservation, wait_s: float, max_wait_s: float
    ) -> None:
        waited_s = moved_s = 0.0
        try:
            while wait_s > 0:
                if waited_s + wait_s > max_wait_s:
                    raise rate_limited(wait_s)
                await asyncio.sleep(wait_s)
                waited_s += wait_s
                wait_s = await self._moved_s(reserved) - moved_s
                moved_s += wait_s
        except (asyncio.CancelledError, RetryableError):
            await self._give_back(reserved)
            raise

    async def _moved_s(self, reserved: SharedReservation) -> float:
        """By how much turns were moved since this one was given."""
        answer = await self._ask("shift", [])
        if answer is None or answer[0] != reserved.era:
            return 0
        return float(answer[1]) - float(reserved.shift)

    async def _give_back(self, reserved: SharedReservation) -> None:
        await self._local.settle(reserved.local, dict.fromkeys(reserved.cost, 0))
        self._unused.append(reserved)
        # Many are cancelled together. The latest goes first: then each is the last in line.
        await asyncio.sleep(0)
        unused, self._unused = self._unused, []
        if not unused:
            return
        asked: list[str | float | bytes] = [len(unused)]
        for one in sorted(unused, key=lambda one: float(one.turn), reverse=True):
            nothing = {dimension: -units for dimension, units in one.cost.items()}
            asked += self._ticket(one, nothing, turn=one.turn)
        await self._ask("correct", asked)

    def _ticket(
        self, reserved: SharedReservation, further: Cost, *, turn: bytes
    ) -> list[str | float | bytes]:
        ticket: list[str | float | bytes] = [
            reserved.era, reserved.shift, turn, reserved.previous, len(further),
        ]  # fmt: skip
        for dimension, units in further.items():
            mark = reserved.shared_marks.get(dimension, b"0")
            ticket += (dimension, self._rates[dimension].unit_s, units, mark)
        return ticket

    async def _ask(
        self, operation: str, arguments: Sequence[str | float | bytes]
    ) -> list[bytes] | None:
        """Run the script; None while Redis is away or slow."""
        if self._away:
            now_s = self._clock()
            if now_s < self._ask_again_at_s:
                return None
            self._ask_again_at_s = now_s + _PROBE_EVERY_S  # one probe; the others do not wait
        try:
            with redis_errors():
                async with asyncio.timeout(self._answer_within_s):
                    answer = cast(
                        "list[bytes]",
                        await self._script(keys=[self._key], args=[operation, *arguments]),
                    )
        except (RetryableError, OutOfMemoryError):
            self._ask_again_at_s = self._clock() + _PROBE_EVERY_S
            if not self._away:
                self._away = True
                log.warning("rate_limit_decided_alone", limiter=self._name)
            return None
        if self._away:
            self._away = False
            log.info("rate_limit_shared_again", limiter=self._name)
        return answer
