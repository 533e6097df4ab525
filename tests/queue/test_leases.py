"""Leases: who renews keeps the job, who does not loses it, whatever Redis forgets."""

import asyncio
import json
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest

from app.queue import scripts
from app.queue.delivery import Context, Delivery
from app.queue.envelope import NewJob
from app.queue.leases import RENEWALS_PER_LEASE, Leases
from app.queue.producer import WORKER_KEY, Producer
from app.queue.watchdog import Watchdog
from tests.queue.fleet import HOUR_S, LIMIT_S, Workshop, commands, patient, until, working

QUEUE = "arq:queue"
REPORT = f"{WORKER_KEY}{QUEUE}:holder"


@dataclass
class Holder:
    """A worker that only holds."""

    worker_id: str = "holder"
    slots: int = 3
    watchdog: Watchdog = field(default_factory=lambda: Watchdog(60))
    holding: dict[str, Delivery] = field(default_factory=dict[str, Delivery])
    lost: list[str] = field(default_factory=list[str])

    @property
    def slots_used(self) -> int:
        return len(self.holding)

    def held(self) -> list[Delivery]:
        return list(self.holding.values())

    def lose(self, job_id: str) -> None:
        del self.holding[job_id]
        self.lost.append(job_id)


OPTIONS = json.dumps(
    {"shares": {"2": 0.25, "3": 0.05}, "weights": {}, "tenant_limit": False, "key_limits": {}}
)


async def take(producer: Producer, holder: Holder, *, lease_ms: int) -> None:
    """Claim all that is due, and hold it."""
    token = f"{holder.worker_id}:{time.monotonic_ns()}"
    call = scripts.Call(scripts.CLAIM, (100, 0, lease_ms, token, OPTIONS))
    ((jobs, *_),) = await scripts.run(producer, QUEUE, call)
    for job_id, payload, job_try, entry, _ in jobs:
        holder.holding[job_id.decode()] = Delivery(
            job_id=job_id.decode(),
            token=token,
            payload=payload,
            job_try=job_try,
            entry=entry.decode(),
            waited_s=0,
        )


async def is_over(producer: Producer, job_id: str) -> bool:
    return not await commands(producer).exists(f"arq:in-progress:{job_id}")


@asynccontextmanager
async def holding(
    producer: Producer, *, lease_ms: int = 600_000
) -> AsyncGenerator[tuple[Holder, Leases]]:
    """One who holds the job `j`, and its leases, which do not beat by themselves."""
    await producer.enqueue(NewJob(function="job", job_id="j", tenant="t", limit_key="k"))
    holder = Holder()
    await take(producer, holder, lease_ms=lease_ms)
    yield holder, Leases(producer, patient(lease=HOUR_S), holder)


async def test_a_beat_renews_what_is_held_and_reports_the_worker(producer: Producer) -> None:
    async with holding(producer, lease_ms=60_000) as (holder, leases):
        await leases.renew()
    assert await commands(producer).pttl("arq:in-progress:j") > 60_000
    assert await commands(producer).zscore(QUEUE, "j") == await commands(producer).zscore(
        f"{QUEUE}:leases", "j"
    )
    report = json.loads(await commands(producer).get(REPORT) or b"")
    assert (report["slots"], report["used"]) == (3, 1)
    assert {"host", "pid", "version", "loop_lag_ms"} <= set(report)
    assert 0 < await commands(producer).pttl(REPORT) <= HOUR_S * 1000
    assert holder.lost == []
    await leases.withdraw()
    assert not await commands(producer).exists(REPORT)


async def test_who_stops_renewing_is_succeeded_and_told_so(producer: Producer) -> None:
    async with holding(producer, lease_ms=1) as (holder, leases):
        await until(lambda: is_over(producer, "j"))
        successor = Holder(worker_id="successor")
        await take(producer, successor, lease_ms=600_000)
        assert list(successor.holding) == ["j"]
        assert successor.holding["j"].job_try == 2
        await leases.renew()
        assert holder.lost == []  # the successor may find that it came too early, and put it back
        await leases.renew()
    assert holder.lost == ["j"]
    assert (
        await commands(producer).get("arq:in-progress:j") == successor.holding["j"].token.encode()
    )


