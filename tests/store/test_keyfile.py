"""The key of a development install, replaced without a moment in which one is lost."""

import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from app.bootstrap import own_secret
from app.store.crypto import Keyring
from app.store.keyfile import add_key, key_path


@pytest.fixture
def path(tmp_path: Path) -> Path:
    file = key_path(tmp_path)
    own_secret(file)
    return file


def key_id(key: str) -> str:
    return Keyring.of(key).newest


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
