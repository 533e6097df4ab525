"""What operators order of circuit breakers: rows that hold for every process."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import case, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from app.coordination.tables import BreakerControlRow
from app.resilience.breaker_states import Mode


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """`resets` counts how often the breaker was to forget what it saw.

    `mode` is None when it is one of a newer version: then the breaker stays as it is.
    """

    mode: Mode | None
    resets: int
    reason: str
    changed_by: str
    changed_at: datetime


async def orders(session: AsyncSession) -> dict[str, Order]:
    """All of them, by the name of the breaker."""
    rows = await session.scalars(select(BreakerControlRow))
    return {
        row.name: Order(
            mode=_mode(row.mode),
            resets=row.resets,
            reason=row.reason,
            changed_by=row.changed_by,
            changed_at=row.changed_at,
        )
        for row in rows
    }


async def order_mode(session: AsyncSession, name: str, mode: Mode, *, reason: str, by: str) -> None:
    said = {"mode": mode.value, **_said(reason, by)}
    await _upsert(session, name, {"resets": 0, **said}, said)


async def order_reset(session: AsyncSession, name: str, *, reason: str, by: str) -> None:
    """Another mode than AUTOMATIC stays, and so do the reason for it, who and when."""
    row, said = BreakerControlRow, _said(reason, by)
    automatic = row.mode == Mode.AUTOMATIC.value
    kept = {
        column: case((automatic, value), else_=getattr(row, column))
        for column, value in said.items()
    }
    first = {"mode": Mode.AUTOMATIC.value, "resets": 1, **said}
    await _upsert(session, name, first, {"resets": row.resets + 1, **kept})


async def _upsert(
    session: AsyncSession, name: str, first: Mapping[str, Any], then: Mapping[str, Any]
) -> None:
    row = insert(BreakerControlRow).values(name=name, **first)
    await session.execute(row.on_conflict_do_update(index_elements=["name"], set_=dict(then)))


def _said(reason: str, by: str) -> dict[str, Any]:
    return {"reason": reason, "changed_by": by, "changed_at": func.now()}


def _mode(word: str) -> Mode | None:
    try:
        return Mode(word)
    except ValueError:
        return None
