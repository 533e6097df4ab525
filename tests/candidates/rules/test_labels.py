import pytest

from app.candidates.rules.labels import (
    Label,
    as_row,
    column_labels,
    is_column_label,
    labels_of,
    pairs,
)
from tests.candidates.markup import LineOf


@pytest.mark.parametrize(
    ("text", "label", "value"),
    [
        ("성명‖강바다‖생년월일‖1990.01.01", Label.NAME, "강바다"),
        ("사진‖성명‖한글‖강바다‖영문‖Kang Bada", Label.NAME, "강바다"),
        ("휴 대 폰 : 010-0000-1234", Label.PHONE, "010-0000-1234"),
        ("성명 강바다 생년월일 1990.01.01", Label.NAME, "강바다"),
        ("Email: a@example.com | Phone: 206-555-0100", Label.PHONE, "206-555-0100"),
        ("성명 | 강바다 | 이메일 | a@example.com", Label.EMAIL, "a@example.com"),
    ],
)
def test_values_are_found_beside_their_labels(
    line: LineOf, text: str, label: Label, value: str
) -> None:
    assert value in [v for labels, v in pairs(line(text)) if label in labels]


@pytest.mark.parametrize(
    ("text", "cells"),
    [
        ("근무처 | 가람물산", ("근무처", "가람물산")),
        ("Employer | Acme Labs", ("Employer", "Acme Labs")),
        ("회사명 | 직위", ()),
        ("가람물산 | 대리", ()),
        ("성명 | 강바다 | 이메일 | a@example.com", ()),
    ],
)
def test_a_label_and_its_value_with_a_bar_between_are_two_cells(
    line: LineOf, text: str, cells: tuple[str, ...]
) -> None:
    assert as_row(line(text)).cells == cells


def test_a_sentence_that_begins_with_a_label_word_is_no_pair(line: LineOf) -> None:
    assert list(pairs(line("모바일 금융 앱의 사용자 경험을 설계했습니다."))) == []


def test_columns_are_named_singly_or_in_pairs() -> None:
    assert column_labels("학과 · 학위") == {Label.MAJOR, Label.DEGREE}
    assert is_column_label("근무기간")
    assert not is_column_label("가람페이")
    assert labels_of("한빛대학교") == frozenset()


def test_a_number_before_a_label_is_no_part_of_it(line: LineOf) -> None:
    assert list(pairs(line("가. 성명 : 채송아"))) == [(frozenset({Label.NAME}), "채송아")]


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ("병원명", Label.COMPANY),
        ("사업장명", Label.COMPANY),
        ("수행기간", Label.PERIOD),
        ("응시직종", Label.HEADLINE),
        ("Given name", Label.GIVEN_NAME),
        ("Surname", Label.FAMILY_NAME),
        ("비상전화", Label.OTHERS),
    ],
)
def test_words_of_forms(text: str, label: Label) -> None:
    assert label in labels_of(text)


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ("Full Name (as in passport)", Label.NAME),
        ("Contact No. (HP)", Label.PHONE),
        ("Post and responsibilities", Label.TITLE),
    ],
)
def test_a_label_with_a_remark_or_with_a_second_one(text: str, label: Label) -> None:
    assert label in column_labels(text)


def test_a_colon_may_stand_in_the_cell_of_the_value(line: LineOf) -> None:
    assert [value for _, value in pairs(line("성명‖: 전보라미‖연락처‖：010-0000-5138"))] == [
        "전보라미", "010-0000-5138",
    ]  # fmt: skip


@pytest.mark.parametrize("label", ["Father’s Name", "Mother's Name", "Spouse Name", "보호자 성명"])
def test_a_relative_has_a_name_of_their_own(line: LineOf, label: str) -> None:
    ((found, _),) = pairs(line(f"{label} : S. Ramanathan Iyengar"))

    assert Label.NAME not in found
