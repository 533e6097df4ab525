from collections.abc import AsyncGenerator, Awaitable, Callable
from dataclasses import replace

import pytest
from sqlalchemy import text
from standardwebhooks import Webhook

from app.bootstrap import Runtime, open_runtime
from app.errors import ErrorCode, RetryableError
from app.settings import Settings
from app.settings.groups import RetrySettings
from app.settings.resilience import BreakerSettings, BreakersSettings
from app.settings.webhooks import WebhookSettings
from app.telemetry.spans import RecordedSpan
from app.webhooks.courier import Settled
from app.webhooks.endpoints import WithSecret
from app.webhooks.records import Carrying
from app.webhooks.tables import DeliveryRow, DeliveryStatus, EndpointState
from tests.fakes.receiver import Misbehaviour, Receiver, Reply
from tests.resilience.manual_clock import ManualClock
from tests.webhooks.conftest import Announce, EndRun
from tests.webhooks.test_outbox import deliveries

Prepare = Callable[[], Awaitable[Carrying]]


@pytest.fixture
async def endpoint(runtime: Runtime, receiver: Receiver) -> WithSecret:
    return await runtime.webhooks.endpoints.add(runtime.tenant_id, f"{receiver.url}/hook?key=k")


@pytest.fixture
def prepare(runtime: Runtime, endpoint: WithSecret, end_run: EndRun, announce: Announce) -> Prepare:
    """A delivery that waits to be carried."""
    del endpoint

    async def make() -> Carrying:
        await announce(await end_run())
        row = (await deliveries(runtime))[-1]
        assert row.carrier_id is not None
        return Carrying(tenant_id=runtime.tenant_id, delivery_id=row.id, carrier_id=row.carrier_id)

    return make


async def row_of(runtime: Runtime, carrying: Carrying) -> DeliveryRow:
    async with runtime.database.begin() as session:
        return await session.get_one(DeliveryRow, carrying.delivery_id)


async def test_a_message_arrives_signed_and_is_noted(
    runtime: Runtime, endpoint: WithSecret, receiver: Receiver, prepare: Prepare
) -> None:
    carrying = await prepare()
    settled = await runtime.webhooks.courier.deliver(carrying)
    assert settled == Settled(delivery_id=carrying.delivery_id, status=DeliveryStatus.DELIVERED)
    (got,) = receiver.received
    row = await row_of(runtime, carrying)
    assert (got.method, got.path) == ("POST", "/hook?key=k")
    assert got.body.decode() == row.body
    assert Webhook(endpoint.secret).verify(got.body, dict(got.headers))["type"] == "run.succeeded"
    assert got.headers["webhook-id"] == row.message_id
    assert got.headers["content-type"] == "application/json"
    assert (row.status, row.tries, row.http_status, row.code) == ("delivered", 1, 200, None)
    assert row.delivered_at is not None
    assert row.last_tried_at is not None
    # What is delivered is not carried again.
    again = await runtime.webhooks.courier.deliver(carrying)
    assert again.status is None
    assert len(receiver.received) == 1


async def test_a_host_that_was_told_nothing_for_an_hour_is_forgotten(
    runtime: Runtime, receiver: Receiver
) -> None:
    clock = ManualClock()
    courier = replace(runtime.webhooks.courier, clock=clock)

    async def tell(host: str, path: str) -> set[str]:
        url = f"http://{host}:{receiver.port}{path}"
        added = await runtime.webhooks.endpoints.add(runtime.tenant_id, url)
        assert (await courier.test(runtime.tenant_id, added.endpoint.id)).http_status == 200
        shown = {breaker.name for breaker in runtime.breakers.report().breakers}
        return {name for name in shown if name.startswith("webhook:")}

    assert await tell("127.0.0.1", "/a") == {"webhook:127.0.0.1"}
    clock.pass_(3_599)
    assert await tell("localhost", "/b") == {"webhook:127.0.0.1", "webhook:localhost"}
    clock.pass_(2)
    assert await tell("localhost", "/c") == {"webhook:localhost"}


async def test_both_secrets_sign_while_one_is_being_rotated(
    runtime: Runtime, endpoint: WithSecret, receiver: Receiver, prepare: Prepare
) -> None:
    carrying = await prepare()
    new = await runtime.webhooks.endpoints.rotate(runtime.tenant_id, endpoint.endpoint.id)
    await runtime.webhooks.courier.deliver(carrying)
    (got,) = receiver.received
    for secret in (endpoint.secret, new.secret):
        Webhook(secret).verify(got.body, dict(got.headers))


