"""A stage: a coroutine function with a name, a policy and a result that can be saved."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Generic, ParamSpec, TypeVar, get_type_hints

from pydantic import TypeAdapter

from app.errors import ErrorCode
from app.resilience.policies import PolicyName

P = ParamSpec("P")
T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage(Generic[P, T]):
    """`version` belongs to the checkpoint's key: raise it when the result's meaning changes.

    `partial` is the code that `Run.want` records when the stage fails for good. `fallback` is
    awaited with the same arguments when the call fails; its result counts as `fallback_success`.
    """

    name: str
    call: Callable[P, Awaitable[T]]
    policy: PolicyName
    partial: ErrorCode | None
    fallback: Callable[P, Awaitable[T]] | None
    version: int
    result: TypeAdapter[T]


def stage(
    name: str,
    *,
    policy: PolicyName,
    partial: ErrorCode | None = None,
    fallback: Callable[P, Awaitable[T]] | None = None,
    version: int = 1,
) -> Callable[[Callable[P, Awaitable[T]]], Stage[P, T]]:
    """Make a stage of a coroutine function whose return type pydantic can write as JSON."""

    def decorate(call: Callable[P, Awaitable[T]]) -> Stage[P, T]:
        return Stage(
            name=name,
            call=call,
            policy=policy,
            partial=partial,
            fallback=fallback,
            version=version,
            result=TypeAdapter(get_type_hints(call)["return"]),
        )

    return decorate
