"""A worker and its jobs: it starts them at once, carries any, and goes on whatever they do."""

import asyncio
import json
import os
import sys
from datetime import timedelta
from typing import Any

import pytest
from arq.constants import job_key_prefix
from arq.worker import Retry

from app.errors import ErrorCode, PermanentError, RetryableError
from app.queue.delivery import Context, Hooks
from app.queue.envelope import JobFailed, NewJob, Priority
from app.queue.producer import Producer
from app.queue.worker import QueueWorker, Stop
from tests.conftest import ROOT
from tests.queue.fleet import LIMIT_S, Workshop, commands, job, keys_of, patient, until, working

QUEUE = "arq:queue"


def jobs(number: int, **options: Any) -> list[NewJob]:
    return [NewJob(function="job", job_id=f"j{each}", **options) for each in range(number)]


async def now_ms(producer: Producer) -> int:
    seconds, microseconds = await commands(producer).time()
    return int(seconds) * 1000 + int(microseconds) // 1000


async def test_a_job_starts_at_once_though_the_worker_would_look_in_an_hour(
    producer: Producer,
) -> None:
    shop = Workshop()
    async with working(producer, shop.carry, settings=patient(concurrency=30)):
        for number in range(20):
            await producer.enqueue(NewJob(function="job", job_id=f"j{number}"))
            assert await shop.started() == f"j{number}"


async def test_a_slot_that_is_free_again_is_filled_at_once(producer: Producer) -> None:
    starts: asyncio.Queue[asyncio.Event] = asyncio.Queue()

    async def carry(ctx: Context) -> None:
        del ctx
        leave = asyncio.Event()
        starts.put_nowait(leave)
        await leave.wait()

    await producer.enqueue_many(jobs(10))
    async with (
        working(producer, carry, settings=patient(concurrency=1)),
        asyncio.timeout(LIMIT_S),
    ):
        for _ in range(10):
            leave = await starts.get()
            assert starts.empty()
            leave.set()


async def test_one_word_wakes_as_many_workers_as_there_is_work_for(producer: Producer) -> None:
    shop = Workshop()
    one = patient(concurrency=1)
    async with (
        working(producer, shop.carry, settings=one, worker_id="first"),
        working(producer, shop.carry, settings=one, worker_id="second"),
    ):
        await producer.enqueue_many(jobs(2))
        assert {await shop.started(), await shop.started()} == {"j0", "j1"}


@pytest.mark.parametrize("worker_waits", [True, False])
async def test_a_deferred_job_starts_on_time(producer: Producer, *, worker_waits: bool) -> None:
    shop = Workshop()
    if not worker_waits:
        await producer.enqueue(NewJob(function="job", wait_s=0.3))
    before_ms = await now_ms(producer)
    async with working(producer, shop.carry) as running:
        if worker_waits:
            await until(lambda: running.claims)
            await producer.enqueue(NewJob(function="job", wait_s=60, job_id="much later"))
            await producer.enqueue(NewJob(function="job", wait_s=0.3))
        call = await shop.next_call()
        assert call["job_id"] != "much later"
        assert await now_ms(producer) >= before_ms + 300 - 50 * (not worker_waits)


async def test_a_full_worker_with_a_backlog_is_silent(producer: Producer) -> None:
    """What it may not take must not wake it: it has room for chat, and none for the rest."""
    shop = Workshop()
    await producer.enqueue_many(jobs(20))
    async with working(producer, shop.carry, settings=patient(concurrency=3)) as running:
        for _ in range(3):
            await shop.started()
        before = running.claims
        await producer.enqueue(NewJob(function="job", priority=Priority.CHAT, job_id="chat"))
        assert await shop.started() == "chat"
        await producer.enqueue(NewJob(function="job", priority=Priority.CHAT, job_id="also"))
        assert await shop.started() == "also"
        # A word for each chat job, one that each of them left, and the start.
        assert running.claims - before <= 6


async def test_what_many_jobs_end_with_is_told_together(producer: Producer) -> None:
    shop = Workshop()
    many = patient(concurrency=300)
    async with working(producer, shop.carry, settings=many) as running:
        await producer.enqueue_many(jobs(300))
        for _ in range(300):
            await shop.started()
        trips = running.claims
        shop.leave.set()
        await until(lambda: _is_empty(producer))
        assert running.claims - trips <= 10


