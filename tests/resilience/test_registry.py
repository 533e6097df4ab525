import asyncio
import gc
import threading
import weakref
from dataclasses import replace
from typing import Any

import pytest

from app.errors import RetryableError
from app.resilience.breaker import Breaker
from app.resilience.breaker_config import BreakerConfig
from app.resilience.breaker_states import Change, Mode, State, Verdict
from app.resilience.budget import BudgetConfig
from app.resilience.registry import Here, Registry

CONFIG = BreakerConfig(window_calls=4, minimum_calls=4)
MADE_AT_IMPORT = Registry()


@pytest.fixture
def here() -> Registry:
    return Registry()


async def test_a_name_stands_for_one_object() -> None:
    here = Registry().here()
    made: list[Breaker] = []
    here.when_made(made.append)

    async def get(number: int) -> Breaker:
        await asyncio.sleep(number % 7)
        return here.breaker("llm", BreakerConfig(window_calls=4, minimum_calls=4))

    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(get(number)) for number in range(1_000)]
    assert len(made) == 1
    assert {id(task.result()) for task in tasks} == {id(made[0])}
    assert here.breakers() == (made[0],)
    assert here.bulkhead("llm", slots=3, queue=2) is here.bulkhead("llm", slots=3, queue=2)
    assert here.budget("llm", BudgetConfig()) is here.budget("llm", BudgetConfig())


async def test_a_name_with_other_numbers_is_an_error_that_shows_both() -> None:
    here = Registry().here()
    first = here.breaker("llm", CONFIG)
    with pytest.raises(ValueError, match="The breaker llm is defined twice") as raised:
        here.breaker("llm", replace(CONFIG, window_calls=9))
    assert "window_calls=4" in str(raised.value)
    assert "window_calls=9" in str(raised.value)
    assert here.breakers() == (first,)
    here.bulkhead("llm", slots=3, queue=2)
    with pytest.raises(ValueError, match="The bulkhead llm is defined twice"):
        here.bulkhead("llm", slots=3, queue=3)


async def test_what_is_forgotten_begins_anew_and_leaves_the_others() -> None:
    here = Registry().here()
    kept, dropped = here.breaker("llm", CONFIG), here.breaker("webhook:a", CONFIG)
    bulkhead = here.bulkhead("webhook:a", slots=3, queue=2)
    here.forget("webhook:a")
    here.forget("nobody")
    assert here.breakers() == (kept,)
    assert here.breaker("webhook:a", replace(CONFIG, window_calls=9)) is not dropped
    assert here.bulkhead("webhook:a", slots=3, queue=2) is not bulkhead


async def test_wrong_numbers_leave_nothing_behind() -> None:
    here = Registry().here()
    with pytest.raises(ValueError, match="failure_percent is 0"):
        here.breaker("llm", replace(CONFIG, failure_percent=0))
    assert here.breakers() == ()
    here.breaker("llm", CONFIG)


def test_without_a_loop_there_is_nothing(here: Registry) -> None:
    with pytest.raises(RuntimeError):
        here.here()
    assert here.snapshots() == []


def test_what_was_made_at_import_serves_one_loop_after_the_other() -> None:
    async def contend() -> tuple[Here, list[object]]:
        here = MADE_AT_IMPORT.here()
        bulkhead = here.bulkhead("llm", slots=2, queue=100)
        breaker = here.breaker("llm", CONFIG)

        async def call() -> None:
            await bulkhead.enter()
            try:
                await breaker.call(lambda: asyncio.sleep(0.001))
            finally:
                bulkhead.leave()

        async with asyncio.TaskGroup() as group:
            for _ in range(50):
                group.create_task(call())
        assert bulkhead.in_use == bulkhead.waiting == 0
        assert breaker.snapshot().calls == 4
        return here, [breaker, bulkhead, here.clock]

    first, second = asyncio.run(contend()), asyncio.run(contend())
    assert first[0] is not second[0]
    assert not {id(thing) for thing in first[1]} & {id(thing) for thing in second[1]}


async def call_both(registry: Registry, name: str, used: dict[int, object]) -> None:
    """One call under the bulkhead and the breaker of this name."""
    breaker = registry.here().breaker(name, CONFIG)
    bulkhead = registry.here().bulkhead(name, slots=2, queue=1_000)
    used |= {id(breaker): breaker, id(bulkhead): bulkhead}
    await bulkhead.enter()
    try:
        await breaker.call(lambda: asyncio.sleep(0))
    finally:
        bulkhead.leave()


