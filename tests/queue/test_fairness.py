"""Who goes first, counted in starts: classes, tenants, weights and limits."""

import json
from collections import Counter
from typing import Any

import pytest

from app.queue import scripts
from app.queue.envelope import NewJob, Priority
from app.queue.producer import Producer
from tests.queue.fleet import LIMIT_S, Workshop, commands, patient, until, working

QUEUE = "arq:queue"
LONG_MS = 600_000


def jobs(number: int, name: str, **options: Any) -> list[NewJob]:
    return [NewJob(function="job", job_id=f"{name}-{each}", **options) for each in range(number)]


async def claim(
    producer: Producer, want: int, *, express: int = 0, worker: str = "w", **options: Any
) -> list[str]:
    """The ids that a worker gets."""
    own: dict[str, Any] = {
        "shares": {"2": 0.25, "3": 0.05},
        "weights": {},
        "tenant_limit": False,
        "key_limits": {},
    }
    call = scripts.Call(
        scripts.CLAIM, (want, express, LONG_MS, f"{worker}:1", json.dumps(own | options))
    )
    ((found, *_),) = await scripts.run(producer, QUEUE, call)
    return [job_id.decode() for job_id, *_ in found]


async def finish(producer: Producer, *ids: str, worker: str = "w") -> None:
    arguments: list[scripts.Argument] = [LONG_MS]
    for job_id in ids:
        arguments += (job_id, f"{worker}:1", "done", b"", 1, "")
    assert await scripts.run(producer, QUEUE, scripts.Call(scripts.FINISH, arguments)) == [[]]


async def beat(producer: Producer) -> None:
    call = scripts.Call(scripts.HEARTBEAT, (LONG_MS, "naru:worker:w", "{}"))
    await scripts.run(producer, QUEUE, call)


def counted(ids: list[str]) -> Counter[str]:
    return Counter(job_id.rpartition("-")[0] for job_id in ids)


async def test_one_job_beside_ten_thousand_is_among_the_next_two(producer: Producer) -> None:
    await producer.enqueue_many(jobs(10_000, "many", tenant="busy"))
    await claim(producer, 100)
    await producer.enqueue_many(jobs(1, "one", tenant="rare"))
    assert "one-0" in await claim(producer, 2)


async def test_idleness_saves_up_no_turns(producer: Producer) -> None:
    await producer.enqueue_many(jobs(100, "busy", tenant="busy"))
    await claim(producer, 50)
    await producer.enqueue_many(jobs(50, "late", tenant="late"))
    shares = counted(await claim(producer, 20))
    assert abs(shares["busy"] - shares["late"]) <= 1


async def test_weights_are_kept_one_by_one_and_in_bulk(producer: Producer) -> None:
    for tenant in ("heavy", "light"):
        await producer.enqueue_many(jobs(100, tenant, tenant=tenant))
    weights = {"heavy": 2, "light": 1}
    one_by_one = [job for _ in range(30) for job in await claim(producer, 1, weights=weights)]
    assert abs(counted(one_by_one)["light"] - 10) <= 1
    in_bulk = await claim(producer, 60, weights=weights)
    assert abs(counted(in_bulk)["light"] - 20) <= 1


async def test_chat_goes_first_and_the_others_get_their_share(producer: Producer) -> None:
    for priority in Priority:
        await producer.enqueue_many(jobs(1_200, priority.value, priority=priority))
    assert counted(await claim(producer, 3)) == {"chat": 3}
    starts = Counter[str]()
    for want in (1, 7, 92) * 10:
        starts += counted(await claim(producer, want))
    assert starts.total() == 1_000
    assert starts["ingestion"] >= 248
    assert starts["bulk"] >= 48
    assert starts["chat"] >= 690


async def test_a_class_that_waits_alone_gets_everything(producer: Producer) -> None:
    await producer.enqueue_many(jobs(20, "bulk", priority=Priority.BULK))
    assert counted(await claim(producer, 10)) == {"bulk": 10}


