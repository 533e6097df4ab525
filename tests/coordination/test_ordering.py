import asyncio
import logging
import random
from collections import Counter
from itertools import pairwise
from typing import cast

import pytest

from app.coordination.announcements import Announcements
from app.coordination.ordering import Claim, DrainPlan, announce
from app.coordination.ordering_records import Item
from app.errors import ErrorCode, PermanentError, RetryableError
from app.settings.groups import RedisSettings
from app.store.database import Database
from app.store.redis import open_redis
from tests.coordination.lines import (
    NO_REDIS,
    PATIENT,
    draining,
    ended,
    put,
    rows,
    writes,
)
from tests.coordination.notes import make_notes, note, noted


@pytest.fixture
async def notes(database: Database) -> Database:
    await make_notes(database)
    return database


async def test_three_drainers_keep_the_order_of_twenty_lines_and_work_on_them_side_by_side(
    notes: Database, redis_url: str
) -> None:
    draw = random.Random(16)  # noqa: S311 - not a secret
    keys = [f"line-{number}" for number in range(20)]
    at_work: Counter[str] = Counter()
    most = 0

    async def handle(item: Item, claim: Claim) -> None:
        nonlocal most
        at_work[item.line.key] += 1
        assert at_work[item.line.key] == 1
        most = max(most, at_work.total())
        await asyncio.sleep(draw.random() * 0.01)
        async with claim.transaction() as session:
            await note(session, item, "us")
        at_work[item.line.key] -= 1

    plan = DrainPlan(max_lines=4, poll_s=0.1)
    shuffled = [key for key in keys for _ in range(20)]
    draw.shuffle(shuffled)
    await put(notes, *shuffled[:200])
    async with (
        draining(notes, redis_url, handle, plan) as one,
        draining(notes, redis_url, handle, plan) as two,
        draining(notes, redis_url, handle, plan) as three,
    ):
        await put(notes, *shuffled[200:])
        states = await ended(notes, *keys, limit_s=50)
        shares = [drainer.ends["done"] for drainer in (one, two, three)]
    assert states == {key: ["done"] * 20 for key in keys}
    for key in keys:
        assert [seq for seq, _ in await noted(notes, key)] == list(range(1, 21))
    assert sum(shares) == 400
    assert all(shares)
    assert 4 < most <= 12


async def test_an_announcement_wakes_a_drainer_of_another_process(
    database: Database, redis_url: str
) -> None:
    async with (
        open_redis(RedisSettings.model_validate({"url": redis_url})) as pool,
        draining(database, redis_url, writes_nothing, PATIENT),
    ):
        accepting = Announcements(pool, installation="test", instance="api")
        speaking = asyncio.create_task(accepting.serve())
        await asyncio.sleep(0.3)  # both have subscribed, and looked in vain
        await put(database, "k")
        announce(accepting, "talk")
        assert await ended(database) == {"k": ["done"]}
        speaking.cancel()


async def writes_nothing(item: Item, claim: Claim) -> None:
    del item, claim


async def test_a_drainer_in_the_accepting_process_is_woken_directly(
    database: Database, redis_url: str
) -> None:
    async with draining(database, redis_url, writes_nothing, PATIENT) as drainer:
        await asyncio.sleep(0.3)
        await put(database, "k")
        drainer.wake()
        assert await ended(database) == {"k": ["done"]}


async def test_without_redis_the_next_look_finds_what_waits(database: Database) -> None:
    async with draining(database, NO_REDIS, writes_nothing):
        await asyncio.sleep(0.1)
        await put(database, "k", "k")
        assert await ended(database) == {"k": ["done", "done"]}


async def test_a_message_not_begun_in_time_expires_and_the_line_goes_on(
    notes: Database, redis_url: str
) -> None:
    await put(notes, "k", "k", time_limit_s=0.05)
    await put(notes, "k")
    await asyncio.sleep(0.1)
    async with draining(notes, redis_url, writes):
        assert await ended(notes) == {"k": ["SESSION_BUSY", "SESSION_BUSY", "done"]}
    assert [row.state for row in await rows(notes)] == ["expired", "expired", "done"]
    assert await noted(notes, "k") == [(3, "us")]


