"""Where breakers and their like live: one set per running event loop, made lazily inside it (R16).

Nothing here is made at import, so nothing can belong to a loop that is gone. A name stands for one
object; asking for it with other numbers is an error that shows both, never a second object.
"""

import asyncio
import threading
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar
from weakref import WeakKeyDictionary

from app.resilience.breaker import Breaker
from app.resilience.breaker_config import BreakerConfig
from app.resilience.breaker_states import Change, Snapshot
from app.resilience.budget import Budget, BudgetConfig
from app.resilience.bulkhead import Bulkhead
from app.resilience.clock import LoopClock
from app.resilience.limits import Limiter, Rate, RateLimiter
from app.resilience.ordering import KeyedLock

ConfigT = TypeVar("ConfigT", bound=Hashable)
T = TypeVar("T")

Listener = Callable[[Change], None]
MadeListener = Callable[[Breaker], None]
Rates = tuple[tuple[str, Rate], ...]
"""Rates by dimension (`requests`, `tokens`), as a value that can be compared."""
MakeLimiter = Callable[[str, Rates], Limiter]


class Named(Generic[ConfigT, T]):
    """Objects by name, each with the numbers it was first asked for with."""

    def __init__(self, kind: str, make: Callable[[str, ConfigT], T]) -> None:
        self._kind = kind
        self._make = make
        self._known: dict[str, tuple[ConfigT, T]] = {}

    def get(self, name: str, config: ConfigT) -> T:
        """Make it at the first call. Raises ValueError when it was made with other numbers."""
        known = self._known.get(name)
        if known is None:
            known = self._known[name] = (config, self._make(name, config))
        elif known[0] != config:
            raise ValueError(
                f"The {self._kind} {name} is defined twice: as {known[0]} and as {config}."
            )
        return known[1]

    def drop(self, name: str) -> None:
        """Make it anew at the next call, with whatever numbers; who holds the old one keeps it."""
        self._known.pop(name, None)

    def all(self) -> tuple[T, ...]:
        """Those that were made so far. Safe from any thread."""
        return tuple(made for _, made in tuple(self._known.values()))


class Here:
    """What one event loop knows of the dependencies it calls.

    Listeners hear of every change of every breaker in this loop, soon after it took effect; one
    that raises is reported by the loop and changes nothing.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.clock = LoopClock(loop)
        self._listeners: list[Listener] = []
        self._made_listeners: list[MadeListener] = []
        self._breakers = Named("breaker", self._new_breaker)
        self._bulkheads = Named("bulkhead", self._new_bulkhead)
        self._budgets: Named[BudgetConfig, Budget] = Named(
            "budget", lambda _, config: Budget(config)
        )
        self._limiters = Named("rate limit", self._new_limiter)
        self._orders: Named[None, KeyedLock] = Named("order", lambda _, __: KeyedLock())
        self._make_limiter: MakeLimiter = self._local_limiter

    def breaker(self, name: str, config: BreakerConfig) -> Breaker:
        """The one breaker of this name. Raises ValueError when it was defined otherwise before."""
        return self._breakers.get(name, config)

    def bulkhead(self, name: str, *, slots: int, queue: int) -> Bulkhead:
        """The one bulkhead of this name. Raises ValueError when it was defined otherwise before."""
        return self._bulkheads.get(name, (slots, queue))

    def budget(self, name: str, config: BudgetConfig) -> Budget:
        """The one retry budget of this name; raises ValueError as the others."""
        return self._budgets.get(name, config)

    def limiter(self, name: str, rates: Rates) -> Limiter:
        """The one rate limiter of this name; raises ValueError as the others."""
        return self._limiters.get(name, rates)

    def order(self, name: str) -> KeyedLock:
        """The one lock of this name, with a queue per key."""
        return self._orders.get(name, None)

    def forget(self, name: str) -> None:
        """Drop the breaker, bulkhead, budget and limiter of a dependency that is called no more."""
        for known in (self._breakers, self._bulkheads, self._budgets, self._limiters):
            known.drop(name)

    def share_limits(self, make: MakeLimiter) -> None:
        """Make limiters with `make` from now on, so that several processes share their rates."""
        self._make_limiter = make

    def breakers(self) -> tuple[Breaker, ...]:
        """All breakers of this loop."""
        return self._breakers.all()

    def bulkheads(self) -> tuple[Bulkhead, ...]:
        """All bulkheads of this loop."""
        return self._bulkheads.all()

    def budgets(self) -> tuple[Budget, ...]:
        """All retry budgets of this loop."""
        return self._budgets.all()

    def orders(self) -> tuple[KeyedLock, ...]:
        """All keyed locks of this loop."""
        return self._orders.all()

    def listen(self, listener: Listener) -> Callable[[], None]:
        """Tell `listener` of each change from now on; returns what ends that."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    def when_made(self, listener: MadeListener) -> Callable[[], None]:
        """Show `listener` each breaker that is made from now on, before its first call.

        It must neither wait nor fail. Returns what ends that.
        """
        self._made_listeners.append(listener)
        return lambda: self._made_listeners.remove(listener)

    def _new_breaker(self, name: str, config: BreakerConfig) -> Breaker:
        breaker = Breaker(name, config, clock=self.clock, notify=self._tell)
        for listener in self._made_listeners:
            listener(breaker)
        return breaker

    def _new_bulkhead(self, name: str, size: tuple[int, int]) -> Bulkhead:
        slots, queue = size
        return Bulkhead(name, slots=slots, queue=queue)

    def _new_limiter(self, name: str, rates: Rates) -> Limiter:
        return self._make_limiter(name, rates)

    def _local_limiter(self, name: str, rates: Rates) -> Limiter:
        del name
        return RateLimiter(dict(rates), clock=self.clock.monotonic)

    def _tell(self, change: Change) -> None:
        # Later, in the loop: a listener is not in the way of the call that changed the state.
        loop = asyncio.get_running_loop()
        for listener in self._listeners:
            loop.call_soon(listener, change)


class Registry:
    """One `Here` per running event loop. Safe from several threads; holds no loop alive."""

    def __init__(self) -> None:
        self._known: WeakKeyDictionary[asyncio.AbstractEventLoop, Here] = WeakKeyDictionary()
        self._making = threading.Lock()

    def here(self) -> Here:
        """That of the running loop. Raises RuntimeError where no loop runs."""
        loop = asyncio.get_running_loop()
        with self._making:
            found = self._known.get(loop)
            if found is None:
                found = self._known[loop] = Here(loop)
            return found

    def snapshots(self) -> list[Snapshot]:
        """Every breaker of every loop of this process. Safe from any thread."""
        with self._making:
            places = list(self._known.values())
        return [breaker.snapshot() for here in places for breaker in here.breakers()]

    def reset(self) -> None:
        """Forget everything, for tests: the next call in a loop starts anew."""
        with self._making:
            self._known.clear()


registry = Registry()
"""Of this process. It holds no asyncio primitive; what needs a loop is made inside it."""
