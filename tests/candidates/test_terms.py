"""What of a candidate is indexed, and what a query asks."""

from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.candidates.chunking import Chunk, ChunkKind, chunk
from app.candidates.profile import Profile
from app.candidates.terms import LEVELS, indexed, number, question, skill_term
from app.settings.groups import ChunkSettings
from app.store.keys import TenantId

TENANT = TenantId(uuid4())


def section(text: str, start: int = 0) -> Chunk:
    return Chunk(
        kind=ChunkKind.RAW_SECTION, position=0, text=text, start=start, end=start + len(text)
    )


def levels(numbers: list[int], term: str) -> int:
    return sum(number(TENANT, term, level) in numbers for level in range(len(LEVELS)))


def test_a_word_that_comes_often_reaches_a_higher_level() -> None:
    once = indexed(TENANT, [section("kafka and much else " + "word " * 400)], ())
    often = indexed(TENANT, [section("kafka " * 12 + "word " * 400)], ())

    assert levels(once, "w:kafka") == 1
    assert levels(often, "w:kafka") > 1
    assert levels(often, "w:redis") == 0


def test_numbers_of_one_tenant_are_not_those_of_another() -> None:
    ours = indexed(TENANT, [section("kafka")], ("Kafka",))
    theirs = indexed(TenantId(uuid4()), [section("kafka")], ("Kafka",))

    assert not set(ours) & set(theirs)


def test_what_overlapping_sections_repeat_counts_once() -> None:
    text = "alpha beta gamma delta"
    whole = indexed(TENANT, [section(text)], ())
    cut = indexed(TENANT, [section(text[:16]), section(text[6:], start=6)], ())

    assert cut == whole


@given(st.text(alphabet="가나다 ab\n", max_size=400))
def test_the_cut_does_not_change_what_is_indexed(text: str) -> None:
    small = ChunkSettings.model_validate(
        {"section_size": 40, "section_overlap": 15, "korean_size": 40, "korean_overlap": 15}
    )
    pieces = chunk(Profile(), text, small)
    if any(len(word) > 24 for word in text.split()):
        return  # a word that is longer than a section is cut

    assert indexed(TENANT, pieces, ()) == indexed(
        TENANT, [section(text)] if text.strip() else [], ()
    )


@pytest.mark.parametrize(
    ("one", "other"),
    [("nodejs", "Node.js"), ("파이썬", "python"), ("k8s", "Kubernetes"), ("C ++", "c++")],
)
def test_a_skill_is_the_same_in_every_spelling(one: str, other: str) -> None:
    assert skill_term(one) == skill_term(other)


def test_different_skills_are_different() -> None:
    assert len({skill_term(skill) for skill in ("C", "C++", "C#", "Java", "JavaScript")}) == 5


def test_a_skill_is_asked_for_as_written_and_as_what_it_is() -> None:
    asked = question("파이썬 개발자")

    assert asked.words == ("파이썬", "개발자")
    assert asked.skills == ("Python",)
    assert {"c:python", "w:파이썬"} <= {term.term for term in asked.terms}
    assert "c:python" in {term.term for term in question("python").terms}


def test_the_weight_of_every_word_is_one() -> None:
    asked = question("파이썬 백엔드 node.js nurse")

    for place in range(len(asked.words)):
        total = sum(term.weight for term in asked.terms if term.word == place)
        assert total == pytest.approx(1)


@pytest.mark.parametrize(
    "query",
    ["의 을 를", "😀", "", "\x00", "' OR 1=1 --", "a & b | !c:*", "가" * 10_000, "x y " * 5_000],
)
def test_any_query_asks_for_a_bounded_number_of_terms(query: str) -> None:
    assert len(question(query).terms) < 1_000