async def test_a_failure_to_be_tried_again_holds_the_line_and_waits_longer_each_time(
    notes: Database, redis_url: str
) -> None:
    times: list[float] = []

    async def fails_thrice(item: Item, claim: Claim) -> None:
        assert item.tries == min(len(times), 3)
        times.append(asyncio.get_running_loop().time())
        if item.seq == 1 and item.tries < 3:
            raise RetryableError(ErrorCode.LLM_TIMEOUT)
        await writes(item, claim)

    await put(notes, "k")
    async with draining(notes, redis_url, fails_thrice):
        assert await ended(notes) == {"k": ["done"]}
    waits = [later - earlier for earlier, later in pairwise(times)]
    assert len(waits) == 3
    assert all(wait >= least for wait, least in zip(waits, (0.025, 0.05, 0.1), strict=True))
    assert await noted(notes, "k") == [(1, "us")]


async def test_it_waits_as_long_as_the_failure_asks_and_gives_up_at_its_limit(
    database: Database, redis_url: str
) -> None:
    tried: list[int] = []

    async def fails(item: Item, claim: Claim) -> None:
        del claim
        tried.append(item.seq)
        if item.seq == 1:
            raise RetryableError(ErrorCode.LLM_RATE_LIMIT, details={"retry_after": 1.2})

    async with draining(database, redis_url, fails):
        await put(database, "k", time_limit_s=2)
        await put(database, "k")
        assert await ended(database) == {"k": ["LLM_RATE_LIMIT", "done"]}
    assert tried == [1, 1, 2]


async def test_a_permanent_failure_and_a_bug_end_one_message_and_nothing_else(
    database: Database, redis_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    async def fails(item: Item, claim: Claim) -> None:
        del claim
        match item.seq:
            case 1:
                raise PermanentError(ErrorCode.LLM_PARSE_ERROR)
            case 2:
                raise ZeroDivisionError
            case 3:
                raise ExceptionGroup(
                    "two",
                    [
                        RetryableError(ErrorCode.LLM_TIMEOUT),
                        PermanentError(ErrorCode.QUOTA_EXCEEDED),
                    ],
                )
            case 4:
                raise asyncio.CancelledError
            case _:
                pass

    await put(database, *["k"] * 5, "other")
    with caplog.at_level(logging.ERROR):
        async with draining(database, redis_url, fails) as drainer:
            states = await ended(database, "k", "other")
            await asyncio.sleep(0.05)
            counted = dict(drainer.ends)
    assert states["k"] == [
        "LLM_PARSE_ERROR",
        "WORKER_ERROR",
        "QUOTA_EXCEEDED",
        "WORKER_ERROR",
        "done",
    ]
    assert counted["WORKER_ERROR"] == 2
    lines = [cast("dict[str, object]", record.msg) for record in caplog.records]
    bugs = [type(said["exc_info"]) for said in lines if said["event"] == "ordered_handler_bug"]
    assert bugs == [ZeroDivisionError, RuntimeError]


async def test_at_most_so_many_lines_are_worked_on_at_once(
    database: Database, redis_url: str
) -> None:
    at_work, most = 0, 0

    async def handle(item: Item, claim: Claim) -> None:
        nonlocal at_work, most
        del item, claim
        at_work += 1
        most = max(most, at_work)
        await asyncio.sleep(0.03)
        at_work -= 1

    keys = [f"line-{number}" for number in range(9)]
    await put(database, *keys)
    async with draining(database, redis_url, handle, DrainPlan(max_lines=3, poll_s=5)) as drainer:
        await ended(database, *keys)
        assert drainer.held <= 3
    assert most == 3


async def test_writes_on_the_way_do_not_end_a_message_and_none_are_allowed_after_its_end(
    notes: Database, redis_url: str
) -> None:
    seen: list[str] = []

    async def handle(item: Item, claim: Claim) -> None:
        async with claim.transaction(done=False) as session:
            await note(session, item, "on the way")
        seen.append((await rows(notes))[0].state)
        await writes(item, claim)
        with pytest.raises(RuntimeError, match="has ended"):
            await writes(item, claim)
        seen.append((await rows(notes))[0].state)

    await put(notes, "k")
    async with draining(notes, redis_url, handle):
        await ended(notes)
        await asyncio.sleep(0.05)
    assert seen == ["waiting", "done"]
    assert await noted(notes, "k") == [(1, "on the way"), (1, "us")]


async def test_what_a_failing_handler_wrote_in_its_transaction_is_undone(
    notes: Database, redis_url: str
) -> None:
    async def handle(item: Item, claim: Claim) -> None:
        async with claim.transaction() as session:
            await note(session, item, "us")
            if item.tries == 0:
                raise RetryableError(ErrorCode.NETWORK_ERROR)

    await put(notes, "k")
    async with draining(notes, redis_url, handle):
        assert await ended(notes) == {"k": ["done"]}
    assert await noted(notes, "k") == [(1, "us")]