async def test_a_lease_that_passed_without_a_successor_is_taken_again(producer: Producer) -> None:
    async with holding(producer, lease_ms=1) as (holder, leases):
        await until(lambda: is_over(producer, "j"))
        await leases.renew()
        assert holder.lost == []
        nobody = Holder(worker_id="nobody")
        await take(producer, nobody, lease_ms=1)
        assert nobody.holding == {}


async def test_a_job_that_ended_elsewhere_is_lost(producer: Producer) -> None:
    async with holding(producer, lease_ms=1) as (holder, leases):
        await until(lambda: is_over(producer, "j"))
        await producer.cancel("j")
        await leases.renew()
        await leases.renew()
    assert holder.lost == ["j"]
    assert await commands(producer).zcard(QUEUE) == 0


async def test_after_redis_lost_everything_lease_payload_and_counters_come_back(
    producer: Producer,
) -> None:
    async with holding(producer) as (holder, leases):
        payload = await producer.payload("j")
        await commands(producer).flushdb()
        await leases.renew()
        assert await producer.payload("j") == payload
        assert await commands(producer).pttl("arq:job:j") > 0
        assert await commands(producer).hgetall(f"{QUEUE}:running") == {b"t|t": b"1", b"k|k": b"1"}
        assert await commands(producer).hget(f"{QUEUE}:index", "j") == b"2|t|k"
        assert await commands(producer).zscore(QUEUE, "j") is not None
        assert holder.lost == []


async def test_a_lease_comes_back_together_with_its_payload_or_not_at_all(
    producer: Producer,
) -> None:
    async with holding(producer) as (holder, _):
        (taken,) = holder.held()
        await commands(producer).flushdb()
        beat = scripts.Call(
            scripts.HEARTBEAT, (1_000, "report", "{}", taken.job_id, taken.token, taken.entry)
        )
        ((lost, missing),) = await scripts.run(producer, QUEUE, beat)
        assert (lost, missing) == ([], [b"j"])
        assert await producer.keys() == [b"report"]  # pyright: ignore[reportUnknownMemberType] - typed loosely


async def test_a_beat_takes_in_what_came_in_unseen(producer: Producer) -> None:
    await commands(producer).psetex("arq:job:stranger", 60_000, b"{}")
    await commands(producer).zadd(QUEUE, {"stranger": 1, "later": (time.time() + 600) * 1000})
    leases = Leases(producer, patient(), Holder())
    await leases.renew()
    assert set(await commands(producer).hkeys(f"{QUEUE}:index")) == {b"stranger", b"later"}
    assert await commands(producer).zcard(f"{QUEUE}:deferred") == 1


async def test_renewals_outlive_the_lease(producer: Producer) -> None:
    shop = Workshop()
    async with working(producer, shop.carry, settings=patient(lease=2)):
        await producer.enqueue(NewJob(function="job", job_id="j"))
        await shop.started()
        first = await commands(producer).zscore(f"{QUEUE}:leases", "j")

        async def has_outlived() -> bool:
            return await commands(producer).zscore(f"{QUEUE}:leases", "j") > first + 2_000

        await until(has_outlived)
        assert shop.calls.empty()
        assert await commands(producer).get("arq:retry:j") == b"1"  # never claimed anew
        shop.leave.set()
        assert await producer.result("j", within_s=LIMIT_S) == "of j"
    assert RENEWALS_PER_LEASE >= 2


async def test_another_worker_takes_over_from_one_that_hangs_and_its_end_is_refused(
    producer: Producer,
) -> None:
    """What a SIGSTOP or a blocked loop looks like from outside: nothing renews."""
    taken = asyncio.Event()

    async def carry(ctx: Context) -> str:
        taken.set()
        return f"by try {ctx['job_try']}"

    async with holding(producer, lease_ms=200) as (holder, leases):
        async with working(producer, carry, settings=patient(poll_every=0.1)):
            async with asyncio.timeout(LIMIT_S):
                await taken.wait()
            assert await producer.result("j", within_s=LIMIT_S) == "by try 2"
        late = holder.holding["j"]
        call = scripts.Call(scripts.FINISH, (1_000, "j", late.token, "done", b"late", 1_000, ""))
        ((lost,),) = await scripts.run(producer, QUEUE, call)
        assert lost == b"j"
        await leases.renew()
        await leases.renew()
    assert holder.lost == ["j"]
    assert await producer.result("j", within_s=LIMIT_S) == "by try 2"


