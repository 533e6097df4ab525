import json
from datetime import datetime
from uuid import uuid4

import pytest
from sqlalchemy import func, select, text

from app.bootstrap import Runtime
from app.errors import ErrorCode, PermanentError
from app.messages import Message
from app.pipeline.effects import carry_out
from app.pipeline.tables import EffectRow, RunRow, RunStatus
from app.store.keys import TenantId
from app.webhooks.outbox import CARRIER_EFFECT, WEBHOOK_EFFECT, WEBHOOK_FLOW, body_of
from app.webhooks.tables import DeliveryRow, DeliveryStatus, EndpointState, EventType
from tests.webhooks.conftest import Announce, EndRun

URL = "http://127.0.0.1:9/"


async def deliveries(runtime: Runtime) -> list[DeliveryRow]:
    """All of them, oldest first."""
    async with runtime.database.begin() as session:
        rows = await session.scalars(select(DeliveryRow).order_by(DeliveryRow.created_at))
        return list(rows)


async def settle(runtime: Runtime, status: DeliveryStatus) -> None:
    """All deliveries ended so."""
    async with runtime.database.begin() as session:
        await session.execute(
            text("UPDATE webhook_deliveries SET status = :status, tries = 3"), {"status": status}
        )


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (RunStatus.SUCCEEDED, None),
        (RunStatus.PARTIAL, ErrorCode.EMBEDDING_PARTIAL),
        (RunStatus.FAILED, ErrorCode.INVALID_FILE),
        (RunStatus.CANCELLED, ErrorCode.CANCELLED),
    ],
)
async def test_each_end_is_told_to_each_endpoint_in_a_run_of_its_own(
    status: RunStatus,
    code: ErrorCode | None,
    runtime: Runtime,
    end_run: EndRun,
    announce: Announce,
) -> None:
    ids = {
        (await runtime.webhooks.endpoints.add(runtime.tenant_id, f"{URL}{n}")).endpoint.id
        for n in range(2)
    }
    candidate_id = uuid4()
    run_id = await end_run(status, code=code, candidate_id=candidate_id)

    assert await announce(run_id) == 1

    rows = await deliveries(runtime)
    assert {row.endpoint_id for row in rows} == ids
    assert {row.status for row in rows} == {DeliveryStatus.PENDING}
    assert len({row.message_id for row in rows}) == 1
    assert {row.event for row in rows} == {f"run.{status}"}
    made = status in {RunStatus.SUCCEEDED, RunStatus.PARTIAL}
    body = json.loads(rows[0].body)
    assert datetime.fromisoformat(body.pop("timestamp")).tzinfo is not None
    assert body == {
        "type": f"run.{status}",
        "run_id": str(run_id),
        "candidate_id": str(candidate_id) if made else None,
        "status": status,
        "code": code,
    }
    async with runtime.database.begin() as session:
        for row in rows:
            carrier = await session.get_one(RunRow, row.carrier_id)
            assert (carrier.flow, carrier.status) == (WEBHOOK_FLOW, RunStatus.QUEUED)
            assert (carrier.priority, carrier.owes) == ("bulk", [CARRIER_EFFECT])
            assert carrier.input == {"delivery_id": str(row.id)}
    assert not await runtime.producer.absent([f"{row.carrier_id}:1" for row in rows])


async def test_only_active_endpoints_that_asked_are_told(
    runtime: Runtime, end_run: EndRun, announce: Announce
) -> None:
    endpoints, tenant = runtime.webhooks.endpoints, runtime.tenant_id
    off = await endpoints.add(tenant, f"{URL}off")
    await endpoints.switch(tenant, off.endpoint.id, EndpointState.DISABLED)
    await endpoints.add(tenant, f"{URL}failures", [EventType.FAILED])
    wants = await endpoints.add(tenant, f"{URL}all")
    await announce(await end_run())
    assert [row.endpoint_id for row in await deliveries(runtime)] == [wants.endpoint.id]


async def test_telling_twice_makes_one_delivery_and_one_run(
    runtime: Runtime, end_run: EndRun, announce: Announce
) -> None:
    await runtime.webhooks.endpoints.add(runtime.tenant_id, URL)
    run_id = await end_run()
    async with runtime.database.begin() as session:
        effect = (await session.scalars(select(EffectRow))).one()
    await announce(run_id)
    # The worker died before it could note that the effect was done.
    async with runtime.database.begin() as session:
        await session.execute(text("UPDATE effects SET done_at = NULL, next_attempt_at = now()"))
    assert await announce(run_id) == 1
    await runtime.webhooks.outbox.announce(effect.payload, effect.idempotency_key)
    assert len(await deliveries(runtime)) == 1
    async with runtime.database.begin() as session:
        carriers = select(func.count()).where(RunRow.flow == WEBHOOK_FLOW)
        assert await session.scalar(carriers) == 1


async def test_a_run_that_was_opened_again_is_told_again_under_another_id(
    runtime: Runtime, end_run: EndRun, announce: Announce
) -> None:
    await runtime.webhooks.endpoints.add(runtime.tenant_id, URL)
    run_id = await end_run(RunStatus.FAILED, code=ErrorCode.STORAGE_ERROR)
    await announce(run_id)
    payload = {"run_id": str(run_id), "status": "succeeded", "code": None}
    await runtime.webhooks.outbox.announce(payload, f"{WEBHOOK_EFFECT}:{run_id}:2")
    first, second = await deliveries(runtime)
    assert (first.event, second.event) == ("run.failed", "run.succeeded")
    assert first.message_id != second.message_id