async def _is_empty(producer: Producer) -> bool:
    return await commands(producer).zcard(QUEUE) == 0


async def test_jobs_in_flight_do_not_make_a_claim_more_expensive(producer: Producer) -> None:
    shop = Workshop()

    async def commands_of_a_start(job_id: str) -> int:
        own = str((await commands(producer).client_info())["db"])
        seen = 0
        async with commands(producer).monitor() as monitor:
            await producer.enqueue(NewJob(function="job", job_id=job_id))
            await shop.started()
            await commands(producer).echo("over")
            async for each in monitor.listen():
                if str(each["db"]) != own:
                    continue  # of a test that runs beside this one
                seen += 1
                if "ECHO" in each["command"]:
                    return seen
        raise AssertionError

    big = patient(concurrency=600, lease=600)
    async with working(producer, shop.carry, settings=big):
        idle = await commands_of_a_start("first")
        await producer.enqueue_many(jobs(500))
        for _ in range(500):
            await shop.started()
        busy = await commands_of_a_start("last")
        assert busy <= 2 * idle + 50  # and not one more for each of the 500


async def test_poison_of_every_kind_leaves_the_worker_at_work(producer: Producer) -> None:
    async def carry(ctx: Context, what: str) -> object:
        del ctx
        match what:
            case "exits":
                raise SystemExit(1)
            case "groups":
                raise ExceptionGroup("of one", [ZeroDivisionError()])
            case "odd":
                raise BaseExceptionGroup("of one", [KeyboardInterrupt()])
            case "object":
                return object()
            case _:
                return "fine"

    poison = {
        "pickle": b"\x80\x04\x95\x10",
        "list": b"[]",
        "time": json.dumps({"f": "job", "a": [], "k": {}, "t": None, "et": 10**300}).encode(),
        "name": json.dumps({"f": "\ud800", "a": [], "k": {}, "t": None, "et": 1}).encode(),
        "unknown": json.dumps({"f": "nobody", "a": [], "k": {}, "t": None, "et": 1}).encode(),
    }
    async with working(producer, carry, settings=patient(poll_every=0.05)):
        for job_id, raw in poison.items():
            await commands(producer).set(f"{job_key_prefix}{job_id}", raw)
        await commands(producer).zadd(QUEUE, dict.fromkeys([*poison, "expired", b"\xff\xfe"], 1))
        for what in ("exits", "groups", "odd", "object", "fine"):
            await producer.enqueue(NewJob(function="job", args=(what,), job_id=what))
        for job_id in (*poison, "expired", "object"):
            with pytest.raises(PermanentError):
                await producer.result(job_id, within_s=LIMIT_S)
        for job_id in ("exits", "groups", "odd"):
            with pytest.raises(JobFailed):
                await producer.result(job_id, within_s=LIMIT_S)
        assert await producer.result("fine", within_s=LIMIT_S) == "fine"
    dead = {each.decode() for each in await commands(producer).zrange(f"{QUEUE}:dead", 0, -1)}
    assert dead == {*poison, "expired", "exits", "groups", "odd"}
    assert await commands(producer).hget(f"{QUEUE}:dead:pickle", "payload") == poison["pickle"]


@pytest.mark.parametrize(
    "name", ["on_startup", "on_job_start", "on_job_end", "after_job_end", "on_abort", "on_shutdown"]
)
async def test_a_hook_that_raises_leaves_the_worker_at_work(producer: Producer, name: str) -> None:
    async def raises(given: object) -> None:
        raise ZeroDivisionError(str(given)[:3])

    shop = Workshop()
    shop.leave.set()
    hooks = Hooks(**{name: raises})
    settings = patient(poll_every=0.05)
    async with working(producer, shop.carry, settings=settings, hooks=hooks):
        await producer.enqueue(NewJob(function="job", job_id="aborted", wait_s=60))
        await producer.job("aborted").abort(timeout=LIMIT_S, poll_delay=0.02)
        for job_id in ("one", "two"):
            await producer.enqueue(NewJob(function="job", job_id=job_id))
            assert await producer.result(job_id, within_s=LIMIT_S) == f"of {job_id}"


