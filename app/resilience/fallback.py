"""Fallbacks that really run (R17)."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from app.errors import ErrorCode, WorkerError
from app.resilience.deadline import DEADLINE, Within
from app.resilience.layers import Call, Fallback, Status, Step
from app.resilience.registry import Here
from app.telemetry.logs import get_logger

log = get_logger(__name__)

NEVER_ABSORBED = frozenset({ErrorCode.LEASE_LOST, ErrorCode.CANCELLED, ErrorCode.WORKER_ERROR})
"""No fallback and no fail mode hides these: they are about the run, or a bug."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fallbacks:
    """When a call has failed for good, ask these in order; the first that answers is the result.

    It stands outside of everything that may reject, so it answers for every rejection, and once per
    logical call. `reserve_s` of the deadline is kept back for it. When all fail, the error of the
    call itself is raised; a fallback with a bug is logged with its stack trace and passed over.
    """

    title: ClassVar[str] = "fallback"

    names: tuple[str, ...]
    reserve_s: float = 1

    def faults(self) -> Iterator[str]:
        """One sentence for each number that makes no sense."""
        if not (math.isfinite(self.reserve_s) and self.reserve_s > 0):
            yield f"reserve_s is {self.reserve_s}; it must be a finite number of seconds above 0"
        if len(set(self.names)) < len(self.names):
            yield f"a fallback is named twice: {', '.join(self.names)}"

    def bind(self, dependency: str, here: Here, inner: Step) -> Step:
        """The layer in one loop."""
        del here

        async def step(call: Call) -> object:
            at = DEADLINE.get()
            token = DEADLINE.set(None if at is None else at - self.reserve_s)
            try:
                return await inner(call)
            except WorkerError as error:
                if error.code in NEVER_ABSORBED:
                    raise
                call.error = error
            finally:
                DEADLINE.reset(token)
            return await self._fall_back(dependency, call, call.error)

        return step

    async def _fall_back(self, dependency: str, call: Call, error: WorkerError) -> object:
        try:
            async with Within(None):
                for name in self.names:
                    answered, value = await _ask(
                        dependency, name, (call.fallbacks or {})[name], error
                    )
                    if answered:
                        call.status = Status.FALLBACK_SUCCESS
                        return value
        except WorkerError as failed:
            if failed.code is not ErrorCode.DEADLINE_EXCEEDED:
                raise
        raise error


async def _ask(
    dependency: str, name: str, fallback: Fallback, error: WorkerError
) -> tuple[bool, object]:
    try:
        value = await fallback(error)
    except WorkerError as failed:
        if failed.code in NEVER_ABSORBED:
            raise
        log.warning("fallback_failed", dependency=dependency, fallback=name, code=failed.code)
        return False, None
    except Exception:  # a fallback with a bug must not hide the original error
        log.exception("fallback_crashed", dependency=dependency, fallback=name)
        return False, None
    log.warning("fallback_answered", dependency=dependency, fallback=name, code=error.code)
    return True, value
