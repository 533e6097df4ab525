import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import cast
from urllib.parse import unquote, urlsplit
from uuid import UUID, uuid4

import pytest
from pydantic import SecretStr
from redis.asyncio import Redis

from app.errors import ErrorCode, PermanentError
from app.queue.events import (
    KEPT_EVENTS,
    KEPT_S,
    Event,
    Events,
    GapEvent,
    RunEvent,
    StageEvent,
    TokenEvent,
    check_position,
    open_token,
    seal_token,
    tell_nobody,
)
from app.settings.groups import RedisSettings
from app.store.crypto import Keyring
from app.store.keys import TenantId, new_data_key
from app.store.redis import RedisPool, open_redis
from tests.fakes.wire import Wire
from tests.queue.fleet import HOUR_S, LIMIT_S

SECRET = "Gaon Canary"
GAP = GapEvent()


def stage(number: int) -> StageEvent:
    return StageEvent(stage=f"s{number}", status="succeeded", attempt=1)


def stages(events: list[Event]) -> list[int]:
    return [int(event.told.stage[1:]) for event in events if isinstance(event.told, StageEvent)]


@asynccontextmanager
async def serving(pool: RedisPool) -> AsyncGenerator[Events]:
    events = Events(pool)
    task = asyncio.create_task(events.serve())
    try:
        yield events
        assert not task.done()
    finally:
        task.cancel()
        await asyncio.wait([task])


@pytest.fixture
def redis(pool: RedisPool) -> Redis:
    return Redis(connection_pool=pool)


@pytest.fixture
async def events(pool: RedisPool) -> AsyncGenerator[Events]:
    async with serving(pool) as opened:
        yield opened


@pytest.fixture
def run_id() -> UUID:
    return uuid4()


@pytest.fixture
async def wire(redis_url: str) -> AsyncGenerator[Wire]:
    wire = Wire(Path(unquote(urlsplit(redis_url).path)))
    await wire.mend()
    yield wire
    await wire.cut()


@pytest.fixture
async def far(redis_url: str, wire: Wire) -> AsyncGenerator[Events]:
    """Tells and reads by a wire that can be cut."""
    url = f"redis://127.0.0.1:{wire.port}/{redis_url.partition('?db=')[2]}"
    async with open_redis(RedisSettings(url=SecretStr(url))) as pool, serving(pool) as opened:
        yield opened


async def tell(events: Events, run_id: UUID, *numbers: int) -> None:
    for number in numbers:
        events.tell(run_id, stage(number))
    await events.all_told(within_s=LIMIT_S)


async def read_all(events: Events, run_id: UUID, after: str | None = None) -> list[Event]:
    found: list[Event] = []
    while batch := await events.read(run_id, after, within_s=0):
        found += batch
        after = batch[-1].id
    return found


async def waiting(redis: Redis, count: int) -> None:
    """Until Redis has so many connections of this test that wait for an event."""
    number = cast("int", redis.connection_pool.connection_kwargs["db"])
    async with asyncio.timeout(LIMIT_S):
        while True:
            clients = cast("list[dict[str, str]]", await redis.client_list())  # pyright: ignore[reportUnknownMemberType] - typed loosely
            ours = (client for client in clients if client["db"] == str(number))
            if sum(client["cmd"] == "xread" for client in ours) == count:
                return
            await asyncio.sleep(0.01)


async def test_what_is_told_is_read_in_order_by_run_and_expires(
    events: Events, redis: Redis, run_id: UUID
) -> None:
    other = uuid4()
    told = [
        StageEvent(stage="extract", status="running", attempt=2),
        StageEvent(stage="embed", status="partial", attempt=2, code="EMBEDDING_TIMEOUT"),
        RunEvent(status="succeeded", attempt=2, ended=True),
    ]
    for each in told[:2]:
        events.tell(run_id, each)
    await tell(events, other, 7)
    events.run_changed(run_id, "succeeded", attempt=2, ended=True)
    await events.all_told()

    assert [event.told for event in await read_all(events, run_id)] == told
    assert stages(await read_all(events, other)) == [7]
    for key in await redis.keys("*"):  # pyright: ignore[reportUnknownMemberType] - typed loosely
        assert KEPT_S - 60 < await redis.ttl(key) <= KEPT_S


