"""When a rollout switches itself off: arithmetic over what was seen since its last switch."""

from dataclasses import dataclass
from enum import StrEnum
from typing import assert_never

from app.resilience.rollout_config import Limits
from app.resilience.windows import CALL, FAILED, CountWindow, unpack


class Result(StrEnum):
    """How one use of the new path ended. SERVED: it answered, there was nothing to compare with."""

    MATCH = "match"
    MISMATCH = "mismatch"
    ERROR_NEW = "error_new"
    ERROR_OLD = "error_old"
    DROPPED = "dropped"
    SERVED = "served"


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """Why the guard switched a rollout off. Rates are from 0 to 1."""

    what: str
    rate: float
    limit: float
    samples: int

    def __str__(self) -> str:
        return (
            f"The {self.what} rate was {self.rate:.2%} over {self.samples} samples; "
            f"at most {self.limit:.2%} is accepted."
        )


class Guard:
    """Two windows over what was seen since the last switch: answers compared, and new answers."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._compared = CountWindow(limits.window)
        self._answered = CountWindow(limits.window)

    def judge(self, result: Result) -> Verdict | None:
        """Count one sample; returns a verdict when a rate is now above its limit."""
        limits = self._limits
        match result:
            case Result.MATCH | Result.MISMATCH:
                self._count(self._answered, failed=False)
                what, limit = "mismatch", limits.max_mismatch_rate
                total = self._count(self._compared, failed=result is Result.MISMATCH)
            case Result.SERVED | Result.ERROR_NEW:
                what, limit = "error", limits.max_error_rate
                total = self._count(self._answered, failed=result is Result.ERROR_NEW)
            case Result.ERROR_OLD | Result.DROPPED:
                return None
            case _:
                assert_never(result)
        samples, failures, _ = unpack(total)
        # Multiplied, not divided: 2 of 100 are not above 2 %, whatever a fraction rounds to.
        if samples < limits.min_samples or failures <= limit * samples:
            return None
        return Verdict(what=what, rate=failures / samples, limit=limit, samples=samples)

    @staticmethod
    def _count(window: CountWindow, *, failed: bool) -> int:
        return window.add(CALL | FAILED if failed else CALL, 0)
