"""Runs over HTTP, by a server of its own: streams and clients that leave need a real one."""

import asyncio
import json
from collections.abc import AsyncGenerator
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass
from typing import cast
from uuid import UUID, uuid4

import httpx
import pytest
from redis.asyncio import Redis
from sqlalchemy import text, update

from app.bootstrap import Runtime, api_keys
from app.cli.listening import api_server, listen, url_of
from app.demo.faults import FaultKind
from app.demo.provider import ScriptedProvider
from app.errors import ErrorCode
from app.pipeline import fencing, records
from app.pipeline.acceptance import accept, new_run
from app.pipeline.following import END_ID
from app.pipeline.tables import RunRow, RunStatus
from app.queue.envelope import Priority
from app.queue.events import StageEvent, TokenEvent
from tests.flows.conftest import redis_keys, working

LIMIT_S = 30
RESUME = "윤가온\ngaon.yun@example.kr\n010-0000-2101\n\n기술\nPython, Kafka\n".encode()


@dataclass(frozen=True, slots=True)
class Sent:
    """One server-sent event."""

    id: str
    kind: str
    data: dict[str, object]


@pytest.fixture
async def http(runtime: Runtime) -> AsyncGenerator[httpx.AsyncClient]:
    """A client of a server that listens."""
    (key,) = api_keys(runtime.settings)
    listening = listen(runtime.settings, 0)
    async with (
        api_server(runtime, listening),
        httpx.AsyncClient(
            base_url=url_of(listening),
            headers={"Authorization": f"Bearer {key}", "Accept-Language": "en"},
            timeout=LIMIT_S,
        ) as client,
    ):
        yield client


@pytest.fixture
async def run(runtime: Runtime) -> RunRow:
    """A run that waits, and that no worker here has a flow for."""
    accepted = new_run(runtime.keyring, runtime.tenant_id, "none", priority=Priority.INGESTION)
    async with runtime.database.begin() as session:
        await accept(session, accepted, deadline_s=600)
    return accepted.run


@asynccontextmanager
async def following(
    http: httpx.AsyncClient, run_id: UUID, after: str | None = None
) -> AsyncGenerator[AsyncGenerator[Sent]]:
    headers = {"Last-Event-ID": after} if after else {}
    async with http.stream("GET", f"/v1/runs/{run_id}/events", headers=headers) as reply:
        assert reply.status_code == 200, await reply.aread()
        assert reply.headers["content-type"].startswith("text/event-stream")
        assert reply.headers["cache-control"] == "no-store"
        assert reply.headers["x-accel-buffering"] == "no"
        async with aclosing(_sent(reply)) as sent, asyncio.timeout(LIMIT_S):
            yield sent


async def _sent(reply: httpx.Response) -> AsyncGenerator[Sent]:
    fields: dict[str, str] = {}
    async for line in reply.aiter_lines():
        name, _, value = line.partition(": ")
        if line and name:
            fields[name] = value
        elif fields.get("data"):
            yield Sent(fields["id"], fields["event"], json.loads(fields["data"]))
            fields = {}


async def end(runtime: Runtime, run: RunRow, status: RunStatus) -> None:
    async with runtime.database.begin() as session:
        await fencing.end(session, run, fencing.End(status=status))


def tell(runtime: Runtime, run: RunRow, *names: str) -> None:
    for name in names:
        runtime.events.tell(run.id, StageEvent(stage=name, status="running", attempt=1))


def names(sent: list[Sent]) -> list[object]:
    return [each.data["stage"] for each in sent if each.kind == "stage"]


async def waiting_readers(runtime: Runtime) -> int:
    number = cast("int", runtime.producer.connection_pool.connection_kwargs["db"])
    clients = cast("list[dict[str, str]]", await cast("Redis", runtime.producer).client_list())  # pyright: ignore[reportUnknownMemberType] - typed loosely
    return sum(client["cmd"] == "xread" and client["db"] == str(number) for client in clients)


