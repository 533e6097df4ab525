from uuid import UUID

import pytest
from pydantic import SecretStr

from app.bootstrap import Runtime, api_keys, open_keyring, open_runtime
from app.settings import InvalidSettings, Settings
from app.settings.groups import ApiSettings, Environment

SOME_ID = UUID("00000000-0000-4000-8000-000000000001")


def test_without_a_key_one_is_kept_in_the_data_folder(settings: Settings) -> None:
    keyless = settings.model_copy(update={"encryption_key": None})
    first = open_keyring(keyless)
    again = open_keyring(keyless)
    key_id = first.wraps_with(first.new_data_key(SOME_ID)[1])
    assert again.wraps_with(again.new_data_key(SOME_ID)[1]) == key_id


@pytest.mark.parametrize("key", [None, "zz"])
def test_each_start_warns_of_a_key_that_is_missing_or_malformed(
    key: str | None, settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    given = settings.model_copy(update={"encryption_key": key and SecretStr(key)})
    for start in (1, 2):
        open_keyring(given)
        told = [one.getMessage() for one in caplog.records if one.levelname == "WARNING"]
        assert len([line for line in told if "ENCRYPTION_KEY" in line]) == start, told


def test_production_needs_api_keys_and_takes_those_of_the_settings(settings: Settings) -> None:
    production = settings.model_copy(update={"env": Environment.PRODUCTION})
    with pytest.raises(InvalidSettings, match="API__KEYS"):
        api_keys(production)
    given = ApiSettings(keys=(SecretStr("k" * 20),))
    assert api_keys(production.model_copy(update={"api": given})) == ("k" * 20,)


async def test_a_second_process_finds_the_same_tenant_and_index(
    runtime: Runtime, settings: Settings
) -> None:
    async with open_runtime(settings) as other:
        assert other.tenant_id == runtime.tenant_id
        assert other.index.email("a@example.com") == runtime.index.email("A@example.com ")


async def test_an_older_key_still_opens_what_it_sealed(
    runtime: Runtime, settings: Settings
) -> None:
    assert settings.encryption_key is not None
    rotated = settings.model_copy(
        update={
            "encryption_key": SecretStr("ab" * 32),
            "encryption_previous_keys": (settings.encryption_key,),
        }
    )
    async with open_runtime(rotated) as opened:
        assert opened.index.name("윤가온") == runtime.index.name("윤 가온")


async def test_a_wrong_key_stops_the_start_with_a_sentence(
    runtime: Runtime, settings: Settings
) -> None:
    assert runtime.tenant_id
    wrong = settings.model_copy(update={"encryption_key": SecretStr("ab" * 32)})
    with pytest.raises(InvalidSettings, match="ENCRYPTION_PREVIOUS_KEYS"):
        async with open_runtime(wrong):
            pytest.fail("opened with a wrong key")
