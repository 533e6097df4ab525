"""What runs tell while they are under way: a short stream of events per run, in Redis.

Events are news, never the truth. One may come twice, and what Redis loses is lost: who follows is
told of a gap and looks at PostgreSQL. They hold ids, names of stages, codes and counts; the tokens
of an answer may be personal data, so they are sealed with the run's data key.
"""

import asyncio
import re
from collections import deque
from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Annotated, Literal, cast
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError
from redis.asyncio import Redis
from redis.exceptions import ResponseError

from app.errors import ErrorCode, PermanentError, RetryableError
from app.messages import Message
from app.store.crypto import DataKey, Place
from app.store.failures import redis_errors
from app.store.redis import RedisPool
from app.telemetry.logs import get_logger

log = get_logger(__name__)

KEPT_S = 3_600
"""A stream is there for this long after its last event."""
KEPT_EVENTS = 1_000
"""Redis keeps up to a hundred more: it trims by the block."""

_MAX_UNTOLD = 10_000
_MAX_EVENTS_AT_ONCE = 500
_GATHER_S = 0.01
"""What is told meanwhile goes along: a hundred calls of Redis a second, however busy the worker."""
_RECONNECT_S = 1.0
_TELL_LIMIT_S = 2.0
_SILENT_S = 5.0
"""A connection that says nothing for this much longer than it was asked to wait has died."""
_READ_AT_ONCE = 100
_FIELD = b"told"
_POSITION = re.compile(r"(\d{1,19})-(\d{1,19})")


