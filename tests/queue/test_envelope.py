import pickle
from uuid import uuid4

import pytest
from pydantic import ValidationError

from app.errors import ErrorCode, PermanentError
from app.queue.envelope import MAX_ENVELOPE_BYTES, Envelope, decode, encode


def test_an_envelope_survives_the_queue() -> None:
    envelope = Envelope(run_id=uuid4(), tenant_id=uuid4(), attempt=3, traceparent="00-ab-cd-01")
    job = decode(encode({"a": [envelope.model_dump(mode="json")]}))
    assert Envelope.model_validate(job["a"][0]) == envelope


def test_pickle_is_refused_and_never_executed() -> None:
    class Bomb:
        def __reduce__(self) -> tuple[object, tuple[str]]:
            return (pytest.fail, ("the pickle was executed",))

    with pytest.raises(ValueError, match=r".*"):
        decode(pickle.dumps(Bomb()))


@pytest.mark.parametrize("raw", [b"[]", b"1", b"", b"{", b"\xff"])
def test_anything_but_an_object_is_refused(raw: bytes) -> None:
    with pytest.raises(ValueError, match=r".*"):
        decode(raw)


def test_a_job_that_carries_more_than_ids_is_refused() -> None:
    with pytest.raises(ValueError, match="larger than"):
        encode({"text": "x" * MAX_ENVELOPE_BYTES})
    with pytest.raises(TypeError, match="does not go into the queue"):
        encode({"object": object()})


def test_an_envelope_of_another_version_or_with_more_fields_is_refused() -> None:
    good = {"run_id": str(uuid4()), "tenant_id": str(uuid4()), "attempt": 1}
    for wrong in ({"version": 2}, {"name": "윤가온"}):
        with pytest.raises(ValidationError):
            Envelope.model_validate(good | wrong)


def test_a_failure_travels_as_type_and_code_without_a_foreign_text() -> None:
    error = PermanentError(ErrorCode.INVALID_FILE)
    encoded = encode({"r": [error, ValueError("canary@example.com")]}).decode()
    assert "INVALID_FILE" in encoded
    assert "ValueError" in encoded
    assert "canary" not in encoded
