"""Which parts of a name tell whose it is."""

import pytest

from app.candidates.name_parts import parts_of, with_telling_parts


@pytest.mark.parametrize(
    ("name", "parts"),
    [
        ("홍길서", ["길서"]),
        ("남궁태현", ["태현"]),
        ("강솔", []),
        ("Rosalind Thackeray", ["Rosalind", "Thackeray"]),
        ("Ana-Lu de la Cruz", ["Ana", "Cruz"]),
    ],
)
def test_parts_by_which_a_person_is_called(name: str, parts: list[str]) -> None:
    assert list(parts_of(name)) == parts


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("Rosalind Thackeray", ("Rosalind Thackeray", "Rosalind", "Thackeray")),
        ("May Porter", ("May Porter",)),  # a month, a job
        ("Ruby Austin", ("Ruby Austin",)),  # a skill, a town
        ("홍길서", ("홍길서", "길서")),
        ("김지원", ("김지원",)),  # 지원 업무
    ],
)
def test_words_of_any_resume_tell_nobody(name: str, told: tuple[str, ...]) -> None:
    assert with_telling_parts([name]) == told
