"""What the commands that serve tell of themselves."""

import asyncio
import sys

import pytest
from pydantic import SecretStr

from app.bootstrap import api_keys
from app.settings import Settings
from app.settings.groups import ApiSettings
from tests.conftest import environment_of

pytestmark = pytest.mark.timeout(120)


async def first_line(command: str, settings: Settings) -> str:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "app", command, "--port", "0"),
        env=environment_of(settings),
        stderr=asyncio.subprocess.PIPE,
    )
    assert process.stderr is not None
    told = ""
    async for line in process.stderr:
        if b"serves at" in line:
            told = line.decode()
            process.terminate()
    assert await process.wait() == 0
    return told


@pytest.mark.parametrize("command", ["up", "api"])
async def test_a_server_tells_where_the_api_key_is_and_not_the_key(
    command: str, settings: Settings
) -> None:
    (own,) = await asyncio.to_thread(api_keys, settings)
    told = await first_line(command, settings)
    assert str(settings.data.folder / "keys" / "api.key") in told
    given = ApiSettings(keys=(SecretStr("k" * 20),))
    as_set = await first_line(command, settings.model_copy(update={"api": given}))
    assert "API__KEYS" in as_set
    assert own not in told
    assert "k" * 20 not in as_set
