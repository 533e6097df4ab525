"""A policy: how one dependency is called, as layers in the one order that is right.

    span → deadline → session order → fallback → retry (+ budget) → [breaker peek]
         → bulkhead → rate limit → breaker permit → attempt timeout → call

docs/resilience.md says why this order. It is checked when the policy is made; each event loop gets
its own chain, built at the first call there.
"""

import asyncio
import time
import weakref
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Generic, NamedTuple, TypeVar, cast

from app.errors import ErrorCode, WorkerError
from app.resilience.fallback import NEVER_ABSORBED, Fallbacks
from app.resilience.guards import AttemptTimeout, CircuitBreaker, RateLimit, Slots
from app.resilience.layers import Call, Layer, Metering, Status, Step
from app.resilience.registry import registry
from app.resilience.retry import Retry
from app.resilience.scope import Deadline, SessionOrder
from app.settings.resilience import FailMode
from app.telemetry.conventions import Attribute, SpanName
from app.telemetry.metrics import counting, record_call
from app.telemetry.spans import current_span, recording, span

T = TypeVar("T")

ORDER: tuple[type[Layer], ...] = (
    Deadline,
    SessionOrder,
    Fallbacks,
    Retry,
    Slots,
    RateLimit,
    CircuitBreaker,
    AttemptTimeout,
)
"""From the outside in."""

REJECTIONS = frozenset(
    {
        ErrorCode.CIRCUIT_OPEN,
        ErrorCode.BULKHEAD_FULL,
        ErrorCode.RATE_LIMITED,
        ErrorCode.SESSION_BUSY,
    }
)
"""Codes of a call that was turned away here, before it reached its dependency."""


class InvalidPolicy(Exception):  # noqa: N818 - reads as what it reports
    """A policy that makes no sense; `lines` has one sentence per fault."""

    def __init__(self, lines: list[str]) -> None:
        self.lines = lines
        super().__init__("\n".join(lines))


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome(Generic[T]):
    """How a logical call ended.

    `value` is None when `status` is FAILED, which only FAIL_OPEN gives. `error` is why there is no
    value, or why a fallback was needed. `tries` counts the times the dependency was called.
    """

    value: T | None
    status: Status
    error: WorkerError | None
    tries: int


class _Bound(NamedTuple):
    """The chain of one event loop."""

    loop: Callable[[], object]
    chain: Step
    monotonic: Callable[[], float]


