"""The `keys` commands and what the doctor says of keys, as a shell sees them."""

import asyncio
import json
import stat
import sys
from collections.abc import Sequence

import pytest
from pydantic import SecretStr
from sqlalchemy import text

from app.bootstrap import open_keyring, open_runtime
from app.cli.rotation import run_list, run_rotate
from app.settings import InvalidSettings, Settings
from app.settings.groups import DatabaseSettings, RedisSettings
from app.store.database import Database
from app.store.keyfile import key_path
from app.store.keys import keys_in_use, new_data_key
from tests.conftest import ROOT, environment_of

pytestmark = pytest.mark.timeout(120)

OLD, NEW = SecretStr("5e" * 32), SecretStr("6f" * 32)


def keyed(settings: Settings, newest: SecretStr | None, *older: SecretStr) -> Settings:
    return settings.model_copy(
        update={"encryption_key": newest, "encryption_previous_keys": tuple(older)}
    )


async def fill(settings: Settings, count: int) -> str:
    """An install with so many data keys; returns the id of the key that wraps them."""
    async with open_runtime(settings) as runtime, runtime.database.begin() as session:
        rows = [new_data_key(runtime.keyring, runtime.tenant_id)[1] for _ in range(count - 1)]
        session.add_all(rows)  # one more is the tenant's
        return runtime.keyring.newest


async def command(settings: Settings, *arguments: str) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "app", *arguments),
        env=environment_of(settings),
        cwd=settings.data.folder.parent,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )


async def output(settings: Settings, *arguments: str) -> tuple[int | None, str, str]:
    process = await command(settings, *arguments)
    out, err = await process.communicate()
    return process.returncode, out.decode(), err.decode()


async def test_a_rotation_from_the_first_look_to_the_removal_of_the_old_key(
    settings: Settings,
) -> None:
    old_id = await fill(settings, 12)
    both = keyed(settings, NEW, OLD)

    code, out, _ = await output(both, "keys", "ls", "--json")
    newest, older = json.loads(out)["keys"]
    assert code == 0
    assert (newest["role"], newest["data_keys"], newest["removable"]) == ("newest", 0, False)
    assert older == {"id": old_id, "role": "older", "data_keys": 12, "removable": False}

    code, out, err = await output(both, "keys", "rotate")
    assert code == 0
    assert "12 data keys were rewrapped" in out
    assert f"Key {old_id} wraps nothing any more. Remove it from ENCRYPTION_PREVIOUS_KEYS" in out
    assert "12 to go" in err

    code, out, _ = await output(both, "keys", "ls")
    assert "may be removed from ENCRYPTION_PREVIOUS_KEYS" in out
    for shown in (out, err):
        assert NEW.get_secret_value() not in shown
        assert OLD.get_secret_value() not in shown
    assert (await output(keyed(settings, NEW), "doctor"))[1].count("all 12 under key") == 1


async def test_a_rotation_that_is_killed_is_finished_by_the_next_one(
    settings: Settings, database: Database
) -> None:
    await fill(settings, 1_200)
    both = keyed(settings, NEW, OLD)
    async with database.begin() as session:  # it stops in its second batch, before the commit
        for statement in (
            "CREATE SEQUENCE updates",
            """CREATE FUNCTION hold() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
               IF nextval('updates') = 700 THEN PERFORM pg_sleep(60); END IF; RETURN NEW; END $$""",
            """CREATE TRIGGER hold BEFORE UPDATE ON data_keys FOR EACH ROW
               EXECUTE FUNCTION hold()""",
        ):
            await session.execute(text(statement))
    process = await command(both, "keys", "rotate")
    async with asyncio.timeout(60):
        while not await _asleep(database):
            await asyncio.sleep(0.02)
    process.kill()
    await process.communicate()
    assert sorted((await _in_use(database)).values()) == [500, 700]

    code, out, _ = await output(both, "keys", "rotate", "--json")
    done = json.loads(out)
    assert (code, done["rewrapped"], done["left"]) == (0, 700, 0)
    assert await _in_use(database) == {done["newest"]: 1_200}


