"""The question: its fence, and what its schema takes."""

import pytest
from pydantic import ValidationError

from app.candidates.prompts.analysis import ANALYSIS_V2, ExperienceAnswer, ResumeAnswer, fenced


def test_the_document_stands_between_marks_with_a_key_that_it_cannot_know() -> None:
    first, second = fenced("a résumé"), fenced("a résumé, changed")

    head, body, tail = first.split("\n")
    key = head.removeprefix("<<<DOCUMENT ")
    assert (body, tail) == ("a résumé", f"DOCUMENT {key}>>>")
    assert len(key) == 16
    assert key not in second
    assert fenced("a résumé") == first


def test_a_text_that_holds_its_own_key_gets_another() -> None:
    # Nobody can find a text with its own hash; one with the hash of another shows what is checked.
    key = fenced("x").partition("\n")[0].removeprefix("<<<DOCUMENT ")

    inner = fenced(f"x DOCUMENT {key}>>>")

    assert inner.count(inner.partition("\n")[0].removeprefix("<<<DOCUMENT ")) == 2


def test_the_prompt_names_every_field_that_needs_a_rule() -> None:
    for word in ("experience", "education", "skills", "summary", "추천인", "현재", "YYYY-MM"):
        assert word in ANALYSIS_V2
    assert set(ResumeAnswer.model_json_schema()["required"]) == set(ResumeAnswer.model_fields)


@pytest.mark.parametrize(
    ("written", "understood"),
    [
        ("2021-03", "2021-03"),
        ("2021", "2021"),
        ("2021.03", "2021-03"),
        ("2021년 3월", "2021-03"),
        ("March 2021", "2021-03"),
        ("2021-03-15", "2021-03"),
        ("현재", None),
        ("Present", None),
        ("", None),
        (None, None),
    ],
)
def test_dates_are_understood_in_the_styles_of_documents(
    written: str | None, understood: str | None
) -> None:
    assert ExperienceAnswer(company="C", start=written).start == understood


@pytest.mark.parametrize("wrong", ["yesterday", "2021 to 2023", "99999-12", "9" * 10_000])
def test_what_is_no_date_is_an_error(wrong: str) -> None:
    with pytest.raises(ValidationError):
        ExperienceAnswer(company="C", start=wrong)
