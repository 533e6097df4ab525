"""The model as analyst: what it is asked, and what of its answer is believed."""

import json
from collections.abc import Mapping

import pytest

from app.candidates.analysis import (
    Analysis,
    History,
    Misunderstood,
    analyze_by_model,
    analyze_by_rules,
    parse,
    prompt_hash,
)
from app.errors import ErrorCode, PermanentError
from app.providers.answers import Answer
from tests.candidates.markup import document_of
from tests.candidates.reciting import (
    ENGLISH,
    KOREAN,
    RESUMES,
    Recited,
    answer,
    by_model,
    honest,
    reading_of,
    told,
)


@pytest.mark.parametrize("language", RESUMES)
async def test_a_true_answer_becomes_the_profile_with_sources(language: str) -> None:
    lines = RESUMES[language]
    given = await honest(lines)

    analysis = await by_model(lines, json.dumps(given))

    profile = analysis.profile
    document = document_of(lines)
    assert (analysis.analyst, analysis.model, analysis.refused) == ("model", "m", 0)
    assert [row.model_dump() for row in profile.experience] == given["experience"]
    assert len(profile.emails) == len(profile.phones) == 1
    for key in ("name", "emails.0", "experience.1.company", "experience.0.start", "skills.2"):
        (span,) = profile.sources[key]
        assert document.blocks[span.block].text[span.start : span.end]
    (span,) = profile.sources["experience.1.company"]
    cell = document.blocks[span.block].text[span.start : span.end]
    assert cell == profile.experience[1].company
    assert span.box is not None
    assert profile.confidence["name"] > 0.9


async def test_the_model_sees_placeholders_and_no_numbers_of_identity() -> None:
    ask = Recited(json.dumps(await honest(KOREAN)))
    reading = reading_of([*KOREAN, "주민등록번호 950315-2000000"])

    analysis = await analyze_by_model(reading, ask, parse_tries=1)

    ((_, user, _),) = ask.asked
    for hidden in ("gaon.yun@example.kr", "010-0000-2101", "950315-2000000"):
        assert hidden not in user
    assert "[EMAIL_1]" in user
    assert analysis.profile.emails == ("gaon.yun@example.kr",)


async def test_invisible_characters_hide_no_contact_from_the_mask() -> None:
    ask = Recited(json.dumps(await honest(KOREAN)))
    lines = [*KOREAN, "second mail: ga\u200bon@exa\u2060mple.kr"]

    await analyze_by_model(reading_of(lines), ask, parse_tries=1)

    ((_, user, _),) = ask.asked
    assert "@" not in user
    assert "[EMAIL_2]" in user


# --- Answers that are not true ---


async def changed(**fields: object) -> Analysis:
    return await by_model(ENGLISH, json.dumps({**await honest(ENGLISH), **fields}))


async def test_an_invented_employer_is_dropped_and_the_confidence_falls() -> None:
    true = await honest(ENGLISH)
    rows = [*true["experience"], {"company": "Acme Rockets", "title": "CEO", "start": "2001-01"}]

    analysis = await changed(experience=rows)

    assert [row.company for row in analysis.profile.experience] == [
        "Juniper Grid Analytics",
        "Harborline Transit",
    ]
    assert analysis.refused == 1
    assert analysis.profile.notes == ("values_refused",)
    assert analysis.profile.confidence["experience"] < 0.95


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", "Eve Mallory"),
        ("name", "Maya Fairweather 1st of her name, ruler of data"),
        ("headline", "Chief Executive Officer"),
        ("headline", "Write to maya@example.com"),
        ("skills", ["Python", "SQL", "Spark", "Airflow", "Telepathy", "R", "[EMAIL_1]"]),
        ("emails", ["eve@example.net"]),
        ("emails", ["[PHONE_1]"]),
        ("phones", ["[PHONE_9]"]),
        ("links", ["https://collect.example.net"]),
        ("languages", [{"name": "Klingon", "level": "native"}]),
        ("summary", "Her salary was 90000 a year."),
        ("summary", "Data engineer at Acme Rockets."),
        ("summary", "Reach me under [EMAIL_1]."),
        ("summary", "A wonderful person whom everybody loves."),
    ],
)
async def test_a_value_that_the_document_does_not_hold_is_refused(
    field: str, value: object
) -> None:
    analysis = await changed(**{field: value})

    clean = await changed()
    assert analysis.refused >= 1
    assert told(analysis.profile) == told(clean.profile)


async def test_a_text_that_names_nobody_is_noted() -> None:
    nobody = await analyze_by_rules(reading_of(["hello", "a shopping list: milk, eggs"]))
    somebody = await analyze_by_rules(reading_of(ENGLISH))

    assert nobody.profile.notes == ("names_nobody",)
    assert somebody.profile.notes == ()


