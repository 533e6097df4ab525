"""One delivery, whatever the job, its payload or a hook does."""

import asyncio
import json
import sys
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import hypothesis
import pytest
from arq.jobs import deserialize_result
from arq.worker import Function, Retry
from hypothesis import strategies as st

from app.errors import ErrorCode, PermanentError, RetryableError, WorkerError
from app.queue.delivery import Cause, Context, Delivery, Ended, Finish, Hooks, Runner, backoff_s
from app.queue.envelope import JobFailed, NewJob, decode, seal
from tests.queue.fleet import job, patient

KEEP_MS = 3_600_000


class Odd(BaseException):
    """What nobody expects."""


def payload(function: str = "job", **changes: Any) -> bytes:
    raw = seal(
        NewJob(function=function), enqueued_ms=1_000, traceparent=None, limit_bytes=1_000_000
    )
    return json.dumps(json.loads(raw) | changes).encode()


def delivery(raw: bytes | None = None, *, job_try: int = 1) -> Delivery:
    return Delivery(
        job_id="j",
        token="w:1",
        payload=payload() if raw is None else raw,
        job_try=job_try,
        entry="2||",
        waited_s=0,
    )


def runner(*functions: Function, job_timeout_s: float = 30, hooks: Hooks | None = None) -> Runner:
    return Runner(
        {each.name: each for each in functions},
        patient(),
        worker_id="w",
        job_timeout_s=job_timeout_s,
        hooks=hooks or Hooks(),
    )


def raising(error: BaseException) -> Function:
    async def carry(ctx: Context) -> None:
        del ctx
        raise error

    return job(carry)


async def run(
    function: Function, *, job_try: int = 1, raw: bytes | None = None, **options: Any
) -> Finish:
    return await runner(function, **options).run(delivery(raw, job_try=job_try), {})


def result_of(finish: Finish) -> Any:
    """What `Job.result` would answer or raise."""
    return deserialize_result(finish.result, deserializer=decode).result


async def test_a_job_gets_its_arguments_and_what_arq_promises_in_its_context() -> None:
    seen: dict[Any, Any] = {}

    async def carry(ctx: Context, first: int, *, second: str) -> dict[str, Any]:
        seen.update(ctx)
        return {"first": first, "second": second}

    finish = await run(job(carry), raw=payload(a=[1], k={"second": "two"}), job_try=2)
    assert (finish.what, finish.ms, finish.letter) == ("done", KEEP_MS, None)
    assert result_of(finish) == {"first": 1, "second": "two"}
    assert (seen["job_id"], seen["job_try"]) == ("j", 2)
    assert seen["enqueue_time"].year == 1970
    assert {"score", "delivery"} <= set(seen)


@pytest.mark.parametrize(
    "error",
    [
        RetryableError(ErrorCode.LLM_TIMEOUT),
        TimeoutError(),
        ExceptionGroup("of two", [RetryableError(ErrorCode.NETWORK_ERROR)]),
    ],
)
async def test_what_trying_again_can_help_is_tried_again_until_the_tries_are_used(
    error: Exception,
) -> None:
    again = await run(raising(error), job_try=2)
    assert again.what == "again"
    assert 5 <= again.ms <= 20  # retry_base_wait to retry_max_wait, with jitter
    last = await run(raising(error), job_try=3)
    assert last.what == "done"
    assert last.letter is not None
    assert last.letter.tries == 3


async def test_retry_after_is_heeded() -> None:
    error = RetryableError(ErrorCode.LLM_RATE_LIMIT, details={"retry_after": 7})
    assert (await run(raising(error))).ms >= 7_000


def test_the_backoff_grows_to_its_limit() -> None:
    settings = patient(retry_base_wait=1, retry_max_wait=60)
    for tries, most_s in ((1, 1), (2, 2), (5, 16), (10, 60)):
        assert most_s / 2 <= backoff_s(settings, tries) <= most_s


