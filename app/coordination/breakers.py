"""Circuit breakers of a fleet: processes tell each other what they find, and do what is ordered.

Each event loop decides for itself. That a circuit opened or closed elsewhere comes as an
announcement, which may be lost; orders of operators are rows in PostgreSQL, looked at after each
announcement and every few seconds anyway. While a server is away, what is known goes on.
"""

import asyncio
from collections.abc import AsyncGenerator, Generator, Iterable, Mapping
from contextlib import ExitStack, asynccontextmanager, contextmanager
from typing import Annotated, Any

from pydantic import BaseModel, Field, ValidationError
from redis.asyncio import Redis

from app.coordination import breaker_orders
from app.coordination.announcements import Announcements, Topic
from app.coordination.breaker_orders import Order
from app.coordination.breaker_reports import (
    Board,
    BreakerInProcess,
    BreakerList,
    BreakerReport,
    BreakerView,
    ProcessReport,
    Reporter,
    observed_states,
    read_all,
)
from app.errors import ErrorCode, PermanentError, RetryableError
from app.messages import Message
from app.resilience.breaker import Breaker
from app.resilience.breaker_states import Cause, Change, Mode, State
from app.resilience.registry import Here
from app.resilience.waking import woken
from app.store.database import Database
from app.store.failures import redis_errors
from app.store.redis import RedisPool
from app.telemetry.logs import get_logger
from app.telemetry.metrics import observe_breakers, record_transition

log = get_logger(__name__)

LOOK_EVERY_S = 3.0
"""Longest time until an order is followed that no announcement told of."""
_LOOK_LIMIT_S = 10.0
_SHOW_EVERY_S = 1.0
_SHOW_PAUSE_S = 0.05
"""Least time between two writes, so that a breaker that flaps makes no flood of them."""
_REDIS_LIMIT_S = 1.0
_LONGEST_OPEN_S = 86_400

_OF_ITS_OWN = frozenset({Cause.FAILURES, Cause.SLOW_CALLS, Cause.PROBES_FAILED, Cause.PROBES_HUNG})
"""Causes of an opening that others are told of. PEER is not among them: nothing is echoed."""


