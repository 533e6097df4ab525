"""Out of the queue: arq's worker with an engine of our own.

Each trip to Redis tells what has finished and claims what fits: one call, however many jobs. A
claim is a lease; whoever stops renewing it loses the job to the next who asks. Nothing that a job,
a hook, Redis or a payload does ends the worker.
"""

import asyncio
import math
import secrets
import socket
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from arq.worker import Function, Worker
from redis.exceptions import RedisError

from app.errors import RetryableError
from app.queue import scripts
from app.queue.claims import Claimed, Claims, Room, StandingClaim, claimed
from app.queue.delivery import Cause, Delivery, Finish, Hooks, Runner, run_hook
from app.queue.leases import Leases
from app.queue.listening import Cancellations
from app.queue.producer import Producer
from app.queue.watchdog import Watchdog
from app.resilience.waking import woken
from app.settings.queue import QueueSettings
from app.telemetry.gauges import WorkerGauges, observe_worker
from app.telemetry.logs import get_logger
from app.telemetry.metrics import record_consumed, record_dead_letter

log = get_logger(__name__)

_DAY_MS = 86_400_000
_RECONNECT_S = (0.05, 2.0)
_FLUSH_LIMIT_S = 5.0
_LONG_S = 60.0
"""Beyond a job's own time limits; bounds what hangs beside them."""


@dataclass(frozen=True, slots=True)
class Stop:
    """`asked`: claim no more, let jobs finish for a while. `at_once`: hand them back now."""

    asked: asyncio.Event = field(default_factory=asyncio.Event)
    at_once: asyncio.Event = field(default_factory=asyncio.Event)


@dataclass(slots=True)
class _Pending:
    delivery: Delivery
    finish: Finish


