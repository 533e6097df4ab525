"""Arq's own classes beside ours: what they put in runs here, and what they ask is told the truth."""

import asyncio
import pickle
from collections import Counter
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import pytest
from arq import create_pool
from arq.connections import ArqRedis, RedisSettings
from arq.jobs import Job, JobStatus, ResultNotFound
from arq.worker import Worker

from app.errors import ErrorCode, PermanentError
from app.queue.delivery import Context
from app.queue.envelope import JobFailed, NewJob, decode, encode
from app.queue.producer import Producer
from app.settings.queue import QueueSettings
from tests.queue.fleet import LIMIT_S, Workshop, commands, job, keys_of, patient, until, working

QUEUE = "arq:queue"


@pytest.fixture
async def arqs(redis_url: str) -> AsyncGenerator[ArqRedis]:
    """Arq's own client with our serializer."""
    settings = RedisSettings.from_dsn(redis_url)
    client = await create_pool(settings, job_serializer=encode, job_deserializer=decode)
    yield client
    await client.aclose()


def looking(**changes: Any) -> QueueSettings:
    """What arq's client puts in comes without a word."""
    return patient(poll_every=0.02, **changes)


def jobs_of(client: ArqRedis, job_id: str) -> Job:
    return Job(job_id, client, _deserializer=decode)


@asynccontextmanager
async def stock_worker(
    client: ArqRedis, function: Callable[..., Awaitable[Any]], **options: Any
) -> AsyncGenerator[Worker]:
    worker = Worker(
        [job(function)],
        redis_pool=client,
        handle_signals=False,
        poll_delay=0.02,
        job_serializer=encode,
        job_deserializer=decode,
        **options,
    )
    serving = asyncio.create_task(worker.async_run())
    yield worker
    serving.cancel()
    await asyncio.wait([serving])


async def test_what_arqs_client_puts_in_runs_here_and_its_result_is_read_there(
    arqs: ArqRedis, producer: Producer
) -> None:
    async def carry(ctx: Context, first: int, *, second: str) -> dict[str, Any]:
        return {"try": ctx["job_try"], "first": first, "second": second}

    async with working(producer, carry, settings=looking()):
        queued = await arqs.enqueue_job("job", 1, second="two", _job_id="j")
        assert queued is not None
        assert await queued.result(timeout=LIMIT_S, poll_delay=0.02) == {
            "try": 1, "first": 1, "second": "two"
        }  # fmt: skip
    info = await queued.result_info()
    assert info is not None
    assert (info.function, info.success, info.job_try, info.queue_name) == ("job", True, 1, QUEUE)
    assert await keys_of(producer, with_ttl=False) == set()


async def test_a_failure_is_raised_there_and_can_be_read(
    arqs: ArqRedis, producer: Producer
) -> None:
    async def carry(ctx: Context, how: str) -> None:
        del ctx
        if how == "foreseen":
            raise PermanentError(ErrorCode.INVALID_FILE)
        raise ZeroDivisionError("canary@example.com")

    async with working(producer, carry, settings=looking()):
        foreseen = await arqs.enqueue_job("job", "foreseen")
        bug = await arqs.enqueue_job("job", "bug")
        assert foreseen is not None
        assert bug is not None
        with pytest.raises(PermanentError, match="cannot be read as a résumé"):
            await foreseen.result(timeout=LIMIT_S, poll_delay=0.02)
        with pytest.raises(JobFailed, match="ZeroDivisionError") as raised:
            await bug.result(timeout=LIMIT_S, poll_delay=0.02)
        assert "canary" not in str(raised.value)
        with pytest.raises(ResultNotFound):
            await jobs_of(arqs, "nobody").result(timeout=LIMIT_S)
    results = await arqs.all_job_results()
    assert [result.success for result in results] == [False, False]


