"""Out of the queue: arq's worker with an engine of our own.

Each trip to Redis tells what has finished and claims what fits: one call, however many jobs. A
claim is a lease; whoever stops renewing it loses the job to the next who asks. Nothing that a job,
a hook, Redis or a payload does ends the worker.
"""

import asyncio
import json
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
from app.queue.delivery import Cause, Delivery, Finish, Hooks, Runner, run_hook, tell_aborted
from app.queue.leases import Leases
from app.queue.listening import Cancellations, Room, WakeUps
from app.queue.producer import Producer
from app.queue.watchdog import Watchdog
from app.resilience.waking import woken
from app.settings.groups import QueueSettings
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
        self._options = _options(settings)
        self._held: dict[str, Delivery] = {}
        self._busy: set[Delivery] = set()
        self._finished: list[_Pending] = []
        self._changed = asyncio.Event()
        self._room = Room(settings.concurrency, settings.chat_slots)
        self._claims = 0
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

    def cancel(self, job_id: str) -> None:
        """Cancel a job that runs here; any other id is somebody else's."""
        if (delivery := self._held.get(job_id)) is not None:
            delivery.cancel(Cause.ORDERED)

    @asynccontextmanager
    async def _attended(self, leases: Leases, stop: Stop) -> AsyncGenerator[None]:
        """What goes on beside the jobs; none of it ends before it is told to."""
        wake_ups = WakeUps(self._producer, self._changed, self._room)
        cancellations = Cancellations(self._producer, self.cancel)
        with self.watchdog, ExitStack() as stack:
            stack.callback(observe_worker(self._gauges))
            async with asyncio.TaskGroup() as group:
                beside = [
                    group.create_task(each)
                    for each in (
                        leases.keep(),
                        wake_ups.listen(until=stop.asked),
                        cancellations.listen(),
                        self.watchdog.tick(),
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
                if stop.asked.is_set() and draining is None:
                    draining = asyncio.get_running_loop().call_later(
                        self._settings.drain_timeout, self._hand_back
                    )
                self._changed.clear()
                wait_s = await self._reached(claiming=not stop.asked.is_set())
                if burst and wait_s and not (self._busy or self._finished):
                    return
                if wait_s and not self._finished:
                    await woken(self._changed, wait_s)
        finally:
            if draining:
                draining.cancel()
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
        finished, self._finished = self._finished, []
        calls: list[scripts.Call] = []
        if finished:
            calls.append(self._telling(finished))
        if claiming:
            self._claims += 1
            calls.append(self._claiming())
        if not calls:
            return self._settings.poll_every
        token = self._token()
        try:
            answers = await scripts.run(self._producer, self.queue_name, *calls)
        except BaseException:
            self._finished = finished + self._finished
            raise
        if finished:
            await self._told(finished, answers[0])
        if not claiming:
            return self._settings.poll_every
        jobs, wait_ms, more, aborts = answers[-1]
        self._take(jobs, token)
        for job_id in aborts:
            await self._abort(job_id.decode())
        if more and len(self._busy) < self._settings.concurrency:
            return 0
        wait_s = self._settings.poll_every
        return min(max(wait_ms, 1) / 1000, wait_s) if wait_ms >= 0 else wait_s

    def _token(self) -> str:
        return f"{self.worker_id}:{self._claims}"

    def _claiming(self) -> scripts.Call:
        slots, busy = self._settings.concurrency, len(self._busy)
        room = max(slots - busy, 0)
        for_chat_alone = max(slots + self._settings.chat_slots - max(busy, slots), 0)
        lease_ms = int(self._settings.lease * 1000)
        return scripts.Call(
            scripts.CLAIM, (room, for_chat_alone, lease_ms, self._token(), self._options)
        )

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
        self._room.count(len(self._busy))
        task = asyncio.get_running_loop().create_task(self._runner.run(delivery, dict(self.ctx)))
        delivery.task = task
        # Not a `finally`: a task that is cancelled before its first step never enters a block.
        task.add_done_callback(partial(self._ended, delivery))

    def _ended(self, delivery: Delivery, task: asyncio.Task[Finish]) -> None:
        self._busy.discard(delivery)
        self._room.count(len(self._busy))
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
            await tell_aborted(self._hooks, payload)
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


def _options(settings: QueueSettings) -> str:
    return json.dumps(
        {
            "shares": {"2": settings.ingestion_share, "3": settings.bulk_share},
            "weights": settings.tenant_weights,
            "tenant_limit": settings.tenant_limit or False,
            "key_limits": settings.key_limits,
        }
    )
