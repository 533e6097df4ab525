"""A stage: a coroutine function with a name, a policy and a result that can be saved."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Generic, ParamSpec, TypeVar, get_type_hints

from pydantic import TypeAdapter

from app.errors import ErrorCode
from app.resilience.policies import FallbackName, PolicyName

P = ParamSpec("P")
T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage(Generic[P, T]):
    """`version` belongs to the checkpoint's key: raise it when the result's meaning changes.

    `partial` is the code that `Run.want` records when the stage fails for good. `fallbacks` are
    what its policy may name: awaited with the same arguments when the call fails; the result counts
    as `fallback_success`.
    """

    name: str
    call: Callable[P, Awaitable[T]]
    policy: PolicyName
    partial: ErrorCode | None
    version: int
    result: TypeAdapter[T]
    fallbacks: Mapping[FallbackName, Callable[P, Awaitable[T]]] = field(
        default_factory=dict[FallbackName, Callable[P, Awaitable[T]]]
    )

    def falling_back_to(
        self, name: FallbackName, fallback: Callable[P, Awaitable[T]]
    ) -> "Stage[P, T]":
        """Make the same stage with this fallback."""
        return replace(self, fallbacks={**self.fallbacks, name: fallback})


def stage(
    name: str,
    *,
    policy: PolicyName,
    partial: ErrorCode | None = None,
    version: int = 1,
) -> Callable[[Callable[P, Awaitable[T]]], Stage[P, T]]:
    """Make a stage of a coroutine function whose return type pydantic can write as JSON."""

    def decorate(call: Callable[P, Awaitable[T]]) -> Stage[P, T]:
        return Stage(
            name=name,
            call=call,
            policy=policy,
            partial=partial,
            version=version,
            result=TypeAdapter(get_type_hints(call)["return"]),
        )

    return decorate
