"""The searcher finds what is planted: else the tests that use it could not fail."""

import base64
import json
import re
import unicodedata
from urllib.parse import quote

import pytest

from tests.fakes.leaks import Places, unescaped

VALUES = (
    "견서린",
    "Seorin Kyeon",
    "seorin.leak@example.org",
    "010-0000-7391",
    "900315-2345678",
    "카나리로77길 7391",
    "kanari-portfolio.example.net/seorin",
    "견서린_지원서_누출.txt",
)


@pytest.mark.parametrize("value", VALUES)
def test_a_planted_canary_is_found_in_every_form(value: str) -> None:
    written = [
        value, value.upper(), unicodedata.normalize("NFD", value), json.dumps({"a": value}),
        quote(f"a b {value}"), value.encode().hex(), value.encode("utf-16-le"), repr(value.encode()),
        *(base64.b64encode(b"x" * length + value.encode() + b"yyy") for length in range(4)),
        re.sub(r"[\s-]", "", value),
    ]  # fmt: skip
    for number, content in enumerate(written):
        places = Places({"planted": value})
        data = content.encode() if isinstance(content, str) else content
        places.search("somewhere", b"before " + unescaped(data) + b" after")
        assert places.found == {("somewhere", "planted")}, number


def test_a_canary_is_not_found_where_it_is_not_and_not_told_where_it_may_be() -> None:
    places = Places({"name": "견서린", "phone": "010-0000-7391", "employer": "카나리물산"})
    places.search("a profile without it", "견서진, 010-0000-7392")
    places.search("chunks.text", "카나리물산", allowed=["employer"])
    assert places.found == set()
    places.search("chunks.text", "카나리물산 견서린", allowed=["employer"])
    assert places.found == {("chunks.text", "name")}
