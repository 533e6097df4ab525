"""The scripts against a model: whatever is ordered in whatever order, the index tells the truth."""

import asyncio
import time
from typing import Any

import hypothesis
import pytest
from hypothesis import strategies as st
from redis import Redis
from redis.exceptions import ResponseError

from app.queue import scripts
from app.queue.producer import Producer
from tests.queue.fleet import HOUR_S, commands
from tests.queue.model import LONG_MS, QUEUE, TINY_MS, Engine

classes = st.sampled_from("12223")
tenants = st.sampled_from(["", "", "", "a"])
keys = st.sampled_from(["", "k", "k"])
waits_ms = st.sampled_from([0, 0, 0, TINY_MS, LONG_MS])
places = st.integers(0, 1_000)
ORDERS: dict[str, dict[str, st.SearchStrategy[Any]]] = {
    "enqueue": {
        "jobs": st.lists(st.tuples(classes, tenants, keys, waits_ms), min_size=2, max_size=5)
    },
    "claim": {
        "want": st.sampled_from([0, 1, 2, 6]),
        "express": st.integers(0, 2),
        "tenant_limit": st.sampled_from([None, None, 1, 2, 3]),
        "key_limit": st.sampled_from([None, 1, 1, 2]),
        "weight": st.sampled_from([1, 2, 0.5]),
        "lease_ms": st.sampled_from([LONG_MS, LONG_MS, LONG_MS, TINY_MS]),
    },
    "finish": {
        "place": places,
        "what": st.sampled_from(["done", "dead", "again", "back", "park"]),
        "wait_ms": waits_ms,
    },
    "beat": {"chosen": st.lists(places, max_size=3), "rank": st.sampled_from([0, 1])},
    "cancel": {"place": places, "is_known": st.sampled_from([True, True, False])},
    "enqueue_again": {"place": places, "entry": st.tuples(classes, tenants, keys).map("|".join)},
    "lapse": {
        "chosen": st.lists(places, min_size=1, max_size=3),
        "somebody_looks": st.booleans(),
    },
    "elsewhere": {
        "what": st.sampled_from(["enqueue", "finish", "abort", "pause"]),
        "place": places,
    },
}
NAMES = [*ORDERS, "enqueue", "claim", "claim", "finish"]
orders = st.sampled_from(NAMES).flatmap(
    lambda name: st.tuples(st.just(name), st.fixed_dictionaries(ORDERS[name]))
)


@hypothesis.given(given=st.lists(orders, min_size=30, max_size=60))
@hypothesis.settings(
    max_examples=50, suppress_health_check=[hypothesis.HealthCheck.function_scoped_fixture]
)
def test_whatever_is_ordered_the_index_tells_the_truth_and_drains(
    redis_url: str, given: list[tuple[str, dict[str, Any]]]
) -> None:
    engine = Engine(redis_url)
    for name, options in given:
        getattr(engine, name)(**options)
        engine.the_index_tells_the_truth()
    engine.drain()


async def test_a_fresh_server_is_told_the_scripts_once(producer: Producer) -> None:
    await commands(producer).script_flush()
    call = scripts.Call(scripts.RESUME, ())
    assert await scripts.run(producer, QUEUE, call, call) == [0, 0]
    assert await commands(producer).script_exists(scripts.RESUME.sha) == [True]


async def test_what_a_script_does_not_understand_is_raised(producer: Producer) -> None:
    with pytest.raises(ResponseError):
        await scripts.run(producer, QUEUE, scripts.Call(scripts.CLAIM, ("no number",)))


async def test_a_script_runs_when_it_is_told_or_the_time_is_up(producer: Producer) -> None:
    call = scripts.Call(scripts.RESUME, ())
    await commands(producer).rpush("word", "1")
    for within_s in (HOUR_S, 0.05):  # the word is there; then it is not
        assert (
            await scripts.run_when_told(producer, QUEUE, ["word"], within_s=within_s, call=call)
            == 0
        )


async def test_what_a_script_answered_while_this_process_stood_still_is_read(
    producer: Producer, redis_url: str
) -> None:
    """Or all that a waiting worker had just been given would wait for the end of its leases."""
    call = scripts.Call(scripts.RESUME, ())
    waiting = asyncio.create_task(
        scripts.run_when_told(producer, QUEUE, ["word"], within_s=0.3, call=call)
    )
    await asyncio.sleep(0.1)
    with Redis.from_url(redis_url) as another:  # pyright: ignore[reportUnknownMemberType] - typed loosely
        another.rpush("word", "1")
        time.sleep(6)  # noqa: ASYNC251 - the loop is held up, as by a stopped process
        assert not another.exists("word")
    assert await waiting == 0
    assert await commands(producer).echo("next") == b"next"
