"""One supervised child, played by small shell programs."""

import asyncio
import signal
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from app.embedded import process
from app.embedded.process import Program, Server
from app.errors import RetryableError
from tests.embedded.conftest import gone

Shell = Callable[..., Program]


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    """A program made of shell commands, in a folder of its own."""
    (tmp_path / "work").mkdir()

    def build(*commands: str, stop_signals: tuple[signal.Signals, ...] = (signal.SIGTERM,)) -> Program:  # fmt: skip
        return Program(
            name="toy",
            command=("/bin/sh", "-c", "\n".join(commands)),
            folder=tmp_path / "work",
            log=tmp_path / "toy.log",
            lock=tmp_path / "toy.lock",
            stop_signals=stop_signals,
        )

    return build


def file_exists(path: Path) -> Callable[[], Awaitable[bool]]:
    async def ready() -> bool:
        return await asyncio.to_thread(path.exists)

    return ready


async def test_a_start_ends_when_the_server_answers(shell: Shell) -> None:
    program = shell("sleep 0.1; touch up; exec sleep 60")
    server = Server(program, file_exists(program.folder / "up"))

    await server.start()

    assert (program.folder / "up").exists()
    await server.stop()
    assert await gone(program.folder)


async def test_a_server_that_ends_at_once_is_an_error_that_names_its_log(shell: Shell) -> None:
    program = shell("echo no room for me; exit 3")
    server = Server(program, file_exists(program.folder / "up"))

    with pytest.raises(RetryableError, match=r"toy does not run.*toy\.log"):
        await server.start()
    assert program.log.read_text() == "no room for me\n"


async def test_a_server_that_dies_again_and_again_is_given_up(
    shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(process, "FIRST_RESTART_AFTER_S", 0.001)
    program = shell("echo start; touch up; sleep 0.05")
    server = Server(program, file_exists(program.folder / "up"))
    await server.start()

    with pytest.raises(RetryableError, match="toy does not run"):
        await server.keep_running()
    assert program.log.read_text().count("start") == 1 + process.MAX_RESTARTS


async def test_a_server_deaf_to_polite_signals_is_killed_with_its_children(
    shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(process, "STOP_WITHIN_S", 0.2)
    program = shell(
        "trap '' INT QUIT; sleep 60 & touch up; wait; sleep 60",
        stop_signals=(signal.SIGINT, signal.SIGQUIT),
    )
    server = Server(program, file_exists(program.folder / "up"))
    await server.start()

    await server.stop()

    assert await gone(program.folder)


async def test_a_start_waits_for_what_an_earlier_start_left_behind(
    shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    orphan_maker = await process.spawn(shell("sleep 0.3 & touch left; exit 0"))
    await orphan_maker.wait()
    program = shell("touch up; exec sleep 60")
    server = Server(program, file_exists(program.folder / "up"))

    monkeypatch.setattr(process, "PREDECESSOR_GONE_WITHIN_S", 0.05)
    with pytest.raises(RetryableError, match="toy of an earlier start is still running"):
        await server.start()
    monkeypatch.setattr(process, "PREDECESSOR_GONE_WITHIN_S", 10)
    await server.start()
    await server.stop()


async def test_the_environment_of_the_service_is_not_handed_on(
    shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PGDATA", "/elsewhere")
    monkeypatch.setenv("ENCRYPTION_KEY", "secret")
    child = await process.spawn(shell("env"))
    await child.wait()
    log = shell().log.read_text()
    assert "LC_ALL=C.UTF-8" in log
    assert "PGDATA" not in log
    assert "secret" not in log


async def test_a_long_log_makes_room(shell: Shell) -> None:
    program = shell("echo new")
    program.log.write_bytes(b"x" * (process.MAX_LOG_BYTES + 1))
    await (await process.spawn(program)).wait()
    assert program.log.read_text() == "new\n"
    assert program.log.with_suffix(".log.1").stat().st_size > process.MAX_LOG_BYTES


async def test_output_of_a_command_that_fails_is_none(shell: Shell) -> None:
    assert await process.output_of(shell("echo 18.6")) == "18.6\n"
    assert await process.output_of(shell("echo 18.6; exit 1")) is None


def test_a_program_of_a_wheel_that_is_not_installed_is_none() -> None:
    assert process.in_wheel("no_such_wheel", "*") is None
    assert "redis" not in sys.modules or process.in_wheel("redis", "no-such-file") is None
