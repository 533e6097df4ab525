"""Foreign exceptions become codes, and nothing of their texts comes along."""

import asyncio
import traceback
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import httpx
import pytest
from obstore.exceptions import GenericError, InvalidPathError, PermissionDeniedError

from app.errors import ErrorCode, PermanentError, RetryableError, WorkerError
from app.providers.failures import (
    CODES,
    Provider,
    Trouble,
    failure,
    mapped,
    retry_after_s,
    rules_of,
)

CANARY = "gildong.canary@example.com"
NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
REQUEST = httpx.Request("GET", f"http://example.com/{CANARY}")


def status(code: int, **headers: str) -> httpx.HTTPStatusError:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    response = httpx.Response(code, text=CANARY, headers=named, request=REQUEST)
    return httpx.HTTPStatusError(CANARY, request=REQUEST, response=response)


def raised(provider: Provider, error: Exception) -> WorkerError:
    with pytest.raises(WorkerError) as caught, mapped(provider):
        raise error
    return caught.value


def test_every_trouble_of_every_provider_has_a_code() -> None:
    for provider in Provider:
        assert set(CODES[provider]) == set(Trouble)
        for trouble in Trouble:
            assert failure(provider, trouble, {}).code is CODES[provider][trouble]


def test_the_class_follows_from_the_code() -> None:
    assert isinstance(failure(Provider.LLM, Trouble.SLOW, {}), RetryableError)
    assert isinstance(failure(Provider.LLM, Trouble.SPENT, {}), PermanentError)


def test_no_rule_hides_a_later_one() -> None:
    for provider in Provider:
        kinds = [kind for kind, _ in rules_of(provider)]
        for index, kind in enumerate(kinds):
            assert not any(issubclass(kind, earlier) for earlier in kinds[:index])


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (httpx.ConnectTimeout(CANARY), ErrorCode.NETWORK_ERROR),
        (httpx.ReadTimeout(CANARY), ErrorCode.NETWORK_ERROR),
        (httpx.ConnectError(CANARY), ErrorCode.NETWORK_ERROR),
        (httpx.RemoteProtocolError(CANARY), ErrorCode.NETWORK_ERROR),
        (httpx.TooManyRedirects(CANARY), ErrorCode.NETWORK_ERROR),
        (httpx.DecodingError(CANARY), ErrorCode.NETWORK_ERROR),
        (httpx.UnsupportedProtocol(CANARY), ErrorCode.RECEIVER_REFUSED),
        (httpx.InvalidURL(CANARY), ErrorCode.RECEIVER_REFUSED),
        (TimeoutError(CANARY), ErrorCode.NETWORK_ERROR),
        (status(400), ErrorCode.RECEIVER_REFUSED),
        (status(401), ErrorCode.RECEIVER_REFUSED),
        (status(404), ErrorCode.RECEIVER_REFUSED),
        (status(429), ErrorCode.NETWORK_ERROR),
        (status(500), ErrorCode.NETWORK_ERROR),
        (status(504), ErrorCode.NETWORK_ERROR),
    ],
)
def test_http_errors_are_mapped_without_their_texts(error: Exception, code: ErrorCode) -> None:
    found = raised(Provider.HTTP, error)

    assert found.code is code
    assert found.details["cause"] == type(error).__name__
    assert CANARY not in "".join(traceback.format_exception(found))
    assert CANARY not in f"{found.details} {found}"


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (FileNotFoundError(CANARY), ErrorCode.NOT_FOUND),
        (FileNotFoundError(f"<Code>NoSuchBucket</Code> {CANARY}"), ErrorCode.STORAGE_ERROR),
        (PermissionDeniedError(CANARY), ErrorCode.STORAGE_ERROR),
        (InvalidPathError(CANARY), ErrorCode.VALIDATION_ERROR),
        (GenericError(CANARY), ErrorCode.STORAGE_ERROR),
        (TimeoutError(CANARY), ErrorCode.STORAGE_ERROR),
        (OSError(28, CANARY), ErrorCode.STORAGE_ERROR),
    ],
)
def test_storage_errors_are_mapped_without_their_texts(error: Exception, code: ErrorCode) -> None:
    found = raised(Provider.STORAGE, error)

    assert found.code is code
    assert CANARY not in "".join(traceback.format_exception(found))
    assert CANARY not in f"{found.details} {found}"


