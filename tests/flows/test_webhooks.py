"""The word of a run's end, from the file to the receiver."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from io import StringIO
from uuid import UUID

import pytest
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from sqlalchemy import func, select, text
from standardwebhooks import Webhook

from app.bootstrap import Runtime, open_runtime
from app.candidates.intake import INGEST_FLOW
from app.credits import ledger
from app.demo.samples import SAMPLES
from app.pipeline.cancelling import cancel_run
from app.pipeline.tables import EffectRow, RunRow
from app.settings import Settings
from app.settings.groups import ExtractSettings, RetrySettings
from app.settings.webhooks import WebhookSettings
from app.telemetry.logs import configure_logs
from app.telemetry.spans import RecordedSpan
from app.webhooks.outbox import WEBHOOK_FLOW
from app.webhooks.tables import DeliveryRow, DeliveryStatus
from tests.fakes.receiver import Misbehaviour, Received, Receiver, Reply
from tests.flows.conftest import EndedRuns, WorkerProcess, working

pytestmark = [pytest.mark.flow, pytest.mark.timeout(120)]

SAMPLE = next(sample for sample in SAMPLES if sample.file == "ko-plain.txt")
CANARY = "canary-0f3a"

Settled = Callable[[], Awaitable[list[DeliveryRow]]]


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """Receivers on loopback, quick retries, small files."""
    return settings.model_copy(
        update={
            "webhook": WebhookSettings(allow_private=True),
            "retry": RetrySettings(
                webhook_retry_delay=0.01, embedding_base_wait=0.01, embedding_max_wait=0.05
            ),
            "extract": ExtractSettings(max_file_mib=1),
        }
    )


@pytest.fixture
async def runtime(settings: Settings) -> AsyncGenerator[Runtime]:
    async with open_runtime(settings) as opened:
        yield opened


@pytest.fixture
def settled(runtime: Runtime) -> Settled:
    """Wait until no delivery is pending and no effect open; returns the deliveries."""

    async def wait() -> list[DeliveryRow]:
        async with asyncio.timeout(60):
            while True:
                async with runtime.database.begin() as session:
                    rows = list(await session.scalars(select(DeliveryRow)))
                    undone = select(func.count()).where(EffectRow.done_at.is_(None))
                    owed = await session.scalar(undone.select_from(EffectRow))
                pending = any(row.status == DeliveryStatus.PENDING for row in rows)
                if rows and not pending and not owed:
                    return rows
                await asyncio.sleep(0.05)

    return wait


async def subscribe(runtime: Runtime, receiver: Receiver) -> str:
    """The secret of a new endpoint at the receiver."""
    url = f"{receiver.url}/{CANARY}?key={CANARY}"
    return (await runtime.webhooks.endpoints.add(runtime.tenant_id, url)).secret


def told(received: list[Received]) -> dict[str, tuple[str, str | None]]:
    """Type and code by the run that each message tells of."""
    return {got.json["run_id"]: (got.json["type"], got.json["code"]) for got in received}


async def test_a_run_and_what_it_owes_never_need_two_connections_at_once(
    settings: Settings, receiver: Receiver, ended: EndedRuns, settled: Settled
) -> None:
    """Or as many runs as there are connections would wait for each other, and the leases with them."""
    database = settings.database.model_copy(update={"pool_size": 1, "connect_timeout": 2})
    async with open_runtime(settings.model_copy(update={"database": database})) as runtime:
        await subscribe(runtime, receiver)
        async with runtime.database.begin() as session:
            await ledger.grant(session, runtime.tenant_id, 10, note="", made_by="test")
        accepted = [
            await runtime.intake.accept(f"{number}.txt", SAMPLE.path.read_bytes() + b"\n" * number)
            for number in range(6)
        ]
        refused = await runtime.intake.accept("empty.txt", b"\n\n")
        async with working(runtime):
            rows = await ended([each.run_id for each in (*accepted, refused)])
            deliveries = await settled()
    assert [row.status for row in rows] == ["succeeded"] * 6 + ["failed"]
    assert [row.tries for row in rows] == [1] * 7
    assert [each.status for each in deliveries] == [DeliveryStatus.DELIVERED] * 7


async def test_every_end_of_a_resume_is_told_signed(
    runtime: Runtime, receiver: Receiver, ended: EndedRuns, settled: Settled
) -> None:
    secret = await subscribe(runtime, receiver)
    cancelled = (await runtime.intake.accept("a.txt", b"Gaon Canary")).run_id
    await cancel_run(
        runtime.database, runtime.producer, runtime.events, runtime.tenant_id, cancelled
    )
    spent = (await runtime.intake.accept("b.txt", b"Gaon Canary, again")).run_id
    await runtime.producer.cancel(f"{spent}:1")
    async with runtime.database.begin() as session:  # its worker died at every try
        await session.execute(text("UPDATE runs SET tries = 99 WHERE id = :id"), {"id": spent})
    refused = (await runtime.intake.accept("c.txt", b"x" * 1_100_000)).run_id
    good = (await runtime.intake.accept(SAMPLE.file, SAMPLE.path.read_bytes())).run_id
    bad = (await runtime.intake.accept("d.bin", b"MZ\x90\x00" + bytes(200))).run_id

    async with working(runtime):
        (succeeded, *_) = await ended([good, bad, cancelled, spent, refused])
        await receiver.has(5)
        await settled()

    for got in receiver.received:
        Webhook(secret).verify(got.body, dict(got.headers))
    assert told(receiver.received) == {
        str(good): ("run.succeeded", None),
        str(bad): ("run.failed", "INVALID_FILE"),
        str(cancelled): ("run.cancelled", "CANCELLED"),
        str(spent): ("run.failed", "WORKER_ERROR"),
        str(refused): ("run.failed", "INVALID_FILE"),
    }
    assert succeeded.result is not None
    of_good = next(got.json for got in receiver.received if got.json["run_id"] == str(good))
    assert of_good["candidate_id"] == succeeded.result["candidate_id"]
    assert len({got.headers["webhook-id"] for got in receiver.received}) == 5


async def test_a_receiver_that_is_down_fails_no_resume_and_gets_it_again_later(
    runtime: Runtime, receiver: Receiver, ended: EndedRuns, settled: Settled
) -> None:
    await subscribe(runtime, receiver)
    receiver.always(Reply(500))
    accepted = await runtime.intake.accept(SAMPLE.file, SAMPLE.path.read_bytes())
    async with working(runtime):
        (run,) = await ended([accepted.run_id])
        (row,) = await settled()
        assert (run.status, row.status, row.tries) == ("succeeded", "failed", 3)
        failed = await runtime.webhooks.outbox.page(runtime.tenant_id, status=DeliveryStatus.FAILED)
        assert [each.id for each in failed.deliveries] == [row.id]
        # What a receiver left behind is no dead job.
        assert not (await runtime.dead_letters.page(top_k=10)).letters

        receiver.always(Reply(200))
        await runtime.webhooks.outbox.resend(runtime.tenant_id, row.id)
        (row,) = await settled()
    assert (row.status, row.tries) == ("delivered", 1)
    assert len({got.headers["webhook-id"] for got in receiver.received}) == 1
    assert len(receiver.received) == 4


async def test_a_slow_receiver_holds_nobody_up(
    runtime: Runtime, receiver: Receiver, ended: EndedRuns
) -> None:
    await subscribe(runtime, receiver)
    receiver.always(Misbehaviour.HANG)
    first = await runtime.intake.accept(SAMPLE.file, SAMPLE.path.read_bytes())
    async with working(runtime):
        (run,) = await ended([first.run_id])
        await receiver.has(1)
        second = await runtime.intake.accept("e.txt", SAMPLE.path.read_bytes() + b" .")
        (after,) = await ended([second.run_id])
        async with runtime.database.begin() as session:
            pending = await session.scalar(select(func.count()).select_from(DeliveryRow))
    assert (run.status, after.status) == ("succeeded", "succeeded")
    assert pending


async def test_redis_that_forgets_all_loses_no_message(
    runtime: Runtime, receiver: Receiver, settled: Settled
) -> None:
    await subscribe(runtime, receiver)
    accepted = await runtime.intake.accept("c.txt", b"x" * 1_100_000)  # ended, and owing
    await runtime.producer.execute_command("FLUSHDB")  # pyright: ignore[reportUnknownMemberType] - typed loosely
    async with working(runtime):
        await receiver.has(1)
        await settled()
    # The effect became a delivery whose job was lost before a worker saw it.
    receiver.received.clear()
    later = await runtime.intake.accept("d.txt", b"y" * 1_100_000)
    key = f"webhook:{later.run_id}:0"
    payload = {"run_id": str(later.run_id), "status": "failed", "code": "INVALID_FILE"}
    await runtime.webhooks.outbox.announce(payload, key)
    await runtime.producer.execute_command("FLUSHDB")  # pyright: ignore[reportUnknownMemberType] - typed loosely
    async with working(runtime):
        await receiver.has(1)
        await settled()
    assert told(receiver.received) == {str(later.run_id): ("run.failed", "INVALID_FILE")}
    assert accepted.run_id != later.run_id


async def test_a_worker_that_is_killed_in_the_middle_of_a_try_is_replaced(
    runtime: Runtime,
    receiver: Receiver,
    ended: EndedRuns,
    settled: Settled,
    worker_process: WorkerProcess,
) -> None:
    await subscribe(runtime, receiver)
    receiver.answer(Misbehaviour.HANG)
    accepted = await runtime.intake.accept(SAMPLE.file, SAMPLE.path.read_bytes())
    async with worker_process() as process:
        await receiver.has(1)
        process.kill()
        await process.wait()
    async with working(runtime):
        (run,) = await ended([accepted.run_id])
        (row,) = await settled()
    assert (run.status, row.status, row.tries) == ("succeeded", "delivered", 2)
    assert len(receiver.received) == 2
    assert len({got.headers["webhook-id"] for got in receiver.received}) == 1


async def test_cancelling_the_run_of_a_delivery_settles_it(
    runtime: Runtime, receiver: Receiver, settled: Settled
) -> None:
    await subscribe(runtime, receiver)
    receiver.always(Misbehaviour.HANG)
    await runtime.intake.accept("c.txt", b"x" * 1_100_000)
    async with working(runtime):
        await receiver.has(1)
        async with runtime.database.begin() as session:
            carrier = await session.scalar(select(RunRow.id).where(RunRow.flow == WEBHOOK_FLOW))
        assert carrier is not None
        await cancel_run(
            runtime.database, runtime.producer, runtime.events, runtime.tenant_id, carrier
        )
        (row,) = await settled()
    assert (row.status, row.code) == ("failed", "CANCELLED")


async def test_nothing_of_url_secret_or_answer_leaves_the_process(
    runtime: Runtime,
    receiver: Receiver,
    ended: EndedRuns,
    settled: Settled,
    traced: list[RecordedSpan],
    measured: InMemoryMetricReader,
) -> None:
    logged = StringIO()
    configure_logs("DEBUG", json=True, stream=logged)
    secret = await subscribe(runtime, receiver)
    receiver.answer(Reply(500, body=CANARY.encode()), Reply(body=CANARY.encode()))
    accepted = await runtime.intake.accept(SAMPLE.file, SAMPLE.path.read_bytes())
    in_redis: list[str] = []
    async with working(runtime):
        await ended([accepted.run_id])
        in_redis += await dump(runtime)
        await settled()
        in_redis += await dump(runtime)
    async with runtime.database.begin() as session:
        tables = ("webhook_endpoints", "webhook_deliveries", "runs", "run_stages", "effects",
                  "checkpoints", "run_attempts")  # fmt: skip
        rows = [
            str(tuple(row))
            for table in tables
            for row in await session.execute(text(f"SELECT * FROM {table}"))  # noqa: S608 - names of ours
        ]
    spans = repr([(span.name, span.attributes, span.events) for span in traced])
    metrics = measured.get_metrics_data()
    assert metrics is not None
    everything = {
        "logs": logged.getvalue(),
        "Redis": "\n".join(in_redis),
        "columns": "\n".join(rows),
        "spans": spans,
        "metrics": metrics.to_json(),
    }
    assert "webhook_delivered" in everything["logs"]
    assert "naru.webhook.deliveries" in everything["metrics"]
    assert str(accepted.run_id) in everything["columns"]
    assert in_redis
    for hidden in (CANARY, secret.removeprefix("whsec_"), f":{receiver.port}/"):
        assert [place for place, said in everything.items() if hidden in said] == []


async def test_without_an_endpoint_nothing_is_sent(
    runtime: Runtime, receiver: Receiver, ended: EndedRuns
) -> None:
    accepted = await runtime.intake.accept(SAMPLE.file, SAMPLE.path.read_bytes())
    async with working(runtime):
        await ended([accepted.run_id])
        async with asyncio.timeout(30):
            while await _owed(runtime):
                await asyncio.sleep(0.05)
    assert receiver.received == []
    async with runtime.database.begin() as session:
        flows = set(await session.scalars(select(RunRow.flow)))
    assert flows >= {INGEST_FLOW}  # the clock may have started others meanwhile
    assert WEBHOOK_FLOW not in flows


async def dump(runtime: Runtime) -> list[str]:
    """Every value in Redis, as far as it can be dumped; jobs, streams and hashes included."""
    keys: list[bytes] = await runtime.producer.keys("*")  # pyright: ignore[reportUnknownMemberType] - typed loosely
    found: list[str] = []
    for key in keys:
        value: bytes | None = await runtime.producer.dump(key)
        found.append(repr(key) + repr(value))
    return found


async def _owed(runtime: Runtime) -> list[UUID]:
    async with runtime.database.begin() as session:
        return list(await session.scalars(select(EffectRow.id).where(EffectRow.done_at.is_(None))))
