"""Endpoints: whom a tenant wants to be told, and the secrets that sign for them."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID, uuid4

from app.errors import ErrorCode, PermanentError
from app.messages import Message
from app.providers.http import Http
from app.resilience.clock import Clock
from app.store.crypto import DataKey, Keyring
from app.store.database import Database
from app.store.keys import TenantId
from app.webhooks import records
from app.webhooks.records import secret_place, url_place
from app.webhooks.signatures import new_secret
from app.webhooks.tables import (
    RUN_EVENTS,
    EndpointId,
    EndpointRow,
    EndpointState,
    EventType,
)

BY_OPERATOR = "operator"
BY_RECEIVER = "receiver"


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """One of a tenant. `old_secret_until`: so long the secret before this one signs too."""

    id: EndpointId
    url: str = field(repr=False)
    events: tuple[EventType, ...]
    state: EndpointState
    disabled_by: str | None
    old_secret_until: datetime | None
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class WithSecret:
    """The one time that a secret is shown."""

    endpoint: Endpoint
    secret: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoints:
    """What the commands and routes about endpoints do. All raise DB_CONNECTION."""

    database: Database
    keyring: Keyring
    http: Http
    clock: Clock
    max_endpoints: int
    rotation_hours: float

    async def add(
        self, tenant_id: TenantId, url: str, events: Sequence[EventType] = RUN_EVENTS
    ) -> WithSecret:
        """Tell this URL from now on.

        Raises VALIDATION_ERROR for a URL that must not be called, that is there already or that is
        one too many, NETWORK_ERROR when its host cannot be looked up now.
        """
        await self.http.check(url)
        secret = new_secret()
        endpoint_id = uuid4()
        async with self.database.begin() as session:
            key = await records.tenant_key(session, self.keyring, tenant_id, alone=True)
            there = await records.endpoints(session, tenant_id)
            if len(there) >= self.max_endpoints:
                raise _refused(Message.WEBHOOK_TOO_MANY, limit=self.max_endpoints)
            if any(key.open(row.url_sealed, url_place(row.id)) == url for row in there):
                raise _refused(Message.WEBHOOK_THERE_ALREADY)
            row = EndpointRow(
                id=endpoint_id,
                tenant_id=tenant_id,
                url_sealed=key.seal(url, url_place(endpoint_id)),
                secret_sealed=key.seal(secret, secret_place(endpoint_id)),
                events=[event for event in RUN_EVENTS if event in events],
                state=EndpointState.ACTIVE,
            )
            session.add(row)
            await session.flush()
            await session.refresh(row)
            return WithSecret(endpoint=_opened(row, key), secret=secret)

    async def all(self, tenant_id: TenantId) -> list[Endpoint]:
        """Oldest first."""
        async with self.database.begin() as session:
            key = await records.tenant_key(session, self.keyring, tenant_id)
            return [_opened(row, key) for row in await records.endpoints(session, tenant_id)]

    async def get(self, tenant_id: TenantId, endpoint_id: UUID) -> Endpoint:
        """Raises NOT_FOUND."""
        async with self.database.begin() as session:
            key = await records.tenant_key(session, self.keyring, tenant_id)
            row = await records.endpoint(session, tenant_id, endpoint_id)
            return _opened(_there(row), key)

    async def remove(self, tenant_id: TenantId, endpoint_id: UUID) -> None:
        """Forget it, its secrets and its deliveries. Raises NOT_FOUND."""
        async with self.database.begin() as session:
            if not await records.remove_endpoint(session, tenant_id, endpoint_id):
                raise _unknown()

    async def switch(
        self, tenant_id: TenantId, endpoint_id: UUID, state: EndpointState
    ) -> Endpoint:
        """Tell it again, or no more. What it missed meanwhile can be sent again. Raises NOT_FOUND."""
        async with self.database.begin() as session:
            key = await records.tenant_key(session, self.keyring, tenant_id)
            row = _there(await records.endpoint(session, tenant_id, endpoint_id, to_change=True))
            if row.state != state:
                row.state = state
                row.disabled_by = BY_OPERATOR if state is EndpointState.DISABLED else None
            return _opened(row, key)

    async def rotate(self, tenant_id: TenantId, endpoint_id: UUID) -> WithSecret:
        """A new secret; the old one signs beside it for the hours of the settings.

        One that was rotated away before signs no more. Raises NOT_FOUND.
        """
        secret = new_secret()
        async with self.database.begin() as session:
            key = await records.tenant_key(session, self.keyring, tenant_id)
            row = _there(await records.endpoint(session, tenant_id, endpoint_id, to_change=True))
            row.previous_secret_sealed = row.secret_sealed
            row.previous_secret_until = self.clock.now() + timedelta(hours=self.rotation_hours)
            row.secret_sealed = key.seal(secret, secret_place(endpoint_id))
            return WithSecret(endpoint=_opened(row, key), secret=secret)


def signing_secrets(row: EndpointRow, key: DataKey, *, at: datetime) -> list[str]:
    """What signs at this time, the newest first."""
    place = secret_place(row.id)
    found = [key.open(row.secret_sealed, place)]
    until = row.previous_secret_until
    if row.previous_secret_sealed is not None and until is not None and at < until:
        found.append(key.open(row.previous_secret_sealed, place))
    return found


def _opened(row: EndpointRow, key: DataKey) -> Endpoint:
    return Endpoint(
        id=EndpointId(row.id),
        url=key.open(row.url_sealed, url_place(row.id)),
        events=tuple(map(EventType, row.events)),
        state=EndpointState(row.state),
        disabled_by=row.disabled_by,
        old_secret_until=row.previous_secret_until,
        created_at=row.created_at,
    )


def _there(row: EndpointRow | None) -> EndpointRow:
    if row is None:
        raise _unknown()
    return row


def _unknown() -> PermanentError:
    return PermanentError(ErrorCode.NOT_FOUND, Message.WEBHOOK_UNKNOWN)


def _refused(message: Message, **details: object) -> PermanentError:
    return PermanentError(ErrorCode.VALIDATION_ERROR, message, details=details)
