"""The keys that wrap all data keys: which are needed, and putting a new one into force."""

import asyncio
import os
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from enum import StrEnum
from pathlib import Path

from pydantic import BaseModel
from rich.table import Table

from app.bootstrap import open_keyring, refuse_missing_keys
from app.cli.render import console, print_json
from app.cli.running import Exit
from app.embedded import embedded_servers, owner
from app.settings import InvalidSettings, Settings
from app.settings.secrets import validate_encryption_key
from app.store.crypto import Keyring
from app.store.database import Database, open_database
from app.store.keyfile import add_key, key_path
from app.store.keys import keys_in_use, missing_keys
from app.store.migrations import is_current, migrate
from app.store.rotation import rotate

_TELL_EVERY_S = 1


class Role(StrEnum):
    """What a key is for."""

    NEWEST = "newest"
    """Wraps what is written from now on."""
    OLDER = "older"
    """Still read."""
    MISSING = "missing"
    """Needed, and not in the settings."""


class KeyView(BaseModel):
    """`removable`: an older one that wraps nothing."""

    id: str
    role: Role
    data_keys: int
    removable: bool


class KeyList(BaseModel):
    """What `keys ls --json` prints."""

    keys: list[KeyView]


class RotationView(BaseModel):
    """What `keys rotate --json` prints. `left` data keys are under older keys still."""

    newest: str
    made: bool
    rewrapped: int
    left: int
    damaged: int
    removable: list[str]


async def run_list(settings: Settings, *, as_json: bool) -> int:
    """The `keys ls` command; 3 when a key is missing, since nothing else starts then."""
    async with _opened(settings) as database:
        keyring = await asyncio.to_thread(open_keyring, settings)
        in_use = await _in_use(database)
    listed = KeyList(keys=_views(keyring, in_use))
    if as_json:
        print_json(listed)
    else:
        table = Table(box=None, pad_edge=False, header_style="bold")
        for name in ("key", "role", "data keys", ""):
            table.add_column(name)
        for key in listed.keys:
            table.add_row(key.id, key.role, f"{key.data_keys:,}", _advice(key, settings))
        console().print(table)
    return Exit.CONFIGURATION if missing_keys(keyring, in_use) else Exit.OK


async def run_rotate(settings: Settings, *, as_json: bool) -> int:
    """The `keys rotate` command; 1 when something is left under an older key."""
    own = _own_key(settings)
    async with _opened(settings) as database:
        if own is not None:
            await asyncio.to_thread(_refuse_while_served, settings.data.folder)
        in_use = await _in_use(database)
        keyring = await asyncio.to_thread(open_keyring, settings)
        refuse_missing_keys(keyring, in_use)
        made = own is not None and await asyncio.to_thread(add_key, own, in_use=in_use)
        if own is not None:
            keyring = await asyncio.to_thread(open_keyring, settings)
        done = await rotate(database, keyring, tell=_Telling())
        in_use = await _in_use(database)
    view = RotationView(
        newest=keyring.newest,
        made=made,
        rewrapped=done.rewrapped,
        left=done.left,
        damaged=done.damaged,
        removable=[key.id for key in _views(keyring, in_use) if key.removable],
    )
    if as_json:
        print_json(view)
    else:
        _print_rotation(view, in_use, settings)
    return Exit.OK if done.complete else Exit.SOME_FAILED


class _Telling:
    """A line on stderr, at most one a second."""

    def __init__(self) -> None:
        self._out = console(stderr=True)
        self._next_s = 0.0

    def __call__(self, done: int, left: int) -> None:
        now_s = asyncio.get_running_loop().time()
        if now_s >= self._next_s:
            self._next_s = now_s + _TELL_EVERY_S
            self._out.print(f"{done:,} data keys rewrapped, {left:,} to go", markup=False)


def _print_rotation(view: RotationView, in_use: Mapping[str, int], settings: Settings) -> None:
    wraps = in_use.get(view.newest, 0)
    lines = [f"{view.rewrapped:,} data keys were rewrapped. Key {view.newest} wraps {wraps:,}."]
    if view.damaged:
        lines.append(
            f"{view.damaged:,} data keys are damaged: no key opens them. Restore their rows of the "
            "table data_keys from a backup; the older key stays needed for them."
        )
    if view.left > view.damaged:
        older = ", ".join(sorted(set(in_use) - {view.newest}))
        lines.append(
            f"{view.left - view.damaged:,} are under {older} still: another rotation is at them, or "
            "some process has it as its ENCRYPTION_KEY. Restart that process with the new one, "
            "then run this again. Do not remove the older key yet."
        )
    where = _where(settings)
    lines += [
        f"Key {key_id} wraps nothing any more. Remove it from {where} once no process has it as "
        "its newest key."
        for key_id in view.removable
    ]
    if not view.rewrapped and not view.left and not view.removable:
        lines.append(
            "There was nothing to rotate. How to change the key: docs/security.md, Rotation."
        )
    for line in lines:
        console().print(line, markup=False, soft_wrap=True)


def _refuse_while_served(folder: Path) -> None:
    if (pid := owner(folder)) not in {None, os.getpid()}:
        line = (
            f"Process {pid} serves this data folder and knows only its present key. "
            "Stop it, then run `./run keys rotate` again."
        )
        raise InvalidSettings([line])


@asynccontextmanager
async def _opened(settings: Settings) -> AsyncGenerator[Database]:
    """The database alone: with a key missing no runtime opens, and that must be looked at."""
    async with embedded_servers(settings) as found, open_database(found.database) as database:
        if not await is_current(database):
            if settings.database.url is not None:
                raise InvalidSettings(
                    ["The database schema is not the one of this version. Run: ./run migrate"]
                )
            await migrate(database)
        yield database


async def _in_use(database: Database) -> dict[str, int]:
    async with database.begin() as session:
        return await keys_in_use(session)


def _views(keyring: Keyring, in_use: Mapping[str, int]) -> list[KeyView]:
    newest, *older = keyring.ids
    roles = {newest: Role.NEWEST} | dict.fromkeys(older, Role.OLDER)
    roles |= dict.fromkeys(missing_keys(keyring, in_use), Role.MISSING)
    return [
        KeyView(
            id=key_id,
            role=role,
            data_keys=in_use.get(key_id, 0),
            removable=role is Role.OLDER and key_id not in in_use,
        )
        for key_id, role in roles.items()
    ]


def _advice(key: KeyView, settings: Settings) -> str:
    if key.role is Role.MISSING:
        return "needed: add it to ENCRYPTION_PREVIOUS_KEYS"
    if key.role is Role.NEWEST:
        return ""
    where = _where(settings)
    if key.removable:
        return f"wraps nothing: may be removed from {where}"
    return "still needed: ./run keys rotate"


def _own_key(settings: Settings) -> Path | None:
    """The file of the key of a development install; None when the settings give the key."""
    key = settings.encryption_key.get_secret_value() if settings.encryption_key else None
    if validate_encryption_key(key, settings.env) is None:
        return None
    return key_path(settings.data.folder)


def _where(settings: Settings) -> str:
    own = _own_key(settings)
    return "ENCRYPTION_PREVIOUS_KEYS" if own is None else f"{own} (a line each)"
