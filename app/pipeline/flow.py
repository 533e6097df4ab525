"""A flow: what a run executes, and what its end owes."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from app.errors import ErrorCode
from app.pipeline.fencing import Effect
from app.pipeline.run import Run

_NO_CODES: frozenset[ErrorCode] = frozenset()


def _nothing(run: Run) -> Sequence[Effect]:
    del run
    return ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Flow:
    """`call` carries a run through its stages and returns the ids of what it made.

    `refusals` are verdicts on the input itself: a run that ends with one keeps no checkpoint,
    since trying again cannot help, and owes the effects that `on_refusal` names.
    """

    call: Callable[[Run], Awaitable[dict[str, Any]]]
    refusals: frozenset[ErrorCode] = field(default=_NO_CODES)
    on_refusal: Callable[[Run], Sequence[Effect]] = _nothing
