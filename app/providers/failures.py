"""Every foreign exception of the world outside, and the code that it becomes: one table per library.

A provider's own words never get in: error bodies echo what was sent, and that is a résumé. What an
operator needs stands in `details`: `provider`, `cause` (the class), `http_status`, `request_id` and
`retry_after` in seconds. The cause is cut off (`from None`) for the same reason.
"""

import math
import re
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from enum import Enum, StrEnum
from functools import cache
from http import HTTPStatus
from typing import Any, Protocol, runtime_checkable

import httpx
from obstore import exceptions as obstore

from app.errors import ErrorCode, PermanentError, RetryableError, WorkerError
from app.messages import Message

DEFAULT_RETRY_AFTER_S = 60.0
"""Wait after a 429 that does not say how long (R11)."""

LONGEST_WAIT_S = 86_400.0
"""As long as a run may take by default. Who asks for more mostly means a time since 1970, and a rate
limit would hold everyone back until then."""


class Provider(StrEnum):
    """Who was called."""

    LLM = "llm"
    EMBEDDING = "embedding"
    STORAGE = "storage"
    HTTP = "http"


class Trouble(Enum):
    """What happened, in words that hold for every provider."""

    SLOW = "slow"
    """No answer in time."""
    BUSY = "busy"
    """Too many requests; `details.retry_after` says how long to wait."""
    SPENT = "spent"
    """The account has no quota left: waiting does not help."""
    UNREACHABLE = "unreachable"
    """No connection, or it broke."""
    DOWN = "down"
    """It answers that it cannot serve now."""
    GARBLED = "garbled"
    """The answer is not of the protocol: cut off, or a page of some proxy."""
    REFUSED_KEY = "refused_key"
    """The credentials are wrong or not enough."""
    REFUSED = "refused"
    """The request itself is not accepted."""
    MISSING = "missing"
    """There is no such object."""


Headers = Mapping[str, str]
Rule = tuple[type[Exception], Trouble | Callable[[Any], Trouble]]
"""The first rule whose class fits decides, so a subclass stands above its parent; the function takes
an exception of that class."""

# 5xx and broken answers are NETWORK_ERROR, not LLM_TIMEOUT: both are retried alike, but "did not
# answer in time" would be untrue and would count in the time-out figures that size llm_timeout.
_MODEL_CODES: Mapping[Trouble, ErrorCode] = {
    Trouble.SPENT: ErrorCode.QUOTA_EXCEEDED,
    Trouble.UNREACHABLE: ErrorCode.NETWORK_ERROR,
    Trouble.DOWN: ErrorCode.NETWORK_ERROR,
    Trouble.GARBLED: ErrorCode.NETWORK_ERROR,
    # A wrong key, model name or request stays wrong: permanent, with a sentence on what to check.
    Trouble.REFUSED_KEY: ErrorCode.VALIDATION_ERROR,
    Trouble.REFUSED: ErrorCode.VALIDATION_ERROR,
    Trouble.MISSING: ErrorCode.VALIDATION_ERROR,
}

CODES: Mapping[Provider, Mapping[Trouble, ErrorCode]] = {
    Provider.LLM: {
        **_MODEL_CODES,
        Trouble.SLOW: ErrorCode.LLM_TIMEOUT,
        Trouble.BUSY: ErrorCode.LLM_RATE_LIMIT,
    },
    Provider.EMBEDDING: {
        **_MODEL_CODES,
        Trouble.SLOW: ErrorCode.EMBEDDING_TIMEOUT,
        Trouble.BUSY: ErrorCode.EMBEDDING_TIMEOUT,
    },
    # Storage has one code for all that an operator repairs; runs wait and go on afterwards.
    Provider.STORAGE: {
        **dict.fromkeys(Trouble, ErrorCode.STORAGE_ERROR),
        Trouble.MISSING: ErrorCode.NOT_FOUND,
        Trouble.REFUSED: ErrorCode.VALIDATION_ERROR,
    },
    # Not the codes of requests that reach us: nobody who asked us is to correct anything.
    Provider.HTTP: {
        **dict.fromkeys(Trouble, ErrorCode.NETWORK_ERROR),
        Trouble.MISSING: ErrorCode.RECEIVER_REFUSED,
        Trouble.REFUSED: ErrorCode.RECEIVER_REFUSED,
        Trouble.REFUSED_KEY: ErrorCode.RECEIVER_REFUSED,
    },
}

_MESSAGES: Mapping[tuple[Provider, Trouble], Message] = {
    (Provider.LLM, Trouble.REFUSED_KEY): Message.PROVIDER_REFUSES_KEY,
    (Provider.LLM, Trouble.REFUSED): Message.PROVIDER_REFUSES_REQUEST,
    (Provider.LLM, Trouble.MISSING): Message.PROVIDER_REFUSES_REQUEST,
    (Provider.EMBEDDING, Trouble.REFUSED_KEY): Message.PROVIDER_REFUSES_KEY,
    (Provider.EMBEDDING, Trouble.REFUSED): Message.PROVIDER_REFUSES_REQUEST,
    (Provider.EMBEDDING, Trouble.MISSING): Message.PROVIDER_REFUSES_REQUEST,
    (Provider.STORAGE, Trouble.MISSING): Message.STORED_FILE_MISSING,
    (Provider.STORAGE, Trouble.REFUSED): Message.STORAGE_KEY_INVALID,
}