async def test_arqs_retry_waits_as_long_as_it_says_and_then_ends() -> None:
    retry = raising(Retry(defer=timedelta(seconds=5)))
    assert await run(retry) == Finish(what="again", ms=5_000)
    assert await run(raising(Retry())) == Finish(what="again", ms=0)
    last = await run(retry, job_try=3)
    assert last.letter is not None
    with pytest.raises(JobFailed, match="Retry"):
        raise result_of(last)


async def test_a_functions_own_limits_go_first() -> None:
    async def hang(ctx: Context) -> None:
        del ctx
        await asyncio.Event().wait()

    assert (await run(job(hang, timeout=0.01))).what == "again"
    assert (await run(job(hang, timeout=0.01, max_tries=1))).what == "done"
    assert (await run(job(hang), job_timeout_s=0.01)).what == "again"


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (PermanentError(ErrorCode.INVALID_FILE), ErrorCode.INVALID_FILE),
        (ZeroDivisionError("canary@example.com"), ErrorCode.WORKER_ERROR),
        (SystemExit(3), ErrorCode.WORKER_ERROR),
        (Odd(), ErrorCode.WORKER_ERROR),
        (
            BaseExceptionGroup("of two", [RetryableError(ErrorCode.LLM_TIMEOUT), Odd()]),
            ErrorCode.WORKER_ERROR,
        ),
        (RecursionError(), ErrorCode.WORKER_ERROR),
    ],
)
async def test_what_trying_again_cannot_help_is_a_dead_letter_with_a_readable_result(
    error: BaseException, code: ErrorCode
) -> None:
    finish = await run(raising(error))
    assert finish.what == "done"
    assert finish.letter is not None
    assert finish.letter.code == code
    assert finish.letter.function == "job"
    assert b"canary" not in finish.result
    assert "canary" not in finish.letter.model_dump_json()
    with pytest.raises((WorkerError, JobFailed)):
        raise result_of(finish)


async def test_sys_exit_in_a_task_of_a_job_ends_the_job_alone() -> None:
    async def carry(ctx: Context) -> None:
        del ctx
        sys.exit()

    assert (await run(job(carry))).letter is not None


async def test_wrong_arguments_are_a_failure_of_the_job() -> None:
    async def carry(ctx: Context) -> None:
        del ctx

    finish = await run(job(carry), raw=payload(a=[1, 2]))
    with pytest.raises(JobFailed, match="TypeError"):
        raise result_of(finish)


async def test_a_job_that_cancels_itself_is_tried_again() -> None:
    assert (await run(raising(asyncio.CancelledError()))).what == "again"


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (b"\x80\x04\x95not json", "it cannot be decoded"),
        (b"[]", "it cannot be decoded"),
        (b"", "its payload has expired"),
        (payload("nobody"), "no worker has this function"),
    ],
)
async def test_what_cannot_begin_is_a_dead_letter(raw: bytes, reason: str) -> None:
    async def never(ctx: Context) -> None:
        pytest.fail(f"it began: {ctx}")

    finish = await run(job(never), raw=raw)
    assert finish.letter is not None
    assert finish.letter.text == reason
    assert result_of(finish).code == ErrorCode.WORKER_ERROR


async def test_a_job_whose_workers_died_at_each_try_does_not_begin_again() -> None:
    async def never(ctx: Context) -> None:
        pytest.fail(f"it began: {ctx}")

    finish = await run(job(never), job_try=4)
    assert finish.letter is not None
    assert finish.letter.tries == 4


async def test_a_newer_version_is_parked() -> None:
    finish = await run(raising(ZeroDivisionError()), raw=payload(v=2))
    assert finish == Finish(what="park", ms=60_000)


async def test_a_result_that_is_no_json_is_a_failure_that_says_so() -> None:
    async def carry(ctx: Context) -> object:
        del ctx
        return object()

    finish = await run(job(carry))
    assert finish.letter is None
    assert result_of(finish) == "unable to serialize result"


async def test_a_result_is_kept_as_long_as_the_function_says() -> None:
    async def carry(ctx: Context) -> int:
        del ctx
        return 1

    assert (await run(job(carry, keep_result=2))).ms == 2_000
    assert (await run(job(carry, keep_result=0))).result == b""


