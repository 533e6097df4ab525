"""The courier: carries one message to its endpoint, and writes down how that went."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID, uuid4

from pydantic import BaseModel, ConfigDict

from app.errors import ErrorCode, PermanentError, WorkerError, stored_code
from app.messages import Message
from app.providers.addresses import host_and_port
from app.providers.http import Http
from app.resilience.clock import Clock
from app.resilience.policy import Policy
from app.resilience.registry import registry
from app.store.crypto import DataKey, Keyring
from app.store.database import Database
from app.store.keys import TenantId
from app.telemetry.logs import get_logger
from app.telemetry.metrics import record_webhook
from app.webhooks import records
from app.webhooks.endpoints import BY_RECEIVER, signing_secrets
from app.webhooks.outbox import body_of, message_id_of
from app.webhooks.records import Carrying, url_place
from app.webhooks.signatures import signed_headers
from app.webhooks.tables import (
    DeliveryRow,
    DeliveryStatus,
    EndpointRow,
    EndpointState,
    EventType,
)

log = get_logger(__name__)

_GONE = 410
_KEPT_S = 3_600.0
"""Longer than a circuit is open and a delivery lasts. Then what a host was called with is dropped:
its breaker would be shown to all processes, every second, for as long as this one runs."""
_ABOUT_THE_RECEIVER = frozenset(
    {
        ErrorCode.NETWORK_ERROR,
        ErrorCode.RECEIVER_REFUSED,
        ErrorCode.VALIDATION_ERROR,  # its address has become one that must not be called
    }
)
"""What a try itself ends with. Any other code is about us: the run deals with it."""


class Settled(BaseModel):
    """What became of a delivery. `status` is None when this run had nothing to carry (any more)."""

    model_config = ConfigDict(frozen=True)

    delivery_id: UUID
    status: DeliveryStatus | None
    code: ErrorCode | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Courier:
    """Made once per process. `policy_of` gives the policy of one host."""

    database: Database
    keyring: Keyring
    http: Http
    clock: Clock
    max_tries: int
    policy_of: Callable[[str], Policy]
    _policies: dict[str, tuple[Policy, float]] = field(
        default_factory=dict[str, tuple[Policy, float]]
    )

    async def deliver(self, carrying: Carrying) -> Settled:
        """Carry one delivery until it has arrived or its tries are spent.

        Tries of earlier attempts of the run count. Raises NETWORK_ERROR while tries are left and
        the receiver asks to wait for long, CIRCUIT_OPEN and its like when it was not even asked,
        and DB_CONNECTION: then the run comes back.
        """
        message = await self._load(carrying)
        if message is None:
            return Settled(delivery_id=carrying.delivery_id, status=None)
        if message.disabled:
            return await self._failed(carrying, message, ErrorCode.CANCELLED, None)
        if message.tries >= self.max_tries:  # the worker of the last one died after it
            code = message.code or ErrorCode.WORKER_ERROR
            return await self._failed(carrying, message, code, message.http_status)
        tries = message.tries

        async def attempt() -> int:
            nonlocal tries
            async with self.database.begin() as session:
                await records.begin_try(session, carrying)
            tries += 1
            return await self._send(message)

        try:
            status = await self._policy(message.url).execute(attempt, spent=message.tries)
        except WorkerError as error:
            if error.code not in _ABOUT_THE_RECEIVER:
                raise
            if error.code.run_again_later and tries < self.max_tries:
                await self._note(carrying, DeliveryStatus.PENDING, error.code, _http_status(error))
                raise
            return await self._failed(carrying, message, error.code, _http_status(error))
        await self._note(carrying, DeliveryStatus.DELIVERED, None, status)
        record_webhook(DeliveryStatus.DELIVERED)
        log.info("webhook_delivered", delivery_id=str(carrying.delivery_id), tries=tries)
        return Settled(delivery_id=carrying.delivery_id, status=DeliveryStatus.DELIVERED)

    async def test(self, tenant_id: TenantId, endpoint_id: UUID) -> DeliveryRow:
        """Send `webhook.test` once, now, to an endpoint that may be disabled; returns how it went.

        Raises NOT_FOUND, and CIRCUIT_OPEN and its like when it was not even asked.
        """
        now = self.clock.now()
        delivery_id = uuid4()
        event_key = f"{EventType.TEST}:{delivery_id}"
        row = DeliveryRow(
            id=delivery_id,
            tenant_id=tenant_id,
            endpoint_id=endpoint_id,
            event_key=event_key,
            message_id=message_id_of(event_key),
            event=EventType.TEST,
            body=body_of(EventType.TEST, at=now),
            status=DeliveryStatus.DELIVERED,
            tries=1,
            last_tried_at=now,
            delivered_at=now,
        )
        async with self.database.begin() as session:
            endpoint = await records.endpoint(session, tenant_id, endpoint_id)
            if endpoint is None:
                raise PermanentError(ErrorCode.NOT_FOUND, Message.WEBHOOK_UNKNOWN)
            key = await records.tenant_key(session, self.keyring, tenant_id)
            message = _outgoing(row, endpoint, key, at=now)

        async def attempt() -> int:
            return await self._send(message)

        try:
            # As if the other tries had been made: one is enough to see.
            spent = self.max_tries - 1
            row.http_status = await self._policy(message.url).execute(attempt, spent=spent)
        except WorkerError as error:
            if error.code not in _ABOUT_THE_RECEIVER:
                raise
            row.status = DeliveryStatus.FAILED
            row.code = error.code
            row.http_status = _http_status(error)
            row.delivered_at = None
        async with self.database.begin() as session:
            session.add(row)
            await session.flush()
            await session.refresh(row)
        return row

    async def _load(self, carrying: Carrying) -> "_Outgoing | None":
        async with self.database.begin() as session:
            found = await records.carried(session, carrying)
            if found is None:
                return None
            delivery, endpoint = found
            key = await records.tenant_key(session, self.keyring, carrying.tenant_id)
            return _outgoing(delivery, endpoint, key, at=self.clock.now())

    async def _send(self, message: "_Outgoing") -> int:
        body = message.body.encode()
        headers = signed_headers(
            message.secrets, message_id=message.message_id, body=body, at=self.clock.now()
        )
        return await self.http.post(message.url, body, headers)

    async def _failed(
        self,
        carrying: Carrying,
        message: "_Outgoing",
        code: ErrorCode,
        http_status: int | None,
    ) -> Settled:
        async with self.database.begin() as session:
            await records.note(
                session,
                carrying,
                status=DeliveryStatus.FAILED,
                http_status=http_status,
                code=code,
            )
            if http_status == _GONE:
                await records.disable_endpoint(
                    session, carrying.tenant_id, message.endpoint_id, by=BY_RECEIVER
                )
        record_webhook(DeliveryStatus.FAILED, code=code)
        log.warning(
            "webhook_undelivered",
            delivery_id=str(carrying.delivery_id),
            endpoint_id=str(message.endpoint_id),
            code=code,
            http_status=http_status,
        )
        return Settled(delivery_id=carrying.delivery_id, status=DeliveryStatus.FAILED, code=code)

    async def _note(
        self,
        carrying: Carrying,
        status: DeliveryStatus,
        code: ErrorCode | None,
        http_status: int | None,
    ) -> None:
        async with self.database.begin() as session:
            await records.note(session, carrying, status=status, http_status=http_status, code=code)

    def _policy(self, url: str) -> Policy:
        host, _ = host_and_port(url)
        now_s = self.clock.monotonic()
        known = self._policies.get(host)
        policy = self.policy_of(host) if known is None else known[0]
        self._policies[host] = policy, now_s
        for other, (idle, used_s) in list(self._policies.items()):
            if now_s - used_s > _KEPT_S:
                del self._policies[other]
                registry.here().forget(idle.name)
        return policy


@dataclass(frozen=True, slots=True, kw_only=True)
class _Outgoing:
    """What is sent, and how far it is. URL and secrets show in no `repr`."""

    endpoint_id: UUID
    url: str = field(repr=False)
    secrets: tuple[str, ...] = field(repr=False)
    message_id: str
    body: str
    tries: int
    http_status: int | None
    code: ErrorCode | None
    disabled: bool


def _outgoing(
    delivery: DeliveryRow, endpoint: EndpointRow, key: DataKey, *, at: datetime
) -> _Outgoing:
    return _Outgoing(
        endpoint_id=endpoint.id,
        url=key.open(endpoint.url_sealed, url_place(endpoint.id)),
        secrets=tuple(signing_secrets(endpoint, key, at=at)),
        message_id=delivery.message_id,
        body=delivery.body,
        tries=delivery.tries,
        http_status=delivery.http_status,
        code=stored_code(delivery.code),
        disabled=endpoint.state != EndpointState.ACTIVE,
    )


def _http_status(error: WorkerError) -> int | None:
    status = error.details.get("http_status")
    return status if isinstance(status, int) else None
