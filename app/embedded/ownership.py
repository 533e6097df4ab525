"""The data folder: what lies where, and which process owns its servers.

The owner holds `lock` for as long as it lives; the kernel frees it however it ends. In the file
stand its pid and, once the servers are ready, their URLs, which others use.
"""

import fcntl
import hashlib
import json
import os
import stat
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from app.settings import InvalidSettings

MAX_SOCKET_PATH_BYTES = 107
"""`sun_path` has 108 bytes on Linux, the last of which is a zero."""
LONGEST_SOCKET_NAME = ".s.PGSQL.5432"
MAX_LOG_BYTES = 10 * 2**20


@dataclass(frozen=True, slots=True)
class Layout:
    """Where things lie: inside `folder`, save sockets whose path is too long for the kernel."""

    folder: Path
    sockets: Path

    def data(self, server: str) -> Path:
        return self.folder / server

    def log(self, server: str) -> Path:
        return self.folder / "logs" / f"{server}.log"

    def lock(self, server: str) -> Path:
        return self.folder / f"{server}.lock"


def layout_of(folder: Path) -> Layout:
    """Blocking. The folder itself need not exist."""
    folder = folder.resolve()
    sockets = folder / "sockets"
    if not _is_usable(sockets):
        digest = hashlib.sha256(os.fsencode(folder)).hexdigest()[:16]
        sockets = Path(tempfile.gettempdir()) / f"naru-{os.geteuid()}-{digest}"
    if not _is_usable(sockets):
        raise InvalidSettings([f"TMPDIR: {sockets.parent} is too long a path for sockets"])
    return Layout(folder, sockets)


def make_folders(layout: Layout) -> None:
    """Blocking. An existing data folder keeps its mode: it may be anything the user named."""
    layout.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    (layout.folder / "logs").mkdir(mode=0o700, exist_ok=True)
    layout.sockets.mkdir(mode=0o700, exist_ok=True)
    found = layout.sockets.lstat()
    # In a shared temporary folder somebody else could have made it first.
    ours = os.geteuid() in (0, found.st_uid)
    if not (stat.S_ISDIR(found.st_mode) and ours and stat.S_IMODE(found.st_mode) == stat.S_IRWXU):
        raise InvalidSettings([f"{layout.sockets} must be a folder of this user with mode 0700"])


def remove_sockets(layout: Layout) -> None:
    """Blocking. Leaves nothing in the temporary folder."""
    if layout.sockets.parent == layout.folder or not layout.sockets.exists():
        return
    for left in layout.sockets.iterdir():
        left.unlink(missing_ok=True)
    layout.sockets.rmdir()


def locked(path: Path) -> IO[bytes] | None:
    """Lock the file until every process that has it open has closed it. Blocking.

    None when somebody else holds the lock.
    """
    path.touch(mode=0o600)
    file = path.open("a+b")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.close()
        return None
    return file


def claim(layout: Layout) -> IO[bytes] | None:
    """Own the folder's servers until the file is closed; None when another process does. Blocking."""
    file = locked(layout.folder / "lock")
    if file is not None:
        publish(file, layout.sockets, ())
    return file


def publish(file: IO[bytes], sockets: Path, servers: Iterable[str]) -> None:
    """Tell others which servers this owner has ready, and where. Blocking."""
    content = {"pid": os.getpid(), "sockets": str(sockets), "servers": sorted(servers)}
    file.truncate(0)  # it was opened for appending, so the next write begins at 0
    file.write(json.dumps(content).encode())
    file.flush()


@dataclass(frozen=True, slots=True)
class Owner:
    """Who holds the lock, and what it has told others. No servers: they are not ready."""

    pid: int
    sockets: Path
    servers: Sequence[str]


def current_owner(folder: Path) -> Owner | None:
    """None: nobody, or its first write is still under way. Blocking."""
    try:
        with (folder / "lock").open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
            return None
    except (FileNotFoundError, NotADirectoryError):
        return None
    except BlockingIOError:
        text = (folder / "lock").read_bytes()
    try:
        content: dict[str, Any] = json.loads(text)
    except ValueError:
        return None
    return Owner(content["pid"], Path(content["sockets"]), content["servers"])


def owner(folder: Path) -> int | None:
    """Tell the pid of the process that owns the servers in this data folder now. Blocking."""
    found = current_owner(folder)
    return found.pid if found else None


def _is_usable(sockets: Path) -> bool:
    path = os.fsencode(sockets / LONGEST_SOCKET_NAME)
    # SQLAlchemy reads a comma in a host as the border between two hosts.
    return len(path) <= MAX_SOCKET_PATH_BYTES and b"," not in path
