"""What a worker asks for, and the claim that waits in Redis in its place."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest

from app.queue import scripts
from app.queue.claims import NO_ROOM, Claimed, Claims, Room, StandingClaim
from app.queue.envelope import NewJob, Priority
from app.queue.producer import Producer
from app.store.redis import RedisPool
from tests.queue.fleet import HOUR_S, LIMIT_S, commands, patient, redis_pool, until

QUEUE = "arq:queue"


@pytest.mark.parametrize(
    ("busy", "room"),
    [
        (0, Room(10, 2)),
        (9, Room(1, 2)),
        (10, Room(0, 2)),
        (11, Room(0, 1)),
        (12, NO_ROOM),
        (13, NO_ROOM),
    ],
)
def test_the_last_slots_are_for_chat_alone(busy: int, room: Room) -> None:
    assert Claims(patient(concurrency=10, chat_slots=2), "w").room(busy) == room


def test_each_claim_has_a_token_of_its_own_that_names_the_worker() -> None:
    claims = Claims(patient(), "w")
    tokens = [claims.call(Room(1, 0))[0] for _ in range(3)]
    assert len(set(tokens)) == 3
    assert all(token.startswith("w:") for token in tokens)


@dataclass
class Standing:
    claim: StandingClaim
    answers: list[Claimed] = field(default_factory=list[Claimed])

    async def stand(self, room: Room) -> None:
        self.claim.stand(room, wait_s=HOUR_S)
        await asyncio.sleep(0)

    def ids(self) -> list[str]:
        return [job_id.decode() for answer in self.answers for job_id, *_ in answer.jobs]


@asynccontextmanager
async def standing(producer: Producer, worker_id: str = "w") -> AsyncGenerator[Standing]:
    answers: list[Claimed] = []
    claims = Claims(patient(), worker_id)
    claim = StandingClaim(producer, claims, worker_id=worker_id, answer=answers.append)
    yield Standing(claim, answers)
    await claim.recall()


def a_job(job_id: str, priority: Priority = Priority.INGESTION) -> NewJob:
    return NewJob(function="job", job_id=job_id, priority=priority)


async def blocked(producer: Producer, number: int) -> None:
    """Wait until so many stand in Redis."""

    async def stand() -> bool:
        own = (await commands(producer).client_info())["db"]
        clients = await commands(producer).client_list()
        return number == sum("b" in each["flags"] and each["db"] == str(own) for each in clients)

    await until(stand)


async def test_a_job_answers_the_claim_that_waits(producer: Producer) -> None:
    async with standing(producer) as worker:
        await worker.stand(Room(1, 0))
        assert worker.claim.room == Room(1, 0)
        await blocked(producer, 1)
        await producer.enqueue(a_job("j"))
        await until(worker.ids)
        assert worker.ids() == ["j"]
        assert worker.claim.room == NO_ROOM
        assert await commands(producer).get("arq:in-progress:j") == worker.answers[0].token.encode()


async def test_one_job_answers_one_of_those_who_wait(producer: Producer) -> None:
    async with standing(producer, "first") as first, standing(producer, "second") as second:
        await first.stand(Room(1, 0))
        await blocked(producer, 1)
        await second.stand(Room(1, 0))
        await blocked(producer, 2)
        await producer.enqueue(a_job("one"))
        await until(first.ids)
        assert (first.ids(), second.ids()) == (["one"], [])
        await producer.enqueue(a_job("two"))
        await until(second.ids)
        assert second.ids() == ["two"]


async def test_more_jobs_than_one_can_take_answer_the_next_too(producer: Producer) -> None:
    async with standing(producer, "first") as first, standing(producer, "second") as second:
        await first.stand(Room(1, 0))
        await second.stand(Room(1, 0))
        await blocked(producer, 2)
        await producer.enqueue_many([a_job("one"), a_job("two")])
        await until(lambda: len(first.ids() + second.ids()) == 2)
        assert sorted(first.ids() + second.ids()) == ["one", "two"]


async def test_who_has_room_for_chat_alone_hears_of_chat_alone(producer: Producer) -> None:
    async with standing(producer) as worker:
        await worker.stand(Room(0, 1))
        await blocked(producer, 1)
        await producer.enqueue(a_job("bulk", Priority.BULK))
        await blocked(producer, 1)
        assert worker.answers == []
        await producer.enqueue(a_job("chat", Priority.CHAT))
        await until(worker.ids)
        assert worker.ids() == ["chat"]


async def test_a_claim_that_is_called_back_answers_with_what_there_is(producer: Producer) -> None:
    async with standing(producer) as worker:
        await worker.stand(Room(1, 0))
        await blocked(producer, 1)
        await worker.claim.recall()
        assert len(worker.answers) == 1
        assert worker.ids() == []
        assert worker.claim.room == NO_ROOM
        await producer.enqueue(a_job("j"))
        assert worker.ids() == []


async def test_what_came_while_nobody_stood_is_not_missed(producer: Producer) -> None:
    await producer.enqueue(a_job("j"))
    async with standing(producer) as worker:
        await worker.stand(Room(1, 0))
        await until(worker.ids)
        assert worker.ids() == ["j"]


async def test_without_room_nothing_stands(producer: Producer) -> None:
    async with standing(producer) as worker:
        await worker.stand(NO_ROOM)
        await worker.claim.nudge()
        await worker.claim.recall()
        assert worker.answers == []


async def test_a_server_that_forgot_the_script_is_told_it_again(producer: Producer) -> None:
    async with standing(producer) as worker:
        await worker.stand(Room(1, 0))
        await blocked(producer, 1)
        await commands(producer).script_flush()
        call = scripts.Call(scripts.RESUME, ())
        await scripts.run(producer, QUEUE, call)
        await producer.enqueue(a_job("j"))
        await until(worker.ids)
        assert worker.ids() == ["j"]


async def test_a_claim_that_cannot_be_sent_is_answered_with_nothing() -> None:
    async with redis_pool("unix:///nonexistent/valkey.sock") as pool:
        away: RedisPool = pool
        async with standing(Producer(away, patient())) as worker:
            await worker.stand(Room(1, 0))
            async with asyncio.timeout(LIMIT_S):
                await until(lambda: worker.answers)
            assert worker.ids() == []
            assert worker.claim.room == NO_ROOM
