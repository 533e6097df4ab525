import asyncio
import gc
import threading
import weakref

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.errors import ErrorCode, PermanentError, RetryableError
from app.resilience.breaker_config import BreakerConfig
from app.resilience.deadline import Within
from app.resilience.fallback import Fallbacks
from app.resilience.guards import AttemptTimeout, CircuitBreaker, RateLimit, Slots
from app.resilience.layers import Layer, Status
from app.resilience.limits import Rate
from app.resilience.policy import ORDER, InvalidPolicy, Policy
from app.resilience.registry import registry
from app.resilience.retry import Retry
from app.resilience.scope import Deadline, SessionOrder
from app.settings.resilience import FailMode
from tests.resilience.calls import ATTEMPT, RETRY, Failing, idle, network_error, plain, whole
from tests.resilience.virtual_time import VirtualTimeLoop

ONE_OF_EACH: tuple[Layer, ...] = (
    Deadline(seconds=30),
    SessionOrder(),
    Fallbacks(names=("rules",)),
    RETRY,
    Slots(slots=1, queue=0),
    RateLimit(rates=(("requests", Rate(amount=1, period_s=1, burst=1)),)),
    CircuitBreaker(name="x", config=BreakerConfig()),
    ATTEMPT,
)


async def rules(error: Exception) -> str:
    del error
    return "rules"


def test_layers_are_taken_in_one_order_only() -> None:
    assert tuple(type(layer) for layer in ONE_OF_EACH) == ORDER
    Policy("right", *ONE_OF_EACH, fail_mode=FailMode.FAIL_FALLBACK)


@given(st.permutations(ONE_OF_EACH).filter(lambda layers: tuple(layers) != ONE_OF_EACH))
def test_any_other_order_is_refused_with_the_right_one(layers: list[Layer]) -> None:
    with pytest.raises(InvalidPolicy) as raised:
        Policy("wrong", *layers, fail_mode=FailMode.FAIL_FALLBACK)
    assert all(line.startswith("policy wrong: ") for line in raised.value.lines)
    assert "the order is deadline, session order, fallback, retry" in raised.value.lines[0]


@pytest.mark.parametrize(
    ("layers", "mode", "told"),
    [
        ([RETRY, RETRY, ATTEMPT], FailMode.FAIL_CLOSE, "retry stands around retry"),
        ([Deadline(seconds=0), ATTEMPT], FailMode.FAIL_CLOSE, "the deadline is 0"),
        ([Deadline(seconds=float("nan")), ATTEMPT], FailMode.FAIL_CLOSE, "the deadline is nan"),
        ([Deadline(seconds=5)], FailMode.FAIL_CLOSE, "needs an attempt timeout"),
        ([SessionOrder(wait_s=-1), ATTEMPT], FailMode.FAIL_CLOSE, "wait_s is -1"),
        ([Retry(tries=0), ATTEMPT], FailMode.FAIL_CLOSE, "tries is 0"),
        ([Retry(tries=2, base_wait_s=0), ATTEMPT], FailMode.FAIL_CLOSE, "base_wait_s is 0"),
        ([Retry(tries=2, max_wait_s=0.1), ATTEMPT], FailMode.FAIL_CLOSE, "at least base_wait_s"),
        ([Slots(slots=0, queue=0), ATTEMPT], FailMode.FAIL_CLOSE, "slots is 0"),
        ([Slots(slots=1, queue=-1), ATTEMPT], FailMode.FAIL_CLOSE, "queue is -1"),
        ([RateLimit(rates=()), ATTEMPT], FailMode.FAIL_CLOSE, "at least one rate"),
        (
            [CircuitBreaker(name="x", config=BreakerConfig(failure_percent=101)), ATTEMPT],
            FailMode.FAIL_CLOSE,
            "breaker x: failure_percent is 101",
        ),
        (
            [AttemptTimeout(timeout_s=float("inf"), code=ErrorCode.LLM_TIMEOUT)],
            FailMode.FAIL_CLOSE,
            "timeout_s is inf",
        ),
        ([ATTEMPT], FailMode.FAIL_FALLBACK, "no fallback to ask"),
        ([Fallbacks(names=("a",)), ATTEMPT], FailMode.FAIL_OPEN, "would never be asked"),
        ([Fallbacks(names=("a", "a")), ATTEMPT], FailMode.FAIL_FALLBACK, "named twice"),
        (
            [Deadline(seconds=5), Fallbacks(names=("a",), reserve_s=5), ATTEMPT],
            FailMode.FAIL_FALLBACK,
            "nothing is left for the call",
        ),
    ],
)
def test_what_makes_no_sense_is_refused_with_a_sentence(
    layers: list[Layer], mode: FailMode, told: str
) -> None:
    with pytest.raises(InvalidPolicy) as raised:
        Policy("wrong", *layers, fail_mode=mode)
    assert len(raised.value.lines) == 1
    assert told in raised.value.lines[0]


