"""What is seen of a queue from outside, and what is ordered of it."""

import asyncio
import json
from typing import Any

import pytest
from arq.connections import ArqRedis
from pydantic import SecretStr

from app.errors import ErrorCode, RetryableError
from app.queue import inspection, scripts
from app.queue.envelope import NewJob, Priority, decode, encode
from app.queue.inspection import QueueDepth
from app.queue.producer import Producer
from app.settings.groups import RedisSettings
from app.store.redis import RedisPool, open_redis
from tests.queue.fleet import HOUR_S, Workshop, job, patient, until, working
from tests.queue.letters import kill, letters_of


def some(count: int, **changes: Any) -> list[NewJob]:
    return [NewJob(function="carry", **changes) for _ in range(count)]


async def claim(
    producer: Producer, count: int, *, lease_s: float = 60, limits: dict[str, object] | None = None
) -> int:
    """As a worker that then dies; how many it got."""
    options = {
        "shares": {"2": 0.25, "3": 0.05},
        "weights": {},
        "tenant_limit": False,
        "key_limits": {},
        **(limits or {}),
    }
    call = scripts.Call(scripts.CLAIM, (count, 0, int(lease_s * 1000), "w:1", json.dumps(options)))
    (answer,) = await scripts.run(producer, producer.queue_name, call)
    return len(answer[0])


def counts(seen: QueueDepth) -> dict[str, int]:
    names = ("due", "held", "deferred", "running", "dead", "parked")
    return {name: count for name in names if (count := getattr(seen, name))}


async def test_an_empty_queue_has_nothing(producer: Producer) -> None:
    seen = await inspection.depth(producer)
    assert counts(seen) == {}
    assert seen.due_by_priority == {"chat": 0, "ingestion": 0, "bulk": 0}
    assert (seen.oldest_age_s, seen.tenants, seen.paused) == ({}, (), None)
    assert await inspection.workers(producer) == []
    assert await inspection.running(producer) == []


async def test_jobs_are_counted_where_they_stand(producer: Producer) -> None:
    await producer.enqueue_many(
        [
            *some(2, priority=Priority.CHAT, tenant="a"),
            *some(3, priority=Priority.BULK, tenant="a"),
            *some(4, priority=Priority.BULK, tenant="b"),
            *some(5, wait_s=600),
        ]
    )
    await kill(letters_of(producer), "x", "y")
    assert await claim(producer, 2) == 2
    seen = await inspection.depth(producer)
    assert counts(seen) == {"due": 7, "deferred": 5, "running": 2, "dead": 2}
    assert sum(seen.due_by_priority.values()) == 7
    assert sum(tenant.due for tenant in seen.tenants) == 7
    assert {tenant.tenant for tenant in seen.tenants} <= {"a", "b"}
    assert sum({each.tenant: each.running for each in seen.tenants}.values()) <= 2
    assert not any(tenant.at_limit for tenant in seen.tenants)


async def test_a_dead_letter_that_has_expired_is_not_counted(producer: Producer) -> None:
    await kill(letters_of(producer), "x", "y", "z")
    await producer.delete("arq:queue:dead:x", "arq:queue:dead:y")
    assert (await inspection.depth(producer)).dead == 1
    assert await producer.zcard("arq:queue:dead") == 1


async def test_what_waits_at_a_limit_is_held_and_not_due(producer: Producer) -> None:
    await producer.enqueue_many(
        [*some(4, tenant="a"), *some(3, tenant="b", limit_key="model:m"), *some(2, tenant="c")]
    )
    limits: dict[str, object] = {"tenant_limit": 1, "key_limits": {"model:m": 1}}
    assert await claim(producer, 9, limits=limits) == 3  # one of each tenant
    seen = await inspection.depth(producer)
    assert counts(seen) == {"held": 6, "running": 3}
    assert {(tenant.tenant, tenant.due, tenant.running) for tenant in seen.tenants} == {
        ("a", 3, 1), ("b", 2, 1), ("c", 1, 1),
    }  # fmt: skip
    assert all(tenant.at_limit for tenant in seen.tenants)
    await producer.enqueue_many(some(2, tenant="d", limit_key="model:m"))
    assert await claim(producer, 9, limits=limits) == 0
    seen = await inspection.depth(producer)
    assert counts(seen) == {"held": 8, "running": 3}
    assert (seen.oldest_age_s, set(seen.oldest_held_age_s)) == ({}, {Priority.INGESTION})


