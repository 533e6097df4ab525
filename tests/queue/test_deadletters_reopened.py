"""Dead jobs that stand for something: it is opened again before they run again."""

import asyncio

import pytest

from app.errors import ErrorCode, PermanentError
from app.queue.deadletters import DeadLetters, Reopen, Retried
from app.queue.envelope import Envelope, NewJob
from app.queue.producer import Producer
from app.settings.queue import QueueSettings
from tests.queue.letters import LETTER, a_job, kill


class Runs:
    """What jobs named `run` stand for; reopening one that is open already comes to nothing."""

    def __init__(self) -> None:
        self.reopened: list[str] = []
        self.closed = {"run-1", "run-2"}

    async def reopen(self, envelope: Envelope) -> NewJob | None:
        run_id = envelope.args[0]
        await asyncio.sleep(0)
        if run_id == "destroyed":
            raise PermanentError(ErrorCode.ENCRYPTION_ERROR)
        if run_id not in self.closed:
            return None
        self.closed.discard(run_id)
        self.reopened.append(run_id)
        return a_job(f"{run_id}:2", run_id, function="run")

    @property
    def table(self) -> dict[str, Reopen]:
        return {"run": self.reopen}


async def dead_runs(producer: Producer, runs: Runs, *ids: str) -> DeadLetters:
    letters = DeadLetters(producer, QueueSettings(), reopen=runs.table)
    for run_id in ids:
        letter = LETTER.model_copy(update={"function": "run"})
        await letters.add(a_job(f"{run_id}:1", run_id, function="run"), letter)
    return letters


async def test_what_a_job_stood_for_is_reopened_first(producer: Producer) -> None:
    runs = Runs()
    letters = await dead_runs(producer, runs, "run-1", "gone")
    assert await letters.retry("run-1:1") is Retried.QUEUED
    assert await producer.zscore(producer.queue_name, "run-1:2") is not None
    assert await producer.zscore(producer.queue_name, "run-1:1") is None
    assert await letters.retry("gone:1") is Retried.OBSOLETE
    assert (await letters.page()).letters == ()


async def test_two_operators_reopen_once(producer: Producer) -> None:
    runs = Runs()
    letters = await dead_runs(producer, runs, "run-1")

    async def order() -> Retried | ErrorCode:
        try:
            return await letters.retry("run-1:1")
        except PermanentError as error:
            return error.code

    async with asyncio.TaskGroup() as group:
        orders = [group.create_task(order()) for _ in range(5)]
    answers = [each.result() for each in orders]
    assert answers.count(Retried.QUEUED) == 1
    assert set(answers) <= {Retried.QUEUED, Retried.OBSOLETE, ErrorCode.NOT_FOUND}
    assert runs.reopened == ["run-1"]
    assert await producer.zcard(producer.queue_name) == 1


async def test_a_job_that_dies_again_while_it_is_reopened_is_not_forgotten(
    producer: Producer,
) -> None:
    async def reopen(envelope: Envelope) -> NewJob | None:
        before = (await letters.get("j")).died_at
        while (await letters.get("j")).died_at == before:
            await letters.add(a_job("j", *envelope.args), LETTER)

    letters = DeadLetters(producer, QueueSettings(), reopen={"embed": reopen})
    await kill(letters, "j")
    assert await letters.retry("j") is Retried.OBSOLETE
    assert [letter.id for letter in (await letters.page()).letters] == ["j"]


async def test_one_that_cannot_be_reopened_stays_and_the_others_go_on(producer: Producer) -> None:
    runs = Runs()
    letters = await dead_runs(producer, runs, "run-1", "destroyed", "run-2")
    await kill(letters, "plain")
    with pytest.raises(PermanentError) as raised:
        await letters.retry("destroyed:1")
    assert raised.value.code is ErrorCode.ENCRYPTION_ERROR
    total = await letters.retry_all()
    assert (total.queued, total.refused) == (3, 1)
    assert [letter.id for letter in (await letters.page()).letters] == ["destroyed:1"]
