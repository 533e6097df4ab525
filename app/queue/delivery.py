"""One delivery of a job: read, run inside its span, and told apart how it ended."""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Any, Literal, TypeVar

from arq.jobs import serialize_result
from arq.utils import ms_to_datetime
from arq.worker import Function, Retry

from app.errors import ErrorCode, RetryableError, WorkerError, unwrap
from app.queue.deadletters import Letter
from app.queue.envelope import Envelope, Priority, UnknownVersion, encode, safe_text, unseal
from app.queue.producer import cancelled_result
from app.resilience.layers import retry_after_s
from app.settings.queue import QueueSettings
from app.telemetry.conventions import Attribute, SpanName
from app.telemetry.logs import bound, get_logger
from app.telemetry.metrics import record_process, record_queue_wait, record_retry
from app.telemetry.spans import (
    ActiveSpan,
    AttributeValue,
    SpanKind,
    current_span,
    current_trace_id,
    span,
    trace_id_of,
)

log = get_logger(__name__)

Context = dict[Any, Any]
Hook = Callable[[Context], Awaitable[None]]
T = TypeVar("T")
Outcome = Literal["success", "retry", "failed", "aborted"]

PARKED_S = 60
"""A job of a newer version is offered again after this, until a worker understands it."""
_NEW_TRACE_AFTER_S = 60
"""A job that was to wait longer has a trace of its own, with a link to the one that sent it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hooks:
    """What a worker's owner wants to be called: arq's hooks, with arq's names.

    One that raises is logged and ends nothing.
    """

    on_startup: Hook | None = None
    on_shutdown: Hook | None = None
    on_job_start: Hook | None = None
    on_job_end: Hook | None = None
    after_job_end: Hook | None = None
    on_abort: Callable[[bytes], Awaitable[None]] | None = None
    """Ours: called with the payload of a job that waits and that arq's `Job.abort` aborts."""