async def test_a_job_may_say_more_than_its_result() -> None:
    error = PermanentError(ErrorCode.INVALID_FILE)

    async def foreseen(ctx: Context) -> Ended:
        del ctx
        return Ended(outcome="failed", error=error, dead=True, tries=7)

    async def fine(ctx: Context) -> Ended:
        del ctx
        return Ended(value=5)

    finish = await run(job(foreseen))
    assert finish.letter is not None
    assert finish.letter.tries == 7
    assert result_of(finish).code == ErrorCode.INVALID_FILE
    assert result_of(await run(job(fine))) == 5


@pytest.mark.parametrize("error", [ZeroDivisionError(), SystemExit(1)])
@pytest.mark.parametrize("name", ["on_job_start", "on_job_end"])
async def test_a_hook_that_raises_changes_nothing(name: str, error: BaseException) -> None:
    async def hook(ctx: Context) -> None:
        del ctx
        raise error

    async def carry(ctx: Context) -> str:
        del ctx
        return "done"

    hooks = Hooks(**{name: hook})  # pyright: ignore[reportArgumentType] - one of its own names
    assert result_of(await run(job(carry), hooks=hooks)) == "done"


async def test_hooks_are_called_in_arqs_order() -> None:
    told: list[str] = []

    def telling(name: str) -> Callable[[Context], Awaitable[None]]:
        async def hook(ctx: Context) -> None:
            told.append(f"{name} {ctx['job_id']}")

        return hook

    async def carry(ctx: Context) -> None:
        told.append(f"job {ctx['job_id']}")

    hooks = Hooks(on_job_start=telling("start"), on_job_end=telling("end"))
    await run(job(carry), hooks=hooks)
    assert told == ["start j", "job j", "end j"]


@pytest.mark.parametrize(
    ("cause", "what"),
    [
        (Cause.STOPPING, "back"),
        (Cause.OVERTAKEN, "back"),
        (Cause.ORDERED, "done"),
        (None, "again"),
    ],
)
async def test_a_delivery_that_is_cancelled_before_its_first_step_has_an_answer(
    cause: Cause | None, what: str
) -> None:
    """Without a cause it crashed: the try is spent, so that it does not come back for ever."""
    given = delivery()
    given.cause = cause
    finish = runner().unanswered(given)
    assert finish.what == what
    if cause is Cause.ORDERED:
        assert isinstance(result_of(finish), asyncio.CancelledError)


@pytest.mark.parametrize("cause", [Cause.STOPPING, Cause.ORDERED])
async def test_the_first_cause_of_a_cancellation_counts(cause: Cause) -> None:
    started = asyncio.Event()

    async def carry(ctx: Context) -> None:
        del ctx
        started.set()
        await asyncio.Event().wait()

    given = delivery()
    given.task = asyncio.create_task(runner(job(carry)).run(given, {}))
    await started.wait()
    given.cancel(cause)
    given.cancel(Cause.OVERTAKEN)
    finish = await given.task
    assert finish.what == ("back" if cause is Cause.STOPPING else "done")
    assert finish.letter is None


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(), st.lists, max_leaves=3
)


@hypothesis.given(
    raw=st.binary(max_size=40)
    | st.dictionaries(
        st.sampled_from(["v", "f", "a", "k", "t", "et", "p", "n", "lk", "tp", "w"]), json_values
    ).map(lambda changes: payload("job", **changes))
)
@hypothesis.settings(max_examples=100)
async def test_no_payload_makes_a_delivery_raise(raw: bytes) -> None:
    async def carry(ctx: Context, *args: Any, **kwargs: Any) -> None:
        del ctx, args, kwargs

    finish = await run(job(carry), raw=raw)
    assert finish.what in {"done", "park"}
    if finish.letter:
        finish.letter.model_dump_json()


def test_the_fields_of_a_hook_are_arqs() -> None:
    names = set(Hooks.__dataclass_fields__)
    assert names >= {"on_startup", "on_shutdown", "on_job_start", "on_job_end", "after_job_end"}
