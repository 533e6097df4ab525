"""The data folder and its lock."""

import os
import stat
from pathlib import Path

import pytest

from app.embedded import owner, ownership
from app.settings import InvalidSettings


def test_a_folder_has_one_owner_at_a_time(tmp_path: Path) -> None:
    layout = ownership.layout_of(tmp_path)
    assert owner(tmp_path) is None

    claim = ownership.claim(layout)

    assert claim
    with claim:
        assert owner(tmp_path) == os.getpid()
        assert ownership.claim(layout) is None
        ownership.publish(claim, layout.sockets, {"valkey"})
        found = ownership.current_owner(tmp_path)
        assert found
        assert (found.servers, found.sockets) == (["valkey"], layout.sockets)
    assert owner(tmp_path) is None
    assert stat.S_IMODE((tmp_path / "lock").stat().st_mode) == 0o600


def test_a_folder_that_does_not_exist_has_no_owner(tmp_path: Path) -> None:
    assert owner(tmp_path / "nothing") is None


def test_an_owner_that_has_written_nothing_yet_is_not_known(tmp_path: Path) -> None:
    file = ownership.locked(tmp_path / "lock")
    assert file
    with file:
        assert owner(tmp_path) is None


def test_an_existing_folder_keeps_its_mode_and_what_is_made_in_it_is_private(
    tmp_path: Path,
) -> None:
    tmp_path.chmod(0o755)
    layout = ownership.layout_of(tmp_path)

    ownership.make_folders(layout)

    assert stat.S_IMODE(tmp_path.stat().st_mode) == 0o755
    assert {stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()} == {0o700}


def test_sockets_of_a_deep_folder_lie_in_a_private_folder_of_their_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", "/tmp")
    one = ownership.layout_of(tmp_path / ("d" * 100) / "one")
    two = ownership.layout_of(tmp_path / ("d" * 100) / "two")
    assert one.sockets.parent == two.sockets.parent == Path("/tmp")
    assert one.sockets != two.sockets

    ownership.make_folders(one)
    try:
        assert stat.S_IMODE(one.sockets.stat().st_mode) == 0o700
        (one.sockets / "valkey.sock").touch()
    finally:
        ownership.remove_sockets(one)
    assert not one.sockets.exists()


def test_a_socket_folder_that_is_open_to_others_or_a_link_is_refused(tmp_path: Path) -> None:
    layout = ownership.Layout(tmp_path, tmp_path / "sockets")
    layout.sockets.mkdir(mode=0o755)
    layout.sockets.chmod(0o755)
    with pytest.raises(InvalidSettings, match="sockets must be a folder of this user"):
        ownership.make_folders(layout)

    layout.sockets.rmdir()
    (tmp_path / "elsewhere").mkdir(mode=0o700)
    layout.sockets.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(InvalidSettings, match="sockets must be a folder of this user"):
        ownership.make_folders(layout)


def test_a_temporary_folder_with_too_long_a_path_is_a_clear_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / ("t" * 100)))
    with pytest.raises(InvalidSettings, match="TMPDIR"):
        ownership.layout_of(tmp_path / ("d" * 100))
