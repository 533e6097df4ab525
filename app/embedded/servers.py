"""The way in: settings whose URLs are set, whatever it takes."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Collection, Coroutine, Mapping
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import IO

from pydantic import SecretStr

from app.embedded import ownership, postgres, valkey
from app.embedded.ownership import Layout
from app.embedded.process import POLL_S, READY_WITHIN_S, Server
from app.errors import ErrorCode, RetryableError
from app.messages import Message
from app.settings import InvalidSettings, Settings
from app.telemetry.logs import get_logger

JOIN_WITHIN_S = READY_WITHIN_S + 10

log = get_logger(__name__)


@asynccontextmanager
async def embedded_servers(settings: Settings) -> AsyncGenerator[Settings]:
    """Give settings with `database.url` and `redis.url`; start servers for those not set.

    They are gone at the end, and also when this process is killed. One process owns the servers
    of a data folder; others use them for as long as that one lives. When a server dies and cannot
    be restarted, the body is cancelled and DB_CONNECTION is raised. Raises InvalidSettings when
    there is nothing to start or the folder cannot be used.
    """
    urls = {postgres.NAME: settings.database.url, valkey.NAME: settings.redis.url}
    wanted = {name for name, url in urls.items() if url is None}
    if not wanted:
        yield settings
        return
    layout = await asyncio.to_thread(_open_folder, settings.data.folder)
    claim, layout = await _claim_or_join(layout, wanted)
    if claim is None:
        yield _with_urls(settings, layout, wanted)
        return
    with claim:
        async with _running(layout, wanted):
            await asyncio.to_thread(ownership.publish, claim, layout.sockets, wanted)
            try:
                yield _with_urls(settings, layout, wanted)
            finally:  # so that nobody joins servers that are about to stop
                await asyncio.to_thread(ownership.publish, claim, layout.sockets, ())


def _open_folder(folder: Path) -> Layout:
    try:
        layout = ownership.layout_of(folder)
        ownership.make_folders(layout)
    except OSError as error:
        raise _unusable(folder, error) from None
    return layout


def _unusable(folder: Path, error: OSError) -> InvalidSettings:
    return InvalidSettings([f"DATA__FOLDER: {folder} cannot be used: {error.strerror or error}"])


async def _claim_or_join(
    layout: Layout, wanted: Collection[str]
) -> tuple[IO[bytes] | None, Layout]:
    """Claim the folder; or return None, and where the servers of its owner answer."""
    owner: ownership.Owner | None = None
    try:
        async with asyncio.timeout(JOIN_WITHIN_S):
            while (claim := await asyncio.to_thread(_claim, layout)) is None:
                owner = await asyncio.to_thread(ownership.current_owner, layout.folder)
                if owner and owner.servers:
                    joined = Layout(layout.folder, owner.sockets)
                    _check_that_it_runs(owner, wanted)
                    # The same owner before and after: what a killed one left written is not taken.
                    if await _answer(joined, wanted) and owner == await asyncio.to_thread(
                        ownership.current_owner, layout.folder
                    ):
                        return None, joined
                await asyncio.sleep(POLL_S)
    except TimeoutError:
        raise RetryableError(
            ErrorCode.DB_CONNECTION,
            Message.EMBEDDED_OWNER_SILENT,
            details={"pid": owner.pid if owner else "?", "seconds": JOIN_WITHIN_S},
        ) from None
    return claim, layout


def _claim(layout: Layout) -> IO[bytes] | None:
    try:
        return ownership.claim(layout)
    except OSError as error:
        raise _unusable(layout.folder, error) from None


def _check_that_it_runs(owner: ownership.Owner, wanted: Collection[str]) -> None:
    if missing := set(wanted) - set(owner.servers):
        names = " and no ".join(sorted(missing))
        raise InvalidSettings(
            [
                (
                    f"DATA__FOLDER: process {owner.pid} owns it and runs no {names}. "
                    "Set the same URLs as there, or another data folder"
                )
            ]
        )


async def _answer(layout: Layout, wanted: Collection[str]) -> bool:
    answers = {postgres.NAME: postgres.answers, valkey.NAME: valkey.answers}
    return all([await answers[name](layout) for name in wanted])


@asynccontextmanager
async def _running(layout: Layout, wanted: Collection[str]) -> AsyncGenerator[None]:
    """Keep them running; cancel the body, and raise in its place, when that fails."""
    servers: list[Server] = []
    keepers: list[asyncio.Task[None]] = []
    losses: list[BaseException] = []
    body = asyncio.current_task()

    def lost(keeper: asyncio.Task[None]) -> None:
        if not keeper.cancelled() and (loss := keeper.exception()) and body:
            losses.append(loss)
            body.cancel()

    try:
        await _start(layout, wanted, servers)
        for server in servers:
            # Not in a TaskGroup: it would wrap whatever the body raises in an ExceptionGroup.
            keepers.append(keeper := asyncio.create_task(server.keep_running()))
            keeper.add_done_callback(lost)
        yield
    except asyncio.CancelledError:
        if losses and body:
            body.uncancel()
            raise losses[0] from None
        raise
    finally:
        for keeper in keepers:
            keeper.cancel()
        if keepers:
            await asyncio.wait(keepers)
        async with asyncio.TaskGroup() as group:
            for server in servers:
                group.create_task(server.stop())
        await asyncio.to_thread(ownership.remove_sockets, layout)


async def _start(layout: Layout, wanted: Collection[str], servers: list[Server]) -> None:
    """Start all at once. What was begun is in `servers`, also when it fails."""
    starts: Mapping[str, Callable[[Layout, list[Server]], Coroutine[None, None, None]]] = {
        postgres.NAME: _start_postgres,
        valkey.NAME: _start_valkey,
    }
    try:
        async with asyncio.TaskGroup() as group:
            for name in wanted:
                group.create_task(starts[name](layout, servers))
    except BaseExceptionGroup as failures:
        first = failures.exceptions[0]
        raise _unusable(layout.folder, first) if isinstance(first, OSError) else first from None
    log.info("embedded_servers_ready", servers=sorted(wanted), folder=str(layout.folder))


async def _start_postgres(layout: Layout, servers: list[Server]) -> None:
    program = await postgres.program(layout)
    servers.append(server := Server(program, partial(postgres.answers, layout)))
    await server.start()
    await postgres.prepare(layout)


async def _start_valkey(layout: Layout, servers: list[Server]) -> None:
    program = await asyncio.to_thread(valkey.program, layout)
    servers.append(server := Server(program, partial(valkey.answers, layout)))
    await server.start()


def _with_urls(settings: Settings, layout: Layout, wanted: Collection[str]) -> Settings:
    database, redis = settings.database, settings.redis
    if postgres.NAME in wanted:
        database = database.model_copy(update={"url": SecretStr(postgres.url_of(layout))})
    if valkey.NAME in wanted:
        redis = redis.model_copy(update={"url": SecretStr(valkey.url_of(layout))})
    return settings.model_copy(update={"database": database, "redis": redis})