class Policy:
    """Made once, used from any loop. Raises InvalidPolicy for wrong numbers or a wrong order.

    `name` is the dependency: what its spans and metrics carry, and what its slots and retry budget
    are shared by. Without `traced`, the span in force is that of the logical call.
    """

    def __init__(
        self,
        name: str,
        *layers: Layer,
        fail_mode: FailMode = FailMode.FAIL_CLOSE,
        traced: bool = True,
    ) -> None:
        if faults := _faults(layers, fail_mode):
            raise InvalidPolicy([f"policy {name}: {fault}" for fault in faults])
        self.name = name
        self.layers = layers
        self.fail_mode = fail_mode
        self._traced = traced
        self._fallbacks = next((x.names for x in layers if isinstance(x, Fallbacks)), ())
        self._bound = _Bound(_no_loop, _reach, time.monotonic)

    def layer(self, kind: type[T]) -> T | None:
        """The layer of this class, if the policy has one."""
        return next((layer for layer in self.layers if isinstance(layer, kind)), None)

    def execute(
        self,
        call: Callable[[], Awaitable[T]],
        *,
        key: str | None = None,
        metering: Metering[T] | None = None,
        fallbacks: Mapping[str, Callable[[WorkerError], Awaitable[T]]] | None = None,
        spent: int = 0,
    ) -> Coroutine[Any, Any, T]:
        """To be awaited: the value of `call`, or of a fallback; raises where there is none.

        As `outcome`, but under FAIL_OPEN too the error is raised.
        """
        # Handed on, not awaited here: one coroutine less in the way of every call.
        begun = self._begin(Call(call, key, metering, fallbacks, spent), raises=True)
        return cast("Coroutine[Any, Any, T]", begun)

    async def outcome(
        self,
        call: Callable[[], Awaitable[T]],
        *,
        key: str | None = None,
        metering: Metering[T] | None = None,
        fallbacks: Mapping[str, Callable[[WorkerError], Awaitable[T]]] | None = None,
        spent: int = 0,
    ) -> Outcome[T]:
        """Carry out one logical call as the fail mode says.

        `key` puts it in order with others of the same key, `metering` says what it takes from the
        rate limit, `spent` are tries that earlier attempts of the same job made. Raises the last
        error of the call, also when its fallbacks failed; foreign exceptions pass through.
        """
        state = Call(call, key, metering, fallbacks, spent)
        value = await self._begin(state, raises=self.fail_mode is not FailMode.FAIL_OPEN)
        return Outcome(
            value=cast("T | None", value), status=state.status, error=state.error, tries=state.tries
        )

    def _begin(self, call: Call, *, raises: bool) -> Coroutine[Any, Any, object]:
        if self._traced and recording():
            return self._carry_out_in_span(call, raises=raises)
        return self._carry_out(call, raises=raises)

    async def _carry_out_in_span(self, call: Call, *, raises: bool) -> object:
        with span(SpanName.CALL, self.name):
            return await self._carry_out(call, raises=raises)

    async def _carry_out(self, call: Call, *, raises: bool) -> object:
        for name in self._fallbacks:
            if name not in (call.fallbacks or ()):
                raise ValueError(f"policy {self.name} names the fallback {name}; none was given")
        bound = self._bound
        if bound.loop() is not asyncio.get_running_loop():
            bound = self._bind()
        began_s = bound.monotonic()
        result = "failure"  # what is neither an error with a code nor a cancellation is a bug
        try:
            value = await bound.chain(call)
        except WorkerError as error:
            call.error = error
            result = "rejected" if error.code in REJECTIONS else "failure"
            if raises or error.code in NEVER_ABSORBED:
                raise
            call.status = Status.FAILED
            return None
        except asyncio.CancelledError:
            result = "cancelled"
            raise
        else:
            result = "success" if call.error is None else "fallback"
            return value
        finally:
            self._report(call, result, bound.monotonic() - began_s)

    def _report(self, call: Call, result: str, seconds: float) -> None:
        if not (recording() or counting()):
            return
        error_type = None
        if result not in _WITHOUT_ERROR:
            error_type = call.error.code.value if call.error else ErrorCode.WORKER_ERROR.value
        record_call(self.name, result, seconds, retries=call.retries, error_type=error_type)
        if recording():
            active = current_span()
            active.set(Attribute.CALL_OUTCOME, result)
            if call.tries != 1:
                active.set(Attribute.CALL_TRIES, call.tries)

    def _bind(self) -> "_Bound":
        here = registry.here()
        step: Step = _reach
        breaker = self.layer(CircuitBreaker)
        # Before anything is waited for: no slot and no token is spent on an open circuit.
        peek = here.breaker(breaker.name, breaker.config).peek if breaker else None
        waiting = next((x for x in self.layers if isinstance(x, Slots | RateLimit)), None)
        for layer in reversed(self.layers):
            if peek is not None and layer is waiting and isinstance(layer, Slots | RateLimit):
                step = layer.bind(self.name, here, step, first=peek)
            else:
                step = layer.bind(self.name, here, step)
        # One value: another thread sees a chain together with the loop that it belongs to.
        loop = weakref.ref(asyncio.get_running_loop())
        self._bound = _Bound(loop, step, here.clock.monotonic)
        return self._bound


_WITHOUT_ERROR = frozenset({"success", "cancelled"})


async def _reach(call: Call) -> object:
    call.tries += 1
    return await call.target()


def _no_loop() -> object:
    return None


def _faults(layers: tuple[Layer, ...], fail_mode: FailMode) -> list[str]:
    faults = [fault for layer in layers for fault in layer.faults()]
    for outer, inner in pairwise(layers):
        if ORDER.index(type(outer)) >= ORDER.index(type(inner)):
            faults.append(
                f"{outer.title} stands around {inner.title}; "
                f"from the outside in the order is {', '.join(kind.title for kind in ORDER)}"
            )
    kinds = {type(layer): layer for layer in layers}
    deadline, fallback = kinds.get(Deadline), kinds.get(Fallbacks)
    named = isinstance(fallback, Fallbacks) and bool(fallback.names)
    if named is not (fail_mode is FailMode.FAIL_FALLBACK):
        faults.append(
            f"the fail mode is {fail_mode}, with "
            + ("fallbacks that would never be asked" if named else "no fallback to ask")
        )
    if isinstance(deadline, Deadline) and AttemptTimeout not in kinds:
        faults.append("a deadline needs an attempt timeout inside, which is what enforces it")
    if (
        isinstance(deadline, Deadline)
        and isinstance(fallback, Fallbacks)
        and fallback.reserve_s >= deadline.seconds
    ):
        faults.append(
            f"the fallback keeps {fallback.reserve_s} s of a deadline of {deadline.seconds} s; "
            "nothing is left for the call"
        )
    return faults