class BreakerControl:
    """Keeps the breakers of one event loop in step with operators and with other processes.

    Made by `open_breaker_control`; `serve` is to run as long as it is open.
    """

    def __init__(
        self,
        database: Database,
        pool: RedisPool,
        announcements: Announcements,
        *,
        here: Here,
        known: Iterable[str],
    ) -> None:
        self._database = database
        self._redis: Redis = Redis(connection_pool=pool)
        self._announcements = announcements
        self._here = here
        self._known = frozenset(known)
        self._orders: dict[str, Order] = {}
        self._loaded = False
        self._loading = asyncio.Lock()
        self._look = asyncio.Event()
        self._look_failed = False
        self._missed_peers = True
        self._opened_elsewhere: dict[str, float] = {}
        self._changes = asyncio.Event()
        self._redis_away = False
        self._reporter = Reporter()
        self._board = Board(self._redis)

    async def load(self) -> None:
        """Follow the orders in PostgreSQL from now on, also with breakers that are made later.

        Raises DB_CONNECTION; then what was known goes on.
        """
        # One at a time, so that an older answer never comes after a newer one.
        async with self._loading:
            async with self._database.begin(within_s=_LOOK_LIMIT_S) as session:
                orders = await breaker_orders.orders(session)
            self._follow(orders)

    async def serve(self, *, look_every_s: float = LOOK_EVERY_S) -> None:
        """Look for orders, and show the breakers' states, until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._keep_looking(look_every_s), name="breakers-look")
            group.create_task(self._keep_showing(), name="breakers-show")

    @contextmanager
    def attached(self) -> Generator[None]:
        """Hear of the breakers of this event loop, and of others', while the block lasts."""
        self._announcements.hear(Topic.BREAKER, self._hear_peer)
        self._announcements.hear(Topic.BREAKER_CONTROL, self._hear_order)
        self._announcements.after_connecting(self._hear_connected)
        with ExitStack() as stack:
            stack.callback(self._here.listen(self._changed))
            stack.callback(self._here.when_made(self._made))
            stack.callback(observe_breakers(observed_states))
            yield

    async def set_mode(self, name: str, mode: Mode, *, reason: str, by: str) -> BreakerView:
        """Order it of every process: this one has done it on return, the others do it soon.

        Raises NOT_FOUND for a name that nobody knows, DB_CONNECTION.
        """
        await self.view(name)
        async with self._database.begin() as session:
            await breaker_orders.order_mode(session, name, mode, reason=reason, by=by)
        return await self._ordered(name)

    async def reset(self, name: str, *, reason: str, by: str) -> BreakerView:
        """Have every process forget what this breaker saw; an operator's mode stays in force.

        Raises as `set_mode`.
        """
        await self.view(name)
        async with self._database.begin() as session:
            await breaker_orders.order_reset(session, name, reason=reason, by=by)
        return await self._ordered(name)

    async def views(self) -> BreakerList:
        """Every breaker that the policies name, that has an order or that a process has made."""
        reports, complete = await self._reports()
        made = {breaker.name for report in reports for breaker in report.breakers}
        names = sorted(self._known | self._orders.keys() | made)
        return BreakerList(
            breakers=[self._view(name, reports) for name in names], complete=complete
        )

    async def view(self, name: str) -> BreakerView:
        """One of `views`. Raises NOT_FOUND with the names that there are."""
        listed = (await self.views()).breakers
        for view in listed:
            if view.name == name:
                return view
        raise PermanentError(
            ErrorCode.NOT_FOUND,
            Message.BREAKER_UNKNOWN,
            details={"known": ", ".join(view.name for view in listed)},
        )

    def report(self) -> ProcessReport:
        """The breakers of this event loop, now."""
        return ProcessReport(
            instance=self._announcements.instance,
            at=self._here.clock.now(),
            breakers=tuple(
                self._reporter.report(
                    breaker,
                    mode=self._mode(breaker.name),
                    resets=self._resets(breaker.name),
                )
                for breaker in self._here.breakers()
            ),
        )

    async def _ordered(self, name: str) -> BreakerView:
        await self.load()
        self._announcements.tell(Topic.BREAKER_CONTROL, {"name": name})
        view = await self.view(name)
        log.info("breaker_order", breaker=name, mode=view.mode, resets=view.resets)
        return view

    def _follow(self, orders: dict[str, Order]) -> None:
        before, self._orders = self._orders, orders
        for breaker in self._here.breakers():
            self._obey(breaker)
            # A process that starts has nothing to forget: only resets from then on count.
            if self._loaded and self._resets(breaker.name) > _resets(before.get(breaker.name)):
                breaker.reset()
        self._loaded = True
        self._changes.set()

    def _obey(self, breaker: Breaker) -> None:
        order = self._orders.get(breaker.name)
        mode = Mode.AUTOMATIC if order is None else order.mode
        if mode is not None:
            breaker.set_mode(mode)

    def _made(self, breaker: Breaker) -> None:
        self._obey(breaker)
        until_s = self._opened_elsewhere.pop(breaker.name, None)
        if until_s is not None:
            breaker.peer_opened(until_s - self._here.clock.monotonic())

    def _changed(self, change: Change) -> None:
        record_transition(
            change.name, change.from_state.value, change.to_state.value, change.cause.value
        )
        stops = change.to_state in (State.OPEN, State.FORCED_OPEN)
        say = log.warning if stops else log.info
        say(
            "breaker_changed",
            breaker=change.name,
            from_state=change.from_state,
            to_state=change.to_state,
            cause=change.cause,
            calls=change.counts.calls,
            failures=change.counts.failures,
            slow=change.counts.slow,
            open_s=change.open_s,
        )
        if change.to_state is State.OPEN and change.cause in _OF_ITS_OWN:
            self._tell(change.name, change.open_s)
        elif change.cause is Cause.PROBES_SUCCEEDED:
            self._tell(change.name, None)
        self._changes.set()

    def _tell(self, name: str, open_for_s: float | None) -> None:
        # Not kept for a Redis that is away: said too late, it would stop others for nothing.
        if not self._redis_away:
            self._announcements.tell(Topic.BREAKER, {"name": name, "open_for_s": open_for_s})

    async def _hear_peer(self, message: Mapping[str, Any]) -> None:
        try:
            heard = _PeerChange.model_validate(message)
        except ValidationError:
            log.warning("announcement_unreadable", topic=Topic.BREAKER)
            return
        self._peer_changed(heard.name, heard.open_for_s)

    async def _hear_order(self, message: Mapping[str, Any]) -> None:
        # Only noted: whoever listens to announcements must not wait for PostgreSQL.
        del message
        self._look.set()

    async def _hear_connected(self) -> None:
        self._missed_peers = True
        self._look.set()

    def _peer_changed(self, name: str, open_for_s: float | None) -> None:
        breaker = next((made for made in self._here.breakers() if made.name == name), None)
        if open_for_s is None:
            self._opened_elsewhere.pop(name, None)
            if breaker is not None:
                breaker.peer_closed()
        elif breaker is not None:
            breaker.peer_opened(open_for_s)
        else:
            # Kept for when it is made: a process that just started would otherwise be the one that
            # calls what all others leave alone.
            now_s = self._here.clock.monotonic()
            still = {name: until for name, until in self._opened_elsewhere.items() if until > now_s}
            self._opened_elsewhere = still | {name: now_s + open_for_s}

    async def _keep_looking(self, every_s: float) -> None:
        while True:
            await woken(self._look, every_s)
            try:
                await self.load()
            except RetryableError as error:
                if not self._look_failed:
                    log.warning("breaker_orders_unreachable", code=error.code)
                self._look_failed = True
            else:
                self._look_failed = False
            if self._missed_peers:
                await self._catch_up()

    async def _catch_up(self) -> None:
        """Learn what was announced while this process did not listen."""
        self._missed_peers = False
        reports, complete = await self._reports()
        self._missed_peers = self._missed_peers or not complete
        for report in reports:
            if report.instance != self._announcements.instance:
                for breaker in filter(_opened_itself, report.breakers):
                    self._peer_changed(breaker.name, breaker.open_for_s)

    async def _keep_showing(self) -> None:
        while True:
            if (report := self.report()).breakers:
                await self._show(report)
            await asyncio.sleep(_SHOW_PAUSE_S)
            await woken(self._changes, _SHOW_EVERY_S)

    async def _show(self, report: ProcessReport) -> None:
        try:
            with redis_errors():
                async with asyncio.timeout(_REDIS_LIMIT_S):
                    await self._board.write(report)
        except RetryableError as error:
            if not self._redis_away:
                log.warning("breaker_states_not_shown", code=error.code)
            self._redis_away = True
            return
        if self._redis_away:
            self._redis_away = False
            for breaker in filter(_opened_itself, self.report().breakers):
                self._tell(breaker.name, breaker.open_for_s)

    async def _reports(self) -> tuple[list[ProcessReport], bool]:
        """Of all processes, this one first and up to date; and whether Redis could be read."""
        others: list[ProcessReport] = []
        complete = True
        try:
            with redis_errors():
                async with asyncio.timeout(_REDIS_LIMIT_S):
                    others = await read_all(self._redis)
        except RetryableError:
            complete = False
        mine = self.report()
        return [mine, *(other for other in others if other.instance != mine.instance)], complete

    def _view(self, name: str, reports: list[ProcessReport]) -> BreakerView:
        order = self._orders.get(name)
        return BreakerView(
            name=name,
            mode=self._mode(name),
            resets=_resets(order),
            reason=order.reason if order else None,
            changed_by=order.changed_by if order else None,
            changed_at=order.changed_at if order else None,
            processes=[
                BreakerInProcess(instance=report.instance, at=report.at, **dict(breaker))
                for report in reports
                for breaker in report.breakers
                if breaker.name == name
            ],
        )

    def _mode(self, name: str) -> str:
        order = self._orders.get(name)
        return (order.mode if order else Mode.AUTOMATIC) or _UNKNOWN_MODE

    def _resets(self, name: str) -> int:
        return _resets(self._orders.get(name))


@asynccontextmanager
async def open_breaker_control(
    database: Database,
    pool: RedisPool,
    announcements: Announcements,
    *,
    here: Here,
    known: Iterable[str],
) -> AsyncGenerator[BreakerControl]:
    """The control of the running loop's breakers; orders are loaded and hold from the first call.

    `known` are the names that the policies use. To be opened before `announcements.serve`. Raises
    DB_CONNECTION.
    """
    control = BreakerControl(database, pool, announcements, here=here, known=known)
    with control.attached():
        await control.load()
        yield control


class _PeerChange(BaseModel):
    """`open_for_s` is None when it closed; never a moment: clocks of machines differ."""

    name: str
    open_for_s: Annotated[float, Field(gt=0, le=_LONGEST_OPEN_S, allow_inf_nan=False)] | None


_UNKNOWN_MODE = "unknown"
"""One of a newer version."""


def _opened_itself(breaker: BreakerReport) -> bool:
    last = breaker.history[-1].cause if breaker.history else None
    return breaker.state == State.OPEN.value and bool(breaker.open_for_s) and last in _OF_ITS_OWN


def _resets(order: Order | None) -> int:
    return 0 if order is None else order.resets
