"""The scripted model recites the right profile, in any schema."""

import json
from enum import StrEnum
from typing import Annotated, Any

import pytest
from pydantic import BaseModel, Field, ValidationError

from app.candidates.profile import Profile
from app.demo.answers import conform, scripted_answer, vector, wrong_shape
from app.demo.samples import SAMPLES, Sample

GOOD = [sample for sample in SAMPLES if sample.code is None]


class Mood(StrEnum):
    CALM = "calm"
    LOUD = "loud"


class Nested(BaseModel):
    title: Annotated[str, Field(max_length=3)] | None


class Demanding(BaseModel):
    """Every kind of field, none with a default."""

    name: str | None
    mood: Mood
    count: Annotated[int, Field(ge=2)]
    share: float
    sure: bool
    skills: Annotated[list[str], Field(max_length=2)]
    experience: list[Nested]
    free: dict[str, int]
    first: Nested


class Loose(BaseModel):
    """Every kind of field, each with alternatives and a default."""

    either: int | str | None = None
    many: list[str] | None = None
    rate: float | None = None
    on: bool | None = None
    nested: Nested | None = None
    anything: Any = None


@pytest.mark.parametrize("sample", GOOD, ids=lambda sample: sample.file)
def test_a_sample_is_recognised_and_its_profile_is_the_expected_one(sample: Sample) -> None:
    expected = json.loads(sample.expected_path.read_text(encoding="utf-8"))
    text = f"이름 [EMAIL_1] [PHONE_1] [LINK_1] [LINK_2] {sample.phrase}"

    answer = scripted_answer(text, Profile.model_json_schema())

    profile = Profile.model_validate_json(answer)
    assert profile.name == expected["name"]
    assert [entry.model_dump() for entry in profile.education] == expected["education"]
    assert [entry.model_dump() for entry in profile.experience] == expected["experience"]
    assert list(profile.skills) == expected["skills"]
    assert profile.language == expected["language"]
    assert profile.emails == ("[EMAIL_1]",)
    assert profile.phones == ("[PHONE_1]",)
    assert len(profile.links) == len(expected["links"])


def test_no_contact_is_given_that_the_text_does_not_hold() -> None:
    text = f"[EMAIL_1] {GOOD[0].phrase}"

    profile = Profile.model_validate_json(scripted_answer(text, Profile.model_json_schema()))

    assert profile.emails == ("[EMAIL_1]",)
    assert profile.phones == ()
    assert profile.links == ()


def test_an_unknown_document_gets_an_empty_profile() -> None:
    answer = scripted_answer("a text that nobody prepared", Profile.model_json_schema())

    profile = Profile.model_validate_json(answer)
    assert (profile.name, profile.emails, profile.experience) == (None, (), ())


@pytest.mark.parametrize("text", ["nothing known", GOOD[0].phrase])
def test_answers_fit_any_schema(text: str) -> None:
    answer = json.loads(scripted_answer(text, Demanding.model_json_schema()))

    assert Demanding.model_validate(answer)
    assert set(answer) == set(Demanding.model_fields)


def test_without_a_schema_the_whole_profile_is_recited() -> None:
    answer = json.loads(scripted_answer(GOOD[0].phrase, None))

    assert answer["name"] == GOOD[0].name


def test_values_of_every_type_are_kept_where_the_schema_knows_them() -> None:
    known: dict[str, object] = {
        "either": 7,
        "many": ["a"],
        "rate": 0.5,
        "on": True,
        "nested": {"title": "abcdef", "unknown": 1},
        "anything": {"as": ["it", "is"]},
    }
    schema = Loose.model_json_schema()

    kept = {**known, "nested": {"title": "abc"}}
    assert conform(known, schema, schema) == kept
    assert conform(dict.fromkeys(known), schema, schema) == dict.fromkeys(known)
    # Where no branch fits, the first one is answered.
    assert conform({"either": [1]}, schema, schema) == {"either": 0}


@pytest.mark.parametrize("schema", [Profile, Demanding])
def test_a_wrong_shape_violates_the_schema(schema: type[BaseModel]) -> None:
    with pytest.raises(ValidationError):
        schema.model_validate_json(wrong_shape(schema.model_json_schema()))


@pytest.mark.parametrize("text", ["", "a", "파이썬 백엔드 개발자", "x" * 5_000])
@pytest.mark.parametrize("dimensions", [3, 512])
def test_vectors_have_the_length_one_and_depend_on_the_text_alone(
    text: str, dimensions: int
) -> None:
    found = vector(text, dimensions)

    assert len(found) == dimensions
    assert sum(number * number for number in found) == pytest.approx(1)
    assert found == vector(text, dimensions)


def test_letters_that_cancel_out_still_make_a_vector() -> None:
    assert {abs(vector(chr(97 + number), 1)[0]) for number in range(20)} == {1.0}


def test_similar_texts_lie_nearer_than_different_ones() -> None:
    asked = vector("python backend developer", 512)
    near = vector("backend developer, Python", 512)
    far = vector("registered nurse in intensive care", 512)

    assert _cosine(asked, near) > 0.5 > _cosine(asked, far)


def _cosine(one: list[float], other: list[float]) -> Any:
    return sum(a * b for a, b in zip(one, other, strict=True))
