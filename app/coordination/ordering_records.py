"""The SQL of ordered work: numbers on one side, the fence and the head of the line on the other.

All times are PostgreSQL's. The caller's transaction commits. Whatever a holder writes is preceded
by `hold`, which compares the fence and keeps it from being raised until the transaction ends.
"""

import math
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, cast
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    CursorResult,
    Interval,
    Row,
    Table,
    Update,
    and_,
    bindparam,
    func,
    insert,
    select,
    tuple_,
    update,
)
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncSession

from app.coordination.ordering_tables import (
    ItemState,
    OrderedClaimRow,
    OrderedItemRow,
    OrderedKeyRow,
)
from app.errors import ErrorCode, RetryableError
from app.telemetry.spans import current_traceparent

_NOW = func.clock_timestamp()
_CLAIMS = cast(Table, OrderedClaimRow.__table__)
_ITEMS = cast(Table, OrderedItemRow.__table__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """Where one message waits for another. `key` is an id, never personal data."""

    topic: str
    tenant_id: UUID
    key: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Hold:
    """A line that was claimed, at this fence."""

    line: Line
    fence: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """A message whose turn has come. `tries` counts the tries before this one."""

    line: Line
    seq: int
    payload: Mapping[str, Any]
    tries: int
    traceparent: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """The first in line: `wait_s` seconds too early (not above 0: due), or too `late` to begin."""

    item: Item
    wait_s: float
    late: bool
    starts: int
    code: str | None


async def accept(
    session: AsyncSession, line: Line, payload: Mapping[str, Any], *, time_limit_s: float = 60
) -> int:
    """Put a message at the end of its line, in the transaction that accepts it; returns its number.

    Numbers begin at 1 and have no gaps: two that accept for one line wait for each other, and one
    that rolls back leaves its number to the next. A message that is not begun within
    `time_limit_s` expires with SESSION_BUSY. `payload` holds ids only. After the commit, tell the
    workers (`ordering.announce`); else they see it at their next look.
    """
    if not 0 < time_limit_s < math.inf:
        raise ValueError(f"time_limit_s must be a positive number, not {time_limit_s}")
    place = {"topic": line.topic, "tenant_id": line.tenant_id, "key": line.key}
    seq: int = (await session.execute(_NUMBER, {**place, "next_seq": 2})).scalar_one()
    if seq == 1:
        await session.execute(_FIRST, {**place, "fence": 0})
    message = {
        "seq": seq,
        "payload": dict(payload),
        "traceparent": current_traceparent(),
        "time_limit": timedelta(seconds=time_limit_s),
    }
    await session.execute(_ACCEPT, {**place, **message})
    return seq


async def claim(
    session: AsyncSession, topics: Collection[str], *, holder: str, lease_s: float, max_lines: int
) -> list[Hold]:
    """Take lines whose first message is due and that nobody holds; the longest waiting first."""
    heads = (
        select(
            OrderedItemRow.topic,
            OrderedItemRow.tenant_id,
            OrderedItemRow.key,
            OrderedItemRow.accepted_at,
            OrderedItemRow.not_before,
        )
        .where(OrderedItemRow.state == ItemState.WAITING, OrderedItemRow.topic.in_(topics))
        .ext(distinct_on(OrderedItemRow.topic, OrderedItemRow.tenant_id, OrderedItemRow.key))
        .order_by(
            OrderedItemRow.topic, OrderedItemRow.tenant_id, OrderedItemRow.key, OrderedItemRow.seq
        )
        .subquery()
    )
    row = OrderedClaimRow
    free = (
        select(row.topic, row.tenant_id, row.key)
        .join(
            heads,
            (heads.c.topic == row.topic)
            & (heads.c.tenant_id == row.tenant_id)
            & (heads.c.key == row.key),
        )
        .where(heads.c.not_before <= _NOW, row.lease_until.is_(None) | (row.lease_until < _NOW))
        .order_by(heads.c.accepted_at)
        .limit(max_lines)
        .with_for_update(of=row, skip_locked=True, key_share=True)
        .cte("free")
    )
    taken = await session.execute(
        update(row)
        .where(row.topic == free.c.topic, row.tenant_id == free.c.tenant_id, row.key == free.c.key)
        .values(fence=row.fence + 1, holder=holder, lease_until=_NOW + timedelta(seconds=lease_s))
        .returning(row.topic, row.tenant_id, row.key, row.fence)
        .execution_options(synchronize_session=False)
    )
    return _holds(taken)


async def hold(session: AsyncSession, held: Hold) -> None:
    """Keep the fence from being raised until this transaction ends. Raises LEASE_LOST."""
    if await session.scalar(_HOLD, {**_place(held.line), "fence_held": held.fence}) is None:
        raise RetryableError(ErrorCode.LEASE_LOST)


async def renew(session: AsyncSession, held: Collection[Hold], *, lease_s: float) -> list[Hold]:
    """Renew the leases in one statement; returns those that it renewed.

    A line that is being committed for is passed by until the next time: waiting for one slow commit
    would let the leases of all the others pass. Nobody else can claim it meanwhile.
    """
    row = OrderedClaimRow
    free = (
        select(row.topic, row.tenant_id, row.key)
        .where(_among(held))
        .with_for_update(skip_locked=True, key_share=True)
        .cte("free")
    )
    renewed = await session.execute(
        update(row)
        .where(row.topic == free.c.topic, row.tenant_id == free.c.tenant_id, row.key == free.c.key)
        .values(lease_until=_NOW + timedelta(seconds=lease_s))
        .returning(row.topic, row.tenant_id, row.key, row.fence)
        .execution_options(synchronize_session=False)
    )
    return _holds(renewed)


async def standing(session: AsyncSession, held: Collection[Hold]) -> list[Hold]:
    """Those whose fence still stands."""
    row = OrderedClaimRow
    found = await session.execute(
        select(row.topic, row.tenant_id, row.key, row.fence).where(_among(held))
    )
    return _holds(found)


async def release(session: AsyncSession, held: Hold) -> None:
    """Let go of a line; to be called under `hold`."""
    await session.execute(_RELEASE, {**_place(held.line), "fence_held": held.fence})


async def head(session: AsyncSession, line: Line) -> Head | None:
    """The first message that waits in a line."""
    if (first := (await session.execute(_HEAD, _place(line))).one_or_none()) is None:
        return None
    seq, payload, tries, traceparent, wait_s, late, starts, code = first
    return Head(
        item=Item(line=line, seq=seq, payload=payload, tries=tries, traceparent=traceparent),
        wait_s=float(wait_s),
        late=late,
        starts=starts,
        code=code,
    )


async def start(session: AsyncSession, item: Item) -> None:
    """Count a start; unless its end is written, it counts against the message."""
    await _change(session, _START, item)


async def hand_back(session: AsyncSession, item: Item) -> None:
    """Take back a start that was interrupted on purpose."""
    await _change(session, _HAND_BACK, item)


async def end(
    session: AsyncSession, item: Item, state: ItemState, code: ErrorCode | str | None = None
) -> bool:
    """Write how a message ended; False when it has ended already."""
    ends = {"end_state": state, "end_code": None if code is None else str(code)}
    return await _change(session, _END, item, ends)


async def postpone(session: AsyncSession, item: Item, code: ErrorCode, *, wait_s: float) -> bool:
    """Leave a message at the head of its line, due in `wait_s`; False when its time ends before."""
    later = {"later_wait": timedelta(seconds=wait_s), "later_code": str(code)}
    return await _change(session, _POSTPONE, item, later)


async def _change(
    session: AsyncSession, statement: Update, item: Item, values: Mapping[str, object] | None = None
) -> bool:
    changed = await session.execute(
        statement, {**_place(item.line), "line_seq": item.seq, **(values or {})}
    )
    return cast(CursorResult[Any], changed).rowcount == 1


def _place(line: Line) -> dict[str, object]:
    return {"line_topic": line.topic, "line_tenant": line.tenant_id, "line_key": line.key}


def _is_place(table: Table) -> ColumnElement[bool]:
    return and_(
        table.c.topic == bindparam("line_topic"),
        table.c.tenant_id == bindparam("line_tenant"),
        table.c.key == bindparam("line_key"),
    )


def _among(held: Collection[Hold]) -> ColumnElement[bool]:
    row = OrderedClaimRow
    return tuple_(row.topic, row.tenant_id, row.key, row.fence).in_(
        [(one.line.topic, one.line.tenant_id, one.line.key, one.fence) for one in held]
    )


def _holds(rows: Iterable[Row[str, UUID, str, int]]) -> list[Hold]:
    return [
        Hold(line=Line(topic=topic, tenant_id=tenant_id, key=key), fence=fence)
        for topic, tenant_id, key, fence in rows
    ]


# What runs for every message is built once: building takes longer than PostgreSQL does.
_STANDS = and_(_is_place(_CLAIMS), _CLAIMS.c.fence == bindparam("fence_held"))
_HOLD = select(_CLAIMS.c.fence).where(_STANDS).with_for_update(key_share=True)
_RELEASE = update(_CLAIMS).where(_STANDS).values(holder=None, lease_until=None)
_HEAD = (
    select(
        _ITEMS.c.seq,
        _ITEMS.c.payload,
        _ITEMS.c.tries,
        _ITEMS.c.traceparent,
        func.extract("epoch", _ITEMS.c.not_before - _NOW),
        _ITEMS.c.start_by <= _NOW,
        _ITEMS.c.starts,
        _ITEMS.c.code,
    )
    .where(_is_place(_ITEMS), _ITEMS.c.state == ItemState.WAITING)
    .order_by(_ITEMS.c.seq)
    .limit(1)
)
_ITEM = update(_ITEMS).where(
    _is_place(_ITEMS), _ITEMS.c.seq == bindparam("line_seq"), _ITEMS.c.state == ItemState.WAITING
)
_START = _ITEM.values(
    starts=_ITEMS.c.starts + 1, started_at=func.coalesce(_ITEMS.c.started_at, _NOW)
)
_HAND_BACK = _ITEM.values(starts=func.greatest(_ITEMS.c.starts - 1, 0))
_END = _ITEM.values(state=bindparam("end_state"), code=bindparam("end_code"), ended_at=_NOW)
_LATER = _NOW + bindparam("later_wait", type_=Interval())
_POSTPONE = _ITEM.where(_ITEMS.c.start_by > _LATER).values(
    not_before=_LATER, tries=_ITEMS.c.tries + 1, starts=0, code=bindparam("later_code")
)
_KEYS = cast(Table, OrderedKeyRow.__table__)
_NUMBER = (
    upsert(_KEYS)
    .on_conflict_do_update(
        index_elements=["topic", "tenant_id", "key"], set_={"next_seq": _KEYS.c.next_seq + 1}
    )
    .returning(_KEYS.c.next_seq - 1)
)
_FIRST = upsert(_CLAIMS).on_conflict_do_nothing()
_ACCEPT = insert(_ITEMS).values(
    start_by=_NOW + bindparam("time_limit", type_=Interval()),
    state=ItemState.WAITING,
    starts=0,
    tries=0,
)