async def test_a_reader_goes_on_from_any_id(events: Events, run_id: UUID) -> None:
    await tell(events, run_id, *range(5))
    first = await read_all(events, run_id)
    assert stages(await read_all(events, run_id, first[2].id)) == [3, 4]
    assert await read_all(events, run_id, first[4].id) == []


async def test_a_waiting_reader_has_an_event_at_once(
    events: Events, redis: Redis, run_id: UUID
) -> None:
    reading = asyncio.create_task(events.read(run_id, None, within_s=HOUR_S))
    await waiting(redis, 1)
    events.tell(run_id, stage(1))
    async with asyncio.timeout(LIMIT_S):
        assert stages(await reading) == [1]


async def test_a_stream_is_trimmed_and_a_reader_from_before_is_told_of_the_gap(
    events: Events, redis: Redis, run_id: UUID
) -> None:
    await tell(events, run_id, 0)
    (first,) = await read_all(events, run_id)
    await tell(events, run_id, *range(1, 3_000))
    length: int = await redis.xlen(f"naru:events:{run_id}")
    assert KEPT_EVENTS <= length <= KEPT_EVENTS + 100

    found = await read_all(events, run_id, first.id)
    assert found[0] == Event(first.id, GAP)
    assert stages(found) == list(range(3_000 - length, 3_000))
    assert [event.told for event in found].count(GAP) == 1
    assert GAP not in [event.told for event in await read_all(events, run_id)]


async def test_a_redis_that_lost_everything_is_a_gap_for_who_reads_on(
    events: Events, redis: Redis, run_id: UUID
) -> None:
    await tell(events, run_id, 1)
    (first,) = await read_all(events, run_id)
    reading = asyncio.create_task(events.read(run_id, first.id, within_s=HOUR_S))
    await waiting(redis, 1)
    await redis.flushdb()  # pyright: ignore[reportUnknownMemberType] - typed loosely
    await tell(events, run_id, 2)
    async with asyncio.timeout(LIMIT_S):
        found = await reading
    assert found[0] == Event(first.id, GAP)
    assert stages(found) == [2]


async def test_a_slow_reader_gets_it_piece_by_piece(events: Events, run_id: UUID) -> None:
    await tell(events, run_id, *range(1_000))
    first = await events.read(run_id, None, within_s=1)
    assert stages(first) == list(range(100))
    await tell(events, run_id, 1_000)
    assert stages(await read_all(events, run_id, first[-1].id)) == list(range(100, 1_001))


async def test_a_reader_that_is_cancelled_leaves_no_connection_that_waits(
    events: Events, redis: Redis, run_id: UUID
) -> None:
    readers = [asyncio.create_task(events.read(run_id, None, within_s=HOUR_S)) for _ in range(20)]
    await waiting(redis, 20)
    for reader in readers:
        reader.cancel()
    await asyncio.wait(readers)
    await waiting(redis, 0)


async def test_what_is_told_without_redis_is_there_once_it_is_back(
    events: Events, far: Events, wire: Wire, run_id: UUID
) -> None:
    await wire.cut()
    far.tell(run_id, stage(1))
    await far.all_told(within_s=0.05)
    far.tell(run_id, stage(2))
    assert await far.read(run_id, None, within_s=0.01) == []
    assert await read_all(events, run_id) == []

    await wire.mend()
    await far.all_told(within_s=LIMIT_S)
    assert stages(await read_all(events, run_id)) == [1, 2]
    assert stages(await far.read(run_id, None, within_s=LIMIT_S)) == [1, 2]