def test_two_loops_in_two_threads_share_nothing_and_leave_nothing(here: Registry) -> None:
    seen: list[set[int]] = []
    loops: list[weakref.ref[Any]] = []
    failures: list[BaseException] = []
    together = threading.Barrier(3)

    async def hammer() -> None:
        loops.append(weakref.ref(asyncio.get_running_loop()))
        mine: dict[int, object] = {}
        for _ in range(10):
            async with asyncio.TaskGroup() as group:
                for number in range(100):
                    group.create_task(call_both(here, f"b{number % 5}", mine))
        seen.append(set(mine))
        await asyncio.to_thread(together.wait, 10)  # both live: ids are not used again
        await asyncio.to_thread(together.wait, 10)

    def run() -> None:
        try:
            asyncio.run(hammer())
        except BaseException as error:  # noqa: BLE001 - shown below, in the test's own thread
            failures.append(error)
            together.abort()

    threads = [threading.Thread(target=run) for _ in range(2)]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads) and together.n_waiting < 2:
        here.snapshots()
    together.wait(10)
    shown = here.snapshots()
    together.wait(10)
    for thread in threads:
        thread.join(10)

    assert failures == []
    assert len(shown) == 10
    assert len(seen[0]) == len(seen[1]) == 10
    assert not seen[0] & seen[1]
    gc.collect()
    assert [loop() for loop in loops] == [None, None]
    assert here.snapshots() == []


def test_a_registry_holds_no_loop_alive_that_had_listeners_waiters_and_changes(
    here: Registry,
) -> None:
    async def use() -> weakref.ref[Any]:
        place = here.here()
        heard: list[Change] = []
        stop = place.listen(heard.append)
        breaker = place.breaker("llm", CONFIG)
        for _ in range(4):
            breaker.record(breaker.acquire(), Verdict.FAILURE, 0.1)
        await asyncio.sleep(0)
        assert len(heard) == 1
        stop()
        return weakref.ref(asyncio.get_running_loop())

    loop = asyncio.run(use())
    gc.collect()
    assert loop() is None
    assert here.snapshots() == []


async def test_listeners_hear_every_change_of_every_breaker_after_it_took_effect() -> None:
    here = Registry().here()
    heard: list[tuple[str, State, State]] = []
    breakers = {name: here.breaker(name, CONFIG) for name in ("a", "b")}
    stop = here.listen(
        lambda change: heard.append((change.name, change.to_state, breakers[change.name].state))
    )
    breakers["a"].set_mode(Mode.FORCED_OPEN)
    breakers["b"].set_mode(Mode.DISABLED)
    assert heard == []  # not in the way of the call
    await asyncio.sleep(0)
    assert heard == [
        ("a", State.FORCED_OPEN, State.FORCED_OPEN),
        ("b", State.DISABLED, State.DISABLED),
    ]
    stop()
    breakers["a"].set_mode(Mode.AUTOMATIC)
    await asyncio.sleep(0)
    assert len(heard) == 2


async def test_a_listener_that_raises_changes_nothing_and_is_reported() -> None:
    here = Registry().here()
    reported: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: reported.append(context))
    heard: list[Change] = []

    def broken(change: Change) -> None:
        raise ZeroDivisionError(change.name)

    here.listen(broken)
    here.listen(heard.append)
    breaker = here.breaker("llm", CONFIG)
    for _ in range(4):
        breaker.record(breaker.acquire(), Verdict.FAILURE, 0.1)
    await asyncio.sleep(0)
    assert breaker.state is State.OPEN
    assert [change.to_state for change in heard] == [State.OPEN]
    assert [type(context["exception"]) for context in reported] == [ZeroDivisionError]


async def test_who_waits_for_new_breakers_sees_each_before_its_first_call() -> None:
    here = Registry().here()
    stop = here.when_made(lambda breaker: breaker.set_mode(Mode.FORCED_OPEN))
    with pytest.raises(RetryableError):
        here.breaker("llm", CONFIG).acquire()
    stop()
    here.breaker("other", CONFIG).acquire()


async def test_a_reset_starts_anew(here: Registry) -> None:
    before = here.here().breaker("llm", CONFIG)
    here.reset()
    assert here.snapshots() == []
    assert here.here().breaker("llm", CONFIG) is not before
