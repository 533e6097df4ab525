"""The embedded servers as the service uses them: real binaries, real kills."""

import asyncio
import os
import stat
import tempfile
from contextlib import suppress
from pathlib import Path

import pytest
from pydantic import SecretStr
from redis.exceptions import RedisError
from sqlalchemy.exc import DBAPIError

from app.embedded import embedded_servers, owner
from app.errors import ErrorCode, RetryableError
from app.settings import InvalidSettings, Settings
from app.settings.groups import RedisSettings
from tests.embedded.conftest import (
    Hold,
    RedisCommand,
    SettingsFor,
    Sql,
    begin_to_hold,
    gone,
    kill_server,
    servers_of,
)


async def test_a_second_start_finds_the_data_of_the_first(
    settings: Settings, sql: Sql, redis: RedisCommand
) -> None:
    async with embedded_servers(settings) as first:
        await sql(first, "CREATE TABLE kept AS SELECT '[1,2]'::vector AS place")
        await redis(first, "SET", "kept", "yes", db=255)

    assert servers_of(settings.data.folder) == {}
    assert owner(settings.data.folder) is None

    async with embedded_servers(settings) as second:
        assert await sql(second, "SELECT place <-> '[1,3]' FROM kept") == 1.0
        assert await redis(second, "GET", "kept", db=255) == "yes"


async def test_nothing_is_started_for_urls_that_are_set(without_postgres: Settings) -> None:
    given = RedisSettings(url=SecretStr("redis://redis.example.com"))
    both = without_postgres.model_copy(update={"redis": given})

    async with embedded_servers(both) as ready:
        assert ready == both
    assert not both.data.folder.exists()


async def test_only_what_has_no_url_is_started(
    without_postgres: Settings, redis: RedisCommand
) -> None:
    async with embedded_servers(without_postgres) as ready:
        assert ready.database == without_postgres.database
        assert await redis(ready, "PING")
        assert set(servers_of(ready.data.folder).values()) == {"valkey-server"}


async def test_another_process_uses_the_servers_of_the_owner(
    used: Settings, hold: Hold, sql: Sql, redis: RedisCommand
) -> None:
    async with hold(used.data.folder) as other:
        before = servers_of(used.data.folder)
        async with embedded_servers(used) as ready:
            assert ready.database.url == SecretStr(other.urls[0])
            assert ready.redis.url == SecretStr(other.urls[1])
            assert await redis(ready, "PING")
            assert await sql(ready, "SELECT 1") == 1
        assert owner(used.data.folder) == other.process.pid
        assert before.items() <= servers_of(used.data.folder).items()


async def test_processes_that_start_together_share_one_set_of_servers(
    settings: Settings, hold: Hold
) -> None:
    folder = settings.data.folder
    async with hold(folder) as first, hold(folder) as second, hold(folder) as third:
        assert first.urls == second.urls == third.urls
        pids = {other.process.pid for other in (first, second, third)}
        assert owner(folder) in pids
        assert list(servers_of(folder).values()).count("valkey-server") == 1


async def test_an_owner_that_runs_less_is_not_joined(
    settings: Settings, without_postgres: Settings
) -> None:
    async with embedded_servers(without_postgres):
        with pytest.raises(InvalidSettings, match="runs no postgres"):
            async with embedded_servers(settings):
                pass


async def test_a_killed_owner_takes_its_servers_along_and_loses_no_commit(
    used: Settings, hold: Hold, sql: Sql
) -> None:
    async with hold(used.data.folder) as other:
        async with embedded_servers(used) as joined:
            await sql(joined, "CREATE TABLE kept AS SELECT 42 AS answer")
        await other.kill()

        async with embedded_servers(used) as taken_over:  # at once: the old ones still die
            assert await sql(taken_over, "SELECT answer FROM kept") == 42
        assert await gone(used.data.folder)


async def test_servers_are_gone_soon_after_their_owner_was_killed(
    used: Settings, hold: Hold
) -> None:
    async with hold(used.data.folder) as other:
        assert set(servers_of(used.data.folder).values()) == {"postgres", "valkey-server"}
        await other.kill()
        assert await gone(used.data.folder)
        assert owner(used.data.folder) is None


