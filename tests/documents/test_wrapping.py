"""What a narrow cell broke is whole again, and what stands below something else stays apart."""

import pytest

from app.documents.wrapping import goes_on, one_text

BROKEN = [
    ("taesik.oh@example.c", "om"),
    ("kyunga.do@example.", "kr"),
    ("chaewon.lim@exa", "mple.com"),
    ("dc.ma@example.n", "et"),
    ("studio.seohee@example.co", "m"),
    ("duquette@example", ".com"),
    ("m.delacroix@boone-", "advisory.example.com"),
    ("kim.min@", "example.com"),
    ("kim.", "min@example.com"),
    ("https://blog.example.com/", "kim"),
    ("www.example.com/kim-", "min"),
    ("02-0000-", "3348"),
    ("Tel. +1 504-", "555-0161"),
]
WHOLE = [
    ("kim@example.com", "lee@example.com"),
    ("kim@example.com", "서울"),
    ("kim@example.com", "seoul"),
    ("kim@example.co", "me"),
    ("kim@example", "Seoul"),
    ("010-0000-1196", "kim@example.com"),
    ("e-mail.", "kim@example.com"),
    ("E-mail", "kim@example.com"),
    ("kakao_id", "kim@example.com"),
    ("https://a.example.com", "https://b.example.com"),
    ("https://a.example.com/", "서울시"),
    ("010-0000-1196", "010-0000-1197"),
    ("2019 -", "2021"),
    ("Java -", "Python"),
    ("", "kim@example.com"),
    ("kim@example.c", ""),
]


@pytest.mark.parametrize(("upper", "lower"), BROKEN)
def test_the_halves_are_put_together(upper: str, lower: str) -> None:
    assert one_text([upper, lower]) == upper + lower


@pytest.mark.parametrize(("upper", "lower"), WHOLE)
def test_others_are_kept_apart(upper: str, lower: str) -> None:
    assert not goes_on(upper, lower)


def test_lines_have_one_blank_between_them() -> None:
    assert (
        one_text(["개인 정보", "kim@example.c", "om", "서울"]) == "개인 정보 kim@example.com 서울"
    )
    assert one_text(["one"]) == "one"
    assert not one_text([])