@pytest.mark.parametrize("fault", [Reply(500), Reply(503), Misbehaviour.RESET])
async def test_what_may_pass_is_tried_again_under_the_same_id(
    fault: Reply | Misbehaviour, runtime: Runtime, receiver: Receiver, prepare: Prepare
) -> None:
    receiver.answer(fault, fault)
    carrying = await prepare()
    settled = await runtime.webhooks.courier.deliver(carrying)
    assert settled.status is DeliveryStatus.DELIVERED
    assert len(receiver.received) == 3
    assert len({got.headers["webhook-id"] for got in receiver.received}) == 1
    assert len({got.body for got in receiver.received}) == 1
    row = await row_of(runtime, carrying)
    assert (row.status, row.tries, row.http_status, row.code) == ("delivered", 3, 200, None)


async def test_after_three_tries_it_has_failed_and_the_run_has_done_its_work(
    runtime: Runtime, receiver: Receiver, prepare: Prepare
) -> None:
    receiver.always(Reply(500, body=b"canary"))
    carrying = await prepare()
    settled = await runtime.webhooks.courier.deliver(carrying)
    assert (settled.status, settled.code) == (DeliveryStatus.FAILED, ErrorCode.NETWORK_ERROR)
    row = await row_of(runtime, carrying)
    assert (row.status, row.tries, row.http_status, row.code) == ("failed", 3, 500, "NETWORK_ERROR")
    assert len(receiver.received) == 3


async def test_a_receiver_that_hangs_costs_each_try_its_time_limit(
    settings: Settings, receiver: Receiver
) -> None:
    hasty = settings.model_copy(
        update={"retry": RetrySettings(webhook_timeout=0.2, webhook_retry_delay=0.01)}
    )
    receiver.always(Misbehaviour.HANG)
    async with open_runtime(hasty) as runtime:
        made = await runtime.webhooks.endpoints.add(runtime.tenant_id, receiver.url)
        row = await runtime.webhooks.courier.test(runtime.tenant_id, made.endpoint.id)
    assert (row.status, row.code, row.http_status) == ("failed", "NETWORK_ERROR", None)


@pytest.mark.parametrize("status", [400, 401, 404, 302])
async def test_a_refusal_is_not_tried_again(
    status: int, runtime: Runtime, receiver: Receiver, prepare: Prepare
) -> None:
    # The address of a redirect is not even looked at, wherever it leads.
    receiver.answer(Reply(status, {"location": "http://169.254.169.254/latest/meta-data/"}))
    carrying = await prepare()
    await runtime.webhooks.courier.deliver(carrying)
    row = await row_of(runtime, carrying)
    assert (row.status, row.tries, row.http_status) == ("failed", 1, status)
    assert row.code == "RECEIVER_REFUSED"
    assert len(receiver.received) == 1


async def test_gone_disables_the_endpoint(
    runtime: Runtime, endpoint: WithSecret, receiver: Receiver, prepare: Prepare
) -> None:
    receiver.answer(Reply(410))
    carrying, later = await prepare(), await prepare()
    await runtime.webhooks.courier.deliver(carrying)
    found = await runtime.webhooks.endpoints.get(runtime.tenant_id, endpoint.endpoint.id)
    assert (found.state, found.disabled_by) == (EndpointState.DISABLED, "receiver")
    # What waits for it has failed, unasked.
    settled = await runtime.webhooks.courier.deliver(later)
    assert (settled.status, settled.code) == (DeliveryStatus.FAILED, ErrorCode.CANCELLED)
    assert len(receiver.received) == 1


@pytest.mark.parametrize("status", [429, 503])
async def test_a_receiver_that_asks_for_time_gets_it_from_the_run(
    status: int, runtime: Runtime, receiver: Receiver, prepare: Prepare
) -> None:
    receiver.answer(Reply(status, {"retry-after": "33"}))
    carrying = await prepare()
    with pytest.raises(RetryableError) as raised:
        await runtime.webhooks.courier.deliver(carrying)
    assert raised.value.details["retry_after"] == 33
    row = await row_of(runtime, carrying)
    assert (row.status, row.tries, row.code) == ("pending", 1, "NETWORK_ERROR")

    receiver.always(Reply(500))
    await runtime.webhooks.courier.deliver(carrying)  # the run came back
    row = await row_of(runtime, carrying)
    assert (row.status, row.tries) == ("failed", 3)
    assert len(receiver.received) == 3