class _Told(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class StageEvent(_Told):
    """A stage has begun (`running`) or ended."""

    kind: Literal["stage"] = "stage"
    stage: str
    status: str
    attempt: int
    code: str | None = None


class RunEvent(_Told):
    """The run's state has changed; `ended` when that state is final."""

    kind: Literal["run"] = "run"
    status: str
    attempt: int
    ended: bool
    code: str | None = None


class TokenEvent(_Told):
    """A piece of an answer, see `seal_token`. `number` tells a piece that came twice."""

    kind: Literal["token"] = "token"
    number: int
    sealed: str


class GapEvent(_Told):
    """Something may be missing here; PostgreSQL knows how things stand."""

    kind: Literal["gap"] = "gap"


Told = StageEvent | RunEvent | TokenEvent | GapEvent
Tell = Callable[[UUID, Told], None]

_TOLD: TypeAdapter[Told] = TypeAdapter(Annotated[Told, Field(discriminator="kind")])


@dataclass(frozen=True, slots=True)
class Event:
    """`id` is where to go on from."""

    id: str
    told: Told


def tell_nobody(run_id: UUID, told: Told) -> None:
    """For who has nobody to tell."""
    del run_id, told


def seal_token(key: DataKey, run_id: UUID, number: int, text: str) -> TokenEvent:
    """A piece of an answer that only the run's data key opens, at its place in the answer."""
    return TokenEvent(number=number, sealed=key.seal(text, _token_place(run_id, number)))


def open_token(key: DataKey, run_id: UUID, token: TokenEvent) -> str:
    """Raises ENCRYPTION_ERROR for what `seal_token` did not make for this run and number."""
    return key.open(token.sealed, _token_place(run_id, token.number))


def check_position(given: str) -> str:
    """An id to go on from. Raises VALIDATION_ERROR for what cannot be one."""
    if _POSITION.fullmatch(given) is None:
        raise PermanentError(ErrorCode.VALIDATION_ERROR, Message.POSITION_UNKNOWN)
    return given


class Events:
    """Tells and reads the events of all runs.

    Whoever reads holds a connection while it waits, and no more than one batch in memory.
    """

    def __init__(self, pool: RedisPool) -> None:
        self._redis: Redis = Redis(connection_pool=pool)
        self._untold: deque[tuple[UUID, Told]] = deque()
        self._missing: set[UUID] = set()
        self._failing = False
        self._something = asyncio.Event()
        self._all_told = asyncio.Event()
        self._all_told.set()

    def tell(self, run_id: UUID, told: Told) -> None:
        """Tell soon; never waits, never fails. While Redis is away the oldest are dropped."""
        self._untold.append((run_id, told))
        self._drop_oldest()
        self._all_told.clear()
        self._something.set()

    def run_changed(
        self, run_id: UUID, status: str, *, attempt: int, ended: bool, code: str | None = None
    ) -> None:
        """Tell the state of a run, once PostgreSQL has it."""
        self.tell(run_id, RunEvent(status=status, attempt=attempt, ended=ended, code=code))

    async def all_told(self, *, within_s: float = 0.5) -> None:
        """Wait until Redis has everything, for one that is about to stop; not for long."""
        with suppress(TimeoutError):
            async with asyncio.timeout(within_s):
                await self._all_told.wait()

    async def serve(self) -> None:
        """Carry what is told to Redis, until cancelled; Redis may come and go."""
        while True:
            await self._something.wait()
            await asyncio.sleep(_GATHER_S)
            self._something.clear()
            while self._untold:
                await self._flush()
            self._all_told.set()

    async def read(self, run_id: UUID, after: str | None, *, within_s: float) -> list[Event]:
        """What was told after that id (None: from the first that is kept), at most 100 events.

        Waits up to `within_s` for the first of them. Empty when nothing came, also because Redis
        is away. Begins with a gap when something after that id may be kept no more.
        """
        try:
            with redis_errors():
                async with asyncio.timeout(within_s + _SILENT_S):
                    return await self._read(_key(run_id), after, within_s)
        except RetryableError:
            await asyncio.sleep(min(_RECONNECT_S, within_s))
            return []

    async def _read(self, key: str, after: str | None, within_s: float) -> list[Event]:
        block_ms = max(int(within_s * 1000), 1) if within_s else None
        found = cast(
            "Sequence[tuple[bytes, Sequence[tuple[bytes, dict[bytes, bytes]]]]]",
            await self._redis.xread({key: after or "0-0"}, count=_READ_AT_ONCE, block=block_ms),
        )
        if not found:
            return []
        events = [Event(id_.decode(), _parsed(fields)) for id_, fields in found[0][1]]
        if after is not None:
            kept = cast(
                "Sequence[tuple[bytes, object]]",
                await self._redis.xrange(key, count=1),
            )
            # Whoever reads at the very edge of what is kept may be told of a gap that is none.
            if not kept or _order(kept[0][0].decode()) > _order(after):
                events.insert(0, Event(after, GapEvent()))
        return events

    async def _flush(self) -> None:
        count = min(len(self._untold), _MAX_EVENTS_AT_ONCE)
        batch = [self._untold.popleft() for _ in range(count)]
        missing, self._missing = self._missing, set()
        try:
            with redis_errors():
                async with asyncio.timeout(_TELL_LIMIT_S):
                    await self._write([*((run_id, GapEvent()) for run_id in missing), *batch])
        except RetryableError as error:
            self._tell_of_failure(error.code)
            self._miss(missing)
            self._untold.extendleft(reversed(batch))
            self._drop_oldest()
            await asyncio.sleep(_RECONNECT_S)
        except ResponseError as error:
            # Redis is full, or does not let us: the next batch may fare better, this one not.
            self._tell_of_failure(type(error).__name__)
            self._miss(missing | {run_id for run_id, _ in batch})
        else:
            if self._failing:
                log.info("events_told_again")
            self._failing = False

    async def _write(self, batch: Sequence[tuple[UUID, Told]]) -> None:
        # One transaction, so that there is no stream without an end.
        async with self._redis.pipeline(transaction=True) as pipe:
            for run_id, told in batch:
                pipe.xadd(
                    _key(run_id),
                    {_FIELD: told.model_dump_json(exclude_none=True)},
                    maxlen=KEPT_EVENTS,
                    approximate=True,
                )
            for run_id in {run_id for run_id, _ in batch}:
                pipe.expire(_key(run_id), KEPT_S)
            await pipe.execute()

    def _tell_of_failure(self, reason: str) -> None:
        if not self._failing:  # once an outage, not once a try
            log.warning("events_not_told", reason=reason)
        self._failing = True

    def _drop_oldest(self) -> None:
        while len(self._untold) > _MAX_UNTOLD:
            run_id, _ = self._untold.popleft()
            self._miss({run_id})

    def _miss(self, run_ids: Collection[UUID]) -> None:
        self._missing.update(run_ids)
        while len(self._missing) > _MAX_UNTOLD:
            self._missing.pop()


def _key(run_id: UUID) -> str:
    return f"naru:events:{run_id}"


def _token_place(run_id: UUID, number: int) -> Place:
    return Place(table="events", column="token", row=f"{run_id}/{number}")


def _parsed(fields: dict[bytes, bytes]) -> Told:
    """A newer program may tell what this one does not know: that is a gap."""
    try:
        return _TOLD.validate_json(fields.get(_FIELD, b""))
    except ValidationError:
        return GapEvent()


def _order(id_: str) -> tuple[int, int]:
    ms, _, number = id_.partition("-")
    return int(ms), int(number)
