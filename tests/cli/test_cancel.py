import json
from uuid import uuid4

import pytest

from app.bootstrap import Runtime
from app.cli.cancel import run_cancel
from app.errors import ErrorCode, PermanentError
from app.messages import Message
from app.settings import Settings

RESUME = b"Gaon Canary"


async def test_a_run_is_cancelled_in_one_line_or_one_object(
    runtime: Runtime, settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    accepted = await runtime.intake.accept("cv.txt", RESUME)
    await run_cancel(settings, accepted.run_id, as_json=False)
    assert capsys.readouterr().out == f"Run {accepted.run_id} is cancelled.\n"

    await run_cancel(settings, accepted.run_id, as_json=True)
    shown = json.loads(capsys.readouterr().out)
    assert (shown["status"], shown["code"]) == ("cancelled", "CANCELLED")
    assert shown["file"] == "*.txt"
    found = await runtime.events.read(accepted.run_id, None, within_s=30)
    assert [event.told.kind for event in found] == ["run"]


async def test_an_unknown_run_is_said_to_be_unknown(settings: Settings) -> None:
    with pytest.raises(PermanentError) as refused:
        await run_cancel(settings, uuid4(), as_json=False)
    assert (refused.value.code, refused.value.message) == (
        ErrorCode.NOT_FOUND,
        Message.RUN_UNKNOWN,
    )