async def test_a_run_is_followed_live_and_taken_up_again_in_the_middle(
    runtime: Runtime, http: httpx.AsyncClient, run: RunRow
) -> None:
    async with following(http, run.id) as sent:
        tell(runtime, run, "fetch")
        first = await anext(sent)
        assert (first.kind, first.data["stage"], first.data["status"]) == (
            "stage",
            "fetch",
            "running",
        )
        runtime.events.tell(run.id, TokenEvent(number=1, sealed="for the chat alone"))
        tell(runtime, run, "extract")
        assert (await anext(sent)).data["stage"] == "extract"

    tell(runtime, run, "identity")
    async with following(http, run.id, after=first.id) as sent:
        assert names([await anext(sent), await anext(sent)]) == ["extract", "identity"]
        await end(runtime, run, RunStatus.SUCCEEDED)
        runtime.events.run_changed(run.id, "succeeded", attempt=0, ended=True)
        last = [each async for each in sent]
    assert [(each.id, each.kind, each.data["status"], each.data["ended"]) for each in last] == [
        (END_ID, "run", "succeeded", True)
    ]


async def test_a_run_that_ended_long_ago_says_so_and_then_a_browser_stays_away(
    runtime: Runtime, http: httpx.AsyncClient, run: RunRow
) -> None:
    await end(runtime, run, RunStatus.FAILED)
    async with following(http, run.id) as sent:
        (last,) = [each async for each in sent]
    assert last.data["status"] == "failed"

    address = f"/v1/runs/{run.id}/events"
    away = await http.get(address, headers={"Last-Event-ID": last.id})
    assert (away.status_code, away.content) == (204, b"")
    assert (await http.get(f"/v1/runs/{run.id}")).status_code == 200  # the connection lives on


async def test_a_redis_that_loses_everything_amid_leaves_nobody_hanging(
    runtime: Runtime, http: httpx.AsyncClient, run: RunRow
) -> None:
    async with following(http, run.id) as sent:
        tell(runtime, run, "fetch")
        await anext(sent)
        await runtime.producer.flushdb()  # pyright: ignore[reportUnknownMemberType] - typed loosely
        tell(runtime, run, "extract")
        assert [(await anext(sent)).kind, (await anext(sent)).kind] == ["gap", "stage"]
        await runtime.producer.flushdb()  # pyright: ignore[reportUnknownMemberType] - typed loosely
        await end(runtime, run, RunStatus.SUCCEEDED)  # and nobody tells
        (last,) = [each async for each in sent]
    assert last.data["status"] == "succeeded"


async def test_a_client_that_leaves_leaves_no_connection_behind(
    runtime: Runtime, http: httpx.AsyncClient, run: RunRow
) -> None:
    async with asyncio.TaskGroup() as group:
        clients = [group.create_task(_hang(http, run.id)) for _ in range(20)]
        async with asyncio.timeout(LIMIT_S):
            while await waiting_readers(runtime) < 20:
                await asyncio.sleep(0.02)
        for client in clients:
            client.cancel()
    async with asyncio.timeout(LIMIT_S):
        while await waiting_readers(runtime):
            await asyncio.sleep(0.02)
    pool = runtime.database.engine.sync_engine.pool
    assert "Current Checked out connections: 0" in pool.status()


async def _hang(http: httpx.AsyncClient, run_id: UUID) -> None:
    async with following(http, run_id) as sent:
        async for _ in sent:
            pass


async def test_a_client_that_does_not_read_holds_little_and_loses_nothing(
    runtime: Runtime, http: httpx.AsyncClient, run: RunRow
) -> None:
    """It gets what Redis keeps at the time when it reads, and is told of what it keeps no more."""
    async with following(http, run.id) as sent:
        tell(runtime, run, "first")
        assert (await anext(sent)).data["stage"] == "first"
        for number in range(6_000):
            runtime.events.tell(
                run.id, StageEvent(stage=f"{number:04}", status="x" * 4_000, attempt=1)
            )
            if number % 1_000 == 0:
                await runtime.events.all_told(within_s=LIMIT_S)
        await runtime.events.all_told(within_s=LIMIT_S)
        await end(runtime, run, RunStatus.SUCCEEDED)
        runtime.events.run_changed(run.id, "succeeded", attempt=0, ended=True)
        rest = [each async for each in sent]
    assert names(rest) == sorted(cast("list[str]", names(rest)))
    assert names(rest)[-1] == "5999"
    assert "gap" in [each.kind for each in rest]


