"""What is masked in a log line, and what must stay readable."""

import time
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.telemetry.redaction import MASK, MAX_VALUE_CHARS, redact_field, redact_text


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("write to gildong@example.com now", "write to *** now"),
        ("메일gildong@example.kr로", "***"),
        (f"{'a' * 80}@example.com", f"{'a' * 16}***"),
        ("call 010-0000-1234", "call ***"),
        ("call 01000001234.", "call ***."),
        ("연락처 010 0000 1234", "연락처 ***"),
        ("office 02-0000-1234", "office ***"),
        ("+82 10-0000-1234", "***"),
        ("+1 (212) 555-0123 ok", "*** ok"),
        ("(212) 555-0123", "***"),
        ("212-555-0123", "***"),
        ("950315-2123456", "***"),
        ("번호950315-2123456입니다", "번호***입니다"),
        ("9503152123456", "***"),
        ("950315-2******", "***"),
        ("password=hunter-two", "password=***"),
        ('{"api_key": "abc def"}', '{"api_key": "*** def"}'),
        ("access_token=abcdef, next", "access_token=***, next"),
        ("ENCRYPTION_KEY=" + "0b1c" * 16, "ENCRYPTION_KEY=***"),
        ("key " + "0b1c" * 16, "key ***"),
        ("Authorization: Bearer abc.def.ghi", "Authorization: ***"),
        ("got Bearer abcdefghijkl", "got Bearer ***"),
        ("redis://:hunter2@host:6379/0", "redis://:***@host:6379/0"),
        ("postgresql://naru:hunter2@host/db", "postgresql://naru:***@host/db"),
        ("key sk-abcdefghijklmnopqrst", "key ***"),
    ],
)
def test_personal_data_and_secrets_are_masked(text: str, masked: str) -> None:
    assert redact_text(text) == masked


@pytest.mark.parametrize(
    "text",
    [
        "stage_finished",
        "2026-11-21T08:00:39.042059Z",
        "2026-11-21 08:00:39+09:00",
        "550e8400-e29b-41d4-a716-446655440000",
        "550e8400-e29b-41d4-a716-446655440000:3",
        "00-" + "a1" * 16 + "-" + "b2" * 8 + "-01",
        "naru-worker-7f9c5d8b6-x2x5z",
        "127.0.0.1:8000",
        "HTTP Request: POST http://127.0.0.1:8000/v1/chat 200 OK",
        "1732175371000",
        "version 1.2.3-4",
        "input_tokens 1200",
        "3 of 12 files, 20 MiB",
        "/srv/app/telemetry/logs.py:120",
        "rank 2020-2021",
    ],
)
def test_ids_times_and_counts_stay_readable(text: str) -> None:
    assert redact_text(text) == text


def test_terminal_control_characters_are_replaced() -> None:
    assert redact_text("a\x1b[31mred\r\x00\tb\n") == "a�[31mred��\tb\n"


@pytest.mark.parametrize(
    "key",
    [
        "password",
        "db_passwd",
        "API_KEY",
        "apiKey",
        "x-api-key",
        "Authorization",
        "cookie",
        "encryption_key",
        "encryption_previous_keys",
        "client_secret",
        "access_token",
        "token",
    ],
)
def test_the_value_of_a_secret_name_is_masked_whatever_it_is(key: str) -> None:
    assert redact_field(key, "plain words") == MASK
    assert redact_field("settings", {key: ["plain"]}) == {key: MASK}


@pytest.mark.parametrize("key", ["input_tokens", "tokens", "token_type", "key_id"])
def test_names_that_only_look_secret_are_left(key: str) -> None:
    assert redact_field(key, "plain") == "plain"


def test_numbers_are_left_even_under_a_secret_name() -> None:
    assert redact_field("token", 12) == 12
    assert redact_field("secret", None) is None
    assert redact_field("password", value=True) is True


class Color(StrEnum):
    RED = "red"


class Person:
    def __repr__(self) -> str:
        return "gildong"


def test_values_become_plain_json_values() -> None:
    run_id = UUID("550e8400-e29b-41d4-a716-446655440000")
    found = redact_field(
        "x",
        {
            "id": run_id,
            "at": datetime(2026, 1, 2, tzinfo=UTC),
            "path": Path("/a/b"),
            "color": Color.RED,
            "many": (1, {"gildong@example.com"}),
            "gildong@example.com": 1,
        },
    )

    assert found == {
        "id": str(run_id),
        "at": "2026-01-02 00:00:00+00:00",
        "path": "/a/b",
        "color": "red",
        "many": [1, [MASK]],
        MASK: 1,
    }


def test_an_object_shows_its_class_and_an_exception_its_masked_text() -> None:
    assert redact_field("who", Person()) == "<Person>"
    assert redact_field("error", ValueError("gildong@example.com")) == "ValueError: ***"


def test_deep_structures_end() -> None:
    endless: list[object] = []
    endless.append(endless)

    assert "<list>" in str(redact_field("x", endless))


def test_long_texts_are_cut() -> None:
    for letter in ("x", "1"):
        assert len(str(redact_field("x", letter * 1_000_000))) < MAX_VALUE_CHARS + 50


@pytest.mark.parametrize(
    "unit",
    [
        *("a", "1", "+1", "1-", "a.", "@", "a@a.", "://", "sk-", "(1", " "),
        *("password=", "950315-", "Bearer ", "0" * 40 + " ", "+1 2 3 4 5 6 7 8 x"),
    ],
)
def test_no_text_takes_long(unit: str) -> None:
    text = (unit * MAX_VALUE_CHARS)[:MAX_VALUE_CHARS]
    started = time.perf_counter()

    redact_text(text)

    assert time.perf_counter() - started < 1


@given(st.text())
def test_any_text_is_accepted(text: str) -> None:
    assert redact_text(redact_text(text)) is not None