async def test_a_worker_that_loses_its_lease_cancels_the_job_and_tells_nothing(
    producer: Producer,
) -> None:
    shop = Workshop()
    async with working(producer, shop.carry, settings=patient(lease=0.6)) as running:
        await producer.enqueue(NewJob(function="job", job_id="j"))
        await shop.started()
        await commands(producer).set("arq:in-progress:j", "somebody else", px=600_000)
        await until(lambda: shop.cancelled == ["j"])
        assert running.worker.held() == []
    assert await commands(producer).get("arq:in-progress:j") == b"somebody else"
    assert await commands(producer).zscore(QUEUE, "j") is not None
    assert not await commands(producer).exists("arq:result:j")


async def test_a_job_that_comes_back_to_the_same_worker_just_goes_on(producer: Producer) -> None:
    shop = Workshop()
    async with working(producer, shop.carry) as running:
        await producer.enqueue(NewJob(function="job", job_id="j"))
        await shop.started()
        # Its lease passes unseen by the worker, and another word makes it look.
        await commands(producer).delete("arq:in-progress:j")
        await commands(producer).zadd(f"{QUEUE}:leases", {"j": 1})
        await producer.enqueue(NewJob(function="job", job_id="word"))
        assert await shop.started() == "word"
        assert await commands(producer).exists("arq:in-progress:j")
        assert {each.job_id for each in running.worker.held()} == {"j", "word"}
        shop.leave.set()
        assert await producer.result("j", within_s=LIMIT_S) == "of j"
    assert sorted(shop.ended) == ["j", "word"]
    assert shop.calls.empty()


@pytest.mark.parametrize("what", ["done", "again", "back", "park"])
async def test_the_end_of_a_lapsed_lease_counts_while_nobody_has_looked(
    producer: Producer, what: str
) -> None:
    async with holding(producer, lease_ms=1) as (holder, _):
        await until(lambda: is_over(producer, "j"))
        token = holder.holding["j"].token
        call = scripts.Call(scripts.FINISH, (1_000, "j", token, what, b"", 60_000, ""))
        assert await scripts.run(producer, QUEUE, call, call) == [[], [b"j"]]
    assert not await commands(producer).exists(f"{QUEUE}:running", f"{QUEUE}:leases")


async def finish_elsewhere(producer: Producer, job_id: str) -> None:
    """As a worker of arq's own does that took the job over."""
    await commands(producer).delete(f"arq:job:{job_id}", f"arq:retry:{job_id}")
    await commands(producer).zrem(QUEUE, job_id)


async def test_what_ended_elsewhere_after_its_lease_leaves_nothing_here(producer: Producer) -> None:
    async with holding(producer, lease_ms=1):
        await until(lambda: is_over(producer, "j"))
        await finish_elsewhere(producer, "j")
        await take(producer, Holder(worker_id="next"), lease_ms=600_000)
    assert not await commands(producer).exists(
        f"{QUEUE}:index", f"{QUEUE}:leases", f"{QUEUE}:running", f"{QUEUE}:deferred"
    )


async def test_a_new_job_of_that_id_is_counted_as_what_it_is(producer: Producer) -> None:
    async with holding(producer, lease_ms=1) as (holder, leases):
        await until(lambda: is_over(producer, "j"))
        await finish_elsewhere(producer, "j")
        await producer.enqueue(NewJob(function="job", job_id="j", tenant="other"))
        assert not await commands(producer).exists(f"{QUEUE}:running", f"{QUEUE}:leases")
        # The earlier holder knows nothing of it, and still beats.
        await leases.renew()
        assert holder.lost == []
    assert await commands(producer).hgetall(f"{QUEUE}:running") == {b"t|other": b"1"}
