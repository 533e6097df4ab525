"""The shapes of the answers."""

import base64
import json
from typing import cast

import numpy as np
import pytest

from app.demo import wire
from app.demo.faults import Reply


def test_base64_and_numbers_are_the_same_vectors() -> None:
    plain = wire.vectors(["한글", "text"], dimensions=16, as_base64=False)
    packed = wire.vectors(["한글", "text"], dimensions=16, as_base64=True)

    for one, other in zip(_embeddings(plain), _embeddings(packed), strict=True):
        assert isinstance(other, str)
        assert np.frombuffer(base64.b64decode(other), dtype="<f4") == pytest.approx(one)


def test_a_long_answer_is_cut_to_the_tokens_asked_for() -> None:
    reply = Reply(content="x" * 300)

    short = wire.limited(reply, 10)

    assert (len(short.content), short.finish_reason) == (30, "length")
    assert wire.limited(reply, 100) == reply
    assert wire.limited(reply, None) == reply


def test_a_refusal_has_the_shape_of_an_api_error() -> None:
    response = wire.refusal(429, "too many", code="rate_limit_exceeded", headers={"a": "b"})

    assert response.status_code == 429
    assert (response.headers["a"], response.headers["x-naru-scripted"]) == ("b", "true")
    error = json.loads(bytes(response.body))["error"]
    assert (error["message"], error["code"]) == ("too many", "rate_limit_exceeded")


def _embeddings(answer: dict[str, object]) -> list[object]:
    data = cast("list[dict[str, object]]", answer["data"])
    return [entry["embedding"] for entry in data]