async def test_the_status_is_true_in_each_state(arqs: ArqRedis, producer: Producer) -> None:
    shop = Workshop()
    await producer.enqueue(NewJob(function="job", job_id="deferred", wait_s=60))
    await producer.enqueue(NewJob(function="job", job_id="j"))
    assert await jobs_of(arqs, "nobody").status() is JobStatus.not_found
    assert await jobs_of(arqs, "deferred").status() is JobStatus.deferred
    await until(lambda: _is_queued(arqs))
    async with working(producer, shop.carry):
        await shop.started()
        assert await jobs_of(arqs, "j").status() is JobStatus.in_progress
        shop.leave.set()
        await producer.result("j", within_s=LIMIT_S)
    assert await jobs_of(arqs, "j").status() is JobStatus.complete


async def _is_queued(arqs: ArqRedis) -> bool:
    """Arq compares with the clock of whoever asks."""
    return await jobs_of(arqs, "j").status() is JobStatus.queued


@pytest.mark.parametrize("state", ["queued", "leased", "deferred", "unknown"])
async def test_an_abort_is_done_and_told(arqs: ArqRedis, producer: Producer, state: str) -> None:
    shop = Workshop()
    if state != "unknown":
        wait_s = 600 if state == "deferred" else 0
        await producer.enqueue(NewJob(function="job", job_id="j", wait_s=wait_s))
    aborting = asyncio.create_task(jobs_of(arqs, "j").abort(timeout=LIMIT_S, poll_delay=0.02))
    if state != "leased":
        await until(lambda: commands(arqs).zscore("arq:abort", "j"))
    async with working(producer, shop.carry, settings=looking()):
        if state == "leased":
            await shop.started()
        assert await aborting is (state != "unknown")
        assert shop.cancelled == (["j"] if state == "leased" else [])
        await until(lambda: _is_gone(arqs, "arq:abort"))
        # A later job of that id is not hit.
        await commands(producer).delete("arq:result:j")
        await producer.enqueue(NewJob(function="job", job_id="j"))
        assert await shop.started() == "j"
        shop.leave.set()
        assert await producer.result("j", within_s=LIMIT_S) == "of j"


async def _is_gone(arqs: ArqRedis, *keys: str) -> bool:
    return not await commands(arqs).exists(*keys)


async def test_what_waits_and_runs_can_be_listed(arqs: ArqRedis, producer: Producer) -> None:
    shop = Workshop()
    await producer.enqueue(NewJob(function="job", args=(1,), job_id="later", wait_s=60))
    async with working(producer, shop.carry):
        await producer.enqueue(NewJob(function="job", args=(2,), job_id="runs"))
        await shop.started()
        listed = {each.job_id: each for each in await arqs.queued_jobs()}
        assert set(listed) == {"later", "runs"}
        assert (listed["runs"].function, tuple(listed["runs"].args)) == ("job", (2,))
        info = await jobs_of(arqs, "later").info()
        assert info is not None
        assert info.score is not None
        assert (info.function, info.job_try) == ("job", None)


async def test_arqs_ids_and_delays_mean_the_same_here(arqs: ArqRedis, producer: Producer) -> None:
    shop = Workshop()
    assert await arqs.enqueue_job("job", _job_id="j", _defer_by=timedelta(milliseconds=100))
    assert not (await producer.enqueue(NewJob(function="job", job_id="j"))).is_new
    assert await producer.enqueue(NewJob(function="job", job_id="k"))
    assert await arqs.enqueue_job("job", _job_id="k") is None
    async with working(producer, shop.carry, settings=looking()):
        assert {await shop.started(), await shop.started()} == {"j", "k"}
        shop.leave.set()
        await producer.result("j", within_s=LIMIT_S)
        assert await arqs.enqueue_job("job", _job_id="j") is None