async def test_fail_open_goes_on_without_a_value_and_execute_still_raises() -> None:
    policy = Policy("test", ATTEMPT, fail_mode=FailMode.FAIL_OPEN)
    error = network_error()
    outcome = await policy.outcome(Failing(error))
    assert (outcome.value, outcome.status, outcome.error) == (None, Status.FAILED, error)
    assert outcome.tries == 1
    with pytest.raises(RetryableError):
        await policy.execute(Failing(error))


async def test_fail_open_hides_neither_a_lost_lease_nor_a_bug() -> None:
    policy = Policy("test", ATTEMPT, fail_mode=FailMode.FAIL_OPEN)
    for error in (RetryableError(ErrorCode.LEASE_LOST), KeyError("bug")):
        with pytest.raises(type(error)):
            await policy.outcome(Failing(error))


async def test_each_attempt_has_the_time_limit_and_what_is_left_of_the_deadline() -> None:
    loop = asyncio.get_running_loop()
    lasted: list[float] = []

    async def hang() -> None:
        began_s = loop.time()
        try:
            await asyncio.Event().wait()
        finally:
            lasted.append(loop.time() - began_s)

    with pytest.raises(RetryableError) as raised:
        await plain(Deadline(seconds=14), Retry(tries=5, base_wait_s=0.001)).execute(hang)
    assert raised.value.code is ErrorCode.LLM_TIMEOUT
    assert lasted == [pytest.approx(10), pytest.approx(4, abs=0.1)]
    assert loop.time() <= 14


async def test_a_time_limit_that_the_call_itself_raises_is_a_bug_of_the_call() -> None:
    with pytest.raises(TimeoutError):
        await plain().execute(Failing(TimeoutError()))


async def test_an_open_circuit_takes_no_slot_and_no_token() -> None:
    rates = (("requests", Rate(amount=1, period_s=1_000, burst=1)),)
    circuit = CircuitBreaker(name="test", config=BreakerConfig(minimum_calls=1, open_s=5))
    policy = plain(Slots(slots=1, queue=0), RateLimit(rates=rates, max_wait_s=0), circuit)
    with pytest.raises(RetryableError):
        await policy.execute(Failing(network_error()))
    here = registry.here()
    for _ in range(10):
        with pytest.raises(RetryableError) as raised:
            await policy.execute(Failing())
        assert raised.value.code is ErrorCode.CIRCUIT_OPEN
    assert here.bulkheads()[0].in_use == 0


async def test_calls_of_one_session_keep_their_order_and_other_sessions_do_not_wait() -> None:
    policy = plain(SessionOrder(wait_s=60))
    ended: list[str] = []

    async def say(what: str, takes_s: float) -> None:
        async def call() -> None:
            await asyncio.sleep(takes_s)
            ended.append(what)

        await policy.execute(call, key=what[0])

    async with asyncio.TaskGroup() as group:
        for what, takes_s in (("a1", 5), ("a2", 1), ("b1", 2), ("a3", 0), ("b2", 0)):
            group.create_task(say(what, takes_s))
    assert ended == ["b1", "b2", "a1", "a2", "a3"]


async def test_a_session_that_is_busy_too_long_is_told_so() -> None:
    policy = plain(SessionOrder(wait_s=2))
    first = asyncio.create_task(policy.execute(lambda: asyncio.sleep(5), key="a"))
    await asyncio.sleep(0)
    with pytest.raises(RetryableError) as raised:
        await policy.execute(Failing(), key="a")
    assert raised.value.code is ErrorCode.SESSION_BUSY
    await first
    assert await policy.execute(Failing(), key="a") == "answer"


async def test_a_deadline_around_a_policy_is_kept_by_it() -> None:
    inner = plain(Deadline(seconds=60))
    with pytest.raises(RetryableError):
        await plain(Deadline(seconds=3)).execute(lambda: inner.execute(asyncio.Event().wait))
    assert asyncio.get_running_loop().time() <= 3


async def test_with_no_time_left_nothing_is_called() -> None:
    call = Failing()

    async def late() -> str:
        await asyncio.sleep(2.96)
        return await plain().execute(call)

    with pytest.raises(PermanentError) as raised:
        await plain(Deadline(seconds=3)).execute(late)
    assert raised.value.code is ErrorCode.DEADLINE_EXCEEDED
    assert call.calls == 0


