"""Signatures and headers in the Standard Webhooks form (standardwebhooks.com, version 1)."""

import base64
import hashlib
import hmac
import secrets
from collections.abc import Sequence
from datetime import datetime

_PREFIX = "whsec_"
_SECRET_BYTES = 32


def new_secret() -> str:
    """A secret as its receiver needs it: `whsec_` and base64."""
    return _PREFIX + base64.b64encode(secrets.token_bytes(_SECRET_BYTES)).decode("ascii")


def signed_headers(
    signing: Sequence[str], *, message_id: str, body: bytes, at: datetime
) -> dict[str, str]:
    """The headers of one try. One signature for each secret: a receiver accepts any that fits.

    `message_id` is the same at every try, so that a receiver can tell what it has seen; the time is
    that of the try, so that it can refuse what somebody recorded and sent again.
    """
    seconds = str(int(at.timestamp()))
    signatures = " ".join(_signature(each, message_id, seconds, body) for each in signing)
    return {
        "content-type": "application/json",
        "webhook-id": message_id,
        "webhook-timestamp": seconds,
        "webhook-signature": signatures,
    }


def _signature(secret: str, message_id: str, seconds: str, body: bytes) -> str:
    key = base64.b64decode(secret.removeprefix(_PREFIX))
    signed = b".".join((message_id.encode(), seconds.encode(), body))
    digest = hmac.new(key, signed, hashlib.sha256).digest()
    return f"v1,{base64.b64encode(digest).decode('ascii')}"
