"""The outbox: what an ended run owes becomes one delivery per endpoint, each in a run of its own."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid5

from sqlalchemy.ext.asyncio import AsyncSession

from app.errors import ErrorCode, PermanentError, RetryableError
from app.messages import Message
from app.pipeline.acceptance import accept, new_run
from app.pipeline.delivery import next_attempt
from app.pipeline.tables import RunRow, RunStatus
from app.queue.envelope import Priority
from app.queue.producer import Producer
from app.resilience.clock import Clock
from app.store.crypto import Keyring
from app.store.database import Database
from app.store.keys import TenantId
from app.telemetry.logs import get_logger
from app.telemetry.metrics import record_webhook
from app.webhooks import records
from app.webhooks.tables import (
    DeliveryRow,
    DeliveryStatus,
    EndpointState,
    EventType,
)

WEBHOOK_FLOW = "webhook"
WEBHOOK_EFFECT = "webhook"
"""What a run owes whose end is to be told."""
CARRIER_EFFECT = "webhook_carrier"
"""What the run of a delivery owes: its delivery must not stay pending when it has ended."""
DELIVERY_ID = "delivery_id"

MAX_PAGE = 200

_MESSAGES = UUID("6e617275-0000-4000-8000-776562686f6f")
"""Name space of message and delivery ids: they follow from the event, so that making them twice
makes the same."""

log = get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """The newest first. `next_cursor` is None on the last one."""

    deliveries: Sequence[DeliveryRow]
    next_cursor: UUID | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Outbox:
    """Made once per process."""

    database: Database
    producer: Producer
    keyring: Keyring
    clock: Clock
    run_deadline_s: float

    async def announce(self, payload: dict[str, Any], key: str) -> None:
        """Tell every endpoint that asked how a run has ended; the handler of `WEBHOOK_EFFECT`.

        Safe to repeat: the rows and runs are made once, in one transaction. Raises DB_CONNECTION.
        """
        run_id, event = UUID(payload["run_id"]), EventType(f"run.{payload['status']}")
        async with self.database.autocommit() as connection:
            if not await records.is_asked_for(connection, run_id, event):
                return
        carriers: list[RunRow] = []
        async with self.database.begin() as session:
            run = await session.get(RunRow, run_id)
            if run is None:
                return
            tenant_id = TenantId(run.tenant_id)
            known = await records.known_endpoints(session, tenant_id, key)
            wanted = await records.endpoints_for(session, tenant_id, event)
            body = body_of(
                event,
                at=run.finished_at or self.clock.now(),  # opened again since
                run_id=run_id,
                candidate_id=_candidate_of(run, RunStatus(payload["status"])),
                status=payload["status"],
                code=payload["code"],
            )
            for endpoint_id in wanted:
                if endpoint_id not in known:
                    delivery_id = uuid5(endpoint_id, key)
                    carrier = await self._carry(session, tenant_id, delivery_id)
                    await records.insert_delivery(
                        session,
                        id=delivery_id,
                        tenant_id=tenant_id,
                        endpoint_id=endpoint_id,
                        event_key=key,
                        message_id=message_id_of(key),
                        event=event,
                        body=body,
                        run_id=run_id,
                        carrier_id=carrier.id,
                        status=DeliveryStatus.PENDING,
                        tries=0,
                    )
                    carriers.append(carrier)
        for carrier in carriers:
            await self._hand_over(carrier)

    async def resend(self, tenant_id: TenantId, delivery_id: UUID) -> DeliveryRow:
        """Deliver it again, with all of its tries and under the same message id.

        Raises NOT_FOUND, and VALIDATION_ERROR while it is under way or its endpoint is disabled.
        """
        async with self.database.begin() as session:
            row = await records.delivery(session, tenant_id, delivery_id, to_change=True)
            if row is None:
                raise PermanentError(ErrorCode.NOT_FOUND, Message.WEBHOOK_DELIVERY_UNKNOWN)
            if row.status == DeliveryStatus.PENDING:
                raise _refused(Message.WEBHOOK_UNDER_WAY)
            endpoint = await records.endpoint(session, tenant_id, row.endpoint_id)
            if endpoint is None or endpoint.state != EndpointState.ACTIVE:
                raise _refused(Message.WEBHOOK_DISABLED)
            carrier = await self._carry(session, tenant_id, row.id)
            row.carrier_id = carrier.id
            row.status = DeliveryStatus.PENDING
            row.tries = 0
            row.http_status = None
            row.code = None
            row.delivered_at = None
        await self._hand_over(carrier)
        return row

    async def page(
        self,
        tenant_id: TenantId,
        *,
        status: DeliveryStatus | None = None,
        endpoint_id: UUID | None = None,
        cursor: UUID | None = None,
        top_k: int = 50,
    ) -> Page:
        """Deliveries from the one after `cursor`, which is the last one of the page before.

        Raises NOT_FOUND when that has been dropped meanwhile.
        """
        async with self.database.begin() as session:
            after = None
            if cursor is not None:
                last = await records.delivery(session, tenant_id, cursor)
                if last is None:
                    raise PermanentError(ErrorCode.NOT_FOUND, Message.WEBHOOK_DELIVERY_UNKNOWN)
                after = (last.created_at, last.id)
            rows = await records.page(
                session,
                tenant_id,
                status=status,
                endpoint_id=endpoint_id,
                after=after,
                top_k=top_k + 1,
            )
        shown = rows[:top_k]
        return Page(deliveries=shown, next_cursor=shown[-1].id if len(rows) > top_k else None)

    async def give_up(self, payload: dict[str, Any], key: str) -> None:
        """Settle what an ended run left pending; the handler of `CARRIER_EFFECT`. Safe to repeat.

        So it is whatever ended the run: its tries, its deadline, a cancellation, a dead worker.
        """
        del key
        code = payload["code"] or ErrorCode.WORKER_ERROR
        async with self.database.begin() as session:
            left = await records.give_up(session, UUID(payload["run_id"]), code=code)
        if left is not None:
            record_webhook(DeliveryStatus.FAILED, code=code)
            log.warning("webhook_undelivered", delivery_id=str(left), code=code)

    async def _carry(self, session: AsyncSession, tenant_id: TenantId, delivery_id: UUID) -> RunRow:
        carrier = new_run(
            self.keyring,
            tenant_id,
            WEBHOOK_FLOW,
            priority=Priority.BULK,
            run_input={DELIVERY_ID: str(delivery_id)},
        )
        carrier.run.owes = [CARRIER_EFFECT]
        await accept(session, carrier, deadline_s=self.run_deadline_s)
        return carrier.run

    async def _hand_over(self, carrier: RunRow) -> None:
        try:
            await self.producer.enqueue(next_attempt(carrier))
        except RetryableError as error:
            log.warning("job_not_delivered_yet", run_id=str(carrier.id), code=error.code)


def body_of(
    event: EventType,
    *,
    at: datetime,
    run_id: UUID | None = None,
    candidate_id: str | None = None,
    status: str | None = None,
    code: str | None = None,
) -> str:
    """The body of a message, as it is stored, signed and sent: ids and codes, nothing of a person."""
    told = {
        "type": event,
        "timestamp": at.astimezone(UTC).isoformat(),
        "run_id": str(run_id) if run_id else None,
        "candidate_id": candidate_id,
        "status": status,
        "code": code,
    }
    return json.dumps(told, separators=(",", ":"))


def message_id_of(key: str) -> str:
    """The `webhook-id` of an event: one for all of its endpoints, tries and resends."""
    return f"msg_{uuid5(_MESSAGES, key).hex}"


def _candidate_of(run: RunRow, status: RunStatus) -> str | None:
    if status not in {RunStatus.SUCCEEDED, RunStatus.PARTIAL} or not run.result:
        return None
    return run.result.get("candidate_id")


def _refused(message: Message) -> PermanentError:
    return PermanentError(ErrorCode.VALIDATION_ERROR, message)
