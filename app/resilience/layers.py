"""What the layers of a policy have in common: the call they pass on, and the shape of a step."""

from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, ClassVar, Generic, Protocol, TypeVar

from app.errors import RetryableError, WorkerError
from app.resilience.limits import Cost
from app.resilience.registry import Here

T_contra = TypeVar("T_contra", contravariant=True)


class Status(StrEnum):
    """How a logical call ended, seen by whoever wants its value."""

    SUCCEEDED = "succeeded"
    FALLBACK_SUCCESS = "fallback_success"
    FAILED = "failed"
    """Only under FAIL_OPEN: there is no value, and the work goes on without it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """What a call really cost, and what the dependency says is left.

    `remaining` gives units and the seconds until they are full again, per dimension.
    """

    cost: Cost
    remaining: Mapping[str, tuple[float, float]] = field(
        default_factory=dict[str, tuple[float, float]]
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Metering(Generic[T_contra]):
    """What a call takes from its rate limits: `estimate` before, `usage_of` its result after."""

    estimate: Cost
    usage_of: Callable[[T_contra], Usage]


Fallback = Callable[[WorkerError], Awaitable[object]]
"""Stands in for a call: gets the error that made it necessary; its arguments are bound before."""


class Call:
    """One logical call on its way through the layers.

    `tries` counts how often `target` was called, `retries` the waits before it was called again;
    `spent` are tries of earlier attempts of the same job. `error` is the original failure, also
    when a fallback answered after it.
    """

    # Not a dataclass: one is made for each call, and this costs half.
    __slots__ = (
        "error",
        "fallbacks",
        "key",
        "metering",
        "retries",
        "spent",
        "status",
        "target",
        "tries",
    )

    def __init__(
        self,
        target: Callable[[], Awaitable[object]],
        key: str | None,
        metering: Metering[Any] | None,
        fallbacks: Mapping[str, Fallback] | None,
        spent: int,
    ) -> None:
        self.target = target
        self.key = key
        self.metering = metering
        self.fallbacks = fallbacks
        self.spent = spent
        self.tries = 0
        self.retries = 0
        self.status = Status.SUCCEEDED
        self.error: WorkerError | None = None


Step = Callable[[Call], Awaitable[object]]


class Layer(Protocol):
    """One layer of a policy: numbers that are known at start, and what is made of them in a loop."""

    title: ClassVar[str]

    def faults(self) -> Iterator[str]:
        """One sentence for each number that makes no sense."""
        ...

    def bind(self, dependency: str, here: Here, inner: Step) -> Step:
        """The step that does this layer's part around `inner`, with the state of one event loop."""
        ...


def retry_after_s(error: RetryableError | None) -> float:
    """Seconds the dependency asked to wait; 0 when it did not."""
    value = error.details.get("retry_after", 0) if error else 0
    return float(value) if isinstance(value, int | float) else 0