@pytest.mark.parametrize("after", ["1", "x-1", "-1", "1-1-1", "99999999999999999999-0"])
async def test_a_wrong_last_event_id_is_refused_before_the_stream_begins(
    http: httpx.AsyncClient, run: RunRow, after: str
) -> None:
    reply = await http.get(f"/v1/runs/{run.id}/events", headers={"Last-Event-ID": after})
    assert (reply.status_code, reply.json()["code"]) == (422, "VALIDATION_ERROR")
    assert "Last-Event-ID" in reply.json()["detail"]


async def test_what_is_unknown_or_of_another_tenant_is_not_found(
    runtime: Runtime, http: httpx.AsyncClient, run: RunRow
) -> None:
    async with runtime.database.begin() as session:
        await session.execute(update(RunRow).values(tenant_id=uuid4()))
    for run_id in (run.id, uuid4()):
        for method, action in (("GET", "events"), ("POST", "cancel")):
            reply = await http.request(method, f"/v1/runs/{run_id}/{action}")
            assert (reply.status_code, reply.json()["code"]) == (404, "NOT_FOUND")
    async with runtime.database.begin() as session:
        found = await session.get(RunRow, run.id)
    assert found is not None
    assert found.status == RunStatus.QUEUED


async def test_runs_are_listed_by_pages_and_by_status(
    runtime: Runtime, http: httpx.AsyncClient, run: RunRow
) -> None:
    accepted = [await runtime.intake.accept("cv.txt", f"cv {n}".encode()) for n in range(3)]
    first, second, third = (str(each.run_id) for each in accepted)
    assert (await http.post(f"/v1/runs/{second}/cancel")).status_code == 200

    async def listed(**parameters: str | int) -> tuple[list[str], str | None]:
        reply = await http.get("/v1/runs", params=parameters)
        assert reply.status_code == 200, reply.text
        return [each["id"] for each in reply.json()["runs"]], reply.json()["next_cursor"]

    assert await listed(limit=2) == ([third, second], second)
    assert await listed(limit=2, cursor=second) == ([first], None)
    assert await listed(status="cancelled") == ([second], None)
    assert await listed(every_flow="true") == ([third, second, first, str(run.id)], None)
    gone = await http.get("/v1/runs", params={"cursor": str(uuid4())})
    assert (gone.status_code, gone.json()["code"]) == (404, "NOT_FOUND")
    for wrong in ({"limit": 0}, {"limit": 201}, {"status": "lost"}):
        assert (await http.get("/v1/runs", params=wrong)).status_code == 422


async def test_all_ask_for_a_key(http: httpx.AsyncClient, run: RunRow) -> None:
    del http.headers["Authorization"]
    assert (await http.get("/v1/runs")).status_code == 401
    assert (await http.get(f"/v1/runs/{run.id}/events")).status_code == 401
    assert (await http.post(f"/v1/runs/{run.id}/cancel")).status_code == 401


async def test_a_queued_run_is_cancelled_once_and_answered_the_same_each_time(
    http: httpx.AsyncClient, run: RunRow
) -> None:
    async with following(http, run.id) as sent:
        async with asyncio.TaskGroup() as group:
            asked = [group.create_task(http.post(f"/v1/runs/{run.id}/cancel")) for _ in range(2)]
        first, second = (task.result() for task in asked)
        (last,) = [each async for each in sent]
    assert first.status_code == second.status_code == 200
    assert first.json() == second.json()
    assert (first.json()["status"], first.json()["code"]) == ("cancelled", "CANCELLED")
    assert last.data["status"] == "cancelled"


async def test_a_run_that_ended_otherwise_is_not_cancelled(
    runtime: Runtime, http: httpx.AsyncClient, run: RunRow
) -> None:
    await end(runtime, run, RunStatus.SUCCEEDED)
    reply = await http.post(f"/v1/runs/{run.id}/cancel")
    assert (reply.status_code, reply.json()["code"]) == (409, ErrorCode.RUN_ENDED)
    assert reply.json()["details"] == {"status": "succeeded"}
    assert reply.headers["content-type"] == "application/problem+json"


