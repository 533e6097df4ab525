import asyncio
from uuid import uuid4

import pytest
from sqlalchemy import select, text

from app.bootstrap import Runtime, open_runtime
from app.errors import ErrorCode, PermanentError
from app.messages import Message
from app.settings import Settings
from app.settings.webhooks import WebhookSettings
from app.store.keys import TenantId
from app.webhooks import records
from app.webhooks.endpoints import Endpoints, signing_secrets
from app.webhooks.tables import RUN_EVENTS, EndpointRow, EndpointState, EventType

URL = "http://127.0.0.1:9/canary-path?token=canary-query"


@pytest.fixture
def endpoints(runtime: Runtime) -> Endpoints:
    return runtime.webhooks.endpoints


async def secrets_of(runtime: Runtime, endpoint_id: object) -> list[str]:
    """What signs for it now."""
    async with runtime.database.begin() as session:
        key = await records.tenant_key(session, runtime.keyring, runtime.tenant_id)
        row = await session.get_one(EndpointRow, endpoint_id)
        return signing_secrets(row, key, at=runtime.clock.now())


async def test_an_endpoint_is_added_listed_switched_and_removed(
    runtime: Runtime, endpoints: Endpoints
) -> None:
    tenant = runtime.tenant_id
    made = await endpoints.add(tenant, URL)
    assert (made.endpoint.url, made.endpoint.events) == (URL, RUN_EVENTS)
    some = await endpoints.add(tenant, f"{URL}2", [EventType.FAILED, EventType.TEST])
    assert some.endpoint.events == (EventType.FAILED,)
    assert [each.id for each in await endpoints.all(tenant)] == [made.endpoint.id, some.endpoint.id]

    off = await endpoints.switch(tenant, made.endpoint.id, EndpointState.DISABLED)
    assert (off.state, off.disabled_by) == (EndpointState.DISABLED, "operator")
    on = await endpoints.switch(tenant, made.endpoint.id, EndpointState.ACTIVE)
    assert (on.state, on.disabled_by) == (EndpointState.ACTIVE, None)

    await endpoints.remove(tenant, made.endpoint.id)
    assert [each.id for each in await endpoints.all(tenant)] == [some.endpoint.id]


async def test_url_and_secrets_are_sealed_in_the_database(
    runtime: Runtime, endpoints: Endpoints
) -> None:
    made = await endpoints.add(runtime.tenant_id, URL)
    rotated = await endpoints.rotate(runtime.tenant_id, made.endpoint.id)
    async with runtime.database.begin() as session:
        row = str((await session.execute(text("SELECT * FROM webhook_endpoints"))).one())
    for hidden in ("canary", "127.0.0.1", made.secret[6:], rotated.secret[6:]):
        assert hidden not in row
    assert made.secret not in repr(await endpoints.all(runtime.tenant_id))


async def test_a_secret_that_was_rotated_away_signs_until_its_time_has_passed(
    runtime: Runtime, endpoints: Endpoints
) -> None:
    made = await endpoints.add(runtime.tenant_id, URL)
    assert made.endpoint.old_secret_until is None
    assert await secrets_of(runtime, made.endpoint.id) == [made.secret]
    second = await endpoints.rotate(runtime.tenant_id, made.endpoint.id)
    assert await secrets_of(runtime, made.endpoint.id) == [second.secret, made.secret]
    third = await endpoints.rotate(runtime.tenant_id, made.endpoint.id)
    assert await secrets_of(runtime, made.endpoint.id) == [third.secret, second.secret]
    async with runtime.database.begin() as session:
        await session.execute(text("UPDATE webhook_endpoints SET previous_secret_until = now()"))
    assert await secrets_of(runtime, made.endpoint.id) == [third.secret]


async def test_of_many_at_once_no_more_are_added_than_allowed_and_none_twice(
    runtime: Runtime, endpoints: Endpoints
) -> None:
    refused: list[tuple[ErrorCode, Message | None]] = []

    async def add(url: str) -> None:
        try:
            await endpoints.add(runtime.tenant_id, url)
        except PermanentError as error:
            refused.append((error.code, error.message))

    async with asyncio.TaskGroup() as group:
        for _ in range(4):
            group.create_task(add(URL))
    assert refused == [(ErrorCode.VALIDATION_ERROR, Message.WEBHOOK_THERE_ALREADY)] * 3
    refused.clear()
    async with asyncio.TaskGroup() as group:
        for number in range(4):
            group.create_task(add(f"{URL}{number}"))
    assert refused == [(ErrorCode.VALIDATION_ERROR, Message.WEBHOOK_TOO_MANY)] * 2
    assert len(await endpoints.all(runtime.tenant_id)) == 3


async def test_another_tenant_sees_and_changes_nothing(
    runtime: Runtime, endpoints: Endpoints
) -> None:
    made = await endpoints.add(runtime.tenant_id, URL)
    stranger = TenantId(uuid4())
    async with runtime.database.begin() as session:
        await session.execute(
            text(
                "INSERT INTO tenants (id, name, data_key_id, index_secret_sealed) "
                "SELECT :id, 'other', data_key_id, index_secret_sealed FROM tenants"
            ),
            {"id": stranger},
        )
    assert await endpoints.all(stranger) == []
    for refused in (
        endpoints.get(stranger, made.endpoint.id),
        endpoints.remove(stranger, made.endpoint.id),
        endpoints.rotate(stranger, made.endpoint.id),
        endpoints.switch(stranger, made.endpoint.id, EndpointState.DISABLED),
        runtime.webhooks.courier.test(stranger, made.endpoint.id),
    ):
        with pytest.raises(PermanentError) as raised:
            await refused
        assert raised.value.code is ErrorCode.NOT_FOUND
    assert await endpoints.get(runtime.tenant_id, made.endpoint.id) == made.endpoint


async def test_a_private_address_is_refused_and_nothing_is_stored(settings: Settings) -> None:
    strict = settings.model_copy(update={"webhook": WebhookSettings()})
    async with open_runtime(strict) as runtime:
        for url in ("http://127.0.0.1:9/", "http://localhost:9/", "http://[::1]/", "ftp://x/"):
            with pytest.raises(PermanentError) as raised:
                await runtime.webhooks.endpoints.add(runtime.tenant_id, url)
            assert raised.value.code is ErrorCode.VALIDATION_ERROR
        async with runtime.database.begin() as session:
            assert (await session.scalars(select(EndpointRow))).all() == []
