"""What travels through Redis is JSON of ours or of arq's, and anything else is refused."""

import asyncio
import json
import pickle
from typing import Any

import hypothesis
import pytest
from arq.jobs import deserialize_job, serialize_job
from hypothesis import strategies as st

from app.errors import ErrorCode, PermanentError, RetryableError, WorkerError
from app.queue.envelope import (
    VERSION,
    Envelope,
    JobFailed,
    NewJob,
    Priority,
    UnknownVersion,
    decode,
    encode,
    safe_text,
    seal,
    unseal,
)

LIMIT_BYTES = 65_536
CANARY = "canary@example.com"


def sealed(job: NewJob) -> bytes:
    return seal(job, enqueued_ms=1_000, traceparent="00-ab-cd-01", limit_bytes=LIMIT_BYTES)


def test_a_job_survives_the_queue() -> None:
    job = NewJob(
        function="job",
        args=(1, "둘", [3]),
        kwargs={"four": {"five": None}},
        priority=Priority.BULK,
        tenant="t",
        limit_key="model:small",
        wait_s=1.5,
    )
    assert unseal(sealed(job)) == Envelope(
        function="job",
        args=(1, "둘", [3]),
        kwargs={"four": {"five": None}},
        enqueued_ms=1_000,
        priority=Priority.BULK,
        tenant="t",
        limit_key="model:small",
        traceparent="00-ab-cd-01",
        wait_s=1.5,
    )


def test_what_arqs_own_producer_writes_is_version_0() -> None:
    raw = serialize_job("job", (1,), {"two": 2}, None, 1_000, serializer=encode)
    assert unseal(raw) == Envelope(function="job", args=(1,), kwargs={"two": 2}, enqueued_ms=1_000)


def test_arq_reads_what_we_write() -> None:
    read = deserialize_job(sealed(NewJob(function="job", args=(1,))), deserializer=decode)
    assert (read.function, tuple(read.args), read.kwargs) == ("job", (1,), {})


def test_a_newer_version_is_told_from_rubbish() -> None:
    newer = json.dumps(json.loads(sealed(NewJob(function="job"))) | {"v": VERSION + 1}).encode()
    with pytest.raises(UnknownVersion):
        unseal(newer)


def test_pickle_is_refused_and_never_executed() -> None:
    class Bomb:
        def __reduce__(self) -> tuple[object, tuple[str]]:
            return (pytest.fail, ("the pickle was executed",))

    for read in (decode, unseal):
        with pytest.raises(ValueError, match=r".*"):
            read(pickle.dumps(Bomb()))


@pytest.mark.parametrize(
    "raw", [b"[]", b"1", b"", b"{", b"\xff", b"{}", b'{"f":1}', b"[" * 100_000, b'{"v":"x"}']
)
def test_anything_but_an_envelope_is_refused(raw: bytes) -> None:
    with pytest.raises(ValueError, match=r".*"):
        unseal(raw)


@pytest.mark.parametrize(
    "changes",
    [
        {"f": None},
        {"f": "\ud800"},
        {"a": {}},
        {"k": []},
        {"et": "1"},
        {"et": True},
        {"et": -1},
        {"et": 10**300},
        {"p": "urgent"},
        {"p": []},
        {"n": 1},
        {"lk": "\udfff"},
        {"tp": {}},
        {"w": "soon"},
        {"w": 10**400},
        {"w": -1},
        {"w": float("nan")},
    ],
)
def test_a_field_that_is_not_what_it_should_be_is_refused(changes: dict[str, Any]) -> None:
    raw = json.dumps(json.loads(sealed(NewJob(function="job"))) | changes).encode()
    with pytest.raises(ValueError, match=r".*"):
        unseal(raw)


@hypothesis.given(
    st.recursive(
        st.none()
        | st.booleans()
        | st.integers()
        | st.floats(allow_nan=False, allow_infinity=False)
        | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
        max_leaves=10,
    )
)
def test_any_json_argument_comes_back_as_it_went_in(argument: Any) -> None:
    assert unseal(sealed(NewJob(function="job", args=(argument,)))).args == (argument,)


def test_what_no_job_may_carry_is_refused_with_a_reason() -> None:
    for wrong in (object(), b"bytes", float("inf"), {1}):
        with pytest.raises(PermanentError) as no_json:
            sealed(NewJob(function="job", kwargs={"it": wrong}))
        assert no_json.value.code is ErrorCode.VALIDATION_ERROR
    with pytest.raises(PermanentError) as large:
        sealed(NewJob(function="job", args=("x" * LIMIT_BYTES,)))
    assert large.value.code is ErrorCode.PAYLOAD_TOO_LARGE
    assert int(str(large.value.details["bytes"])) > LIMIT_BYTES


def failed(error: BaseException) -> Any:
    """A failure that was written as a result, and read again."""
    raw = encode({"s": False, "r": error})
    assert CANARY.encode() not in raw
    return decode(raw)["r"]


def test_a_failure_travels_as_code_type_and_safe_text() -> None:
    ours = failed(PermanentError(ErrorCode.INVALID_FILE, details={"name": CANARY}))
    assert isinstance(ours, PermanentError)
    assert ours.code is ErrorCode.INVALID_FILE
    assert isinstance(failed(RetryableError(ErrorCode.LLM_TIMEOUT)), RetryableError)
    assert isinstance(failed(asyncio.CancelledError(CANARY)), asyncio.CancelledError)
    foreign = failed(ValueError(CANARY))
    assert isinstance(foreign, JobFailed)
    assert "ValueError" in str(foreign)
    assert "log" in str(foreign)
    assert failed(foreign).error_type == "ValueError"


def test_a_failure_of_a_newer_program_is_still_a_failure() -> None:
    written = {"type": "PermanentError", "code": "NOT_INVENTED_YET", "text": "?"}
    raw = json.dumps({"s": False, "r": {"$failure": written}}).encode()
    assert isinstance(decode(raw)["r"], JobFailed)


def test_a_result_that_looks_like_a_failure_stays_what_it_is() -> None:
    result = {"$failure": {"type": "ValueError"}}
    assert decode(encode({"s": True, "r": result}))["r"] == result


def test_what_may_be_said_of_an_exception() -> None:
    assert safe_text(ValueError(CANARY)) == "ValueError"
    assert safe_text(WorkerError(ErrorCode.NOT_FOUND)) == ErrorCode.NOT_FOUND.english


def test_each_priority_has_a_rank_and_an_unknown_rank_is_ingestion() -> None:
    assert [Priority.of_rank(each.rank) for each in Priority] == list(Priority)
    assert min(Priority, key=lambda each: each.rank) is Priority.CHAT
    assert Priority.of_rank("9") is Priority.INGESTION
