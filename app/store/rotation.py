"""Rotation: every data key wrapped again, under the newest key of the ring.

What is left to do stands in the rows, so a rotation that was killed goes on with the next one, and
several at once share the work. Nothing that a data key sealed is touched.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from app.errors import PermanentError
from app.store.crypto import Keyring
from app.store.database import Database
from app.store.keys import DataKeyRow
from app.telemetry.logs import get_logger

log = get_logger(__name__)

BATCH = 500
"""Data keys of one transaction: 10 ms of AES, and a lock that nobody waits for long."""

_MAX_PASSES = 20
_FIRST_ID = UUID(int=0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rotation:
    """What one rotation did.

    `left` are those under older keys at its end: another rotation was at them, or a process that
    still has an older key as its newest goes on writing. `damaged` are those that no key opens;
    they count in `left`.
    """

    rewrapped: int
    left: int
    damaged: int

    @property
    def complete(self) -> bool:
        return self.left == 0


def _tell_nobody(done: int, left: int) -> None:
    del done, left


async def rotate(
    database: Database,
    keyring: Keyring,
    *,
    tell: Callable[[int, int], None] = _tell_nobody,
    pause_s: float = 0.25,
) -> Rotation:
    """Wrap all data keys under the newest key; `tell` hears what is done and what is left.

    Looks again until none is left under an older key: workers go on writing meanwhile, and one
    that still has the older key as its newest writes under that. Gives up on such a worker after
    20 looks, `pause_s` apart, and says so by `left`.
    """
    rewrapped = 0
    damaged: set[UUID] = set()
    left = await _left(database, keyring)
    tell(rewrapped, left)
    for passed in range(_MAX_PASSES):
        if left <= len(damaged):
            break
        if passed:
            await asyncio.sleep(pause_s)
        after = _FIRST_ID
        while True:
            async with database.begin() as session:
                batch = await _rewrap_batch(session, keyring, after=after)
            if batch.last is None:
                break
            after = batch.last
            rewrapped += batch.rewrapped
            damaged |= batch.damaged
            tell(rewrapped, max(left - rewrapped, 0))
        left = await _left(database, keyring)
    log.info("keys_rotated", newest=keyring.newest, rewrapped=rewrapped, left=left)
    return Rotation(rewrapped=rewrapped, left=left, damaged=len(damaged))


@dataclass(frozen=True, slots=True)
class _Batch:
    """`last` is the id of its last row; None when there was none."""

    last: UUID | None
    rewrapped: int
    damaged: set[UUID]


async def _rewrap_batch(session: AsyncSession, keyring: Keyring, *, after: UUID) -> _Batch:
    """Those that another rotation is at are passed by; new references to a key do not wait."""
    found = await session.execute(
        select(DataKeyRow.id, DataKeyRow.wrapped)
        .where(DataKeyRow.wrapped_with != keyring.newest, DataKeyRow.id > after)
        .order_by(DataKeyRow.id)
        .limit(BATCH)
        .with_for_update(skip_locked=True, key_share=True)
    )
    rows = [(key_id, wrapped) for key_id, wrapped in found]
    if not rows:
        return _Batch(None, 0, set())
    fresh, damaged = await asyncio.to_thread(_rewrap, keyring, rows)
    if fresh:
        await session.execute(update(DataKeyRow), fresh)
    return _Batch(rows[-1][0], len(fresh), damaged)


def _rewrap(
    keyring: Keyring, rows: list[tuple[UUID, str]]
) -> tuple[list[dict[str, UUID | str]], set[UUID]]:
    fresh: list[dict[str, UUID | str]] = []
    damaged: set[UUID] = set()
    for key_id, wrapped in rows:
        try:
            fresh.append({"id": key_id, "wrapped": keyring.rewrap(key_id, wrapped)})
        except PermanentError as error:
            # One broken row must not keep all others under a key that someone wants to give up.
            log.warning("data_key_damaged", data_key_id=str(key_id), code=error.code)
            damaged.add(key_id)
    return fresh, damaged


async def _left(database: Database, keyring: Keyring) -> int:
    async with database.begin() as session:
        count = await session.scalar(
            select(func.count())
            .select_from(DataKeyRow)
            .where(DataKeyRow.wrapped_with != keyring.newest)
        )
    return count or 0
