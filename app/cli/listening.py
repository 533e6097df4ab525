"""The API on a port of this process, with a worker beside it or without."""

import asyncio
import contextlib
import socket
import sys
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager

import uvicorn

from app.api.app import create_app
from app.bootstrap import Runtime, api_key_path
from app.cli.serving import connected, stop_signals
from app.jobs import worker
from app.queue.inspection import watch
from app.settings import InvalidSettings, Settings

_LISTEN_BACKLOG = 128


def listen(settings: Settings, port: int | None) -> socket.socket:
    """A listening socket.

    A port that was asked for and is taken stops the start. The default one gives way to any free
    port in development; the URL that is printed says so.
    """
    asked = settings.api.port if port is None else port
    try:
        return _bind(settings.api.host, asked)
    except OSError as error:
        if port is None and settings.env == "development":
            return _bind(settings.api.host, 0)
        raise InvalidSettings(
            [f"API__PORT: cannot listen on {settings.api.host}:{asked} ({error.strerror})"]
        ) from None


def url_of(listening: socket.socket) -> str:
    host, port = listening.getsockname()[:2]
    return f"http://{host}:{port}"


@asynccontextmanager
async def api_server(runtime: Runtime, listening: socket.socket) -> AsyncGenerator[None]:
    """The API on `listening` while the block lasts; open requests get 5 s at the end."""
    server = _Server(
        uvicorn.Config(
            create_app(runtime),
            log_config=None,
            access_log=False,
            lifespan="off",
            timeout_graceful_shutdown=5,
        )
    )
    async with asyncio.TaskGroup() as group:
        group.create_task(server.serve(sockets=[listening]))
        watching = group.create_task(watch(runtime.producer))  # for who reads /metrics
        try:
            yield
        finally:
            watching.cancel()
            server.should_exit = True


async def serve_all(settings: Settings, *, port: int | None) -> None:
    """API and worker in one process."""
    with stop_signals() as stop:
        async with connected(settings, migrate_first=True) as runtime:
            listening = listen(settings, port)
            async with api_server(runtime, listening):
                _tell(f"Naru serves at {url_of(listening)} (Ctrl-C stops it)", settings)
                await worker.serve(runtime, stop)


async def serve_api(settings: Settings, *, port: int | None) -> None:
    with stop_signals() as stop:
        async with connected(settings) as runtime:
            listening = listen(settings, port)
            async with api_server(runtime, listening):
                _tell(f"The API serves at {url_of(listening)}", settings)
                await stop.asked.wait()


def _tell(where: str, settings: Settings) -> None:
    # Not the key itself: what is written here is collected as a log.
    key = "API__KEYS" if settings.api.keys else api_key_path(settings.data.folder)
    print(f"{where}. API key: see {key}", file=sys.stderr)


class _Server(uvicorn.Server):
    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None]:
        """Signals are ours: they stop the worker too, in order."""
        yield


def _bind(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        # Inherited by connections; without it an answer's body waits 40 ms for an acknowledgement.
        listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        listening.bind((host, port))
        listening.listen(_LISTEN_BACKLOG)
    except OSError:
        listening.close()
        raise
    return listening
