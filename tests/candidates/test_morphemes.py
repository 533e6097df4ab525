"""A dictionary is an extra: without it nothing is missing but its terms."""

import importlib.util
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import version

import pytest

from app.candidates import terms
from app.candidates.morphemes import installed_morphemes, rules_name
from app.candidates.search import Meant, find
from app.candidates.search_records import Filters
from app.candidates.terms import question
from app.candidates.tokens import Morphemes, words
from app.store.database import Database
from tests.candidates.people import MODEL, People, Person

INSTALLED = importlib.util.find_spec("kiwipiepy") is not None


@pytest.fixture
def morphemes() -> Morphemes:
    pytest.importorskip("kiwipiepy", reason="needs the extra `korean`")
    found = installed_morphemes()
    assert found is not None
    return found


@pytest.mark.skipif(INSTALLED, reason="the extra `korean` is installed")
def test_without_the_extra_the_rules_are_named_by_their_version_alone() -> None:
    assert installed_morphemes() is None
    assert rules_name() == str(terms.VERSION)


@pytest.mark.parametrize(
    ("query", "hit"),
    [
        ("파이썬 백엔드 개발자", "backend"),
        ("백엔드개발자를", "backend"),
        ("데이터를 분석하는", "analyst"),
        ("데이터 분석가", "analyst"),
        ("쿠버네티스에서", "operator"),
        ("클라우드인프라 운영했던 사람", "operator"),
    ],
)
async def test_words_are_found_however_they_are_inflected_and_joined(
    query: str, hit: str, database: Database
) -> None:
    """With the extra and without it: run by both kinds of installation."""
    people = People(database)
    await people.save(
        backend=Person(text="Python으로 백엔드 서버를 만든 개발자. 결제 시스템을 개발하였습니다."),
        analyst=Person(text="고객 데이터를 모아 분석하고 보고서를 작성했습니다. 분석가 4년."),
        operator=Person(text="쿠버네티스 위에서 클라우드 인프라를 운영한 경험이 있습니다."),
        nurse=Person(text="중환자실 간호사로 5년간 근무하며 환자를 돌보았습니다."),
        designer=Person(text="브랜드를 알리는 포스터와 누리집을 그렸습니다."),
    )
    found = await find(
        database,
        people.tenant_id,
        question(query, installed_morphemes()),
        Meant(vector=None, model=MODEL),
        filters=Filters(),
        top_k=5,
    )
    best = found[0]
    assert people.named([best.candidate_id]) == [hit]
    assert best.words


def test_with_the_extra_morphemes_come_beside_the_pairs(morphemes: Morphemes) -> None:
    (plain,) = words("중환자실간호사로")
    (word,) = words("중환자실간호사로", morphemes)
    assert word.stem == plain.stem == "중환자실간호사"
    assert set(plain.parts) < set(word.parts)
    assert {"중환자실", "간호사"} <= set(word.parts) - set(plain.parts)


@pytest.mark.parametrize(
    ("written", "stem"), [("가르쳤던", "가르치"), ("깨달았던", "깨닫"), ("아름다운", "아름답")]
)
def test_stems_of_verbs_are_found_regular_or_not(
    written: str, stem: str, morphemes: Morphemes
) -> None:
    assert stem in morphemes(written)


def test_particles_endings_and_signs_are_no_morphemes_of_a_word(morphemes: Morphemes) -> None:
    assert list(morphemes("쿠버네티스에서는")) == ["쿠버네티스"]
    assert list(morphemes("에서는")) == []


def test_another_release_of_the_dictionary_is_another_set_of_rules(morphemes: Morphemes) -> None:
    del morphemes
    assert rules_name() == f"{terms.VERSION}+kiwi-{version('kiwipiepy')}"


def test_threads_may_ask_at_once(morphemes: Morphemes) -> None:
    joined = ["데이터베이스설계", "클라우드인프라운영", "물류창고관리자", "영업전략기획"] * 50
    expected = [list(morphemes(word)) for word in joined]
    with ThreadPoolExecutor(8) as threads:
        assert [list(found) for found in threads.map(morphemes, joined)] == expected
    assert expected[0] == ["데이터베이스", "설계"]
