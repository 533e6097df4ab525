"""What is seen of circuit breakers from outside their process: written to Redis, read by anyone."""

from collections.abc import Iterator
from datetime import datetime
from itertools import takewhile
from weakref import WeakKeyDictionary

from pydantic import BaseModel, TypeAdapter, ValidationError
from redis.asyncio import Redis

from app.resilience.breaker import Breaker
from app.resilience.breaker_states import Change, State
from app.resilience.registry import registry
from app.telemetry.logs import get_logger
from app.telemetry.metrics import BreakerState

log = get_logger(__name__)

REPORT_TTL_S = 5
"""A process that has not written for so long is not shown any more."""
_INDEX = "naru:breakers"
_INDEX_TTL_S = 3_600
_STATES = ""
"""Field of everything but the histories; theirs are named as the breakers are."""


class ChangeReport(BaseModel):
    """One change of state. States and causes are plain words: another version may have more."""

    at: datetime
    from_state: str
    to_state: str
    cause: str
    calls: int
    failures: int
    slow: int
    open_s: float | None


class BreakerReport(BaseModel):
    """One breaker of one process; `mode` and `resets` are the operator's orders that it follows.

    The percentages are null while there are too few calls to say. `history` has the last 100
    changes, oldest first.
    """

    name: str
    state: str
    calls: int
    failures: int
    slow: int
    failure_percent: float | None
    slow_percent: float | None
    open_for_s: float | None
    in_flight_probes: int
    rejected: int
    mode: str
    resets: int
    history: tuple[ChangeReport, ...] = ()


class ProcessReport(BaseModel):
    """All breakers of one process; `at` by its own clock."""

    instance: str
    at: datetime
    breakers: tuple[BreakerReport, ...]


class BreakerInProcess(BreakerReport):
    """One breaker of one process, as that process showed it last."""

    instance: str
    at: datetime


class BreakerView(BaseModel):
    """One breaker in the whole fleet. Reason, who and when belong to the operator's last order."""

    name: str
    mode: str
    resets: int
    reason: str | None
    changed_by: str | None
    changed_at: datetime | None
    processes: list[BreakerInProcess]

    @property
    def behind(self) -> list[str]:
        """The processes that do not follow the last order yet."""
        return [
            process.instance
            for process in self.processes
            if (process.mode, process.resets) != (self.mode, self.resets)
        ]


class BreakerList(BaseModel):
    """`complete` is false when Redis could not be read: then only one process is shown."""

    breakers: list[BreakerView]
    complete: bool


class Reporter:
    """Makes reports; turns each change once, since histories are most of the work."""

    def __init__(self) -> None:
        self._turned: WeakKeyDictionary[
            Breaker, tuple[tuple[Change, ...], tuple[ChangeReport, ...]]
        ] = WeakKeyDictionary()

    def report(self, breaker: Breaker, *, mode: str, resets: int) -> BreakerReport:
        snapshot = breaker.snapshot()
        return BreakerReport(
            name=snapshot.name,
            state=snapshot.state.value,
            calls=snapshot.calls,
            failures=snapshot.failures,
            slow=snapshot.slow,
            failure_percent=snapshot.failure_percent,
            slow_percent=snapshot.slow_percent,
            open_for_s=snapshot.open_for_s,
            in_flight_probes=snapshot.in_flight_probes,
            rejected=snapshot.rejected,
            mode=mode,
            resets=resets,
            history=self._history(breaker, snapshot.history),
        )

    def _history(self, breaker: Breaker, changes: tuple[Change, ...]) -> tuple[ChangeReport, ...]:
        before, turned = self._turned.get(breaker, ((), ()))
        if before is not changes:
            last = before[-1] if before else None
            new = [*takewhile(lambda change: change is not last, reversed(changes))]
            turned = (*turned, *map(_turn, reversed(new)))[-len(changes) :]
            self._turned[breaker] = (changes, turned)
        return turned


