"""An order to cancel reaches what waits and what runs, and nothing that comes later."""

import asyncio
import json
from collections.abc import Sequence
from typing import Any

import pytest

from app.queue.envelope import NewJob
from app.queue.producer import Cancelled, Producer
from app.queue.worker import QueueWorker
from tests.queue.fleet import (
    LIMIT_S,
    Workshop,
    commands,
    keys_of,
    listeners,
    patient,
    until,
    working,
)

QUEUE = "arq:queue"


@pytest.mark.parametrize("wait_s", [0, 60])
async def test_a_job_that_waits_is_gone_with_a_result_that_says_so(
    producer: Producer, wait_s: float
) -> None:
    await producer.enqueue(NewJob(function="job", job_id="j", wait_s=wait_s, limit_key="k"))
    assert await producer.cancel("j") is Cancelled.CANCELLED
    with pytest.raises(asyncio.CancelledError):
        await producer.result("j", within_s=LIMIT_S)
    left = await keys_of(producer)
    assert left - {f"{QUEUE}:wake"} == {"arq:result:j"}
    assert await producer.cancel("j") is Cancelled.UNKNOWN


async def test_a_job_that_runs_is_cancelled_without_a_look(producer: Producer) -> None:
    shop = Workshop()
    async with working(producer, shop.carry):
        await producer.enqueue(NewJob(function="job", job_id="j"))
        await shop.started()
        await until(lambda: listeners(producer))
        assert await producer.cancel("j") is Cancelled.TOLD
        with pytest.raises(asyncio.CancelledError):
            await producer.result("j", within_s=LIMIT_S)
        assert shop.cancelled == ["j"]
    assert not await commands(producer).exists("arq:abort", QUEUE, f"{QUEUE}:dead")


async def test_a_word_for_a_job_of_another_database_is_not_heard(producer: Producer) -> None:
    """The databases of a server share its channels, and jobs of schedules share their ids."""
    shop = Workshop()
    async with working(producer, shop.carry):
        await producer.enqueue(NewJob(function="job", job_id="j"))
        await shop.started()
        await until(lambda: listeners(producer))
        await commands(producer).publish(f"{QUEUE}:cancel", json.dumps(["j", "another:1"]))
        await producer.enqueue(NewJob(function="job", job_id="next"))
        await shop.started()
        await producer.cancel("next")
        await until(lambda: shop.cancelled == ["next"])
        shop.leave.set()
        assert await producer.result("j", within_s=LIMIT_S) == "of j"


async def test_a_word_that_was_missed_is_found_at_the_next_look(producer: Producer) -> None:
    shop = Workshop()
    async with working(producer, shop.carry):
        await producer.enqueue(NewJob(function="job", job_id="j"))
        await shop.started()
        await commands(producer).zadd("arq:abort", {"j": 1})  # all that a missed word leaves
        await producer.enqueue(NewJob(function="job", job_id="word"))
        await until(lambda: shop.cancelled == ["j"])
    assert not await commands(producer).exists("arq:abort")


async def test_an_order_for_an_unknown_id_does_not_hit_a_later_job(producer: Producer) -> None:
    shop = Workshop()
    async with working(producer, shop.carry):
        assert await producer.cancel("j") is Cancelled.UNKNOWN
        await commands(producer).zadd("arq:abort", {"j": 1})  # as arq's own client leaves it
        await producer.enqueue(NewJob(function="job", job_id="j"))
        assert await shop.started() == "j"
        shop.leave.set()
        assert await producer.result("j", within_s=LIMIT_S) == "of j"


async def test_a_job_that_is_to_be_aborted_never_begins(producer: Producer) -> None:
    shop = Workshop()
    await producer.enqueue(NewJob(function="job", job_id="j"))
    await commands(producer).zadd("arq:abort", {"j": 1})
    async with working(producer, shop.carry) as running:
        with pytest.raises(asyncio.CancelledError):
            await producer.result("j", within_s=LIMIT_S)
        assert shop.calls.empty()
        assert running.claims <= 8  # and not for ever
    assert not await commands(producer).exists("arq:abort", QUEUE)


async def test_a_job_that_is_cancelled_before_its_first_step_does_not_come_back(
    producer: Producer,
) -> None:
    """Between the claim and the first step of its task nothing of the job's own can tell."""

    class Hasty(QueueWorker):
        def _start(self, job: Sequence[Any], token: str) -> None:
            super()._start(job, token)
            self.cancel("j")

    shop = Workshop()
    async with working(producer, shop.carry, kind=Hasty):
        await producer.enqueue(NewJob(function="job", job_id="j"))
        with pytest.raises(asyncio.CancelledError):
            await producer.result("j", within_s=LIMIT_S)
    assert shop.calls.empty()
    assert not await commands(producer).exists(QUEUE, f"{QUEUE}:running")


async def test_a_stop_during_a_cancellation_changes_nothing(producer: Producer) -> None:
    shop = Workshop()
    async with working(producer, shop.carry, settings=patient(drain_timeout=0.01)) as running:
        await producer.enqueue(NewJob(function="job", job_id="j"))
        await shop.started()
        running.worker.cancel("j")
        running.stop.asked.set()
        running.stop.at_once.set()
        await running.ended()
    with pytest.raises(asyncio.CancelledError):
        await producer.result("j", within_s=LIMIT_S)