async def test_too_long_without_redis_the_oldest_are_dropped_and_show_as_a_gap(
    events: Events, far: Events, wire: Wire, run_id: UUID
) -> None:
    others = [uuid4() for _ in range(100)]
    await wire.cut()
    far.tell(run_id, stage(1))
    for number in range(10_000):
        far.tell(others[number % 100], stage(number))
    far.tell(others[0], stage(10_000))
    await wire.mend()
    await far.all_told(within_s=LIMIT_S)
    assert [event.told for event in await read_all(events, run_id)] == [GAP]
    assert [event.told for event in await read_all(events, others[0])][:2] == [GAP, stage(100)]
    assert stages(await read_all(events, others[50])) == list(range(50, 10_000, 100))


async def test_a_connection_that_dies_without_a_word_is_replaced(
    events: Events, far: Events, wire: Wire, run_id: UUID
) -> None:
    await tell(far, run_id, 0)
    wire.stall()
    await tell(far, run_id, 1)
    # The first try may have arrived: then the event is there twice.
    assert sorted(set(stages(await read_all(events, run_id)))) == [0, 1]


async def test_what_redis_refuses_is_a_gap_and_ends_nothing(
    events: Events, redis: Redis, run_id: UUID
) -> None:
    await redis.set(f"naru:events:{run_id}", "somebody else's")
    await tell(events, run_id, 1)
    await redis.delete(f"naru:events:{run_id}")
    await tell(events, run_id, 2)
    assert [event.told for event in await read_all(events, run_id)] == [GAP, stage(2)]


async def test_what_a_newer_program_tells_is_a_gap(
    events: Events, redis: Redis, run_id: UUID
) -> None:
    for told in (b'{"kind": "dream"}', b"\xff", b"[]", b'{"kind": "stage"}'):
        await redis.xadd(f"naru:events:{run_id}", {"told": told})
    await redis.xadd(f"naru:events:{run_id}", {"said": "x"})
    await tell(events, run_id, 1)
    found = [event.told for event in await read_all(events, run_id)]
    assert found == [GAP] * 5 + [stage(1)]


async def test_tokens_are_sealed_and_open_only_in_their_place(
    events: Events, redis: Redis, run_id: UUID
) -> None:
    key, _ = new_data_key(Keyring.of("5e" * 32), TenantId(uuid4()))
    events.tell(run_id, seal_token(key, run_id, 1, SECRET))
    await events.all_told()

    raw = cast(
        "list[tuple[bytes, dict[bytes, bytes]]]", await redis.xrange(f"naru:events:{run_id}")
    )
    assert SECRET.encode() not in raw[0][1][b"told"]
    (event,) = await read_all(events, run_id)
    token = event.told
    assert isinstance(token, TokenEvent)
    assert open_token(key, run_id, token) == SECRET
    for elsewhere, moved in (
        (uuid4(), token),
        (run_id, token.model_copy(update={"number": 2})),
    ):
        with pytest.raises(PermanentError) as refused:
            open_token(key, elsewhere, moved)
        assert refused.value.code is ErrorCode.ENCRYPTION_ERROR


@pytest.mark.parametrize(
    "given", ["", "0", "-", "1-", "x-1", "1-1-1", "1-1\n", "99999999999999999999-0"]
)
def test_what_cannot_be_an_id_is_refused(given: str) -> None:
    with pytest.raises(PermanentError) as refused:
        check_position(given)
    assert refused.value.code is ErrorCode.VALIDATION_ERROR


async def test_an_id_from_the_far_future_is_one_that_nothing_follows(
    events: Events, run_id: UUID
) -> None:
    await tell(events, run_id, 1)
    last = check_position("9999999999999999999-9999999999999999999")
    assert await events.read(run_id, last, within_s=0) == []


async def test_many_events_take_few_calls(events: Events) -> None:
    run_ids = [uuid4() for _ in range(4)]
    for number in range(2_000):
        events.tell(run_ids[number % 4], stage(number))
    await events.all_told(within_s=LIMIT_S)
    found = [event for run_id in run_ids for event in await read_all(events, run_id)]
    assert len(found) == 2_000
    # All that one call adds has the same time in its ids.
    assert len({event.id.partition("-")[0] for event in found}) <= 4


def test_nobody_may_be_told(run_id: UUID) -> None:
    tell_nobody(run_id, GAP)
