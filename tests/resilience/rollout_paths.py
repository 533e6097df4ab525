"""Two code paths that do as they are told, and what one watches while a rollout runs them."""

import asyncio
from collections.abc import Awaitable
from dataclasses import dataclass, field
from typing import cast

import pytest
from hypothesis import settings

from app.errors import ErrorCode
from app.resilience.rollout import Comparable, Rollout
from app.resilience.rollout_config import Extent, Limits, RolloutSpec
from app.resilience.rollout_guard import Verdict

quietly = settings(database=None, deadline=None, derandomize=True, max_examples=150)

SHADOW = Extent(shadow=True)
EVERYONE = Extent(share_bp=10_000)
LIMITS = Limits(
    max_mismatch_rate=0.1,
    max_error_rate=0.2,
    min_samples=10,
    window=20,
    shadow_timeout_s=5,
    shadows_at_once=3,
)
SPEC = RolloutSpec(
    name="reader",
    description="Reads in columns.",
    default=SHADOW,
    limits=LIMITS,
    input_codes=frozenset({ErrorCode.INVALID_FILE}),
)

Answer = dict[str, str]


@dataclass(slots=True)
class Watched:
    """A rollout, and the verdicts that its guard spoke with the extent before each."""

    rollout: Rollout
    verdicts: list[tuple[Extent, Verdict]]


@dataclass(slots=True)
class Paths:
    """An old and a new path, and how often each was called."""

    old_answer: Answer = field(default_factory=lambda: {"name": "A", "phone": "010-0000-1111"})
    new_answer: Answer = field(default_factory=lambda: {"name": "A", "phone": "010-0000-1111"})
    new_error: BaseException | None = None
    new_takes_s: float = 0
    old_calls: int = 0
    new_calls: int = 0

    async def old(self) -> Answer:
        self.old_calls += 1
        await asyncio.sleep(0.01)
        return self.old_answer

    async def new(self) -> Answer:
        self.new_calls += 1
        await asyncio.sleep(self.new_takes_s)
        if self.new_error is not None:
            raise self.new_error
        return self.new_answer


def watch() -> Watched:
    """In shadow from the start."""
    verdicts: list[tuple[Extent, Verdict]] = []

    def tripped(before: Extent, verdict: Verdict) -> None:
        verdicts.append((before, verdict))

    return Watched(Rollout(SPEC, tripped), verdicts)


def as_it_is(answer: Answer) -> Comparable:
    return answer


def run(rollout: Rollout, paths: Paths, key: str = "k") -> Awaitable[Answer]:
    return rollout.run(key, old=paths.old, new=paths.new, comparable=as_it_is)


async def settled(rollout: Rollout) -> None:
    """Until no shadow is under way."""
    while rollout.shadows:
        await asyncio.sleep(0.01)


def lines(caplog: pytest.LogCaptureFixture) -> list[dict[str, object]]:
    """What was logged, as fields."""
    said = [cast("object", record.msg) for record in caplog.records]
    return [cast("dict[str, object]", line) for line in said if isinstance(line, dict)]
