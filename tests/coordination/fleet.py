"""Processes of one installation, all in the test's loop: each has what it alone would have.

They reach their servers through wires that a test can cut.
"""

import asyncio
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import cast
from urllib.parse import unquote, urlsplit
from uuid import uuid4

import pytest
from pydantic import SecretStr
from redis.asyncio import Redis
from sqlalchemy import make_url

from app.coordination.announcements import Announcements, Message, Topic
from app.coordination.breaker_reports import read_all
from app.coordination.breakers import LOOK_EVERY_S, BreakerControl, open_breaker_control
from app.resilience.breaker import Breaker
from app.resilience.breaker_config import BreakerConfig
from app.resilience.breaker_states import Change, Mode, State, Verdict
from app.resilience.registry import Here
from app.settings.groups import DatabaseSettings, RedisSettings
from app.store.database import Database, open_database
from app.store.redis import RedisPool, open_redis
from tests.fakes.wire import Wire

CONFIG = BreakerConfig(window_calls=4, minimum_calls=4, open_s=30, open_max_s=60, half_open_calls=1)
KNOWN = ("llm", "storage")


@dataclass(frozen=True, slots=True)
class Process:
    """What one process of the fleet has, the changes of its breakers, and what it heard."""

    here: Here
    pool: RedisPool
    database: Database
    announcements: Announcements
    control: BreakerControl
    changes: list[Change] = field(default_factory=list[Change])
    heard: list[Message] = field(default_factory=list[Message])

    def breaker(self, name: str = "llm", **numbers: float) -> Breaker:
        return self.here.breaker(name, replace(CONFIG, **numbers))

    @property
    def state(self) -> State:
        """That of `llm`."""
        return self.breaker().state

    def heard_of(self, topic: Topic) -> list[Message]:
        return [message for message in self.heard if message["topic"] == topic]


def end_call(breaker: Breaker, verdict: Verdict) -> None:
    breaker.record(breaker.acquire(), verdict, 0.1)


def trip(breaker: Breaker) -> None:
    """Let calls fail until it opens."""
    while breaker.state is State.CLOSED:
        end_call(breaker, Verdict.FAILURE)


async def all_heard(teller: Process, hearer: Process) -> None:
    """Wait until all that `teller` said so far has reached `hearer`, or is lost."""
    mark = uuid4().hex
    async with asyncio.timeout(8):
        while not any(said.get("mark") == mark for said in hearer.heard):
            # Again and again: it may be that `hearer` does not listen again yet.
            teller.announcements.tell(Topic.ORDERED, {"mark": mark})
            await asyncio.sleep(0.02)


async def order(process: Process, mode: Mode, name: str = "llm") -> None:
    await process.control.set_mode(name, mode, reason="the provider is repaired", by="operator")


def logged(caplog: pytest.LogCaptureFixture, event: str) -> list[Mapping[str, object]]:
    """The lines of this name, as their fields."""
    records = [record for record in caplog.records if isinstance(record.msg, Mapping)]
    lines = [cast("Mapping[str, object]", record.msg) for record in records]
    return [line for line in lines if line["event"] == event]


async def is_shown(process: Process, reader: Process, *, within_s: float) -> None:
    """Wait until `reader` can see the present state of `llm` in `process`."""
    redis: Redis = Redis(connection_pool=reader.pool)
    wanted = process.breaker().snapshot()
    async with asyncio.timeout(within_s):
        while True:
            for report in await read_all(redis):
                if report.instance == process.announcements.instance and any(
                    shown.name == "llm" and len(shown.history) == len(wanted.history)
                    for shown in report.breakers
                ):
                    return
            await asyncio.sleep(0.01)


class Fleet:
    """Starts processes on the test's servers."""

    def __init__(self, database_url: str, redis_url: str) -> None:
        query = make_url(database_url).query
        socket = Path(cast("str", query["host"])) / f".s.PGSQL.{query['port']}"
        self.database = Wire(socket)
        self.redis = Wire(Path(unquote(urlsplit(redis_url).path)))
        self._database_url = make_url(database_url)
        self._redis_number = redis_url.partition("?db=")[2]
        self.installation = database_url

    @asynccontextmanager
    async def servers(self) -> AsyncGenerator[tuple[Database, RedisPool]]:
        """Clients of both servers, behind the wires."""
        by_tcp = self._database_url.set(host="127.0.0.1", port=self.database.port, query={})
        url = SecretStr(by_tcp.render_as_string(hide_password=False))
        redis = SecretStr(f"redis://127.0.0.1:{self.redis.port}/{self._redis_number}")
        async with (
            open_database(DatabaseSettings(url=url, connect_timeout=2)) as database,
            open_redis(RedisSettings(url=redis)) as pool,
        ):
            yield database, pool

    @asynccontextmanager
    async def process(
        self, instance: str, *, look_every_s: float = LOOK_EVERY_S, installation: str | None = None
    ) -> AsyncGenerator[Process]:
        """One more process, connected; what runs in it must not end by itself.

        In another `installation` it hears no announcements of the others.
        """
        here = Here(asyncio.get_running_loop())
        async with self.servers() as (database, pool):
            announcements = Announcements(
                pool, installation=installation or self.installation, instance=instance
            )
            async with open_breaker_control(
                database, pool, announcements, here=here, known=KNOWN
            ) as control:
                process = Process(here, pool, database, announcements, control)
                here.listen(process.changes.append)
                connected = asyncio.Event()

                async def note() -> None:
                    connected.set()

                async def hear(message: Message) -> None:
                    process.heard.append(message)

                announcements.after_connecting(note)
                for topic in Topic:
                    announcements.hear(topic, hear)
                serving = [
                    asyncio.create_task(announcements.serve()),
                    asyncio.create_task(control.serve(look_every_s=look_every_s)),
                ]
                await connected.wait()
                try:
                    yield process
                    assert [task for task in serving if task.done()] == []
                finally:
                    for task in serving:
                        task.cancel()
                    await asyncio.wait(serving)


@asynccontextmanager
async def open_fleet(database_url: str, redis_url: str) -> AsyncGenerator[Fleet]:
    """A fleet without processes yet, whose wires are whole."""
    fleet = Fleet(database_url, redis_url)
    await fleet.database.mend()
    await fleet.redis.mend()
    try:
        yield fleet
    finally:
        await fleet.database.cut()
        await fleet.redis.cut()


async def until(true: Callable[[], object], *, within_s: float) -> float:
    """Wait until it is true; returns for how many seconds. Raises TimeoutError."""
    loop = asyncio.get_running_loop()
    began_s = loop.time()
    async with asyncio.timeout(within_s):
        while not true():
            await asyncio.sleep(0.005)
    return loop.time() - began_s
