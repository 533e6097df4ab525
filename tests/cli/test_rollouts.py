"""What `rollout` prints and changes."""

import json
from collections.abc import AsyncGenerator

import pytest
import typer
from pydantic import SecretStr
from typer.testing import CliRunner

from app.cli import app
from app.cli.rollouts import print_rollout, print_rollouts, set_rollout, switch_rollout
from app.coordination.announcements import Announcements
from app.coordination.rollouts import Rollouts, open_rollouts
from app.errors import ErrorCode, PermanentError
from app.resilience.rollout import Comparable
from app.resilience.rollout_config import Extent, RolloutSpec
from app.settings import Settings, load_settings
from app.settings.groups import DatabaseSettings
from app.store.database import Database
from app.store.redis import open_redis

SPECS = (
    RolloutSpec(name="reader", description="Reads in columns."),
    RolloutSpec(name="analyst", description="Asks twice.", default=Extent(shadow=True)),
)


@pytest.fixture
async def declared(settings: Settings, database: Database) -> AsyncGenerator[Rollouts]:
    async with open_redis(settings.redis) as pool:
        announcements = Announcements(pool, installation="tests", instance="cli")
        async with open_rollouts(SPECS, database, announcements) as opened:
            yield opened


async def test_a_switch_says_from_what_to_what_and_is_listed_with_who_and_why(
    declared: Rollouts, capsys: pytest.CaptureFixture[str]
) -> None:
    extent = Extent.parse("12.5%")
    await switch_rollout(declared, "reader", extent, reason="trial [week]", as_json=False)
    assert capsys.readouterr().out == "reader: off → 12.5%\n"

    print_rollouts(declared, as_json=False)
    header, reader, analyst = capsys.readouterr().out.splitlines()
    assert header.split()[:4] == ["rollout", "stage", "since", "by"]
    assert "12.5%" in reader
    assert "cli:" in reader
    assert "trial [week]" in reader
    assert analyst.split()[:3] == ["analyst", "shadow", "default"]

    print_rollout(declared, "reader", as_json=False)
    shown = capsys.readouterr().out
    for word in ("Reads in columns.", "12.5%", "trial [week]", "cli:"):
        assert word in shown


async def test_json_is_what_the_api_answers(
    declared: Rollouts, capsys: pytest.CaptureFixture[str]
) -> None:
    await switch_rollout(declared, "reader", Extent(shadow=True), reason="", as_json=True)
    switched = json.loads(capsys.readouterr().out)
    assert (switched["stage"], switched["shadow"], switched["share"]) == ("shadow", True, "0%")
    print_rollout(declared, "reader", as_json=True)
    assert json.loads(capsys.readouterr().out) == switched
    print_rollouts(declared, as_json=True)
    assert json.loads(capsys.readouterr().out)["rollouts"][0] == switched


async def test_what_was_seen_in_this_process_is_shown_where_there_is_any(
    declared: Rollouts, capsys: pytest.CaptureFixture[str]
) -> None:
    same: Comparable = {"name": "A"}
    declared["analyst"].compare(same, same)
    print_rollouts(declared, as_json=False)
    assert "match 1" in capsys.readouterr().out


async def test_an_unknown_name_is_refused_with_those_there_are(declared: Rollouts) -> None:
    with pytest.raises(PermanentError, match="Known: analyst, reader"):
        print_rollout(declared, "readr", as_json=False)
    with pytest.raises(PermanentError) as raised:
        await switch_rollout(declared, "readr", Extent(), reason="", as_json=False)
    assert raised.value.code is ErrorCode.NOT_FOUND


async def test_a_wrong_stage_is_wrong_usage_and_no_server_is_asked() -> None:
    nowhere = load_settings(
        database=DatabaseSettings(url=SecretStr("postgresql://nobody@127.0.0.1:1/none"))
    )
    for stage in ("on", "10", "101%", "0.005%", "-5%", ""):
        with pytest.raises(typer.BadParameter, match="`off`, `shadow` or a share") as raised:
            await set_rollout(nowhere, "reader", stage, reason="", as_json=False)
        assert raised.value.exit_code == 2


@pytest.mark.parametrize("reason", [[], ["--reason", " "]])
def test_a_switch_without_a_reason_is_wrong_usage(reason: list[str]) -> None:
    ended = CliRunner().invoke(app, ["rollout", "set", "reader", "off", *reason])
    assert ended.exit_code == 2
    assert "reason" in ended.output