def test_one_policy_serves_two_loops_one_after_the_other_and_shares_nothing() -> None:
    policy = whole("two-loops", slots=2)

    async def contended() -> None:
        async with asyncio.TaskGroup() as group:
            for number in range(20):
                group.create_task(
                    policy.execute(
                        lambda: asyncio.sleep(1), key=str(number % 3), fallbacks={"rules": rules}
                    )
                )

    for _ in range(2):
        with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
            runner.run(contended())


def test_one_policy_serves_two_loops_in_two_threads_at_once() -> None:
    policy = whole("two-threads")
    faults: list[BaseException] = []
    loops: list[weakref.ref[asyncio.AbstractEventLoop]] = []

    async def work() -> None:
        loops.append(weakref.ref(asyncio.get_running_loop()))
        async with asyncio.TaskGroup() as group:
            for number in range(500):
                key = str(number % 7)
                call = Failing(network_error()) if number % 5 == 0 else Failing()
                group.create_task(policy.execute(call, key=key, fallbacks={"rules": rules}))
        assert idle()

    def run() -> None:
        try:
            with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
                runner.run(work())
        except BaseException as fault:
            faults.append(fault)
            raise

    threads = [threading.Thread(target=run) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert faults == []
    gc.collect()
    assert [loop() for loop in loops] == [None, None]


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_a_call_cancelled_at_any_await_leaves_nothing_behind(data: st.DataObject) -> None:
    steps = data.draw(st.lists(st.integers(0, 40), min_size=1, max_size=12))

    async def run() -> None:
        policy = whole("cancelled", slots=2, queue=4)

        async def call() -> str:
            for _ in range(3):
                await asyncio.sleep(0.01)
            if data.draw(st.booleans()):
                raise network_error()
            return "answer"

        tasks = [
            asyncio.create_task(
                policy.execute(call, key=str(number % 2), fallbacks={"rules": rules})
            )
            for number in range(len(steps))
        ]
        for number, count in enumerate(steps):
            for _ in range(count):
                await asyncio.sleep(0)
            tasks[number].cancel()
        await asyncio.wait(tasks)
        assert idle()
        assert await policy.execute(Failing(), key="0", fallbacks={"rules": rules})

    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        runner.run(run())


async def test_a_call_cancelled_at_each_of_its_awaits_leaves_nothing_behind() -> None:
    """Exhaustive: the same contended scene, cancelled one step later each time until it ends."""

    async def scene(cancel_after: int) -> bool:
        policy = whole(f"scene-{cancel_after}", slots=1, queue=1)
        call = Failing(network_error())

        async def target() -> str:
            await asyncio.sleep(0.01)
            return await call()

        held = asyncio.create_task(
            policy.execute(lambda: asyncio.sleep(0.02), key="b", fallbacks={"rules": rules})
        )
        task = asyncio.create_task(policy.execute(target, key="a", fallbacks={"rules": rules}))
        for step in range(cancel_after):
            # Most steps are one turn of the loop; now and then the clock has to move, too.
            await asyncio.sleep(0.004 if step % 4 == 3 else 0)
            if task.done():
                break
        ended = task.done()
        task.cancel()
        await asyncio.wait((task, held))
        assert idle(), cancel_after
        return ended

    steps = 0
    while not await scene(steps):
        steps += 1
    assert steps > 5


async def test_a_thousand_tasks_leave_nothing_behind() -> None:
    policy = whole("thousand", slots=8, queue=1_000)
    results: list[str] = []

    async def one(number: int) -> None:
        call = Failing(network_error()) if number % 4 == 0 else Failing()
        results.append(await policy.execute(call, key=str(number % 50), fallbacks={"rules": rules}))

    async with asyncio.TaskGroup() as group:
        for number in range(1_000):
            group.create_task(one(number))
    assert len(results) == 1_000
    assert idle()


async def test_what_is_turned_away_after_its_token_was_taken_gives_it_back() -> None:
    rates = (("requests", Rate(amount=1, period_s=1_000, burst=2)),)
    circuit = CircuitBreaker(name="refund", config=BreakerConfig(minimum_calls=1, open_s=5))
    policy = Policy("refund", RateLimit(rates=rates, max_wait_s=0), circuit, ATTEMPT)
    other = Policy("refund", RateLimit(rates=rates, max_wait_s=0), ATTEMPT)
    with pytest.raises(PermanentError):
        async with Within(0.01):  # too little for an attempt: it is not begun
            await policy.execute(Failing())
    for _ in range(2):
        assert await other.execute(Failing()) == "answer"
    with pytest.raises(RetryableError) as raised:
        await other.execute(Failing())
    assert raised.value.code is ErrorCode.RATE_LIMITED
