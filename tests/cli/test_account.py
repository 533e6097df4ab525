"""What the `credits` commands print and do."""

import json
from uuid import uuid4

import pytest
from sqlalchemy import text

from app.bootstrap import Runtime
from app.cli.account import adjust, check, grant, lift, list_entries, show
from app.cli.running import Exit
from app.credits import ledger

Capture = pytest.CaptureFixture[str]


async def test_what_there_is_is_said_in_a_sentence(runtime: Runtime, capsys: Capture) -> None:
    await show(runtime, as_json=False)
    await list_entries(runtime, limit=5, as_json=False)
    await grant(runtime, 2_000, note="March", as_json=False)
    await runtime.intake.accept("cv.txt", b"one")
    await show(runtime, as_json=False)
    await lift(runtime, note="", as_json=False)
    assert capsys.readouterr().out.splitlines() == [
        "Credits are unlimited.",
        "Nothing has happened to credits: they are unlimited.",
        "Credits available: 2,000; a file costs 1.",
        "Credits available: 1,999; a file costs 1. Runs under way hold 1.",
        "Credits are unlimited. Runs under way hold 1.",
    ]


async def test_the_ledger_is_listed_a_line_each(runtime: Runtime, capsys: Capture) -> None:
    await grant(runtime, 3, note="[red]March\x1b[2J", as_json=False)
    accepted = await runtime.intake.accept("cv.txt", b"one")
    await adjust(runtime, -1, note="typo", as_json=False)
    capsys.readouterr()
    await list_entries(runtime, limit=2, as_json=False)
    told = capsys.readouterr()
    head, adjusted, reserved = told.out.splitlines()
    assert head.split() == ["when", "kind", "available", "reserved", "run", "by", "note"]
    assert adjusted.split()[2:4] == ["adjust", "-1"]
    assert reserved.split()[2:6] == ["reserve", "-1", "+1", str(accepted.run_id)]
    assert "There are more than 2" in told.err
    await list_entries(runtime, limit=5, as_json=False)
    assert "[red]March [2J" in capsys.readouterr().out
    await list_entries(runtime, limit=5, as_json=True)
    assert [each["kind"] for each in json.loads(capsys.readouterr().out)["entries"]] == [
        "adjust",
        "reserve",
        "grant",
    ]


async def test_a_ledger_that_adds_up_is_said_to_and_one_that_does_not_with_its_differences(
    runtime: Runtime, capsys: Capture
) -> None:
    await grant(runtime, 5, note="", as_json=False)
    capsys.readouterr()
    assert await check(runtime, settle=False, as_json=False) is Exit.OK
    assert "All 1 entries add up." in capsys.readouterr().out
    async with runtime.database.begin() as session:
        await session.execute(text("UPDATE credit_accounts SET available = available - 2"))
    assert await check(runtime, settle=True, as_json=False) is Exit.SOME_FAILED
    assert "available: 3, -2 beside its entries" in capsys.readouterr().out
    assert await check(runtime, settle=False, as_json=True) is Exit.SOME_FAILED
    assert json.loads(capsys.readouterr().out)["available_difference"] == -2


async def test_credits_that_nobody_will_settle_are_settled_when_asked_for(
    runtime: Runtime, capsys: Capture
) -> None:
    await grant(runtime, 5, note="", as_json=False)
    run_id = uuid4()
    async with runtime.database.begin() as session:
        await ledger.reserve(session, runtime.tenant_id, run_id, attempt=0, credit_count=2)
    capsys.readouterr()
    assert await check(runtime, settle=False, as_json=False) is Exit.SOME_FAILED
    told = capsys.readouterr()
    assert f"run {run_id} is gone, and keeps reserved: 2" in told.out
    assert "--settle" in told.err
    assert await check(runtime, settle=True, as_json=False) is Exit.OK
    await show(runtime, as_json=True)
    assert json.loads(capsys.readouterr().out.partition("add up.")[2])["available"] == 5