async def test_a_job_is_tried_again_until_its_tries_are_used_and_then_kept(
    producer: Producer,
) -> None:
    tries: list[int] = []

    async def carry(ctx: Context) -> None:
        tries.append(ctx["job_try"])
        raise RetryableError(ErrorCode.LLM_TIMEOUT)

    async with working(producer, carry):
        await producer.enqueue(NewJob(function="job", job_id="j"))
        with pytest.raises(RetryableError) as raised:
            await producer.result("j", within_s=LIMIT_S)
    assert raised.value.code is ErrorCode.LLM_TIMEOUT
    assert tries == [1, 2, 3]
    assert await commands(producer).zcard(f"{QUEUE}:dead") == 1
    assert await commands(producer).exists("arq:retry:j", "arq:in-progress:j", "arq:job:j") == 0


async def test_arqs_retry_and_a_job_that_took_too_long_come_back(producer: Producer) -> None:
    async def carry(ctx: Context, how: str) -> str:
        if ctx["job_try"] == 1 and how == "says so":
            raise Retry(defer=timedelta(milliseconds=20))
        if ctx["job_try"] == 1:
            await asyncio.Event().wait()
        return how

    async with working(producer, job(carry, timeout=0.1)):
        for how in ("says so", "hangs"):
            await producer.enqueue(NewJob(function="job", args=(how,), job_id=how))
        for how in ("says so", "hangs"):
            assert await producer.result(how, within_s=LIMIT_S) == how


async def test_a_job_of_a_newer_version_waits_for_a_worker_that_understands_it(
    producer: Producer,
) -> None:
    shop = Workshop()
    await producer.enqueue(NewJob(function="job", job_id="j"))
    raw = json.loads(await commands(producer).get("arq:job:j") or b"")
    await commands(producer).set("arq:job:j", json.dumps(raw | {"v": 2}))
    async with working(producer, shop.carry):
        await until(lambda: commands(producer).zscore(f"{QUEUE}:parked", "j"))
        assert await commands(producer).pttl("arq:job:j") > 0
        assert await commands(producer).exists("arq:retry:j") == 0
        # The newer worker takes it when it is offered again: as if that time had come.
        await commands(producer).set("arq:job:j", json.dumps(raw))
        await commands(producer).zadd(f"{QUEUE}:deferred", {"j": 1})
        await producer.enqueue(NewJob(function="job", job_id="word"))
        assert {await shop.started(), await shop.started()} == {"j", "word"}
        shop.leave.set()
        assert await producer.result("j", within_s=LIMIT_S) == "of j"
    assert await commands(producer).exists(f"{QUEUE}:parked") == 0


async def test_in_a_burst_a_worker_ends_when_nothing_is_due(producer: Producer) -> None:
    done: list[str] = []

    async def carry(ctx: Context) -> None:
        done.append(ctx["job_id"])
        if ctx["job_id"] == "j0":
            await producer.enqueue(NewJob(function="job", job_id="by another job"))

    await producer.enqueue_many(jobs(25))
    await producer.enqueue(NewJob(function="job", job_id="later", wait_s=60))
    worker = QueueWorker(producer, [job(carry)], settings=patient())
    async with asyncio.timeout(LIMIT_S):
        await worker.serve(Stop(), burst=True)
    assert sorted(done) == sorted([*(f"j{each}" for each in range(25)), "by another job"])
    assert await commands(producer).zscore(QUEUE, "later") is not None


async def test_nothing_stays_of_jobs_that_have_ended(producer: Producer) -> None:
    shop = Workshop()
    shop.leave.set()
    async with working(producer, shop.carry):
        await producer.enqueue_many(jobs(30, tenant="t", limit_key="k"))
        for number in range(30):
            await producer.result(f"j{number}", within_s=LIMIT_S)
    assert await keys_of(producer, with_ttl=False) == set()
    left = await keys_of(producer)
    assert {key for key in left if not key.startswith("arq:result:")} <= {
        f"{QUEUE}:wake", f"{QUEUE}:wake:chat"
    }  # fmt: skip


async def test_the_worker_of_ones_own_in_the_docs_carries_its_job(redis_url: str) -> None:
    page = (ROOT / "docs" / "queue.md").read_text()
    program = (
        page.partition("## Jobs of your own")[2].partition("```python\n")[2].partition("```")[0]
    )

    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", program),
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "REDIS__URL": redis_url},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    printed, said = await process.communicate()

    assert printed.decode() == "the report of 2026-11-20\n", said.decode()