async def test_the_oldest_of_a_tenant_is_first(producer: Producer) -> None:
    for number in range(5):
        await producer.enqueue_many(jobs(1, f"{number}"))
        await until(lambda: _time_has_passed(producer))
    assert await claim(producer, 5) == [f"{number}-0" for number in range(5)]


async def _time_has_passed(producer: Producer) -> bool:
    """A millisecond by the server's clock, which orders jobs."""
    newest = await commands(producer).zrange(QUEUE, -1, -1, withscores=True)
    seconds, microseconds = await commands(producer).time()
    return int(seconds) * 1000 + int(microseconds) // 1000 > newest[0][1]


async def test_slots_for_chat_are_used_by_chat_alone(producer: Producer) -> None:
    await producer.enqueue_many(jobs(10, "bulk", priority=Priority.BULK))
    await producer.enqueue_many(jobs(10, "ingestion"))
    assert await claim(producer, 0, express=2) == []
    await producer.enqueue_many(jobs(10, "chat", priority=Priority.CHAT))
    assert counted(await claim(producer, 0, express=2)) == {"chat": 2}


async def test_a_full_worker_still_takes_chat(producer: Producer) -> None:
    shop = Workshop()
    async with working(producer, shop.carry, settings=patient(concurrency=2, chat_slots=2)):
        await producer.enqueue_many(jobs(4, "ingestion"))
        assert counted([await shop.started() for _ in range(2)]) == {"ingestion": 2}
        await producer.enqueue_many(jobs(4, "chat", priority=Priority.CHAT))
        assert counted([await shop.started() for _ in range(2)]) == {"chat": 2}
        await until(lambda: commands(producer).exists(f"{QUEUE}:ring:1"))
        assert shop.calls.empty()


async def test_a_tenant_has_no_more_in_flight_than_it_may_anywhere(producer: Producer) -> None:
    await producer.enqueue_many(jobs(10, "one", tenant="one"))
    await producer.enqueue_many(jobs(10, "two", tenant="two"))
    first = await claim(producer, 10, worker="a", tenant_limit=3)
    assert counted(first) == {"one": 3, "two": 3}
    assert await claim(producer, 10, worker="b", tenant_limit=3) == []
    await finish(producer, "one-0", worker="a")
    assert counted(await claim(producer, 10, worker="b", tenant_limit=3)) == {"one": 1}


async def test_limits_hold_too_for_who_waits_alone(producer: Producer) -> None:
    """Then jobs are claimed many at a time."""
    limits: dict[str, Any] = {"tenant_limit": 7, "key_limits": {"k": 3}}
    await producer.enqueue_many(jobs(20, "free", tenant="t"))
    assert len(await claim(producer, 50, **limits)) == 7
    await producer.enqueue_many(jobs(20, "keyed", tenant="u", limit_key="k"))
    assert counted(await claim(producer, 50, **limits)) == {"keyed": 3}
    await beat(producer)
    assert len(await claim(producer, 4)) == 4  # and never more than there is room for


async def test_a_limit_key_is_limited_over_two_workers_and_tenants(producer: Producer) -> None:
    limits = {"model:small": 2}
    for tenant in ("one", "two"):
        await producer.enqueue_many(jobs(5, tenant, tenant=tenant, limit_key="model:small"))
    await producer.enqueue_many(jobs(2, "free", tenant="one", limit_key="model:other"))
    a = await claim(producer, 20, worker="a", key_limits=limits)
    assert counted(a)["free"] == 2
    assert len(a) == 4
    assert await claim(producer, 20, worker="b", key_limits=limits) == []
    held = next(job for job in a if not job.startswith("free"))
    await finish(producer, held, worker="a")
    assert len(await claim(producer, 20, worker="b", key_limits=limits)) == 1