async def test_a_try_that_a_crash_cut_off_counts(
    runtime: Runtime, receiver: Receiver, prepare: Prepare
) -> None:
    receiver.always(Reply(500))
    carrying = await prepare()
    async with runtime.database.begin() as session:
        await session.execute(text("UPDATE webhook_deliveries SET tries = 2"))
    await runtime.webhooks.courier.deliver(carrying)
    assert len(receiver.received) == 1
    again = await runtime.webhooks.courier.deliver(carrying)
    assert (again.status, again.code) == (DeliveryStatus.FAILED, ErrorCode.NETWORK_ERROR)
    assert len(receiver.received) == 1


async def test_a_carrier_that_was_replaced_carries_nothing(
    runtime: Runtime, receiver: Receiver, prepare: Prepare
) -> None:
    carrying = await prepare()
    async with runtime.database.begin() as session:
        await session.execute(text("UPDATE webhook_deliveries SET carrier_id = NULL"))
    assert (await runtime.webhooks.courier.deliver(carrying)).status is None
    assert receiver.received == []


@pytest.fixture
async def guarded(settings: Settings) -> AsyncGenerator[Runtime]:
    """The same database, where private addresses are not allowed any more."""
    strict = settings.model_copy(update={"webhook": WebhookSettings()})
    async with open_runtime(strict) as opened:
        yield opened


async def test_an_address_that_has_become_private_is_not_called(
    guarded: Runtime, runtime: Runtime, receiver: Receiver, prepare: Prepare
) -> None:
    carrying = await prepare()
    settled = await guarded.webhooks.courier.deliver(carrying)
    assert (settled.status, settled.code) == (DeliveryStatus.FAILED, ErrorCode.VALIDATION_ERROR)
    assert receiver.received == []
    assert (await row_of(runtime, carrying)).tries == 1


async def test_a_circuit_opens_for_one_host_and_tries_are_kept_for_later(
    settings: Settings, receiver: Receiver, end_run: EndRun, announce: Announce
) -> None:
    sensitive = BreakerSettings(window_calls=3, minimum_calls=3, half_open_wait=60)
    settings = settings.model_copy(update={"breakers": BreakersSettings(webhook=sensitive)})
    receiver.always(Reply(500))
    async with open_runtime(settings) as runtime:
        await runtime.webhooks.endpoints.add(runtime.tenant_id, receiver.url)
        carried: list[Carrying] = []
        for _ in range(2):
            await announce(await end_run())
            row = (await deliveries(runtime))[-1]
            assert row.carrier_id is not None
            carried.append(
                Carrying(tenant_id=runtime.tenant_id, delivery_id=row.id, carrier_id=row.carrier_id)
            )
        first, second = carried
        assert (await runtime.webhooks.courier.deliver(first)).status is DeliveryStatus.FAILED
        with pytest.raises(RetryableError) as raised:
            await runtime.webhooks.courier.deliver(second)
        assert raised.value.code is ErrorCode.CIRCUIT_OPEN
        assert (await row_of(runtime, second)).tries == 0
        views = (await runtime.breakers.views()).breakers
    assert len(receiver.received) == 3
    assert [view.name for view in views if view.name.startswith("webhook")] == ["webhook:127.0.0.1"]


async def test_a_test_message_is_sent_once_and_listed(
    runtime: Runtime, endpoint: WithSecret, receiver: Receiver
) -> None:
    receiver.answer(Reply(200), Reply(500))
    good = await runtime.webhooks.courier.test(runtime.tenant_id, endpoint.endpoint.id)
    bad = await runtime.webhooks.courier.test(runtime.tenant_id, endpoint.endpoint.id)
    assert (good.status, good.http_status, good.tries) == ("delivered", 200, 1)
    assert (bad.status, bad.http_status, bad.code) == ("failed", 500, "NETWORK_ERROR")
    got, _ = receiver.received
    assert Webhook(endpoint.secret).verify(got.body, dict(got.headers))["type"] == "webhook.test"
    assert {row.id for row in await deliveries(runtime)} == {good.id, bad.id}
    assert good.message_id != bad.message_id
    assert (await runtime.webhooks.outbox.resend(runtime.tenant_id, bad.id)).status == "pending"


async def test_spans_tell_the_host_and_nothing_of_url_body_or_secret(
    runtime: Runtime,
    endpoint: WithSecret,
    receiver: Receiver,
    prepare: Prepare,
    traced: list[RecordedSpan],
) -> None:
    receiver.answer(Reply(500, body=b"canary-answer"))
    carrying = await prepare()
    await runtime.webhooks.courier.deliver(carrying)
    told = repr([(span.name, span.attributes, span.events) for span in traced])
    assert "call webhook:127.0.0.1" in told
    assert {span.attributes.get("server.address") for span in traced} == {None, "127.0.0.1"}
    for hidden in ("hook?key", "/hook", "canary-answer", endpoint.secret[6:], "v1,"):
        assert hidden not in told
