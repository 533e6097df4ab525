"""Carry out what the end of a run owes to the world outside, each effect once."""

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


async def carry_out(database: Database, handlers: Mapping[str, EffectHandler], run_id: UUID) -> int:
    """Do the open effects of one run; returns how many were done.

    An effect is locked while it is done, so no two workers do it at the same time; one whose worker
    dies in the middle is done again under the same key. One that fails comes back after a growing
    wait and holds up no other.
    """
    done: list[UUID] = []
    async with database.begin() as session:
        effects = await records.open_effects(session, run_id, max_effects=_MAX_EFFECTS_AT_ONCE)
        for effect in effects:
            try:
                if (handle := handlers.get(effect.kind)) is None:
                    # Written by a worker of another version; one of those will do it.
                    raise PermanentError(ErrorCode.WORKER_ERROR, details={"kind": effect.kind})
                await handle(effect.payload, effect.idempotency_key)
            except WorkerError as error:
                wait_s = min(_FIRST_WAIT_S * 2**effect.tries, _LONGEST_WAIT_S)
                await records.postpone_effect(session, effect.id, wait_s=wait_s)
                log.warning("effect_failed", kind=effect.kind, code=error.code, wait_s=wait_s)
            else:
                done.append(effect.id)
        await records.close_effects(session, done)
    return len(done)
