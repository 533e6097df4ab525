"""First come, first served, across all processes (R19): the drainer.

The messages of one line (one conversation) are handled one after the other, in the order in which
their transactions committed; lines do not wait for each other. PostgreSQL decides everything:
numbers, claims, fences, times. Redis only wakes; without it the next look finds what is waiting.

Delivery is at least once, effects happen once: what a handler writes in `Claim.transaction` commits
together with the end of its message, and only while nobody else has claimed the line.
"""

import asyncio
import random
from collections import Counter
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncSession

from app.coordination import ordering_records as records
from app.coordination.announcements import Announcements, Message, Topic
from app.coordination.ordering_records import Head, Hold, Item
from app.coordination.ordering_tables import ItemState
from app.errors import ErrorCode, RetryableError, WorkerError, unwrap
from app.resilience.waking import woken
from app.store.database import Database
from app.telemetry.conventions import Attribute, SpanName
from app.telemetry.logs import bound, get_logger
from app.telemetry.metrics import record_ordered
from app.telemetry.spans import SpanKind, span

log = get_logger(__name__)

_RENEWALS_PER_LEASE = 3
_HAND_BACK_S = 5


class Claim:
    """A handler's right to write for one message."""

    def __init__(self, database: Database, held: Hold, item: Item) -> None:
        self._database = database
        self._held = held
        self._item = item
        self.ended = False

    @property
    def fence(self) -> int:
        """Grows with each claim of the line; for a store of its own that compares it."""
        return self._held.fence

    @asynccontextmanager
    async def transaction(self, *, done: bool = True) -> AsyncGenerator[AsyncSession]:
        """One transaction that commits only while nobody else has claimed the line.

        It marks the message as done; with `done=False` it only writes on the way, under the same
        fence. Raises LEASE_LOST, and writes nothing then. Keep it short: while it is open, the
        lease cannot be renewed (nor be taken).
        """
        if self.ended:
            raise RuntimeError("the message has ended; nothing more may be written for it")
        async with self._database.begin() as session:
            await records.hold(session, self._held)
            yield session
            if done and not await records.end(session, self._item, ItemState.DONE):
                # An earlier commit whose answer was lost had happened: this one is undone.
                raise RetryableError(ErrorCode.DB_CONNECTION)
        self.ended = done