async def test_a_run_that_is_gone_is_told_to_nobody(runtime: Runtime) -> None:
    await runtime.webhooks.endpoints.add(runtime.tenant_id, URL)
    payload = {"run_id": str(uuid4()), "status": "failed", "code": None}
    await runtime.webhooks.outbox.announce(payload, "webhook:x:1")
    assert await deliveries(runtime) == []


async def test_sent_again_it_keeps_its_id_and_body_and_has_all_tries(
    runtime: Runtime, end_run: EndRun, announce: Announce
) -> None:
    outbox, tenant = runtime.webhooks.outbox, runtime.tenant_id
    await runtime.webhooks.endpoints.add(tenant, URL)
    await announce(await end_run())
    (before,) = await deliveries(runtime)
    with pytest.raises(PermanentError) as under_way:
        await outbox.resend(tenant, before.id)
    assert under_way.value.message is Message.WEBHOOK_UNDER_WAY
    await settle(runtime, DeliveryStatus.FAILED)

    again = await outbox.resend(tenant, before.id)

    assert (again.status, again.tries, again.code) == (DeliveryStatus.PENDING, 0, None)
    (after,) = await deliveries(runtime)
    assert (after.message_id, after.body) == (before.message_id, before.body)
    assert after.carrier_id != before.carrier_id
    assert not await runtime.producer.absent([f"{after.carrier_id}:1"])
    # What the first carrier left behind is no longer its business.
    await outbox.give_up({"run_id": str(before.carrier_id), "status": "failed", "code": None}, "k")
    assert (await deliveries(runtime))[0].status == DeliveryStatus.PENDING


async def test_what_cannot_be_sent_again_is_said_why(
    runtime: Runtime, end_run: EndRun, announce: Announce
) -> None:
    outbox, tenant = runtime.webhooks.outbox, runtime.tenant_id
    made = await runtime.webhooks.endpoints.add(tenant, URL)
    await announce(await end_run())
    await settle(runtime, DeliveryStatus.DELIVERED)
    (row,) = await deliveries(runtime)
    for stranger, delivery_id in ((TenantId(uuid4()), row.id), (tenant, uuid4())):
        with pytest.raises(PermanentError) as unknown:
            await outbox.resend(stranger, delivery_id)
        assert unknown.value.code is ErrorCode.NOT_FOUND
    await runtime.webhooks.endpoints.switch(tenant, made.endpoint.id, EndpointState.DISABLED)
    with pytest.raises(PermanentError) as disabled:
        await outbox.resend(tenant, row.id)
    assert disabled.value.message is Message.WEBHOOK_DISABLED
    await runtime.webhooks.endpoints.remove(tenant, made.endpoint.id)
    assert await deliveries(runtime) == []


async def test_pages_go_from_the_newest_to_the_oldest_without_a_gap(
    runtime: Runtime, end_run: EndRun, announce: Announce
) -> None:
    outbox, tenant = runtime.webhooks.outbox, runtime.tenant_id
    for n in range(2):
        await runtime.webhooks.endpoints.add(tenant, f"{URL}{n}")
    for _ in range(3):
        await announce(await end_run())
    async with runtime.database.begin() as session:  # made in one moment, as by one transaction
        await session.execute(text("UPDATE webhook_deliveries SET created_at = now()"))
    seen: list[object] = []
    cursor = None
    for _ in range(3):
        page = await outbox.page(tenant, cursor=cursor, top_k=2)
        seen += [row.id for row in page.deliveries]
        cursor = page.next_cursor
    assert cursor is None
    assert len(set(seen)) == len(seen) == 6

    (endpoint, _) = await runtime.webhooks.endpoints.all(tenant)
    assert len((await outbox.page(tenant, endpoint_id=endpoint.id)).deliveries) == 3
    assert not (await outbox.page(tenant, status=DeliveryStatus.FAILED)).deliveries
    assert not (await outbox.page(TenantId(uuid4()))).deliveries
    with pytest.raises(PermanentError):
        await outbox.page(tenant, cursor=uuid4())


@pytest.mark.parametrize("code", [None, "DEADLINE_EXCEEDED"])
async def test_the_end_of_a_carrier_settles_what_it_left_pending(
    code: str | None, runtime: Runtime, end_run: EndRun, announce: Announce
) -> None:
    await runtime.webhooks.endpoints.add(runtime.tenant_id, URL)
    await announce(await end_run())
    (row,) = await deliveries(runtime)
    payload = {"run_id": str(row.carrier_id), "status": "failed", "code": code}
    for _ in range(2):
        await runtime.webhooks.outbox.give_up(payload, "k")
    (row,) = await deliveries(runtime)
    assert (row.status, row.code) == (DeliveryStatus.FAILED, code or "WORKER_ERROR")


async def test_an_announcement_that_cannot_be_written_is_carried_out_later(
    runtime: Runtime, end_run: EndRun, announce: Announce
) -> None:
    await runtime.webhooks.endpoints.add(runtime.tenant_id, URL)
    run_id = await end_run()
    # A worker of an older version does not know the kind.
    assert await carry_out(runtime.database, {}, run_id) == 0
    async with runtime.database.begin() as session:
        await session.execute(text("UPDATE effects SET next_attempt_at = now()"))
    assert await announce(run_id) == 1
    assert len(await deliveries(runtime)) == 1


def test_the_body_has_no_more_than_ids_and_codes() -> None:
    at = datetime.fromisoformat("2026-11-21T09:00:00+09:00")
    assert body_of(EventType.TEST, at=at) == (
        '{"type":"webhook.test","timestamp":"2026-11-21T00:00:00+00:00",'
        '"run_id":null,"candidate_id":null,"status":null,"code":null}'
    )
