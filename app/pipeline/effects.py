"""Carry out what the end of a run owes to the world outside, each effect once."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any
from uuid import UUID

from app.errors import ErrorCode, PermanentError, WorkerError
from app.pipeline import records
from app.store.database import Database
from app.telemetry.logs import get_logger

EffectHandler = Callable[[dict[str, Any], str], Awaitable[None]]
"""Called with the payload and the idempotency key. May be called again with the same key."""

log = get_logger(__name__)

_MAX_EFFECTS_AT_ONCE = 100
_FIRST_WAIT_S = 5
_LONGEST_WAIT_S = 3_600
_HOLD_S = 15.0


async def carry_out(
    database: Database,
    handlers: Mapping[str, EffectHandler],
    run_id: UUID,
    *,
    hold_s: float = _HOLD_S,
) -> int:
    """Do the open effects of one run; returns how many were done.

    They are held for `hold_s`, without a connection meanwhile: nobody else does them unless it takes
    longer, or this worker dies; then they are done again under the same key. One that fails comes
    back after a growing wait and holds up no other. One whose handler has a bug comes back when its
    hold ends; what that raises is raised here.
    """
    async with database.autocommit() as connection:
        taken = await records.take_effects(
            connection, run_id, max_effects=_MAX_EFFECTS_AT_ONCE, hold_s=hold_s
        )
    if not taken:
        return 0
    done: list[UUID] = []
    waits_s = dict.fromkeys((effect.id for effect in taken), 0.0)  # what is not reached is due now
    try:
        for effect in taken:
            waits_s[effect.id] = hold_s  # so it stays when the handler has a bug
            try:
                if (handle := handlers.get(effect.kind)) is None:
                    # Written by a worker of another version; one of those will do it.
                    raise PermanentError(ErrorCode.WORKER_ERROR, details={"kind": effect.kind})
                await handle(effect.payload, effect.idempotency_key)
            except WorkerError as error:
                wait_s = min(_FIRST_WAIT_S * 2 ** (effect.tries - 1), _LONGEST_WAIT_S)
                waits_s[effect.id] = wait_s
                log.warning("effect_failed", kind=effect.kind, code=error.code, wait_s=wait_s)
            except asyncio.CancelledError:
                waits_s[effect.id] = 0.0
                raise
            else:
                done.append(effect.id)
                del waits_s[effect.id]
    finally:
        async with database.autocommit() as connection:
            await records.settle_effects(connection, done=done, waits_s=waits_s)
    return len(done)
