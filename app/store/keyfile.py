"""The secrets of a development install: files in its data folder.

That of the encryption key has one key a line, the newest first.
"""

import fcntl
import os
import secrets
from collections.abc import Collection, Generator
from contextlib import contextmanager
from pathlib import Path

from app.store.crypto import Keyring


def key_path(data_folder: Path) -> Path:
    return data_folder / "keys" / "encryption.key"


def own_secret(path: Path) -> str:
    """64 hex characters kept in a file of mode 0600, made at the first call. Blocking.

    Several processes may ask at the same time: all get the same, when it is on the disk.
    """
    folder = path.parent
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    with _locked(folder):
        if not path.exists():
            with _opened(folder.parent) as descriptor:
                os.fsync(descriptor)  # the folder may be new as well
            _replace(path, [secrets.token_hex(32)])
    return path.read_text().strip()


def add_key(path: Path, *, in_use: Collection[str]) -> bool:
    """Make a new newest key, unless an older one still wraps something. Blocking.

    `in_use` are the ids of the keys that wrap anything. A rotation that was killed is gone on with,
    and not begun anew: False then. Older keys stay, whatever they wrap: another database may need
    them. Whoever reads the file meanwhile sees all keys of before or all of after. Raises
    ValueError for a file that holds no key.
    """
    with _locked(path.parent):
        keys = path.read_text().split()
        if not set(Keyring.of(keys[0], keys[1:]).ids[1:]).isdisjoint(in_use):
            return False
        _replace(path, [secrets.token_hex(32), *keys])
        return True


@contextmanager
def _locked(folder: Path) -> Generator[None]:
    """One at a time, in whatever process: two that add a key would lose one of the two."""
    with _opened(folder) as descriptor:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
        os.fsync(descriptor)  # the new name lasts as well


@contextmanager
def _opened(folder: Path) -> Generator[int]:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _replace(path: Path, keys: list[str]) -> None:
    draft = path.with_name(f"{path.name}.{secrets.token_hex(4)}")
    try:
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write("\n".join(keys) + "\n")
            file.flush()
            os.fsync(file.fileno())  # what it seals from now on is lost without it
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)