class Cause(Enum):
    """Why a delivery was cancelled by its worker."""

    STOPPING = auto()
    """The worker stops: the job goes back, and the try is not spent."""
    ORDERED = auto()
    """Somebody cancelled the job."""
    OVERTAKEN = auto()
    """The lease was lost: another worker has the job."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """What a job function may return instead of its bare result, when there is more to say.

    `error` makes the result a failure that was foreseen; `dead` keeps the job as a dead letter.
    `tries` are those that were counted elsewhere.
    """

    outcome: Outcome = "success"
    value: Any = None
    error: WorkerError | None = None
    dead: bool = False
    tries: int | None = None


@dataclass(slots=True, kw_only=True, eq=False)
class Delivery:
    """A job in the hands of a worker. `token` is what its lock in Redis holds."""

    job_id: str
    token: str
    payload: bytes
    job_try: int
    entry: str
    waited_s: float
    cause: Cause | None = None
    task: "asyncio.Task[Finish] | None" = None
    priority: Priority = field(init=False)

    def __post_init__(self) -> None:
        self.priority = Priority.of_rank(self.entry[:1])

    def cancel(self, cause: Cause) -> None:
        """Cancel the job, once; the first cause counts."""
        if self.cause is None and self.task is not None:
            self.cause = cause
            self.task.cancel()


@dataclass(frozen=True, slots=True, kw_only=True)
class Finish:
    """What Redis is to be told. `what`: `done`, `again`, `back` or `park`, see finish.lua.

    `ms`: to keep the result, or to wait. A `letter` makes it a dead one.
    """

    what: Literal["done", "again", "back", "park"]
    result: bytes = b""
    ms: int = 0
    letter: Letter | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Job:
    delivery: Delivery
    envelope: Envelope
    function: Function
    tries: int
    started_ms: int


def backoff_s(settings: QueueSettings, tries: int, error: BaseException | None = None) -> float:
    """How long to wait after this many failed tries: growing, with jitter, at least Retry-After."""
    growing_s = min(settings.retry_base_wait * 2 ** (tries - 1), settings.retry_max_wait)
    # Jitter, so that what failed together does not come back together.
    wait_s = growing_s * random.uniform(0.5, 1)  # noqa: S311 - not a secret
    return max(wait_s, retry_after_s(error)) if isinstance(error, RetryableError) else wait_s


def processing(
    queue: str, envelope: Envelope | None, attributes: dict[str, AttributeValue]
) -> AbstractContextManager[ActiveSpan]:
    """The span of one delivery: linked to the one that sent it, and below it unless that is old."""
    sent = envelope.traceparent if envelope else None
    below = sent if envelope and envelope.wait_s < _NEW_TRACE_AFTER_S else None
    return span(
        SpanName.PROCESS,
        queue,
        kind=SpanKind.CONSUMER,
        parent=below,
        link=sent,
        attributes={
            Attribute.MESSAGING_SYSTEM: "arq",
            Attribute.MESSAGING_OPERATION_NAME: "process",
            Attribute.MESSAGING_OPERATION_TYPE: "process",
            Attribute.MESSAGING_DESTINATION_NAME: queue,
            **attributes,
        },
    )


class Runner:
    """Runs deliveries with a worker's functions; what to tell Redis is all that comes back."""

    def __init__(
        self,
        functions: dict[str, Function],
        settings: QueueSettings,
        *,
        worker_id: str,
        job_timeout_s: float,
        hooks: Hooks,
    ) -> None:
        self._functions = functions
        self._settings = settings
        self._queue = settings.name
        self._worker_id = worker_id
        self._job_timeout_s = job_timeout_s
        self._hooks = hooks

    async def run(self, delivery: Delivery, context: Context) -> Finish:
        """Run it to an end, whatever that is. Never raises."""
        try:
            envelope = unseal(delivery.payload)
        except UnknownVersion:
            log.warning("job_parked", job_id=delivery.job_id)
            return Finish(what="park", ms=PARKED_S * 1000)
        except ValueError:
            reason = "it cannot be decoded" if delivery.payload else "its payload has expired"
            return self._unstarted(delivery, None, reason)
        function = self._functions.get(envelope.function)
        if function is None:
            return self._unstarted(delivery, envelope, "no worker has this function")
        tries = self._settings.max_attempts if function.max_tries is None else function.max_tries
        if delivery.job_try > tries:
            return self._unstarted(delivery, envelope, "its worker died at each try")
        now_ms = int(time.time() * 1000)
        job = _Job(
            delivery=delivery, envelope=envelope, function=function, tries=tries, started_ms=now_ms
        )
        return await self._observed(job, context)

    def unanswered(self, delivery: Delivery) -> Finish:
        """What to tell of a delivery whose task was cancelled before its first step, or crashed."""
        if delivery.cause is Cause.ORDERED:
            result = cancelled_result(delivery.job_id, self._queue)
            return Finish(what="done", result=result, ms=int(self._settings.keep_result * 1000))
        if delivery.cause is not None:
            return Finish(what="back")
        # The try is spent, so that what crashes each time ends as a dead letter.
        wait_s = backoff_s(self._settings, delivery.job_try)
        return Finish(what="again", ms=int(wait_s * 1000))

    async def _observed(self, job: _Job, context: Context) -> Finish:
        delivery, envelope = job.delivery, job.envelope
        context |= {
            "job_id": delivery.job_id,
            "job_try": delivery.job_try,
            "enqueue_time": ms_to_datetime(envelope.enqueued_ms),
            "score": job.started_ms - int(delivery.waited_s * 1000),
            "delivery": delivery,
        }
        # Once the job is at its first wait: on an idle worker this is a 20th of the time to a start.
        asyncio.get_running_loop().call_soon(
            record_queue_wait, self._queue, delivery.priority.value, delivery.waited_s
        )
        started_s = time.perf_counter()
        attributes: dict[str, AttributeValue] = {
            Attribute.MESSAGING_MESSAGE_ID: delivery.job_id,
            Attribute.MESSAGING_CLIENT_ID: self._worker_id,
            Attribute.JOB_FUNCTION: envelope.function,
            Attribute.JOB_ATTEMPT: delivery.job_try,
            Attribute.JOB_MAX_ATTEMPTS: job.tries,
            Attribute.JOB_QUEUE_WAIT: delivery.waited_s,
            Attribute.JOB_PRIORITY: delivery.priority.value,
        }
        with (
            bound(job_id=delivery.job_id),
            processing(self._queue, envelope, attributes) as active,
        ):
            await run_hook(self._hooks.on_job_start, context)
            finish, outcome = await self._called(job, context)
            await run_hook(self._hooks.on_job_end, context)
            active.set(Attribute.JOB_OUTCOME, outcome)
        record_process(
            self._queue, envelope.function, time.perf_counter() - started_s, outcome=outcome
        )
        return finish

    async def _called(self, job: _Job, context: Context) -> tuple[Finish, Outcome]:
        timeout_s = job.function.timeout_s
        try:
            async with asyncio.timeout(self._job_timeout_s if timeout_s is None else timeout_s):
                returned: Any = await job.function.coroutine(
                    context, *job.envelope.args, **job.envelope.kwargs
                )
        except asyncio.CancelledError:
            return self._cancelled(job)
        except (KeyboardInterrupt, GeneratorExit):
            raise
        except BaseException as raised:  # noqa: BLE001 - no job may end its worker, by sys.exit() neither
            return self._failed(job, unwrap(raised))
        if not isinstance(returned, Ended):
            return self._done(job, returned), "success"
        if returned.error is None:
            return self._done(job, returned.value), returned.outcome
        current_span().fail(returned.error.code)
        return self._done(
            job, returned.error, success=False, dead=returned.dead, tries=returned.tries
        ), returned.outcome

    def _cancelled(self, job: _Job) -> tuple[Finish, Outcome]:
        match job.delivery.cause:
            case Cause.ORDERED:
                error = asyncio.CancelledError()
                return self._done(job, error, success=False), "aborted"
            case None:  # by the job itself
                return self._failed(job, TimeoutError())
            case _:
                return Finish(what="back"), "aborted"

    def _failed(self, job: _Job, error: BaseException) -> tuple[Finish, Outcome]:
        if isinstance(error, Retry):
            if job.delivery.job_try < job.tries:
                return Finish(what="again", ms=error.defer_score or 0), "retry"
        elif isinstance(error, RetryableError | TimeoutError):
            code = error.code if isinstance(error, RetryableError) else ErrorCode.DEADLINE_EXCEEDED
            current_span().fail(code)
            if job.delivery.job_try < job.tries:
                wait_s = backoff_s(self._settings, job.delivery.job_try, error)
                record_retry(job.envelope.function, error_type=code)
                log.warning("job_tried_again", code=code, wait_s=round(wait_s, 1))
                return Finish(what="again", ms=int(wait_s * 1000)), "retry"
        elif isinstance(error, WorkerError):
            current_span().fail(error.code)
            log.error("job_failed", code=error.code)
        else:
            current_span().fail(type(error).__qualname__)
            log.error("job_failed", error_type=type(error).__name__, exc_info=error)
        return self._done(job, error, success=False, dead=True), "failed"

    def _unstarted(self, delivery: Delivery, envelope: Envelope | None, reason: str) -> Finish:
        """A job that does not even begin: its failure is kept, and the job as a dead letter."""
        log.error("job_dead", job_id=delivery.job_id, reason=reason, tries=delivery.job_try)
        error = WorkerError(ErrorCode.WORKER_ERROR, details={"reason": reason})
        now_ms = int(time.time() * 1000)
        result = self._result(delivery, envelope, error, success=False, started_ms=now_ms)
        letter = self._letter(delivery, envelope, error, reason=reason)
        return Finish(
            what="done", result=result, ms=int(self._settings.keep_result * 1000), letter=letter
        )

    def _done(
        self,
        job: _Job,
        result: object,
        *,
        success: bool = True,
        dead: bool = False,
        tries: int | None = None,
    ) -> Finish:
        keep_s = job.function.keep_result_s
        keep_s = self._settings.keep_result if keep_s is None else keep_s
        written = b""
        if keep_s:
            written = self._result(
                job.delivery, job.envelope, result, success=success, started_ms=job.started_ms
            )
        letter = None
        if dead and isinstance(result, BaseException):
            letter = self._letter(job.delivery, job.envelope, result, tries=tries)
        return Finish(what="done", result=written, ms=int(keep_s * 1000), letter=letter)

    def _result(
        self,
        delivery: Delivery,
        envelope: Envelope | None,
        result: object,
        *,
        success: bool,
        started_ms: int,
    ) -> bytes:
        return (
            serialize_result(
                envelope.function if envelope else "",
                envelope.args if envelope else (),
                envelope.kwargs if envelope else {},
                delivery.job_try,
                envelope.enqueued_ms if envelope else started_ms,
                success,
                result,
                started_ms,
                int(time.time() * 1000),
                delivery.job_id,
                self._queue,
                delivery.job_id,
                serializer=encode,
            )
            or b""
        )

    def _letter(
        self,
        delivery: Delivery,
        envelope: Envelope | None,
        error: BaseException,
        *,
        reason: str | None = None,
        tries: int | None = None,
    ) -> Letter:
        return Letter(
            function=envelope.function if envelope else None,
            code=error.code if isinstance(error, WorkerError) else ErrorCode.WORKER_ERROR,
            error_type=type(error).__name__,
            text=reason or safe_text(error),
            tries=delivery.job_try if tries is None else tries,
            trace_id=current_trace_id() or trace_id_of(envelope and envelope.traceparent),
        )


async def run_hook(
    hook: Callable[[T], Awaitable[None]] | None,
    argument: T,
    *,
    raising: tuple[type[Exception], ...] = (),
) -> None:
    """Call a hook of the worker's owner; one that fails is logged, and ends nothing."""
    if hook is None:
        return
    try:
        await hook(argument)
    except raising:
        raise
    except (Exception, SystemExit) as error:  # somebody else's code
        log.exception("hook_failed", error_type=type(error).__name__)
