"""Into the queue, and what there is to ask of it."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from pydantic import SecretStr

from app.errors import ErrorCode, PermanentError, RetryableError
from app.queue.envelope import NewJob, Priority, unseal
from app.queue.producer import _LOOK_AGAIN_S, Enqueued, Producer
from app.settings.groups import RedisSettings
from app.store.redis import RedisPool, open_redis
from app.telemetry.spans import RecordedSpan
from tests.queue.fleet import LIMIT_S, Workshop, commands, listeners, patient, until, working

QUEUE = "arq:queue"


async def test_a_job_is_what_arq_knows_and_an_index_beside_it(producer: Producer) -> None:
    job = NewJob(
        function="job",
        args=(1, "둘"),
        kwargs={"three": [3]},
        job_id="j",
        priority=Priority.CHAT,
        tenant="t",
        limit_key="model:small",
    )
    assert await producer.enqueue(job) == Enqueued("j", is_new=True)
    read = unseal(await producer.payload("j") or b"")
    assert (read.function, read.args, read.kwargs) == ("job", (1, "둘"), {"three": [3]})
    assert (read.priority, read.tenant, read.limit_key) == (Priority.CHAT, "t", "model:small")
    assert await commands(producer).hget(f"{QUEUE}:index", "j") == b"1|t|model:small"
    assert await commands(producer).zscore(QUEUE, "j") is not None
    assert await commands(producer).pttl("arq:job:j") > 29 * 86_400_000


async def test_an_id_is_taken_while_its_job_waits_or_its_result_is_kept(producer: Producer) -> None:
    job = NewJob(function="job", job_id="j")
    assert (await producer.enqueue(job)).is_new
    assert not (await producer.enqueue(job)).is_new
    await producer.cancel("j")
    assert not (await producer.enqueue(job)).is_new
    await commands(producer).delete("arq:result:j")
    assert (await producer.enqueue(job)).is_new


async def test_an_idempotency_key_outlives_the_job_and_dies_by_its_own_time(
    producer: Producer,
) -> None:
    shop = Workshop()
    shop.leave.set()
    job = NewJob(function="job", idempotency_key="order-1", idempotency_s=600)
    first = await producer.enqueue(job)
    async with working(producer, shop.carry):
        await producer.result(first.job_id, within_s=LIMIT_S)
    await commands(producer).delete(f"arq:result:{first.job_id}")
    assert await producer.enqueue(job) == Enqueued(first.job_id, is_new=False)
    (name,) = [key async for key in commands(producer).scan_iter(f"{QUEUE}:once:*")]
    assert 0 < await commands(producer).pttl(name) <= 600_000
    await commands(producer).delete(name)
    second = await producer.enqueue(job)
    assert second.is_new
    assert second.job_id != first.job_id


async def test_the_same_key_twice_in_one_call_is_one_job(producer: Producer) -> None:
    job = NewJob(function="job", idempotency_key="k")
    first, second = await producer.enqueue_many([job, job])
    assert (first.is_new, second.is_new) == (True, False)
    assert first.job_id == second.job_id


async def test_who_is_absent_neither_waits_nor_has_left_a_result(producer: Producer) -> None:
    await producer.enqueue(NewJob(function="job", job_id="waits", wait_s=60))
    await producer.enqueue(NewJob(function="job", job_id="cancelled"))
    await producer.cancel("cancelled")
    asked = ["gone", "waits", "cancelled", "never"]
    assert await producer.absent(asked) == {"gone", "never"}
    assert await producer.absent(["waits"]) == await producer.absent([]) == set()


async def test_ten_thousand_jobs_go_in_with_one_call(
    producer: Producer, traced: list[RecordedSpan]
) -> None:
    jobs = [NewJob(function="job", args=(number,)) for number in range(10_000)]
    jobs[5_000] = NewJob(function="job", job_id="twice")
    jobs[9_999] = NewJob(function="job", job_id="twice")
    answers = await producer.enqueue_many(jobs)
    assert [answer.is_new for answer in answers] == [True] * 9_999 + [False]
    assert await commands(producer).zcard(QUEUE) == 9_999
    last = unseal(await producer.payload(answers[9_998].job_id) or b"")
    assert last.args == (9_998,)
    (span,) = traced
    assert span.attributes["messaging.batch.message_count"] == 10_000
    assert await producer.enqueue_many([]) == []


async def test_what_is_too_large_or_no_json_is_refused_and_nothing_is_put_in(
    producer: Producer,
) -> None:
    fine = NewJob(function="job")
    with pytest.raises(PermanentError) as large:
        await producer.enqueue_many([fine, NewJob(function="job", args=("x" * 65_536,))])
    assert large.value.code is ErrorCode.PAYLOAD_TOO_LARGE
    assert large.value.details["limit_bytes"] == 65_536
    assert "store the data" in str(large.value.details["reason"])
    for wrong in (object(), {1, 2}, float("nan"), b"bytes"):
        with pytest.raises(PermanentError) as no_json:
            await producer.enqueue_many([fine, NewJob(function="job", args=(wrong,))])
        assert no_json.value.code is ErrorCode.VALIDATION_ERROR
        assert "JSON" in str(no_json.value.details["reason"])
    with pytest.raises(PermanentError, match="not valid"):
        await producer.enqueue(NewJob(function="job", tenant="a|b"))
    assert not await commands(producer).exists(QUEUE)


async def test_a_job_waits_for_its_time_however_that_is_told(producer: Producer) -> None:
    in_an_hour = datetime.now(UTC) + timedelta(hours=1)
    await producer.enqueue(NewJob(function="job", job_id="at", run_at=in_an_hour))
    await producer.enqueue(NewJob(function="job", job_id="in", wait_s=3_600))
    at, after = await commands(producer).zmscore(QUEUE, ["at", "in"])
    assert at == pytest.approx(in_an_hour.timestamp() * 1000, abs=1)
    assert after == pytest.approx(at, abs=60_000)
    assert await commands(producer).zcard(f"{QUEUE}:deferred") == 2
    assert await commands(producer).pttl("arq:job:at") > 3_600_000


async def test_arqs_way_to_enqueue_works_too(producer: Producer) -> None:
    job = await producer.enqueue_job("job", 1, two=2, _job_id="j", _defer_by=60)
    assert job is not None
    info = await job.info()
    assert info is not None
    assert (info.function, tuple(info.args), info.kwargs) == ("job", (1,), {"two": 2})
    assert await producer.enqueue_job("job", _job_id="j") is None
    other = await producer.enqueue_job("job", _queue_name="another", _job_try=2, _expires=5)
    assert other is not None
    assert await commands(producer).zcard("another") == 1
    with pytest.raises(ValueError, match="not both"):
        await producer.enqueue_job("job", _defer_by=1, _defer_until=datetime.now(UTC))


async def test_results_come_by_push(producer: Producer) -> None:
    """Were each only found when it is looked at again, they would take longer than the limit."""
    shop = Workshop()
    async with working(producer, shop.carry), asyncio.timeout(LIMIT_S):
        for number in range(int(LIMIT_S / _LOOK_AGAIN_S) + 1):
            await producer.enqueue(NewJob(function="job", job_id=f"j{number}"))
            await shop.started()
            waiting = asyncio.create_task(producer.result(f"j{number}", within_s=LIMIT_S))
            await until(lambda: _hears_two(producer))  # the worker, and who waits for the result
            shop.leave.set()
            assert await waiting == f"of j{number}"
            shop.leave.clear()


async def _hears_two(producer: Producer) -> bool:
    return await listeners(producer) == 2


async def test_a_result_that_there_will_never_be_is_told_at_once(producer: Producer) -> None:
    with pytest.raises(PermanentError) as raised:
        await producer.result("nobody", within_s=LIMIT_S)
    assert raised.value.code is ErrorCode.NOT_FOUND


async def test_waiting_for_a_result_ends_in_time(producer: Producer) -> None:
    await producer.enqueue(NewJob(function="job", job_id="j"))
    with pytest.raises(TimeoutError):
        await producer.result("j", within_s=0.05)


async def test_a_redis_that_is_away_has_a_code() -> None:
    settings = RedisSettings(url=SecretStr("unix:///nonexistent/valkey.sock"))
    async with open_redis(settings) as pool:
        away = Producer(pool, patient())
        with pytest.raises(RetryableError, match="over the network"):
            await away.ping()
        for order in (
            away.enqueue(NewJob(function="job")),
            away.cancel("j"),
            away.payload("j"),
            away.result("j", within_s=LIMIT_S),
        ):
            with pytest.raises(RetryableError):
                await order


async def test_queues_in_one_redis_do_not_mix(producer: Producer, pool: RedisPool) -> None:
    other = Producer(pool, patient(name="another"))
    shop = Workshop()
    async with working(producer, shop.carry):
        await other.enqueue(NewJob(function="job", job_id="theirs"))
        await producer.enqueue(NewJob(function="job", job_id="ours"))
        assert await shop.started() == "ours"
        assert shop.calls.empty()
    assert await commands(other).zrange("another", 0, -1) == [b"theirs"]