@pytest.mark.parametrize("number", [1, 450])
async def test_all_that_arqs_client_put_in_is_found(
    arqs: ArqRedis, producer: Producer, number: int
) -> None:
    done: set[str] = set()

    async def carry(ctx: Context) -> None:
        done.add(ctx["job_id"])

    for each in range(number):
        await arqs.enqueue_job("job", _job_id=f"j{each}")
    async with working(producer, carry, settings=looking()):
        await until(lambda: _is_gone(arqs, QUEUE))
    assert len(done) == number


async def test_arqs_pickle_is_never_opened(redis_url: str, producer: Producer) -> None:
    class Bomb:
        def __reduce__(self) -> tuple[object, tuple[str]]:
            return (pytest.fail, ("the pickle was opened",))

    client = await create_pool(RedisSettings.from_dsn(redis_url))
    async with working(producer, Workshop().carry, settings=looking()):
        await client.enqueue_job("job", Bomb(), _job_id="j")
        with pytest.raises(PermanentError):
            await producer.result("j", within_s=LIMIT_S)
    raw = await commands(producer).hget(f"{QUEUE}:dead:j", "payload")
    assert isinstance(raw, bytes)
    assert raw.startswith(pickle.PROTO)
    await client.aclose()


async def test_a_worker_of_arqs_own_and_two_of_ours_run_each_job_once(
    arqs: ArqRedis, producer: Producer
) -> None:
    runs: Counter[str] = Counter()
    by: Counter[str] = Counter()

    def carried_by(name: str) -> Callable[[Context], Awaitable[str]]:
        async def carry(ctx: Context) -> str:
            runs[ctx["job_id"]] += 1
            by[name] += 1
            await asyncio.sleep(0.03)  # so that none of them can do it all
            return name

        return carry

    # What a worker of arq's own holds, ours look at again after a lease.
    two = looking(concurrency=2, lease=3)
    async with (
        working(producer, carried_by("first"), settings=two, worker_id="first"),
        working(producer, carried_by("second"), settings=two, worker_id="second"),
        stock_worker(arqs, carried_by("stock"), max_jobs=20),
    ):
        for start in range(0, 300, 20):
            for number in range(start, start + 10):
                await arqs.enqueue_job("job", _job_id=f"j{number}")
            await producer.enqueue_many(
                [NewJob(function="job", job_id=f"j{number}") for number in range(start + 10, start + 20)]
            )  # fmt: skip
        await until(lambda: _is_gone(arqs, QUEUE))
        await until(lambda: _is_gone(arqs, f"{QUEUE}:index"))
    assert len(runs) == 300
    assert set(runs.values()) == {1}
    assert set(by) == {"first", "second", "stock"}
    assert await keys_of(producer, with_ttl=False) == set()


async def test_a_worker_of_arqs_own_takes_what_ours_handed_back(
    arqs: ArqRedis, producer: Producer
) -> None:
    shop, stock = Workshop(), Workshop()
    stock.leave.set()
    async with working(producer, shop.carry) as running:
        await producer.enqueue(NewJob(function="job", job_id="j", tenant="t"))
        await shop.started()
        running.stop.asked.set()
        running.stop.at_once.set()
        await running.ended()
    async with stock_worker(arqs, stock.carry):
        assert (await stock.next_call())["job_try"] == 1
        assert await jobs_of(arqs, "j").result(timeout=LIMIT_S, poll_delay=0.02) == "of j"


async def test_a_job_that_a_worker_of_arqs_own_runs_is_left_to_it(
    arqs: ArqRedis, producer: Producer
) -> None:
    shop, stock = Workshop(), Workshop()
    async with stock_worker(arqs, stock.carry):
        await arqs.enqueue_job("job", _job_id="j")
        await stock.started()
        async with working(producer, shop.carry, settings=looking()) as running:
            await until(lambda: commands(producer).zscore(f"{QUEUE}:deferred", "j"))
            claims = running.claims
            await until(lambda: running.claims > claims + 2)
            assert shop.calls.empty()
            stock.leave.set()
            assert await jobs_of(arqs, "j").result(timeout=LIMIT_S, poll_delay=0.02) == "of j"
