"""What the `queue` commands print and do."""

import json
from datetime import UTC, datetime

import pytest

from app.cli.queue_screen import drain_queue, pause_queue, resume_queue, show_queue
from app.cli.running import Exit
from app.pipeline.schedules import ScheduleView
from app.pipeline.tables import RunStatus
from app.queue import inspection
from app.queue.envelope import NewJob, Priority
from app.queue.producer import Producer
from tests.queue.fleet import Workshop, job, until, working
from tests.queue.letters import kill, letters_of

Capture = pytest.CaptureFixture[str]

NIGHTLY = ScheduleView(
    name="retention",
    flow="retention",
    cron="17 3 * * *",
    timezone="Asia/Seoul",
    next_due_at=datetime(2026, 8, 2, 3, 17, tzinfo=UTC),
    last_due_at=None,
    last_skipped_at=None,
    last_run_id=None,
    last_run_status=RunStatus.SUCCEEDED,
)


async def reported(producer: Producer) -> None:
    async def is_reported() -> bool:
        return bool(await inspection.workers(producer))

    await until(is_reported)


async def test_without_a_worker_that_is_said_with_what_to_do(
    producer: Producer, capsys: Capture
) -> None:
    await show_queue(producer, (), as_json=False)
    shown = capsys.readouterr().out
    assert "No worker lives, so nothing starts. Start one with `./run worker`" in shown
    assert "schedule" not in shown
    assert "PAUSED" not in shown


async def test_the_screen_has_states_priorities_tenants_workers_and_schedules(
    producer: Producer, capsys: Capture
) -> None:
    shop = Workshop()
    async with working(producer, job(shop.carry), worker_id="w1"):
        await producer.enqueue(NewJob(function="job"))
        await shop.started()
        await reported(producer)
        await inspection.pause(producer, reason="moved\x1b[2J", by="cli:ada")
        await producer.enqueue_many(
            [NewJob(function="job", tenant="acme", priority=Priority.BULK) for _ in range(1_200)]
        )
        await producer.enqueue(NewJob(function="job", wait_s=600))
        await kill(letters_of(producer), "x")
        await show_queue(producer, [NIGHTLY], as_json=False)
        lines = [line.split() for line in capsys.readouterr().out.splitlines()]
        told = {line[0]: line[1:] for line in lines if line}
        assert told["arq:queue"][0] == "at"
        assert " ".join(told["PAUSED"]).endswith(
            "by cli:ada: moved [2J (`./run queue resume` ends that)"
        )
        assert " ".join(told["due"]) == "1,200 start when the pause ends"
        assert (told["deferred"][0], told["running"], told["parked"]) == ("1", ["1"], ["0"])
        assert " ".join(told["dead"]).endswith("./run dead ls")
        assert told["bulk"][0] == "1,200"
        assert told["chat"] == ["0"]
        assert told["acme"] == ["bulk", "1,200", "0"]
        assert told["w1"][2].endswith("/10")
        assert told["retention"][:6] == ["17", "3", "*", "*", "*", "Asia/Seoul"]

        await show_queue(producer, [NIGHTLY], as_json=True)
        shown = json.loads(capsys.readouterr().out)
        assert shown["depth"]["due"] == 1_200
        assert shown["workers"][0]["id"] == "w1"
        assert shown["schedules"][0]["name"] == "retention"


async def test_a_pause_says_until_when_and_a_resume_whether_there_was_one(
    producer: Producer, capsys: Capture
) -> None:
    await pause_queue(producer, reason=" r ", for_s=7_200, as_json=False)
    assert "arq:queue is paused until 20" in capsys.readouterr().out
    depth = await inspection.depth(producer)
    assert depth.paused is not None
    assert depth.paused.reason == "r"
    assert depth.paused.by.startswith("cli:")
    await resume_queue(producer, as_json=False)
    await resume_queue(producer, as_json=False)
    assert capsys.readouterr().out == "arq:queue goes on.\narq:queue was not paused.\n"
    await pause_queue(producer, reason="r", for_s=7_200, as_json=True)
    assert json.loads(capsys.readouterr().out)["depth"]["paused"]["reason"] == "r"
    await resume_queue(producer, as_json=True)
    assert json.loads(capsys.readouterr().out)["depth"]["paused"] is None


async def test_a_drained_queue_stays_paused_and_that_is_said(
    producer: Producer, capsys: Capture
) -> None:
    code = await drain_queue(producer, reason="r", within_s=1, as_json=False)
    assert code is Exit.OK
    told = capsys.readouterr().out
    assert "Nothing runs any more. The queue stays paused until 20" in told
    assert "./run queue resume" in told
    assert (await inspection.depth(producer)).paused is not None


async def test_what_still_runs_is_told_and_is_a_failure(
    producer: Producer, capsys: Capture
) -> None:
    shop = Workshop()
    async with working(producer, job(shop.carry), worker_id="w1"):
        await producer.enqueue(NewJob(function="job", job_id="slow"))
        await shop.started()
        code = await drain_queue(producer, reason="r", within_s=0.01, as_json=False)
        assert code is Exit.SOME_FAILED
        told = capsys.readouterr().out
        assert ["slow", "job", "w1"] in [line.split() for line in told.splitlines()]
        assert "1 still run; drain again to go on waiting." in told
        assert await drain_queue(producer, reason="r", within_s=0.01, as_json=True) == 1
        drained = json.loads(capsys.readouterr().out)
        assert (drained["running"][0]["id"], drained["depth"]["running"]) == ("slow", 1)
