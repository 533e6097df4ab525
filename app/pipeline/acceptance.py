"""Accept a run: its row and the data key that seals what belongs to it, in one transaction."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import uuid4

from sqlalchemy.ext.asyncio import AsyncSession

from app.pipeline import fencing
from app.pipeline.tables import RunRow, RunStatus
from app.queue.envelope import Priority
from app.store.crypto import DataKey, Keyring
from app.store.keys import DataKeyRow, TenantId, new_data_key
from app.telemetry.spans import current_traceparent


@dataclass(frozen=True, slots=True, kw_only=True)
class NewRun:
    """A run that is not stored yet. `key` seals what belongs to it, before or after it is."""

    run: RunRow
    key: DataKey
    key_row: DataKeyRow


def new_run(
    keyring: Keyring,
    tenant_id: TenantId,
    flow: str,
    *,
    priority: Priority,
    limit_key: str = "",
    run_input: Mapping[str, Any] | None = None,
) -> NewRun:
    """A run to be queued, with a data key of its own. `run_input` holds no personal data."""
    key, key_row = new_data_key(keyring, tenant_id)
    run = RunRow(
        id=uuid4(),
        tenant_id=tenant_id,
        flow=flow,
        status=RunStatus.QUEUED,
        attempt=0,
        tries=0,
        priority=priority,
        limit_key=limit_key,
        data_key_id=key.id,
        input=dict(run_input or {}),
        traceparent=current_traceparent(),
    )
    return NewRun(run=run, key=key, key_row=key_row)


async def accept(session: AsyncSession, accepted: NewRun, *, deadline_s: float) -> None:
    """Store a run that must end within `deadline_s`. Deliver its job after the commit."""
    # By PostgreSQL's clock, as all that is compared between processes.
    accepted.run.deadline_at = await fencing.now(session) + timedelta(seconds=deadline_s)
    for row in (accepted.key_row, accepted.run):
        session.add(row)
        await session.flush()