class QueueWorker(Worker):
    """Carries jobs of one queue while `serve` runs.

    Delivery is at least once. A job is lost to another worker when its lease was not renewed in
    time; what it then still does is for the fence of whoever owns the data to refuse. Hooks are
    arq's, and isolated. To be made inside the running loop.
    """

    def __init__(
        self,
        producer: Producer,
        functions: Sequence[Function],
        *,
        settings: QueueSettings,
        worker_id: str | None = None,
        hooks: Hooks | None = None,
    ) -> None:
        super().__init__(
            functions=functions,
            redis_pool=producer,
            queue_name=producer.queue_name,
            handle_signals=False,
            max_jobs=settings.concurrency,
        )
        self._hooks = hooks or Hooks()
        self.worker_id = worker_id or f"{socket.gethostname()}:{secrets.token_hex(4)}"
        self._producer = producer
        self._settings = settings
        self._runner = Runner(
            {name: each for name, each in self.functions.items() if isinstance(each, Function)},
            settings,
            worker_id=self.worker_id,
            job_timeout_s=settings.run_timeout + _LONG_S,
            hooks=self._hooks,
        )
        self._keep_dead_ms = settings.dead_letters_days * _DAY_MS
        self._claims = Claims(settings, self.worker_id)
        self._standing = StandingClaim(
            producer, self._claims, worker_id=self.worker_id, answer=self._stood
        )
        self._aborts: list[bytes] = []
        self._due_at_s = math.inf
        self._more = False
        self._held: dict[str, Delivery] = {}
        self._busy: set[Delivery] = set()
        self._finished: list[_Pending] = []
        self._changed = asyncio.Event()
        self._failures = 0
        self.watchdog = Watchdog(settings.blocked_after)

    @property
    def slots(self) -> int:
        return self._settings.concurrency

    @property
    def slots_used(self) -> int:
        return len(self._busy)

    async def main(self) -> None:
        """For arq's `async_run`: serve until `stop`."""
        await self.serve(Stop())

    async def serve(
        self, stop: Stop, *, ready: asyncio.Event | None = None, burst: bool = False
    ) -> None:
        """Work until asked to stop; then let jobs finish for `drain_timeout`, and hand back the rest.

        `burst`: until nothing is due and nothing runs. `ready` is set when jobs are taken.
        """
        self.ctx["redis"] = self._producer
        await run_hook(self._hooks.on_startup, self.ctx)
        leases = Leases(self._producer, self._settings, self)
        try:
            async with self._attended(leases, stop):
                if ready is not None:
                    ready.set()
                await self._work(stop, burst=burst)
        finally:
            await leases.withdraw()
            await run_hook(self._hooks.on_shutdown, self.ctx)

    def held(self) -> list[Delivery]:
        """Whose leases are to be renewed: what runs, and what Redis was not told yet."""
        return list(self._held.values())

    def lose(self, job_id: str) -> None:
        """Another worker has it: cancelled, and nothing more is told of it."""
        if (delivery := self._held.pop(job_id, None)) is not None:
            log.warning("job_lease_lost", job_id=job_id)
            delivery.cancel(Cause.OVERTAKEN)

    def cancel(self, job_id: str, token: str | None = None) -> None:
        """Cancel a job that runs here, under this token if there is one; others are not ours."""
        delivery = self._held.get(job_id)
        if delivery is not None and token in {None, delivery.token}:
            delivery.cancel(Cause.ORDERED)

    @asynccontextmanager
    async def _attended(self, leases: Leases, stop: Stop) -> AsyncGenerator[None]:
        """What goes on beside the jobs; none of it ends before it is told to."""
        cancellations = Cancellations(self._producer, self.cancel)
        with self.watchdog, ExitStack() as stack:
            stack.callback(observe_worker(self._gauges))
            async with asyncio.TaskGroup() as group:
                beside = [
                    group.create_task(each)
                    for each in (
                        leases.keep(),
                        cancellations.listen(),
                        self.watchdog.tick(),
                        self._when(stop.asked, self._changed.set),
                        self._when(stop.at_once, self._hand_back),
                    )
                ]
                try:
                    yield
                finally:
                    for task in beside:
                        task.cancel()

    def _gauges(self) -> WorkerGauges:
        return WorkerGauges(
            queue=self.queue_name,
            slots=self.slots,
            slots_used=self.slots_used,
            loop_lag_s=self.watchdog.recent_lag_s(),
        )

    async def _when(self, event: asyncio.Event, act: Callable[[], None]) -> None:
        await event.wait()
        act()

    async def _work(self, stop: Stop, *, burst: bool) -> None:
        draining: asyncio.TimerHandle | None = None
        try:
            while self._busy or not stop.asked.is_set():
                self._changed.clear()
                if stop.asked.is_set() and draining is None:
                    draining = asyncio.get_running_loop().call_later(
                        self._settings.drain_timeout, self._hand_back
                    )
                    await self._standing.recall()
                wait_s = await self._reached(claiming=not stop.asked.is_set())
                if burst and wait_s and not (self._busy or self._finished):
                    return
                if wait_s and not self._finished:
                    if not (stop.asked.is_set() or burst):
                        room = self._claims.room(len(self._busy))
                        self._standing.stand(room, wait_s=self._settings.poll_every)
                    await woken(self._changed, wait_s)
        finally:
            if draining:
                draining.cancel()
            await self._standing.recall()
            self._hand_back()
            if tasks := [each.task for each in self._busy if each.task]:
                await asyncio.wait(tasks)
            await self._flush()

    async def _reached(self, *, claiming: bool) -> float:
        """Exchange with Redis; when it is away, wait a moment. What runs goes on meanwhile."""
        try:
            wait_s = await self._exchange(claiming=claiming)
        except (RedisError, OSError, RetryableError) as error:
            self._failures += 1
            if self._failures == 1:  # once an outage, not once a try
                log.warning("queue_unreachable", error_type=type(error).__name__)
            await asyncio.sleep(
                min(_RECONNECT_S[0] * 2 ** min(self._failures, 10), _RECONNECT_S[1])
            )
            return 0
        if self._failures:
            log.info("queue_reached_again", failures=self._failures)
            self._failures = 0
        return wait_s

    async def _exchange(self, *, claiming: bool) -> float:
        """Tell what has finished and claim what fits, in one trip.

        Answers how many seconds to wait if nothing changes before; 0: there is more to claim.
        """
        while self._aborts:
            await self._abort(self._aborts[-1].decode())
            self._aborts.pop()
        calls: list[scripts.Call] = []
        finished = list(self._finished)
        if finished:
            calls.append(self._telling(finished))
        token = ""
        if claiming and (room := await self._unclaimed_room()) is not None:
            token, call = self._claims.call(room)
            calls.append(call)
        answers = await scripts.run(self._producer, self.queue_name, *calls) if calls else []
        if finished:
            del self._finished[: len(finished)]  # more may have come meanwhile
            await self._told(finished, answers[0])
        if token:
            self._answered(claimed(token, answers[-1]))
        if self._more and claiming and self._claims.room(len(self._busy)).for_any:
            return 0
        wait_s = self._settings.poll_every
        left_s = self._due_at_s - asyncio.get_running_loop().time()
        return min(max(left_s, 0.001), wait_s)

    async def _unclaimed_room(self) -> Room | None:
        """What a claim may be made for now; None: the claim that stands in Redis does it all."""
        room, standing = self._claims.room(len(self._busy)), self._standing.room
        if not standing.is_there:
            return room  # without any, there are still aborts to be seen
        if standing.for_any == 0 and room.for_any:
            # It stands for chat alone: called back, it may stand for all.
            await self._standing.nudge()
            return Room(room.for_any, 0)
        if asyncio.get_running_loop().time() >= self._due_at_s:
            self._due_at_s = math.inf  # until it answers
            await self._standing.nudge()
        return None

    def _answered(self, answer: Claimed) -> None:
        self._more = answer.more
        self._due_at_s = asyncio.get_running_loop().time() + (
            math.inf if answer.next_s is None else answer.next_s
        )
        self._aborts += answer.aborts
        self._take(answer.jobs, answer.token)

    def _stood(self, answer: Claimed) -> None:
        self._answered(answer)
        self._changed.set()

    def _telling(self, finished: Sequence[_Pending]) -> scripts.Call:
        arguments: list[scripts.Argument] = [self._keep_dead_ms]
        for pending in finished:
            finish, delivery = pending.finish, pending.delivery
            letter = finish.letter.model_dump_json() if finish.letter else ""
            arguments += (
                delivery.job_id,
                delivery.token,
                finish.what,
                finish.result,
                finish.ms,
                letter,
            )
        return scripts.Call(scripts.FINISH, arguments)

    async def _told(self, finished: Sequence[_Pending], lost: Sequence[bytes]) -> None:
        gone = {job_id.decode() for job_id in lost}
        for pending in finished:
            delivery = pending.delivery
            if self._held.get(delivery.job_id) is delivery:
                del self._held[delivery.job_id]
            if delivery.job_id in gone:
                # Another worker has it, or has finished it; or the answer to an earlier telling
                # was lost, and Redis knows already.
                log.info("job_finish_not_wanted", job_id=delivery.job_id)
                continue
            if letter := pending.finish.letter:
                record_dead_letter(self.queue_name, letter.code)
            if self._hooks.after_job_end is not None:
                await run_hook(self._hooks.after_job_end, {**self.ctx, "job_id": delivery.job_id})

    def _take(self, jobs: Sequence[Sequence[Any]], token: str) -> None:
        if jobs:
            record_consumed(self.queue_name, len(jobs))
        for job in jobs:
            self._start(job, token)

    def _start(self, job: Sequence[Any], token: str) -> None:
        raw_id, payload, job_try, entry, waited_ms = job
        try:
            job_id = raw_id.decode()
        except UnicodeDecodeError:  # arq's ids are text; nobody can ask for this one
            log.error("job_id_unreadable", raw_id=raw_id.hex())  # noqa: TRY400 - no stack needed
            return
        if (held := self._held.get(job_id)) is not None:
            held.token = token  # its lease had passed, and came back to us: it just goes on
            return
        delivery = Delivery(
            job_id=job_id,
            token=token,
            payload=payload,
            job_try=job_try,
            entry=entry.decode(),
            waited_s=waited_ms / 1000,
        )
        self._held[delivery.job_id] = delivery
        self._busy.add(delivery)
        task = asyncio.get_running_loop().create_task(self._runner.run(delivery, dict(self.ctx)))
        delivery.task = task
        # Not a `finally`: a task that is cancelled before its first step never enters a block.
        task.add_done_callback(partial(self._ended, delivery))

    def _ended(self, delivery: Delivery, task: asyncio.Task[Finish]) -> None:
        self._busy.discard(delivery)
        self._changed.set()
        if task.cancelled():
            finish = self._runner.unanswered(delivery)
        elif error := task.exception():
            log.error("delivery_crashed", job_id=delivery.job_id, exc_info=error)
            finish = self._runner.unanswered(delivery)
        else:
            finish = task.result()
        if self._held.get(delivery.job_id) is delivery:
            self._finished.append(_Pending(delivery, finish))

    async def _abort(self, job_id: str) -> None:
        """Somebody used arq's `Job.abort`, which says nothing to a worker but leaves a note."""
        if job_id in self._held:
            self.cancel(job_id)
            return
        if payload := await self._producer.payload(job_id):
            await run_hook(self._hooks.on_abort, payload, raising=(RetryableError,))
        await self._producer.cancel(job_id)

    def _hand_back(self) -> None:
        for delivery in tuple(self._busy):
            delivery.cancel(Cause.STOPPING)

    async def _flush(self) -> None:
        """Tell the rest, if Redis can be reached; else the leases pass, and others take over."""
        try:
            async with asyncio.timeout(_FLUSH_LIMIT_S):
                while self._finished:
                    try:
                        await self._exchange(claiming=False)
                    except RedisError:
                        await asyncio.sleep(_RECONNECT_S[0])
        except TimeoutError:
            log.warning("leases_left_behind", count=len(self._finished))
