"""Secrets of a development install: none is lost, made for the first time or replaced."""

import os
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from app.store.crypto import Keyring
from app.store.keyfile import add_key, key_path, own_secret


@pytest.fixture
def path(tmp_path: Path) -> Path:
    file = key_path(tmp_path)
    own_secret(file)
    return file


def key_id(key: str) -> str:
    return Keyring.of(key).newest


def test_a_secret_of_our_own_is_made_once_for_all_and_closed_to_others(tmp_path: Path) -> None:
    path = tmp_path / "keys" / "a.key"
    with ThreadPoolExecutor(8) as pool:
        secrets = set(pool.map(own_secret, [path] * 40))
    assert len(secrets) == 1
    assert len(secrets.pop()) == 64
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert [entry.name for entry in path.parent.iterdir()] == ["a.key"]


def test_a_secret_is_on_the_disk_before_anything_is_sealed_with_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written: list[tuple[str, bool]] = []
    fsync, file = os.fsync, key_path(tmp_path)

    def watched(descriptor: int) -> None:
        fsync(descriptor)
        written.append((str(Path(f"/proc/self/fd/{descriptor}").readlink()), file.exists()))

    monkeypatch.setattr(os, "fsync", watched)
    own_secret(file)

    (folder, _), (draft, _), name = written
    assert folder == str(tmp_path)  # it knows the folder of the keys
    assert draft.startswith(f"{file}.")
    assert name == (str(file.parent), True)


def test_a_new_key_stands_before_the_old_one_closed_to_others(path: Path) -> None:
    before = path.read_text().strip()
    assert add_key(path, in_use=[key_id(before)])
    newest, older = path.read_text().split()
    assert older == before
    assert newest != before
    assert len(newest) == 64
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [entry.name for entry in path.parent.iterdir()] == [path.name]


def test_a_rotation_that_was_killed_is_gone_on_with(path: Path) -> None:
    before = path.read_text().strip()
    assert add_key(path, in_use=[key_id(before)])
    after = path.read_text()
    assert not add_key(path, in_use=[key_id(before), key_id(after.split()[0])])
    assert path.read_text() == after
    assert add_key(path, in_use=[key_id(after.split()[0])])  # nothing is under the old one now
    assert path.read_text().split()[1:] == after.split()  # and no key is ever dropped by us


def test_several_at_once_lose_no_key(path: Path) -> None:
    before = path.read_text().strip()
    with ThreadPoolExecutor(8) as pool:
        adding = [pool.submit(add_key, path, in_use=["00000000"]) for _ in range(8)]
    assert all(each.result() for each in adding)
    keys = path.read_text().split()
    assert len(set(keys)) == 9
    assert keys[-1] == before


def test_a_file_without_a_key_is_refused_and_left_alone(path: Path) -> None:
    path.write_text("no key\n")
    with pytest.raises(ValueError, match="64 hex"):
        add_key(path, in_use=[])
    assert path.read_text() == "no key\n"