async def test_what_is_held_ages_apart_from_what_a_worker_may_start(
    pool: RedisPool, producer: Producer
) -> None:
    await producer.enqueue_many([*some(3, tenant="a"), *some(2, limit_key="model:m")])
    limits: dict[str, object] = {"tenant_limit": 1, "key_limits": {"model:m": 0}}
    assert await claim(producer, 9, limits=limits) == 1
    now_s, _ = await producer.time()  # pyright: ignore[reportUnknownMemberType] - typed loosely
    (held,) = await producer.zrange(f"{producer.queue_name}:due:2:a", 0, 0)  # pyright: ignore[reportUnknownMemberType] - typed loosely
    for key in (producer.queue_name, f"{producer.queue_name}:due:2:a"):
        await producer.zadd(key, {held: (now_s - 90) * 1000})
    await ArqRedis(pool, job_serializer=encode, job_deserializer=decode).enqueue_job("carry")

    async def is_counted() -> bool:
        return counts(await inspection.depth(producer)) == {"due": 1, "held": 4, "running": 1}

    await until(is_counted)
    seen = await inspection.depth(producer)
    assert seen.oldest_age_s[Priority.INGESTION] < 60
    assert 90 <= seen.oldest_held_age_s[Priority.INGESTION] < 150


async def test_ages_are_told_by_priority(producer: Producer) -> None:
    await producer.enqueue_many(some(2, priority=Priority.BULK))
    await producer.enqueue_many(some(1, priority=Priority.CHAT, tenant="b"))
    now_s, _ = await producer.time()  # pyright: ignore[reportUnknownMemberType] - typed loosely
    oldest = (await producer.zrange(producer.queue_name, 0, 0))[0]  # pyright: ignore[reportUnknownMemberType] - typed loosely
    for key in (producer.queue_name, f"{producer.queue_name}:due:3:"):
        await producer.zadd(key, {oldest: (now_s - 90) * 1000})
    ages = (await inspection.depth(producer)).oldest_age_s
    assert set(ages) == {Priority.CHAT, Priority.BULK}
    assert 90 <= ages[Priority.BULK] < 150
    assert ages[Priority.CHAT] < ages[Priority.BULK] - 10


async def test_what_no_worker_has_looked_at_yet_is_due_all_the_same(
    pool: RedisPool, producer: Producer
) -> None:
    arq = ArqRedis(pool, job_serializer=encode, job_deserializer=decode)
    for _ in range(3):
        await arq.enqueue_job("carry")
    await producer.enqueue_many(some(2, priority=Priority.CHAT, wait_s=0.001))
    await producer.enqueue_many(some(4, priority=Priority.BULK))
    assert await claim(producer, 2, lease_s=0.001) == 2  # by a worker that dies at once

    async def all_due() -> bool:
        return (await inspection.depth(producer)).due == 9

    await until(all_due)
    seen = await inspection.depth(producer)
    assert counts(seen) == {"due": 9}
    assert sum(seen.due_by_priority.values()) == 9
    assert seen.due_by_priority[Priority.INGESTION] == 3
    assert Priority.INGESTION in seen.oldest_age_s


async def test_of_very_many_tenants_all_jobs_are_counted(producer: Producer) -> None:
    many = [NewJob(function="carry", tenant=f"t{n}", priority=Priority.BULK) for n in range(1_300)]
    await producer.enqueue_many([*many, *some(2, priority=Priority.CHAT)])
    seen = await inspection.depth(producer)
    assert seen.due_by_priority == {"chat": 2, "ingestion": 0, "bulk": 1_300}
    assert len(seen.tenants) == 100
    assert set(seen.oldest_age_s) == {Priority.CHAT, Priority.BULK}


async def test_a_job_of_a_newer_version_is_parked(producer: Producer) -> None:
    await producer.set("arq:job:j", b'{"v": 2}')
    await producer.zadd(producer.queue_name, {"j": 1})

    async def is_parked() -> bool:
        return (await inspection.depth(producer)).parked == 1

    async with working(producer, Workshop().carry):
        await until(is_parked)
    assert counts(await inspection.depth(producer)) == {"parked": 1, "deferred": 1}


async def test_workers_tell_who_they_are_while_they_live(producer: Producer) -> None:
    shop = Workshop()
    async with working(producer, job(shop.carry), worker_id="w[1]") as first:
        await producer.enqueue(NewJob(function="job", job_id="j"))
        await shop.started()
        async with working(producer, Workshop().carry, worker_id="w2"):

            async def both() -> bool:
                seen = await inspection.workers(producer)
                return [each.id for each in seen] == ["w2", "w[1]"]

            await until(both)
            shown = (await inspection.workers(producer))[1]
            assert (shown.slots, shown.pid > 0, shown.version != "") == (
                first.worker.slots, True, True,
            )  # fmt: skip
            assert shown.reported_s_ago is not None
            assert shown.reported_s_ago >= 0
            (held,) = await inspection.running(producer)
            assert (held.id, held.function, held.worker) == ("j", "job", "w[1]")
    assert await inspection.workers(producer) == []