async def test_characters_that_nobody_sees_are_in_no_value() -> None:
    true = await honest(ENGLISH)
    company = true["experience"][0]["company"]

    analysis = await changed(
        headline="Senior\u0000 Data Engineer",
        skills=["Py\u0000thon", "SQ\u200bL"],
        experience=[{**true["experience"][0], "company": f"{company}\u0000"}],
        summary=f"{true['summary']}\u0000" if true["summary"] else "Data\u0000 engineer.",
    )

    shown = analysis.profile.model_dump_json()
    assert "\\u0000" not in shown
    assert "\u200b" not in shown
    assert analysis.profile.skills == ("Python", "SQL")
    assert analysis.profile.experience[0].company == company


async def test_a_refused_cell_is_the_rules_and_a_refused_month_leaves_the_year() -> None:
    true = await honest(ENGLISH)
    first, second = true["experience"]

    analysis = await changed(
        experience=[{**first, "title": "Chief Executive"}, {**second, "start": "2017-11"}]
    )

    assert analysis.profile.experience[0].title == "Senior Data Engineer"
    assert analysis.profile.experience[1].start == "2017"
    assert analysis.refused == 2


async def test_fields_that_the_model_leaves_empty_are_the_rules() -> None:
    analysis = await changed(name=None, emails=[], phones=[], experience=[], skills=[])

    assert told(analysis.profile) == told((await changed()).profile)


async def test_an_answer_about_somebody_else_is_not_believed_at_all() -> None:
    with pytest.raises(PermanentError) as raised:
        await changed(name="Eve Mallory", emails=["eve@example.net"], phones=[], links=[])

    assert raised.value.code is ErrorCode.LLM_PARSE_ERROR
    assert "Eve" not in str(raised.value.details)


async def test_a_referee_whom_the_model_takes_for_the_person_is_not() -> None:
    lines = [*ENGLISH, "## References", "Rowan Ashcombe, Harborline Transit, rowan@example.org"]
    given = await honest(ENGLISH)

    analysis = await by_model(
        lines, json.dumps({**given, "name": "Rowan Ashcombe", "emails": ["[EMAIL_2]"]})
    )

    assert analysis.profile.name == "Maya Fairweather"
    assert analysis.profile.emails == ("maya@example.com",)
    assert analysis.profile.confidence["name"] <= 0.6


# --- Answers that are none ---


async def test_an_answer_that_does_not_parse_is_asked_for_again_with_the_reason() -> None:
    ask = Recited('{"name": "Maya"', json.dumps(await honest(ENGLISH)))

    analysis = await analyze_by_model(reading_of(ENGLISH), ask, parse_tries=2)

    assert analysis.profile.name == "Maya Fairweather"
    (first, question, _), (second, correction, history) = ask.asked
    assert first != second
    assert "did not parse" in correction
    assert [turn["role"] for turn in history] == ["user", "assistant"]
    assert history[0]["content"] == question


WRONG: Mapping[str, Answer] = {
    "empty": answer(""),
    "prose": answer("I am sorry"),
    "a list": answer("[]"),
    "a type": answer('{"name": 5}'),
    "a missing key": answer('{"name": null}'),
    "no company": answer(json.dumps({"experience": [{"title": "yesterday"}]})),
    "no date": answer(json.dumps({"experience": [{"company": "C", "start": "yesterday"}]})),
    "too many": answer(json.dumps({"skills": ["yesterday"] * 101})),
    "a huge number": answer('{"name": ' + "9" * 5_000 + "}"),
    "deep nesting": answer('{"name": ' + "[" * 50_000 + "}"),
    "deep nesting in prose": answer('Here: {"name": ' + "[" * 50_000 + "} yes"),
    "two megabytes": answer('{"name": "' + "yesterday " * 200_000 + '"}'),
    "cut off": answer('{"name": "yesterday', "length"),
    "lone surrogates": answer('{"name": "\\ud800"}'),
}


@pytest.mark.parametrize("wrong", WRONG.values(), ids=WRONG)
async def test_answers_that_never_parse_end_with_a_code_and_without_a_value(wrong: Answer) -> None:
    ask = Recited(wrong, wrong)

    with pytest.raises(PermanentError) as raised:
        await analyze_by_model(reading_of(ENGLISH), ask, parse_tries=2)

    assert raised.value.code is ErrorCode.LLM_PARSE_ERROR
    assert len(ask.asked) == 2
    _, correction, history = ask.asked[1]
    assert "yesterday" not in correction
    assert len(history[1]["content"]) <= 4_000