@pytest.mark.parametrize("provider", Provider)
@pytest.mark.parametrize("bug", [KeyError("a bug"), AttributeError("a bug")])
def test_a_bug_stays_what_it_is(provider: Provider, bug: Exception) -> None:
    with pytest.raises(type(bug)) as caught, mapped(provider):
        raise bug
    assert caught.value is bug


@pytest.mark.parametrize("provider", Provider)
def test_a_coded_error_passes_unchanged(provider: Provider) -> None:
    coded = PermanentError(ErrorCode.INVALID_FILE)

    assert raised(provider, coded) is coded


def test_a_wait_that_cannot_be_read_costs_neither_the_code_nor_the_secret() -> None:
    wild = "Mon, 01 Jan 99999999999 00:00:00 GMT"
    found = raised(Provider.HTTP, status(503, retry_after=wild))

    assert found.code is ErrorCode.NETWORK_ERROR
    assert CANARY not in "".join(traceback.format_exception(found))


def test_a_bug_of_a_rule_does_not_carry_what_the_rule_was_about() -> None:
    answerless = httpx.HTTPStatusError(CANARY, request=REQUEST, response=None)  # pyright: ignore[reportArgumentType] - the bug

    with pytest.raises(AttributeError) as caught, mapped(Provider.HTTP):
        raise answerless
    assert CANARY not in "".join(traceback.format_exception(caught.value))


async def test_a_cancelled_call_stays_cancelled() -> None:
    async def hang() -> None:
        with mapped(Provider.LLM):
            await asyncio.Event().wait()

    task = asyncio.create_task(hang())
    await asyncio.sleep(0)
    task.cancel()

    with pytest.raises(asyncio.CancelledError):
        await task


async def test_a_time_limit_inside_is_the_providers_timeout() -> None:
    with pytest.raises(RetryableError) as caught, mapped(Provider.EMBEDDING):
        async with asyncio.timeout(0.01):
            await asyncio.Event().wait()

    assert caught.value.code is ErrorCode.EMBEDDING_TIMEOUT


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after": "7"}, 7),
        ({"retry-after": "0.5"}, 0.5),
        ({"retry-after": "0"}, 0),
        ({"retry-after-ms": "1500", "retry-after": "7"}, 1.5),
        ({"retry-after-ms": "soon", "retry-after": "7"}, 7),
        ({"retry-after": format_datetime(NOW + timedelta(seconds=90), usegmt=True)}, 90),
        ({"retry-after": format_datetime(NOW - timedelta(seconds=90), usegmt=True)}, 0),
        ({}, None),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "-5"}, None),
        ({"retry-after": "nan"}, None),
        ({"retry-after": "inf"}, None),
        ({"retry-after": "86400"}, 86_400),
        ({"retry-after": "86401"}, None),
        ({"retry-after": "1732291200"}, None),
        ({"retry-after-ms": "86400001", "retry-after": "7"}, 7),
        ({"retry-after": format_datetime(NOW + timedelta(days=2), usegmt=True)}, None),
        ({"retry-after": "Mon, 01 Jan 99999999999 00:00:00 GMT"}, None),
        ({"retry-after": "Mon, 05 Jan 2026 00:00:00 -99999999999999"}, None),
    ],
)
def test_the_wait_is_read_in_all_its_spellings(
    headers: dict[str, str], seconds: float | None
) -> None:
    assert retry_after_s(headers, now=NOW) == seconds


def test_a_429_without_a_wait_waits_a_minute() -> None:
    assert raised(Provider.HTTP, status(429)).details["retry_after"] == 60


def test_a_503_waits_only_when_it_says_so() -> None:
    assert raised(Provider.HTTP, status(503, retry_after="3")).details["retry_after"] == 3
    assert "retry_after" not in raised(Provider.HTTP, status(503)).details


def test_a_request_id_is_kept_only_when_it_is_one() -> None:
    kept = raised(Provider.HTTP, status(500, x_request_id="req_01-ab.c"))
    dropped = raised(Provider.HTTP, status(500, x_request_id=CANARY))

    assert kept.details["request_id"] == "req_01-ab.c"
    assert "request_id" not in dropped.details