_BY_STATUS: Mapping[int, Trouble] = {
    HTTPStatus.UNAUTHORIZED: Trouble.REFUSED_KEY,
    HTTPStatus.FORBIDDEN: Trouble.REFUSED_KEY,
    HTTPStatus.NOT_FOUND: Trouble.MISSING,
    HTTPStatus.REQUEST_TIMEOUT: Trouble.SLOW,
    HTTPStatus.CONFLICT: Trouble.DOWN,  # the vendors' word for "locked, try again"
    HTTPStatus.TOO_EARLY: Trouble.DOWN,
    HTTPStatus.TOO_MANY_REQUESTS: Trouble.BUSY,
    HTTPStatus.GATEWAY_TIMEOUT: Trouble.SLOW,
}
_REQUEST_ID = re.compile(r"[\w.:-]{1,80}")


@contextmanager
def mapped(provider: Provider) -> Generator[None]:
    """Turn the provider's exceptions into coded ones. Stands around awaits too.

    What no table names passes through unchanged: it is a bug, and ends as WORKER_ERROR. So does a
    bug of the translation itself, without what was to be translated.
    """
    try:
        yield
    except WorkerError:
        raise
    except _foreign(provider) as error:
        try:
            coded = _translated(provider, error)
        except Exception as bug:  # else `error` is logged with it: a secret URL, an echoed résumé
            raise bug from None
        raise coded from None


def failure(provider: Provider, trouble: Trouble, details: Mapping[str, object]) -> WorkerError:
    """Make the coded error of a trouble that shows in an answer, not as an exception."""
    code = CODES[provider][trouble]
    kind = RetryableError if code.retryable else PermanentError
    message = _MESSAGES.get((provider, trouble))
    return kind(code, message, details={"provider": provider.value, **details})


def retry_after_s(headers: Headers, *, now: datetime) -> float | None:
    """Seconds to wait that an answer asks for; None for what cannot be read or is above a day.

    Read in this order: `retry-after-ms`, `retry-after` in seconds, `retry-after` as HTTP date.
    """
    for name, unit_s in (("retry-after-ms", 0.001), ("retry-after", 1.0)):
        seconds = _number(headers.get(name, "")) * unit_s
        if 0 <= seconds <= LONGEST_WAIT_S:
            return seconds
    try:
        when = parsedate_to_datetime(headers.get("retry-after", ""))
    except (ValueError, OverflowError):  # the second for a year or a zone of very many digits
        return None
    seconds = (when.replace(tzinfo=when.tzinfo or UTC) - now).total_seconds()
    return max(0.0, seconds) if seconds <= LONGEST_WAIT_S else None


@runtime_checkable
class _HttpAnswer(Protocol):
    """What openai's and httpx's answers have in common."""

    @property
    def status_code(self) -> int: ...
    @property
    def headers(self) -> Headers: ...


def _httpx_status(error: httpx.HTTPStatusError) -> Trouble:
    return of_status(error.response.status_code)


def _object_missing(error: FileNotFoundError) -> Trouble:
    # A bucket that is gone is no missing file: the runs wait until an operator repairs it.
    return Trouble.DOWN if "NoSuchBucket" in str(error) else Trouble.MISSING


def of_status(status: int) -> Trouble:
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return _BY_STATUS.get(status, Trouble.DOWN)
    return _BY_STATUS.get(status, Trouble.REFUSED)


HTTPX: tuple[Rule, ...] = (
    (httpx.TimeoutException, Trouble.SLOW),
    (httpx.UnsupportedProtocol, Trouble.REFUSED),
    (httpx.TransportError, Trouble.UNREACHABLE),
    (httpx.HTTPStatusError, _httpx_status),
    (httpx.RequestError, Trouble.GARBLED),
    (httpx.InvalidURL, Trouble.REFUSED),
    (TimeoutError, Trouble.SLOW),
)

OBSTORE: tuple[Rule, ...] = (
    (FileNotFoundError, _object_missing),
    (obstore.InvalidPathError, Trouble.REFUSED),
    (obstore.PermissionDeniedError, Trouble.REFUSED_KEY),
    (obstore.UnauthenticatedError, Trouble.REFUSED_KEY),
    (obstore.BaseError, Trouble.DOWN),
    (TimeoutError, Trouble.SLOW),
    (OSError, Trouble.DOWN),
)


@cache
def rules_of(provider: Provider) -> tuple[Rule, ...]:
    """What may come of a provider; a model's client is only loaded where one is called."""
    match provider:
        case Provider.LLM | Provider.EMBEDDING:
            from app.providers.openai_failures import OPENAI  # noqa: PLC0415 - see `app.providers.answers`

            return OPENAI
        case Provider.STORAGE:
            return OBSTORE
        case Provider.HTTP:
            return HTTPX


@cache
def _foreign(provider: Provider) -> tuple[type[Exception], ...]:
    return tuple(kind for kind, _ in rules_of(provider))


def _translated(provider: Provider, error: Exception) -> WorkerError:
    outcome = next(outcome for kind, outcome in rules_of(provider) if isinstance(error, kind))
    trouble = outcome if isinstance(outcome, Trouble) else outcome(error)
    details: dict[str, object] = {"cause": type(error).__name__}
    answer = _answer(error)
    wait_s = None
    if answer is not None:
        details["http_status"] = answer.status_code
        request_id = answer.headers.get("x-request-id", "")
        if _REQUEST_ID.fullmatch(request_id):
            details["request_id"] = request_id
        wait_s = retry_after_s(answer.headers, now=datetime.now(UTC))
    if trouble is Trouble.BUSY and wait_s is None:
        wait_s = DEFAULT_RETRY_AFTER_S
    if wait_s is not None and CODES[provider][trouble].retryable:
        details["retry_after"] = wait_s
    return failure(provider, trouble, details)


def _answer(error: Exception) -> _HttpAnswer | None:
    answer = getattr(error, "response", None)
    return answer if isinstance(answer, _HttpAnswer) else None


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return math.nan