async def test_a_start_that_was_killed_while_it_made_the_cluster_is_done_over(
    settings: Settings, sql: Sql
) -> None:
    folder = settings.data.folder
    killed = await begin_to_hold(folder)
    while not (folder / "postgres.new" / "PG_VERSION").exists():
        await asyncio.sleep(0.005)
    killed.kill()
    await killed.wait()
    assert not (folder / "postgres").exists()

    async with embedded_servers(settings) as ready:
        assert await sql(ready, "SELECT 1") == 1
    assert not (folder / "postgres.new").exists()


async def test_servers_that_die_are_started_again(
    used: Settings, sql: Sql, redis: RedisCommand
) -> None:
    async with embedded_servers(used) as ready:
        await sql(ready, "CREATE TABLE kept AS SELECT 42 AS answer")
        kill_server(used.data.folder, "postgres")
        kill_server(used.data.folder, "valkey-server")

        answers: list[object] = []
        async with asyncio.timeout(10):
            while len(answers) < 2:
                await asyncio.sleep(0.05)
                with suppress(OSError, RedisError, DBAPIError):
                    answers = [
                        await sql(ready, "SELECT answer FROM kept"),
                        await redis(ready, "PING"),
                    ]
        assert answers == [42, True]


async def test_the_body_ends_with_an_error_when_a_server_cannot_be_restarted(
    used: Settings,
) -> None:
    async def body() -> None:
        async with embedded_servers(used):
            with (used.data.folder / "postgres" / "postgresql.conf").open("a") as configuration:
                configuration.write("no such setting\n")
            kill_server(used.data.folder, "postgres")
            await asyncio.sleep(30)
            pytest.fail("the body went on")

    with pytest.raises(RetryableError) as failure:
        await body()

    assert failure.value.code is ErrorCode.DB_CONNECTION
    assert failure.value.details["server"] == "postgres"
    task = asyncio.current_task()
    assert task
    assert not task.cancelling()
    assert servers_of(used.data.folder) == {}


async def test_what_the_body_raises_comes_out_as_it_is(without_postgres: Settings) -> None:
    with pytest.raises(KeyError, match="mine"):
        async with embedded_servers(without_postgres):
            raise KeyError("mine")
    assert servers_of(without_postgres.data.folder) == {}


async def test_a_folder_may_have_any_name(
    settings_for: SettingsFor, sql: Sql, redis: RedisCommand
) -> None:
    with tempfile.TemporaryDirectory(prefix="naru") as short:
        async with embedded_servers(settings_for(Path(short) / "한글 ?=&+%20#'\"")) as ready:
            assert await redis(ready, "PING")
            assert "한글" in str(await sql(ready, "SHOW unix_socket_directories"))


@pytest.mark.parametrize("name", ["d" * 120, "one, two"])
async def test_a_folder_too_deep_for_sockets_has_them_elsewhere_while_it_is_in_use(
    settings_for: SettingsFor, sql: Sql, redis: RedisCommand, tmp_path: Path, name: str
) -> None:
    async with embedded_servers(settings_for(tmp_path / name)) as ready:
        assert await redis(ready, "PING")
        assert await sql(ready, "SELECT 1") == 1
        sockets = Path(str(await sql(ready, "SHOW unix_socket_directories")).strip('"'))
        assert not sockets.is_relative_to(tmp_path)
        assert is_private(sockets)
    assert not is_private(sockets)


def is_private(folder: Path) -> bool:
    if not folder.exists():
        return False
    found = folder.stat()
    return (found.st_uid, stat.S_IMODE(found.st_mode)) == (os.geteuid(), 0o700)


async def test_a_folder_that_cannot_be_made_is_a_clear_error(
    settings_for: SettingsFor, tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(InvalidSettings, match=r"DATA__FOLDER: .*file/data cannot be used"):
        async with embedded_servers(settings_for(tmp_path / "file" / "data")):
            pass
