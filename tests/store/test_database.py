import asyncio
import socket
from collections.abc import AsyncGenerator

import pytest
from pydantic import SecretStr
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from app.errors import ErrorCode, RetryableError
from app.settings import InvalidSettings
from app.settings.groups import DatabaseSettings
from app.store.database import Database, open_database
from app.store.keepalive import KEEPALIVE
from tests.fakes.wire import Wires, wires_to

_FIELDS = b"SFATAL\0VFATAL\0C57P01\0Mterminating connection\0\0"
_TERMINATED = b"E" + (len(_FIELDS) + 4).to_bytes(4, "big") + _FIELDS
"""What PostgreSQL says on a connection that `pg_terminate_backend` ends."""


@pytest.fixture
async def wires(database_url: str, redis_url: str) -> AsyncGenerator[Wires]:
    async with wires_to(database_url, redis_url) as wires:
        yield wires


@pytest.fixture
async def by_tcp(wires: Wires) -> AsyncGenerator[Database]:
    """The database over a wire that can go silent."""
    async with open_database(DatabaseSettings(url=SecretStr(wires.database_url))) as database:
        yield database


async def test_a_transaction_commits_at_its_end_and_not_after_an_error(database: Database) -> None:
    async with database.begin() as session:
        await session.execute(text("CREATE TABLE t (n int PRIMARY KEY)"))
        await session.execute(text("INSERT INTO t VALUES (1)"))
    with pytest.raises(ZeroDivisionError):
        async with database.begin() as session:
            await session.execute(text("INSERT INTO t VALUES (2)"))
            raise ZeroDivisionError
    async with database.begin() as session:
        assert (await session.scalars(text("SELECT n FROM t"))).all() == [1]


async def test_a_server_that_is_away_is_a_code_that_says_try_again() -> None:
    url = SecretStr("postgresql://nobody@127.0.0.1:1/none")
    async with open_database(DatabaseSettings(url=url)) as database:
        with pytest.raises(RetryableError) as raised:
            await database.ping()
    assert raised.value.code is ErrorCode.DB_CONNECTION


@pytest.mark.parametrize(
    "url", ["postgresql://h:canary/db", "postgresql://u:pass:w@rd:canary@h/db"]
)
async def test_a_url_that_cannot_be_read_is_refused_and_not_quoted(url: str) -> None:
    with pytest.raises(InvalidSettings, match=r"^DATABASE__URL: ") as raised:
        async with open_database(DatabaseSettings(url=SecretStr(url))):
            pass
    assert "canary" not in str(raised.value)


async def test_a_connection_that_the_server_ends_is_the_same_code_and_the_next_one_works(
    database: Database,
) -> None:
    with pytest.raises(RetryableError) as raised:
        async with database.begin() as session:
            await session.execute(text("SELECT pg_terminate_backend(pg_backend_pid())"))
    assert raised.value.code is ErrorCode.DB_CONNECTION
    await database.ping()


async def test_the_victim_of_a_deadlock_may_try_again(database: Database) -> None:
    async with database.begin() as session:
        await session.execute(text("CREATE TABLE t (n int PRIMARY KEY)"))
        await session.execute(text("INSERT INTO t VALUES (1), (2)"))
    lock = text("SELECT n FROM t WHERE n = :n FOR UPDATE")
    both = asyncio.Barrier(2)
    victims: list[ErrorCode] = []

    async def cross(first: int, second: int) -> None:
        try:
            async with database.begin() as session:
                await session.execute(text("SET LOCAL deadlock_timeout = '10ms'"))
                await session.execute(lock, {"n": first})
                await both.wait()
                await session.execute(lock, {"n": second})
        except RetryableError as error:
            victims.append(error.code)

    async with asyncio.TaskGroup() as group:
        group.create_task(cross(1, 2))
        group.create_task(cross(2, 1))
    assert victims == [ErrorCode.DB_CONNECTION]


async def test_a_bug_stays_a_bug_and_does_not_quote_values(database: Database) -> None:
    async with database.begin() as session:
        await session.execute(text("CREATE TABLE t (n text PRIMARY KEY)"))
    insert = text("INSERT INTO t VALUES (:name)")
    with pytest.raises(IntegrityError) as raised:
        async with database.begin() as session:
            await session.execute(insert, {"name": "canary"})
            await session.execute(insert, {"name": "canary"})
    assert "[SQL parameters hidden" in str(raised.value)