async def test_a_running_run_is_cancelled_and_its_worker_lets_go_of_it(
    runtime: Runtime, http: httpx.AsyncClient, provider: ScriptedProvider
) -> None:
    provider.fail_with(FaultKind.HANG)
    async with working(runtime):
        accepted = await runtime.intake.accept("cv.txt", RESUME)
        async with following(http, accepted.run_id) as sent:
            await provider.called()
            reply = await http.post(f"/v1/runs/{accepted.run_id}/cancel")
            assert (reply.status_code, reply.json()["status"]) == (200, "cancelled")
            assert [each async for each in sent][-1].data["status"] == "cancelled"
            while await redis_keys(runtime, "arq:in-progress:*"):
                await asyncio.sleep(0.01)
        assert await redis_keys(runtime, "arq:abort") == []
    async with runtime.database.begin() as session:
        run = await records.find(session, runtime.tenant_id, accepted.run_id)
        stages = await records.stages(session, accepted.run_id)
    assert run is not None
    assert (run.status, run.attempt) == ("cancelled", 1)
    assert "running" not in [row.status for row in stages]


async def test_a_run_that_is_about_to_save_its_candidate_is_not_cancelled(
    runtime: Runtime, http: httpx.AsyncClient
) -> None:
    async with runtime.database.begin() as session:
        for statement in (
            """CREATE FUNCTION hold() RETURNS trigger LANGUAGE plpgsql AS
               $$ BEGIN PERFORM pg_advisory_xact_lock(31); RETURN NEW; END $$""",
            """CREATE TRIGGER hold BEFORE INSERT ON checkpoints FOR EACH ROW
               WHEN (NEW.stage = 'save') EXECUTE FUNCTION hold()""",
        ):
            await session.execute(text(statement))
    async with working(runtime), asyncio.TaskGroup() as group:
        async with runtime.database.begin() as holding:
            await holding.execute(text("SELECT pg_advisory_xact_lock(31)"))
            accepted = await runtime.intake.accept("cv.txt", RESUME)
            await until_waiting(runtime, "advisory")
            asked = group.create_task(http.post(f"/v1/runs/{accepted.run_id}/cancel"))
            await until_waiting(runtime, "transactionid")
        reply = await asked
        assert (reply.status_code, reply.json()["code"]) == (409, ErrorCode.RUN_ENDED)
        assert "saved already" in reply.json()["detail"]
        async with following(http, accepted.run_id) as sent:
            assert [each async for each in sent][-1].data["status"] == "succeeded"


async def until_waiting(runtime: Runtime, lock: str) -> None:
    """For this kind of lock, which another transaction holds."""
    waits = text(
        "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
        " AND wait_event = :lock AND datname = current_database())"
    )
    async with asyncio.timeout(LIMIT_S):
        while True:
            async with runtime.database.begin() as session:
                if await session.scalar(waits, {"lock": lock}):
                    return


async def test_the_stages_of_a_resume_are_told_as_they_come(
    runtime: Runtime, http: httpx.AsyncClient
) -> None:
    accepted = await runtime.intake.accept("cv.txt", RESUME)
    async with following(http, accepted.run_id) as sent, working(runtime):
        told = [each async for each in sent]
    async with runtime.database.begin() as session:
        rows = {row.name: row.status for row in await records.stages(session, accepted.run_id)}
    begun = [
        each.data["stage"]
        for each in told
        if each.data["status"] == "running" and each.kind == "stage"
    ]
    ended = {
        each.data["stage"]: each.data["status"]
        for each in told
        if each.kind == "stage" and each.data["status"] != "running"
    }
    assert ended == rows
    assert begun[:2] == ["fetch", "extract"]
    assert told[-1].data["status"] == "succeeded"
    assert "gaon" not in json.dumps([each.data for each in told])


async def test_a_run_that_is_not_partial_is_not_repaired(
    http: httpx.AsyncClient, run: RunRow
) -> None:
    refused = await http.post(f"/v1/runs/{run.id}/repair")
    assert (refused.status_code, refused.json()["code"]) == (409, "NOT_REPAIRABLE")
    assert "queued" in refused.json()["detail"]
    assert (await http.post(f"/v1/runs/{uuid4()}/repair")).status_code == 404
