"""A retry budget: when much fails at once, retries stop before they become the load.

The model is failsafe-go's: of the calls that are under way to one dependency, at most a share may be
retries; a few are always allowed, so that a quiet service still retries.
"""

from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class BudgetConfig:
    """`share_percent` of the calls under way may be retries, and `least` in any case."""

    share_percent: float = 20
    least: int = 3

    def faults(self) -> Iterator[str]:
        """One sentence for each number that makes no sense."""
        if not 0 < self.share_percent <= _ALL_PERCENT:
            yield f"share_percent is {self.share_percent}; it must be above 0 and at most 100"
        if self.least < 0:
            yield f"least is {self.least}; it must not be negative"


class Budget:
    """For one event loop. A call counts from its first try to its last, a retry with its wait."""

    __slots__ = ("_config", "retrying", "under_way")

    def __init__(self, config: BudgetConfig) -> None:
        self._config = config
        self.under_way = 0
        self.retrying = 0

    @property
    def spent(self) -> bool:
        """Whether one more retry would be too many."""
        allowed = max(self._config.least, self._config.share_percent / 100 * self.under_way)
        return self.retrying + 1 > allowed


_ALL_PERCENT = 100
