"""Holders that stop, die, are paused or lose their connections."""

import asyncio
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress

import pytest
from sqlalchemy import select, text

from app.coordination.ordering import Claim, DrainPlan
from app.coordination.ordering_records import Item
from app.coordination.ordering_tables import OrderedClaimRow
from app.errors import ErrorCode, RetryableError
from app.store.database import Database
from tests.conftest import ROOT
from tests.coordination.draining import LEASE_S
from tests.coordination.lines import (
    PATIENT,
    draining,
    ended,
    put,
    rows,
    writes,
)
from tests.coordination.notes import make_notes, noted


@pytest.fixture
async def notes(database: Database) -> Database:
    await make_notes(database)
    return database


async def test_a_drainer_that_stops_hands_its_message_back_at_once_and_unspent(
    notes: Database, redis_url: str
) -> None:
    begun = asyncio.Event()

    async def never_ends(item: Item, claim: Claim) -> None:
        del item, claim
        begun.set()
        await asyncio.sleep(60)

    await put(notes, "k")
    async with draining(notes, redis_url, never_ends, PATIENT), asyncio.timeout(15):
        await begun.wait()
    (row,) = await rows(notes)
    assert (row.state, row.starts) == ("waiting", 0)
    async with draining(notes, redis_url, writes, PATIENT):
        assert await ended(notes) == {"k": ["done"]}


async def test_connections_that_break_at_any_time_lose_nothing_and_repeat_nothing(
    notes: Database, redis_url: str
) -> None:
    keys = [f"line-{number}" for number in range(5)]

    async def handle(item: Item, claim: Claim) -> None:
        await asyncio.sleep(0.02)
        await writes(item, claim)

    await put(notes, *keys * 5)
    plan = DrainPlan(poll_s=0.05, lease_s=0.5, base_wait_s=0.02, max_wait_s=0.1)
    async with draining(notes, redis_url, handle, plan):
        for _ in range(4):
            await asyncio.sleep(0.1)
            with suppress(RetryableError):
                async with notes.begin() as session:
                    await session.execute(
                        text(
                            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
                        )
                    )
        while True:
            with suppress(RetryableError):
                states = await ended(notes, *keys, limit_s=20)
                break
    assert states == {key: ["done"] * 5 for key in keys}
    for key in keys:
        assert await noted(notes, key) == [(seq, "us") for seq in range(1, 6)]


async def test_who_was_overtaken_is_interrupted_and_can_write_nothing(
    notes: Database, redis_url: str
) -> None:
    codes: list[ErrorCode] = []
    begun = asyncio.Event()

    async def stubborn(item: Item, claim: Claim) -> None:
        begun.set()
        with suppress(asyncio.CancelledError):
            await asyncio.sleep(60)
        try:
            await writes(item, claim)
        except RetryableError as error:
            codes.append(error.code)
            raise

    await put(notes, "k")
    async with draining(notes, redis_url, stubborn, DrainPlan(lease_s=0.3, poll_s=60)):
        async with asyncio.timeout(15):
            await begun.wait()
            async with notes.begin() as session:
                await session.execute(
                    text(
                        "UPDATE ordered_claims SET fence = fence + 1, holder = 'other',"
                        " lease_until = now() + interval '1 hour'"
                    )
                )
            while not codes:
                await asyncio.sleep(0.01)
    assert codes == [ErrorCode.LEASE_LOST]
    assert await noted(notes, "k") == []
    async with notes.begin() as session:
        claim_row = (await session.scalars(select(OrderedClaimRow))).one()
    assert claim_row.holder == "other"  # nothing was handed back that was not held


@asynccontextmanager
async def other_process(database_url: str, redis_url: str, mode: str) -> AsyncGenerator[Process]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.coordination.draining", database_url, redis_url, mode,
        cwd=ROOT, stdin=PIPE, stdout=PIPE,
    )  # fmt: skip
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


async def heard(process: Process) -> str:
    assert process.stdout is not None
    async with asyncio.timeout(15):
        return (await process.stdout.readline()).decode().strip()


async def test_a_paused_holder_is_overtaken_and_cannot_write_when_it_wakes(
    notes: Database, database_url: str, redis_url: str
) -> None:
    await put(notes, "k", "k")
    async with other_process(database_url, redis_url, "write") as process:
        assert await heard(process) == "started 1"
        process.send_signal(signal.SIGSTOP)
        async with draining(notes, redis_url, writes):
            assert await ended(notes) == {"k": ["done", "done"]}
            assert process.stdin is not None
            process.stdin.write(b"go on\n")
            process.send_signal(signal.SIGCONT)
            told = {await heard(process)}
            if "cancelled" in told:
                told = {await heard(process)}
        assert told == {"LEASE_LOST"}
    assert await noted(notes, "k") == [(1, "us"), (2, "us")]


async def test_a_killed_holders_message_is_begun_again_within_its_lease(
    notes: Database, database_url: str, redis_url: str
) -> None:
    await put(notes, "k", "k")
    async with other_process(database_url, redis_url, "die") as process:
        assert await heard(process) == "started 1"
        await process.wait()
    async with draining(notes, redis_url, writes):
        assert await ended(notes, limit_s=LEASE_S + 15) == {"k": ["done", "done"]}
    assert [row.starts for row in await rows(notes)] == [2, 1]


async def test_a_message_that_kills_its_worker_is_given_up_and_the_line_goes_on(
    notes: Database, database_url: str, redis_url: str
) -> None:
    await put(notes, "k", "k")
    async with other_process(database_url, redis_url, "die") as process:
        await process.wait()
    async with draining(notes, redis_url, writes, DrainPlan(max_starts=1, poll_s=0.05)) as drainer:
        assert await ended(notes) == {"k": ["WORKER_ERROR", "done"]}
        await asyncio.sleep(0.05)
        assert dict(drainer.ends) == {"WORKER_ERROR": 1, "done": 1}
