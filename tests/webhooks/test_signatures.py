import base64
from datetime import UTC, datetime, timedelta

import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from app.webhooks.signatures import new_secret, signed_headers

BODY = '{"type":"run.succeeded","이름":"나루"}'.encode()


def test_the_reference_verifier_accepts_a_signature_of_either_secret() -> None:
    old, new = new_secret(), new_secret()
    headers = signed_headers([new, old], message_id="msg_1", body=BODY, at=datetime.now(UTC))
    for secret in (old, new):
        assert Webhook(secret).verify(BODY, headers)["type"] == "run.succeeded"
    assert len(headers["webhook-signature"].split(" ")) == 2


@pytest.mark.parametrize("changed", ["body", "webhook-id", "webhook-timestamp", "secret"])
def test_the_reference_verifier_refuses_what_was_changed(changed: str) -> None:
    now = datetime.now(UTC)
    secret, body = new_secret(), BODY
    headers = signed_headers([secret], message_id="msg_1", body=body, at=now)
    if changed == "body":
        body += b" "
    elif changed == "secret":
        secret = new_secret()
    else:
        other = signed_headers([secret], message_id="msg_2", body=body, at=now - timedelta(0, 9))
        headers[changed] = other[changed]
    with pytest.raises(WebhookVerificationError):
        Webhook(secret).verify(body, headers)


def test_an_old_message_is_refused_by_its_receiver() -> None:
    secret = new_secret()
    long_ago = datetime.now(UTC) - timedelta(hours=1)
    headers = signed_headers([secret], message_id="msg_1", body=BODY, at=long_ago)
    with pytest.raises(WebhookVerificationError, match="too old"):
        Webhook(secret).verify(BODY, headers)


def test_the_example_of_the_specification() -> None:
    secret = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"
    headers = signed_headers(
        [secret],
        message_id="msg_27UH4WbU6Z5A5EzD8u03UvzRbpk",
        body=b'{"email":"test@example.com","username":"test_user"}',
        at=datetime.fromtimestamp(1649367553, UTC),
    )
    assert headers["webhook-timestamp"] == "1649367553"
    assert headers["webhook-signature"] == "v1,tZ1I4/hDygAJgO5TYxiSd6Sd0kDW6hPenDe+bTa3Kkw="


def test_secrets_are_of_32_random_bytes() -> None:
    made = {new_secret() for _ in range(20)}
    assert len(made) == 20
    for secret in made:
        assert secret.startswith("whsec_")
        assert len(base64.b64decode(secret.removeprefix("whsec_"))) == 32