async def test_a_missing_key_stops_the_start_the_doctor_and_the_rotation_and_is_listed(
    settings: Settings,
) -> None:
    old_id = await fill(settings, 3)
    without = keyed(settings, NEW)
    for arguments in (("runs",), ("keys", "rotate")):
        code, _, err = await output(without, *arguments)
        assert code == 3
        assert old_id in err
        assert "ENCRYPTION_PREVIOUS_KEYS" in err
    code, out, _ = await output(without, "doctor", "--json")
    failed = [check for check in json.loads(out)["checks"] if check["state"] == "failed"]
    assert code == 1
    assert old_id in failed[0]["message"]

    code, out, _ = await output(without, "keys", "ls", "--json")
    assert code == 3
    assert json.loads(out)["keys"][1] == {
        "id": old_id, "role": "missing", "data_keys": 3, "removable": False,
    }  # fmt: skip


async def test_the_doctor_says_what_is_under_an_older_key(settings: Settings) -> None:
    await fill(settings, 4)
    _, out, _ = await output(keyed(settings, NEW, OLD), "doctor", "--json")
    checks = {check["name"]: check for check in json.loads(out)["checks"]}
    assert checks["data keys"]["state"] == "warning"
    assert "4 are under an older key" in checks["data keys"]["message"]


async def test_the_key_of_a_development_install_is_replaced_by_a_new_one(
    settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    own = keyed(settings, None)
    old_id = await fill(own, 5)
    path = key_path(own.data.folder)

    assert await run_rotate(own, as_json=True) == 0
    done = json.loads(capsys.readouterr().out)
    assert (done["made"], done["rewrapped"], done["removable"]) == (True, 5, [old_id])
    assert stat.S_IMODE(path.stat().st_mode) == 0o600

    path.write_text(path.read_text().split()[0])  # the old line is removed, as it said
    assert open_keyring(own).ids == (done["newest"],)
    assert await run_list(own, as_json=False) == 0
    assert done["newest"] in capsys.readouterr().out


async def test_a_rotation_of_that_key_that_was_killed_makes_no_third_one(
    settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    own = keyed(settings, None)
    await fill(own, 5)
    path = key_path(own.data.folder)
    path.write_text(f"{NEW.get_secret_value()}\n{path.read_text()}")  # killed right after this

    assert await run_rotate(own, as_json=True) == 0
    done = json.loads(capsys.readouterr().out)
    assert (done["made"], done["rewrapped"]) == (False, 5)
    assert len(path.read_text().split()) == 2


async def test_a_data_folder_that_is_served_keeps_its_key(settings: Settings) -> None:
    embedded = keyed(settings, None).model_copy(
        update={"database": DatabaseSettings(), "redis": RedisSettings()}
    )
    holder = await asyncio.create_subprocess_exec(
        *(sys.executable, str(ROOT / "tests/embedded/hold_servers.py"), str(settings.data.folder)),
        env=environment_of(embedded),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    assert holder.stdout is not None
    await holder.stdout.readline()
    open_keyring(embedded)
    before = key_path(settings.data.folder).read_text()
    with pytest.raises(InvalidSettings, match=f"Process {holder.pid} serves this data folder"):
        await run_rotate(embedded, as_json=True)
    assert key_path(settings.data.folder).read_text() == before
    await holder.communicate(b"")
    assert await run_rotate(embedded, as_json=True) == 0


async def _in_use(database: Database) -> dict[str, int]:
    async with database.begin() as session:
        return await keys_in_use(session)


async def _asleep(database: Database) -> bool:
    async with database.begin() as session:
        sleeping: Sequence[int] = (
            await session.scalars(
                text(
                    "SELECT pid FROM pg_stat_activity "
                    "WHERE wait_event = 'PgSleep' AND datname = current_database()"
                )
            )
        ).all()
    return bool(sleeping)
