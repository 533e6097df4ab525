"""Every exception of the client of models, and the trouble that it is."""

import json

import openai

from app.providers.failures import Rule, Trouble, of_status

_QUOTA = "insufficient_quota"


def _openai_status(error: openai.APIStatusError) -> Trouble:
    return Trouble.SPENT if _QUOTA in (error.code, error.type) else of_status(error.status_code)


# openai 3 runs on httpx2 and 2 on httpx; both raise openai's own classes, so only these are named.
OPENAI: tuple[Rule, ...] = (
    (openai.APITimeoutError, Trouble.SLOW),
    (openai.APIConnectionError, Trouble.UNREACHABLE),
    (openai.APIStatusError, _openai_status),
    (openai.APIError, Trouble.GARBLED),
    # A body that is no JSON comes out of the client bare.
    (json.JSONDecodeError, Trouble.GARBLED),
    (UnicodeDecodeError, Trouble.GARBLED),
    (TimeoutError, Trouble.SLOW),
)