async def test_a_worker_of_another_queue_or_with_an_odd_report_does_no_harm(
    producer: Producer,
) -> None:
    prefix = f"naru:worker:{producer.queue_name}"
    await producer.set(f"{prefix}2:other", "{}", px=60_000)
    for number, report in enumerate(("", "[]", "{}", '{"slots": "many"}', '{"lease_s": "x"}')):
        await producer.set(f"{prefix}:{number}", report, px=60_000)
    shown = await inspection.workers(producer)
    assert [each.id for each in shown] == ["0", "1", "2", "3", "4"]
    assert {each.slots for each in shown} == {0}


async def test_a_paused_queue_starts_nothing_and_goes_on_at_once(producer: Producer) -> None:
    shop = Workshop()
    shop.leave.set()
    # Neither its looks nor its heartbeat can be what moves it.
    async with working(producer, job(shop.carry), settings=patient(lease=HOUR_S)):
        seen = await inspection.pause(producer, reason="the model is moved", by="cli:ada")
        assert seen.paused is not None
        assert (seen.paused.reason, seen.paused.by) == ("the model is moved", "cli:ada")
        assert seen.paused.until is not None
        assert seen.paused.since is not None
        assert 43_000 < (seen.paused.until - seen.at).total_seconds() <= 43_200
        assert abs((seen.paused.since - seen.at).total_seconds()) < 60
        await producer.enqueue_many([NewJob(function="job") for _ in range(20)])
        await claim_is_answered(producer)
        assert counts(await inspection.depth(producer)) == {"due": 20}
        assert await inspection.resume(producer)
        for _ in range(20):
            await shop.started()
    assert not await inspection.resume(producer)


async def claim_is_answered(producer: Producer) -> None:
    """Wait until the worker has taken the token that woke it, and so has asked."""

    async def taken() -> bool:
        return not await producer.exists(f"{producer.queue_name}:wake")

    await until(taken)


async def test_a_forgotten_pause_ends_by_itself(producer: Producer) -> None:
    await inspection.pause(producer, reason="r", by="b", for_s=0.05)

    async def is_over() -> bool:
        return (await inspection.depth(producer)).paused is None

    await until(is_over)


@pytest.mark.parametrize("written", ["1", "", "[]", '{"for_s": "x"}', '{"reason": 1, "by": 2}'])
async def test_a_pause_by_hand_is_shown_as_one(producer: Producer, written: str) -> None:
    await producer.set(f"{producer.queue_name}:paused", written)
    seen = await inspection.depth(producer)
    if written:
        assert seen.paused is not None
        assert (seen.paused.by, seen.paused.until) == ("unknown", None)
    assert await inspection.resume(producer)


async def test_draining_waits_until_nothing_runs_and_leaves_the_queue_paused(
    producer: Producer,
) -> None:
    shop = Workshop()
    async with working(producer, job(shop.carry)):
        await producer.enqueue(NewJob(function="job", job_id="first"))
        await shop.started()
        draining = asyncio.create_task(
            inspection.drain(producer, reason="r", by="b", within_s=HOUR_S)
        )

        async def is_paused() -> bool:
            return (await inspection.depth(producer)).paused is not None

        await until(is_paused)
        await producer.enqueue(NewJob(function="job", job_id="second"))
        assert not draining.done()
        shop.leave.set()
        drained = await draining
        assert (drained.depth.running, drained.running) == (0, ())
        assert counts(await inspection.depth(producer)) == {"due": 1}
        assert shop.ended == ["first"]


async def test_what_does_not_end_in_time_is_told(producer: Producer) -> None:
    shop = Workshop()
    async with working(producer, job(shop.carry), worker_id="w1"):
        await producer.enqueue(NewJob(function="job", job_id="slow"))
        await shop.started()
        drained = await inspection.drain(producer, reason="r", by="b", within_s=0.01)
    assert drained.depth.running == 1
    assert [(each.id, each.worker) for each in drained.running] == [("slow", "w1")]


async def test_without_redis_there_is_a_code() -> None:
    settings = RedisSettings(url=SecretStr("unix:///nonexistent/valkey.sock"), connect_timeout=0.1)
    async with open_redis(settings) as pool:
        producer = Producer(pool, patient())
        for ask in (inspection.depth, inspection.workers, inspection.running, inspection.resume):
            with pytest.raises(RetryableError) as raised:
                await ask(producer)
            assert raised.value.code is ErrorCode.NETWORK_ERROR