class Board:
    """Where this process shows its breakers to the others, for `REPORT_TTL_S` after each writing.

    Histories are long and change seldom: each is written anew only when it did.
    """

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._last_written: dict[str, ChangeReport] = {}

    async def write(self, report: ProcessReport) -> None:
        """One round trip."""
        now_s, key = report.at.timestamp(), _key(report.instance)
        latest = {shown.name: shown.history[-1] for shown in report.breakers if shown.history}
        fields = {_STATES: report.model_dump_json(exclude=_HISTORIES)} | {
            shown.name: _HISTORY.dump_json(shown.history)
            for shown in report.breakers
            if self._last_written.get(shown.name) is not latest.get(shown.name)
        }
        forgotten = self._last_written.keys() - latest.keys()
        async with self._redis.pipeline(transaction=False) as pipe:
            pipe.exists(key)
            pipe.hset(key, mapping=fields)  # pyright: ignore[reportUnknownMemberType] - typed loosely
            if forgotten:
                pipe.hdel(key, *forgotten)
            pipe.expire(key, REPORT_TTL_S)
            # The index saves a scan of all keys. Whether a process is alive, its own key tells.
            pipe.zadd(_INDEX, {report.instance: now_s})
            pipe.zremrangebyscore(_INDEX, "-inf", now_s - _INDEX_TTL_S)
            pipe.expire(_INDEX, _INDEX_TTL_S)
            existed, *_ = await pipe.execute()
        # What an expired key held is written again next time.
        self._last_written = {
            name: change for name, change in latest.items() if existed or name in fields
        }


async def read_all(redis: Redis) -> list[ProcessReport]:
    """What every living process showed last, by instance; what cannot be read is left out."""
    indexed: list[bytes] = await redis.zrange(_INDEX, 0, -1)  # pyright: ignore[reportUnknownMemberType] - typed loosely
    instances = [instance.decode() for instance in indexed]
    async with redis.pipeline(transaction=False) as pipe:
        for instance in instances:
            pipe.hgetall(_key(instance))  # pyright: ignore[reportUnknownMemberType] - typed loosely
        shown: list[dict[bytes, bytes]] = await pipe.execute()
    alive = [
        (instance, fields) for instance, fields in zip(instances, shown, strict=True) if fields
    ]
    reports = [_parsed(instance, fields) for instance, fields in alive]
    return sorted(filter(None, reports), key=lambda report: report.instance)


def observed_states() -> Iterator[BreakerState]:
    """For the gauge: every state of every breaker of this process. Safe from any thread.

    A breaker that exists in several event loops is in each of their states.
    """
    states: dict[str, set[State]] = {}
    for snapshot in registry.snapshots():
        states.setdefault(snapshot.name, set()).add(snapshot.state)
    for name, current in states.items():
        for state in State:
            yield BreakerState(name, state.value, 1 if state in current else 0)


def _parsed(instance: str, fields: dict[bytes, bytes]) -> ProcessReport | None:
    try:
        report = ProcessReport.model_validate_json(fields[_STATES.encode()])
        breakers = tuple(
            shown.model_copy(
                update={"history": _HISTORY.validate_json(fields.get(shown.name.encode(), b"[]"))}
            )
            for shown in report.breakers
        )
    except (KeyError, ValidationError):
        log.warning("breaker_report_unreadable", instance=instance)
        return None
    return report.model_copy(update={"breakers": breakers})


def _turn(change: Change) -> ChangeReport:
    return ChangeReport(
        at=change.at,
        from_state=change.from_state.value,
        to_state=change.to_state.value,
        cause=change.cause.value,
        calls=change.counts.calls,
        failures=change.counts.failures,
        slow=change.counts.slow,
        open_s=change.open_s,
    )


def _key(instance: str) -> str:
    return f"{_INDEX}:{instance}"


_HISTORY = TypeAdapter(tuple[ChangeReport, ...])
_HISTORIES = {"breakers": {"__all__": {"history"}}}