async def test_the_limits_of_a_whole_fleet_hold_while_it_works(producer: Producer) -> None:
    running = Counter[str]()
    most = Counter[str]()

    async def carry(ctx: dict[Any, Any]) -> None:
        tenant = ctx["job_id"].partition("-")[0]
        running.update([tenant, "all"])
        for name in (tenant, "all"):
            most[name] = max(most[name], running[name])
        await producer.ping()
        running.subtract([tenant, "all"])

    limited = patient(concurrency=8, tenant_limit=3, key_limits={"k": 5})
    async with (
        working(producer, carry, settings=limited, worker_id="a"),
        working(producer, carry, settings=limited, worker_id="b"),
    ):
        for tenant in ("x", "y", "z"):
            await producer.enqueue_many(jobs(40, tenant, tenant=tenant, limit_key="k"))
        await until(lambda: _nothing_waits(producer))
    assert most["all"] <= 5
    assert max(most[tenant] for tenant in "xyz") <= 3


async def _nothing_waits(producer: Producer) -> bool:
    return await commands(producer).zcard(QUEUE) == 0


@pytest.mark.parametrize("kind", ["tenant", "key"])
async def test_a_raised_limit_takes_effect_by_the_next_heartbeat(
    producer: Producer, kind: str
) -> None:
    await producer.enqueue_many(jobs(10, "j", tenant="t", limit_key="k"))
    low: dict[str, Any]
    high: dict[str, Any]
    low, high = (
        ({"tenant_limit": 1}, {"tenant_limit": 6})
        if kind == "tenant"
        else ({"key_limits": {"k": 1}}, {"key_limits": {"k": 6}})
    )
    assert len(await claim(producer, 10, **low)) == 1
    await beat(producer)
    assert len(await claim(producer, 10, **high)) == 5


async def test_a_tenant_at_its_own_limit_does_not_bar_the_way_of_a_key(producer: Producer) -> None:
    both: dict[str, Any] = {"tenant_limit": 2, "key_limits": {"k": 3}}
    await producer.enqueue_many(jobs(3, "first", limit_key="k"))
    first = await claim(producer, 10, tenant_limit=3, key_limits={"k": 3})
    await producer.enqueue_many(jobs(20, "many", tenant="many", limit_key="k"))
    await producer.enqueue_many(jobs(2, "few", tenant="few", limit_key="k"))
    assert await claim(producer, 10, **both) == []  # all of them wait for the key now
    started = Counter[str]()
    for job_id in first:
        await finish(producer, job_id)
        started += counted(await claim(producer, 10, **both))
    assert started.total() == len(first)
    assert started["few"] >= 1


async def test_who_was_let_in_and_is_cancelled_lets_the_next_one_in(producer: Producer) -> None:
    limits = {"k": 1}
    await producer.enqueue_many(jobs(3, "j", limit_key="k"))
    (first,) = await claim(producer, 5, key_limits=limits)
    await finish(producer, first)
    (let_in,) = await commands(producer).zrange(f"{QUEUE}:due:2:", 0, -1)
    await producer.cancel(let_in.decode())
    assert await commands(producer).zcard(f"{QUEUE}:due:2:") == 1
    assert await commands(producer).exists(f"{QUEUE}:wake")
    assert len(await claim(producer, 5, key_limits=limits)) == 1


async def test_cancelling_what_waits_at_a_limit_leaves_nothing_behind(producer: Producer) -> None:
    await producer.enqueue_many(jobs(5, "j", tenant="t", limit_key="k"))
    assert len(await claim(producer, 5, key_limits={"k": 1})) == 1
    for number in range(5):
        await producer.cancel(f"j-{number}")
    assert not await commands(producer).exists(
        f"{QUEUE}:held", f"{QUEUE}:held:k", f"{QUEUE}:capped"
    )


async def test_a_pause_stops_starts_and_a_resume_goes_on_at_once(producer: Producer) -> None:
    shop = Workshop()
    async with working(producer, shop.carry) as running:
        await commands(producer).set(f"{QUEUE}:paused", "for a while")
        await producer.enqueue_many(jobs(1, "j"))
        before = running.claims
        await producer.enqueue_many(jobs(1, "j2"))
        await until(lambda: running.claims > before)
        assert shop.calls.empty()
        await scripts.run(producer, QUEUE, scripts.Call(scripts.RESUME, ()))
        assert {await shop.started(), await shop.started()} == {"j-0", "j2-0"}
        shop.leave.set()
        await producer.result("j-0", within_s=LIMIT_S)