Handler = Callable[[Item, Claim], Awaitable[None]]
"""What is done with one message. It raises a coded error, or returns; a message that it has not
ended in `Claim.transaction` is done when it returns."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DrainPlan:
    """How one process drains. Lines at once; starts that may end without a word; seconds."""

    max_lines: int = 16
    max_starts: int = 3
    lease_s: float = 15
    poll_s: float = 2
    base_wait_s: float = 0.5
    max_wait_s: float = 10


def announce(announcements: Announcements, topic: str) -> None:
    """Wake the drainers of other processes; after the commit of `accept`."""
    announcements.tell(Topic.ORDERED, {"about": topic})


class Drainer:
    """Handles the messages of some topics while `serve` runs. To be made before announcements."""

    def __init__(
        self,
        database: Database,
        announcements: Announcements,
        handlers: Mapping[str, Handler],
        *,
        holder: str,
        plan: DrainPlan | None = None,
    ) -> None:
        """`handlers` by topic; `holder` names this process, for people."""
        self._database = database
        self._handlers = dict(handlers)
        self._holder = holder
        self._plan = plan or DrainPlan()
        self._held: dict[Hold, asyncio.Task[None]] = {}
        self._lost: set[Hold] = set()
        self._woken = asyncio.Event()
        self.ends: Counter[str] = Counter()
        """Messages ended here, by state or code; `died`: lines whose task failed unexpectedly."""
        announcements.hear(Topic.ORDERED, self._hear)
        announcements.after_connecting(self._look)

    @property
    def held(self) -> int:
        """Lines held at the moment."""
        return len(self._held)

    def wake(self) -> None:
        """Look now: this process has accepted something (it does not hear its announcements)."""
        self._woken.set()

    async def serve(self) -> None:
        """Drain until cancelled; then interrupt the handlers and hand their messages back."""
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._claim_lines(), name="ordered-claims")
                group.create_task(self._renew_leases(), name="ordered-leases")
        finally:
            tasks = [*self._held.values()]
            for task in tasks:
                task.cancel()
            if tasks:
                await asyncio.wait(tasks)

    async def _hear(self, message: Message) -> None:
        if message.get("about") in self._handlers:
            self._woken.set()

    async def _look(self) -> None:
        self._woken.set()

    async def _claim_lines(self) -> None:
        plan = self._plan
        while True:
            if (free := plan.max_lines - len(self._held)) > 0:
                try:
                    async with self._database.begin() as session:
                        claimed = await records.claim(
                            session,
                            self._handlers,
                            holder=self._holder,
                            lease_s=plan.lease_s,
                            max_lines=free,
                        )
                except RetryableError as error:
                    log.warning("ordered_claim_postponed", code=error.code)
                else:
                    for held in claimed:
                        self._begin(held)
            await woken(self._woken, plan.poll_s)

    def _begin(self, held: Hold) -> None:
        for older in [hold for hold in self._held if hold.line == held.line]:
            self._interrupt(older)  # our own lease had passed
        # Not in the group: a line that dies of a bug must not take the other lines with it.
        task = asyncio.create_task(self._drain(held), name="ordered-line")
        self._held[held] = task
        task.add_done_callback(lambda ended: self._ended(held, ended))

    def _ended(self, held: Hold, task: "asyncio.Task[None]") -> None:
        del self._held[held]
        self._lost.discard(held)
        # What was accepted while the line was let go of was locked for everybody else.
        self._woken.set()
        if not task.cancelled() and (error := task.exception()) is not None:
            # Its lease passes, and the line is claimed again: by then the start is counted.
            self._count(held, "died")
            log.error("ordered_line_died", topic=held.line.topic, exc_info=error)

    async def _renew_leases(self) -> None:
        while True:
            await asyncio.sleep(self._plan.lease_s / _RENEWALS_PER_LEASE)
            held = [*self._held]
            if not held:
                continue
            try:
                async with self._database.begin() as session:
                    renewed = await records.renew(session, held, lease_s=self._plan.lease_s)
                    missing = set(held) - set(renewed)
                    lost = missing - set(await records.standing(session, missing))
            except RetryableError as error:
                log.warning("ordered_leases_not_renewed", code=error.code)
                continue
            for hold in lost:
                self._interrupt(hold)

    def _interrupt(self, held: Hold) -> None:
        if (task := self._held.get(held)) is not None:
            log.warning("ordered_lease_lost", topic=held.line.topic, fence=held.fence)
            self._lost.add(held)
            task.cancel()

    async def _drain(self, held: Hold) -> None:
        """One message after the other, until none is due."""
        item: Item | None = None
        try:
            while (item := await self._next(held)) is not None:
                with bound(topic=held.line.topic, line=held.line.key, seq=item.seq):
                    if not await self._handle(held, item):
                        return
                item = None
        except RetryableError as error:
            # Overtaken, or PostgreSQL was away. Whoever claims the line next goes on.
            log.warning("ordered_line_left", topic=held.line.topic, code=error.code)
            if error.code is not ErrorCode.LEASE_LOST:
                await self._hand_back(held, item)
        except asyncio.CancelledError:
            if held not in self._lost:
                await self._hand_back(held, item)
            raise

    async def _next(self, held: Hold) -> Item | None:
        """Begin the first message that may begin, end those that may not; None lets the line go."""
        async with self._database.begin() as session:
            await records.hold(session, held)
            ends: list[str] = []
            found: Item | None = None
            while (head := await records.head(session, held.line)) is not None:
                if (refusal := self._refusal(head)) is not None:
                    await records.end(session, head.item, *refusal)
                    ends.append(str(refusal[1]))
                    continue
                if head.wait_s > 0:
                    self._wake_in(head.wait_s)
                else:
                    await records.start(session, head.item)
                    found = head.item
                break
            if found is None:
                await records.release(session, held)
        for outcome in ends:
            self._count(held, outcome)
        return found

    def _refusal(self, head: Head) -> tuple[ItemState, ErrorCode | str] | None:
        if head.starts >= self._plan.max_starts:
            # Each start ended without a word: the message is what kills its worker.
            log.error("ordered_item_gave_up", topic=head.item.line.topic, seq=head.item.seq)
            return ItemState.FAILED, ErrorCode.WORKER_ERROR
        if not head.late or head.starts > 0:
            return None
        if head.code is not None:
            return ItemState.FAILED, head.code
        return ItemState.EXPIRED, ErrorCode.SESSION_BUSY

    async def _handle(self, held: Hold, item: Item) -> bool:
        """Returns whether the line goes on: its next message may begin."""
        claim = Claim(self._database, held, item)
        error = await self._outcome(item, claim)
        if error is None:
            if not claim.ended:
                async with claim.transaction():
                    pass
            self._count(held, ItemState.DONE)
            return True
        if claim.ended:
            log.error("ordered_handler_failed_after_end", exc_info=error)
            return True
        if not isinstance(error, WorkerError):
            log.error("ordered_handler_bug", exc_info=error)
            await self._fail(held, item, ErrorCode.WORKER_ERROR)
            return True
        if error.code is ErrorCode.LEASE_LOST:
            raise error
        if isinstance(error, RetryableError):
            return not await self._postponed(held, item, error)
        log.warning("ordered_item_failed", code=error.code)
        await self._fail(held, item, error.code)
        return True

    async def _outcome(self, item: Item, claim: Claim) -> BaseException | None:
        """Run the handler as a task of its own: whatever it ends with is data, bugs included."""
        topic = item.line.topic
        with span(
            SpanName.PROCESS,
            topic,
            kind=SpanKind.CONSUMER,
            parent=item.traceparent,
            link=item.traceparent,
            attributes={Attribute.MESSAGING_DESTINATION_NAME: topic},
        ) as active:
            task = asyncio.ensure_future(self._handlers[topic](item, claim))
            try:
                await asyncio.wait([task])
            finally:
                if not task.done():
                    task.cancel()
                    await asyncio.wait([task])
            if task.cancelled():
                error: BaseException | None = RuntimeError("the handler cancelled itself")
            else:
                raised = task.exception()
                error = None if raised is None else unwrap(raised)
            if error is not None:
                named = isinstance(error, WorkerError)
                active.fail(error.code if named else type(error).__qualname__)
            return error

    async def _postponed(self, held: Hold, item: Item, error: RetryableError) -> bool:
        plan = self._plan
        growing_s = min(plan.base_wait_s * 2**item.tries, plan.max_wait_s)
        asked = error.details.get("retry_after")
        asked_s = float(asked) if isinstance(asked, int | float) else 0
        wait_s = max(asked_s, growing_s * random.uniform(0.5, 1))  # noqa: S311 - not a secret
        async with self._database.begin() as session:
            await records.hold(session, held)
            if later := await records.postpone(session, item, error.code, wait_s=wait_s):
                await records.release(session, held)
        if not later:
            await self._fail(held, item, error.code)
            return False
        log.info("ordered_item_postponed", code=error.code, wait_s=round(wait_s, 3))
        self._wake_in(wait_s)
        return True

    async def _fail(self, held: Hold, item: Item, code: ErrorCode) -> None:
        async with self._database.begin() as session:
            await records.hold(session, held)
            ended = await records.end(session, item, ItemState.FAILED, code)
        if ended:  # not when it had ended before, by a commit whose answer was lost
            self._count(held, code)

    async def _hand_back(self, held: Hold, item: Item | None) -> None:
        """Let another process go on at once; it would anyway, once the lease has passed."""
        try:
            async with asyncio.timeout(_HAND_BACK_S), self._database.begin() as session:
                await records.hold(session, held)
                if item is not None:
                    await records.hand_back(session, item)
                await records.release(session, held)
        except (RetryableError, TimeoutError) as error:
            log.warning("ordered_line_not_handed_back", error_type=type(error).__name__)

    def _count(self, held: Hold, outcome: str) -> None:
        self.ends[outcome] += 1
        record_ordered(held.line.topic, outcome)

    def _wake_in(self, seconds: float) -> None:
        asyncio.get_running_loop().call_later(seconds, self._woken.set)
