"""A document for the stages of one attempt."""

import asyncio

from app.candidates.reading import Reading
from app.documents.work import Question, Result, Work
from tests.candidates.markup import document_of
from tests.candidates.reciting import KOREAN, in_this_process


async def test_the_rules_read_a_document_once_for_all_stages() -> None:
    asked: list[str] = []

    async def compute(work: Work[Question, Result], question: Question, /) -> Result:
        asked.append(work.name)
        await asyncio.sleep(0)
        return await in_this_process(work, question)

    reading = Reading(document_of(KOREAN), compute)
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(reading.facts()) for _ in range(3)]

    assert asked == ["app.candidates.understanding:read"]
    assert {id(task.result()) for task in tasks} == {id(await reading.facts())}


async def test_who_gives_up_leaves_it_to_the_next_to_ask_again() -> None:
    begun = asyncio.Event()
    tries = 0

    async def compute(work: Work[Question, Result], question: Question, /) -> Result:
        nonlocal tries
        tries += 1
        if tries == 1:
            begun.set()
            await asyncio.Event().wait()
        return await in_this_process(work, question)

    reading = Reading(document_of(KOREAN), compute)
    first = asyncio.create_task(reading.facts())
    await begun.wait()
    second = asyncio.create_task(reading.facts())
    first.cancel()

    assert (await second).profile.name == "윤가온"
    assert tries == 2