@pytest.mark.parametrize("reason", ["refusal", "content_filter"])
async def test_a_model_that_refuses_is_not_asked_again(reason: str) -> None:
    ask = Recited(answer("", reason))

    with pytest.raises(PermanentError) as raised:
        await analyze_by_model(reading_of(ENGLISH), ask, parse_tries=3)

    assert (raised.value.code, len(ask.asked)) == (ErrorCode.LLM_PARSE_ERROR, 1)


@pytest.mark.parametrize(
    "around", ["{}", "```json\n{}\n```", "Here it is:\n{}\nAnything else?", "  {}  I hope so. }}"]
)
async def test_prose_around_the_answer_is_passed_over(around: str) -> None:
    text = around.replace("{}", json.dumps(await honest(ENGLISH)))

    assert parse(answer(text)).name == "Maya Fairweather"


async def test_dates_in_the_documents_style_and_missing_lists_are_understood() -> None:
    given = await honest(ENGLISH)
    given["experience"][0] |= {"start": "Oct 2020", "end": "Present"}

    parsed = parse(answer(json.dumps({**given, "links": None})))

    assert (parsed.experience[0].start, parsed.experience[0].end) == ("2020-10", None)
    assert parsed.links == []


def test_what_went_wrong_is_told_without_the_values() -> None:
    with pytest.raises(Misunderstood) as raised:
        parse(answer('{"name": ["secret"]}'))

    assert "secret" not in str(raised.value)
    assert "name" in str(raised.value)


# --- Long documents ---


async def test_a_document_longer_than_the_question_may_be_is_cut_with_a_note() -> None:
    filler = [f"Shipped order {number} to a customer on time" for number in range(2_000)]
    lines = [*ENGLISH[:6], *filler, *ENGLISH[6:]]
    ask = Recited(json.dumps(await honest(ENGLISH)))

    analysis = await analyze_by_model(reading_of(lines), ask, parse_tries=1)

    ((_, question, _),) = ask.asked
    assert len(question) < 41_000
    assert "Maya Fairweather" in question
    assert "Thornfield University" in question
    assert analysis.truncated
    assert "truncated" in analysis.profile.notes
    assert analysis.profile.education[0].school == "Thornfield University"


async def test_a_model_with_a_small_window_is_asked_about_less() -> None:
    lines = [*ENGLISH, *(f"Order number {n} shipped" for n in range(1_000))]
    given = answer(json.dumps(await honest(ENGLISH)))
    lengths: list[int] = []

    async def ask(item: str, user: str, history: History) -> Answer:
        del item, history
        lengths.append(len(user))
        if len(user) > 8_000:
            raise PermanentError(ErrorCode.VALIDATION_ERROR, details={"http_status": 400})
        return given

    analysis = await analyze_by_model(reading_of(lines), ask, parse_tries=1)

    assert analysis.truncated
    assert lengths == sorted(lengths, reverse=True)
    assert lengths[-1] <= 8_000


@pytest.mark.parametrize("status", [400, 401])
async def test_a_refusal_for_another_reason_is_raised(status: int) -> None:
    calls = 0

    async def ask(item: str, user: str, history: History) -> Answer:
        nonlocal calls
        del item, user, history
        calls += 1
        raise PermanentError(ErrorCode.VALIDATION_ERROR, details={"http_status": status})

    with pytest.raises(PermanentError) as raised:
        await analyze_by_model(reading_of(ENGLISH), ask, parse_tries=1)
    assert (raised.value.code, calls) == (ErrorCode.VALIDATION_ERROR, 1)


# --- Bookkeeping ---


def test_a_question_is_identified_by_all_that_the_model_is_told() -> None:
    turn = {"role": "user", "content": "x"}
    hashes = {prompt_hash("a", []), prompt_hash("b", []), prompt_hash("a", [turn])}
    assert len(hashes) == 3
    assert prompt_hash("a", [turn]) == prompt_hash("a", [dict(turn)])


async def test_a_text_without_meaning_has_a_profile_without_a_name() -> None:
    analysis = await analyze_by_rules(reading_of(["\ufffd \u200b {}"]))

    assert analysis.profile.name is None


async def test_the_reader_of_a_profile_is_told_of_hidden_text() -> None:
    lines = KOREAN
    given = json.dumps(await honest(lines))
    for hidden_chars, notes in ((0, ()), (7, ("hidden_text",))):
        reading = reading_of(lines, hidden_chars=hidden_chars)

        rules = await analyze_by_rules(reading)
        model = await analyze_by_model(reading, Recited(given), parse_tries=1)

        assert (rules.profile.notes, model.profile.notes) == (notes, notes)
