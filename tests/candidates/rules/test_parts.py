import pytest

from app.candidates.rules.parts import (
    case_cut,
    cut_job,
    cut_title,
    split,
    tidy,
    without_translation,
)


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("Data Engineer at Acme", ["Data Engineer", "Acme"]),
        ("Group Leader, Institute for Estuaries", ["Group Leader", "Institute for Estuaries"]),
        ("Millstone Foods, Tampa, FL Sales Manager", ["Millstone Foods", "Sales Manager"]),
        ("QUALITY ASSISTANT Dairy of the North", ["QUALITY ASSISTANT", "Dairy of the North"]),
        ("LABORATORY TECHNICIAN POLDERLAB NV", ["LABORATORY TECHNICIAN", "POLDERLAB NV"]),
        ("Ghent, Belgium", []),
        ("Hargrave, Finch & Lowell LLP", ["Hargrave, Finch & Lowell LLP"]),
        ("Clerk, Finch & Lowell LLP", ["Clerk", "Finch & Lowell LLP"]),
        ("Office of Ann Own, Attorney at Law", ["Office of Ann Own, Attorney at Law"]),
        ("Clerk at Acme", ["Clerk", "Acme"]),
        ("Account Manager, Quill & Anchor Agency", ["Account Manager", "Quill & Anchor Agency"]),
        ("Oslo, Finch & Lowell", ["Oslo", "Finch & Lowell"]),
    ],
)
def test_what_one_run_of_text_holds(text: str, parts: list[str]) -> None:
    assert split(text) == parts


def test_letters_of_one_style_are_not_cut() -> None:
    assert case_cut("SCHELDT TURBINES") is None
    assert case_cut("Quality Assistant Dairy") is None


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Narae Foods (나래식품)", "Narae Foods"),
        ("나래식품 (Narae Foods)", "나래식품"),
        ("한국나루연구원(KNR)", "한국나루연구원(KNR)"),
        ("나래식품(본사)", "나래식품(본사)"),
    ],
)
def test_a_name_in_the_other_script_is_said_once(text: str, name: str) -> None:
    assert without_translation(text) == name


def test_a_firm_in_brackets_stands_without_them() -> None:
    assert tidy("[솔빛유업] 생산팀") == "솔빛유업 생산팀"


def test_titles_are_cut_from_firms() -> None:
    assert cut_title("너울초등학교 교사 (3학년 부장)") == ("교사", "너울초등학교")
    assert cut_job("동녘플랜트 용접 기능공") == ("동녘플랜트", "용접 기능공")
    assert cut_job("편의점 나루24 (판매)") == ("편의점 나루24", "판매")
    assert cut_job("나루마트 (서울)") is None


def test_two_jobs_of_one_position_are_not_cut() -> None:
    assert cut_title("Squad Leader / Sergeant (E-5)") is None


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("나래정밀㈜ (경남 창원, 감속기 제조)", "나래정밀㈜"),
        ("나래산업㈜ (금형 제조업)", "나래산업㈜"),
        ("나래산업㈜ (경남 창원, 감속기)", "나래산업㈜"),
        ("나래산업 (구 다온산업)", "나래산업 (구 다온산업)"),
    ],
)
def test_what_kind_of_firm_it_is_and_where_is_not_its_name(text: str, name: str) -> None:
    assert tidy(text) == name