async def test_a_dead_client_lets_go_of_its_locks(database: Database) -> None:
    """Else a run that a killed worker had locked could be taken over by nobody."""
    async with database.begin() as session:
        interval = await session.scalar(text("SHOW client_connection_check_interval"))
        idle = await session.scalar(text("SHOW idle_in_transaction_session_timeout"))
    assert (interval, idle) == ("1s", "1min")


@pytest.mark.parametrize("idle_s", [0.1, 1.2])
async def test_a_connection_that_died_in_the_pool_is_not_handed_out(
    database: Database, database_url: str, idle_s: float
) -> None:
    """One that was used a moment ago is known to be closed, one that lay for longer is asked."""
    settings = DatabaseSettings.model_validate({"url": database_url})
    async with open_database(settings) as elsewhere:
        for each in (database.begin, database.autocommit):
            async with each() as session:
                pid = await session.scalar(text("SELECT pg_backend_pid()"))
            async with elsewhere.autocommit() as connection:
                ended = text("SELECT pg_terminate_backend(:pid, 10000)")
                assert await connection.scalar(ended, {"pid": pid})
            await asyncio.sleep(idle_s)
            await database.ping()


async def test_a_connection_whose_end_is_announced_and_not_there_yet_is_replaced(
    by_tcp: Database, wires: Wires
) -> None:
    """A backend that is ended says so, and closes its socket a moment later."""
    for each in (by_tcp.begin, by_tcp.autocommit):
        await by_tcp.ping()
        wires.database.say(_TERMINATED)
        await asyncio.sleep(1.2)  # used a moment ago, it would not be asked
        async with each() as session:
            assert await session.scalar(text("SELECT 1")) == 1
        wires.database.say(_TERMINATED)
        await asyncio.sleep(0.1)
        with pytest.raises(RetryableError) as raised:
            async with each() as session:
                await session.scalar(text("SELECT 1"))
        assert raised.value.code is ErrorCode.DB_CONNECTION


async def test_a_connection_that_went_silent_in_the_pool_is_replaced(
    by_tcp: Database, wires: Wires
) -> None:
    await by_tcp.ping()
    wires.database.stall()
    await asyncio.sleep(1.2)  # used a moment ago, it would not be asked
    for each in (by_tcp.begin, by_tcp.autocommit):
        async with each() as session:
            assert await session.scalar(text("SELECT 1")) == 1


async def test_a_ping_does_not_wait_for_a_connection_that_has_just_gone_silent(
    by_tcp: Database, wires: Wires
) -> None:
    await by_tcp.ping()
    wires.database.stall()
    with pytest.raises(RetryableError) as raised:
        await by_tcp.ping(within_s=0.2)
    assert raised.value.code is ErrorCode.DB_CONNECTION


async def test_the_kernel_is_told_to_end_a_connection_whose_other_side_has_vanished(
    by_tcp: Database,
) -> None:
    async with by_tcp.autocommit() as connection:
        driver = (await connection.get_raw_connection()).driver_connection
        assert driver is not None
        wire: socket.socket = driver._transport.get_extra_info("socket")
        assert wire.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
        asked = {option: wire.getsockopt(socket.IPPROTO_TCP, option) for option in KEEPALIVE}
    assert asked == KEEPALIVE


async def test_a_statement_alone_commits_by_itself(database: Database) -> None:
    async with database.autocommit() as connection:
        await connection.execute(text("CREATE TABLE t (n int PRIMARY KEY)"))
        await connection.execute(text("INSERT INTO t VALUES (1)"))
        with pytest.raises(IntegrityError):
            await connection.execute(text("INSERT INTO t VALUES (1)"))
    async with database.begin() as session:
        assert (await session.scalars(text("SELECT n FROM t"))).all() == [1]
    with pytest.raises(ZeroDivisionError):
        async with database.begin() as session:  # of the same pool, and still a transaction
            await session.execute(text("INSERT INTO t VALUES (2)"))
            raise ZeroDivisionError
    async with database.autocommit() as connection:
        assert (await connection.scalars(text("SELECT n FROM t"))).all() == [1]
