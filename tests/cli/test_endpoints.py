import json
from collections.abc import AsyncGenerator
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text

from app.bootstrap import Runtime, open_runtime
from app.cli import endpoints
from app.cli.running import Exit
from app.errors import ErrorCode, PermanentError
from app.settings import Settings
from app.settings.groups import RetrySettings
from app.settings.webhooks import WebhookSettings
from tests.fakes.receiver import Receiver, Reply

Captured = pytest.CaptureFixture[str]


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """Receivers on loopback."""
    return settings.model_copy(
        update={
            "webhook": WebhookSettings(allow_private=True),
            "retry": RetrySettings(webhook_timeout=5),
        }
    )


@pytest.fixture
async def runtime(settings: Settings) -> AsyncGenerator[Runtime]:
    async with open_runtime(settings) as opened:
        yield opened


async def added(settings: Settings, receiver: Receiver, capsys: Captured) -> UUID:
    await endpoints.run_add(settings, receiver.url, ["run.failed", "run.partial"], as_json=True)
    return UUID(json.loads(capsys.readouterr().out)["id"])


async def test_a_webhook_is_added_with_its_secret_shown_this_once(
    settings: Settings, receiver: Receiver, capsys: Captured
) -> None:
    await endpoints.run_add(settings, f"{receiver.url}/[red]", ["run.failed"], as_json=False)
    out, told = capsys.readouterr()
    assert "secret   whsec_" in out
    assert "not shown again" in told
    await endpoints.run_list(settings, as_json=False)
    listed = capsys.readouterr().out
    assert f"{receiver.url}/[red]" in listed
    assert "active" in listed
    assert "whsec_" not in listed
    await endpoints.run_list(settings, as_json=True)
    (one,) = json.loads(capsys.readouterr().out)["webhooks"]
    assert one["events"] == ["run.failed"]

    await endpoints.run_rotate(settings, UUID(one["id"]), as_json=True)
    rotated = json.loads(capsys.readouterr().out)
    assert rotated["secret"] not in out
    assert rotated["old_secret_until"] is not None


async def test_none_is_said_in_a_sentence(settings: Settings, capsys: Captured) -> None:
    await endpoints.run_list(settings, as_json=False)
    await endpoints.run_deliveries(settings, failed=False, limit=5, as_json=False)
    await endpoints.run_deliveries(settings, failed=True, limit=5, as_json=False)
    no_webhook, nothing, arrived = capsys.readouterr().out.splitlines()
    assert "./run webhooks add" in no_webhook
    assert nothing == "Nothing was sent yet."
    assert arrived == "Every message has arrived."


async def test_a_message_that_does_not_arrive_is_a_failure_and_is_sent_again(
    settings: Settings, receiver: Receiver, runtime: Runtime, capsys: Captured
) -> None:
    webhook_id = await added(settings, receiver, capsys)
    receiver.answer(Reply(200), Reply(503), Reply(204))
    assert await endpoints.run_test(settings, webhook_id, as_json=False) == Exit.OK
    assert capsys.readouterr().out == "delivered: HTTP 200\n"
    assert await endpoints.run_test(settings, webhook_id, as_json=False) == Exit.SOME_FAILED
    assert capsys.readouterr().out == "failed: HTTP 503, NETWORK_ERROR\n"
    assert await endpoints.run_test(settings, webhook_id, as_json=True) == Exit.OK
    assert json.loads(capsys.readouterr().out)["http_status"] == 204

    await endpoints.run_deliveries(settings, failed=True, limit=5, as_json=False)
    shown = capsys.readouterr().out
    assert "webhook.test" in shown
    assert "delivered" not in shown
    await endpoints.run_deliveries(settings, failed=True, limit=5, as_json=True)
    (row,) = json.loads(capsys.readouterr().out)["deliveries"]
    assert row["id"] in shown
    assert str(webhook_id) in shown

    await endpoints.run_resend(settings, UUID(row["id"]), as_json=False)
    assert "waits for a worker" in capsys.readouterr().out
    async with runtime.database.begin() as session:
        await session.execute(text("UPDATE webhook_deliveries SET status = 'failed'"))
    await endpoints.run_resend(settings, UUID(row["id"]), as_json=True)
    assert json.loads(capsys.readouterr().out)["status"] == "pending"


async def test_a_long_list_is_cut_where_it_was_asked_to_be_and_says_so(
    settings: Settings, receiver: Receiver, capsys: Captured
) -> None:
    webhook_id = await added(settings, receiver, capsys)
    for _ in range(3):
        await endpoints.run_test(settings, webhook_id, as_json=True)
    capsys.readouterr()
    await endpoints.run_deliveries(settings, failed=False, limit=2, as_json=False)
    out, told = capsys.readouterr()
    assert out.count("webhook.test") == 2
    assert "more than 2" in told


async def test_a_webhook_is_switched_and_forgotten(
    settings: Settings, receiver: Receiver, capsys: Captured
) -> None:
    webhook_id = await added(settings, receiver, capsys)
    await endpoints.run_switch(settings, webhook_id, on=False, as_json=False)
    await endpoints.run_list(settings, as_json=False)
    out = capsys.readouterr().out
    assert "The webhook is disabled." in out
    assert "disabled by operator" in out
    await endpoints.run_switch(settings, webhook_id, on=True, as_json=True)
    assert json.loads(capsys.readouterr().out)["state"] == "active"
    await endpoints.run_remove(settings, webhook_id)
    with pytest.raises(PermanentError) as unknown:
        await endpoints.run_remove(settings, webhook_id)
    assert unknown.value.code is ErrorCode.NOT_FOUND


async def test_a_private_address_is_refused_by_default(settings: Settings) -> None:
    strict = settings.model_copy(update={"webhook": WebhookSettings()})
    with pytest.raises(PermanentError, match="not public"):
        await endpoints.run_add(strict, "http://127.0.0.1:9/", ["run.failed"], as_json=False)
    with pytest.raises(PermanentError):
        await endpoints.run_resend(strict, uuid4(), as_json=False)
