from uuid import UUID

import pytest

from app.bootstrap import Runtime
from app.candidates.lookup import look_up
from app.candidates.namesakes import spellings_to_find
from app.candidates.tables import LookupKind
from app.errors import ErrorCode, PermanentError
from app.messages import Language
from app.store.crypto import BlindIndex
from tests.candidates.known import add_person, lookups_of

MAIL, PHONE = "gaon.yun@example.com", "010-0000-2101"


async def found(runtime: Runtime, **sought: str) -> list[UUID]:
    async with runtime.database.begin() as session:
        rows = await look_up(session, runtime.index, runtime.tenant_id, **sought)
        return [row.id for row in rows]


def named(index: BlindIndex, name: str) -> list[tuple[str, bytes]]:
    return [(LookupKind.NAME, index.name(form)) for form in spellings_to_find(name)]


@pytest.mark.parametrize(
    "sought",
    [
        {"mail": " GAON.YUN@Example.com "},
        {"mail": "ｇａｏｎ.yun@example.com"},
        {"phone": "+82 10-0000-2101"},
        {"phone": "01000002101"},
        {"name": "윤 가온"},
        {"name": "가온 윤"},
        {"name": "Yun, Ga-on"},
        {"name": "gaon  YUN"},
        {"mail": MAIL, "phone": PHONE, "name": "윤가온"},
    ],
)
async def test_a_person_is_found_however_it_is_written(
    sought: dict[str, str], runtime: Runtime
) -> None:
    index = runtime.index
    person = await add_person(
        runtime,
        "윤가온",
        [
            *lookups_of(runtime, mail=MAIL, phone=PHONE),
            *named(index, "윤가온"),
            *named(index, "Gaon Yun"),
        ],
    )
    await add_person(runtime, "한나라", lookups_of(runtime, mail="nara@example.com"))
    assert await found(runtime, **sought) == [person]


@pytest.mark.parametrize(
    "typed", ["+1 555 010 9911", "15550109911", "555-010-9911", "001 555 010 9911", "1-555-0109911"]
)
async def test_a_phone_abroad_is_found_without_the_plus_and_without_the_code_of_north_america(
    typed: str, runtime: Runtime
) -> None:
    person = await add_person(runtime, "Jane", lookups_of(runtime, phone="+1 (555) 010-9911"))
    await add_person(runtime, "한나라", lookups_of(runtime, phone=PHONE))
    assert await found(runtime, phone=typed) == [person]


async def test_all_that_is_given_must_be_the_persons(runtime: Runtime) -> None:
    await add_person(runtime, "윤가온", lookups_of(runtime, mail=MAIL, name="윤가온"))
    await add_person(runtime, "한나라", lookups_of(runtime, phone=PHONE, name="한나라"))
    assert await found(runtime, mail=MAIL, phone=PHONE) == []
    assert await found(runtime, mail=MAIL, name="한나라") == []


async def test_namesakes_are_all_found_the_newest_first(runtime: Runtime) -> None:
    first = await add_person(runtime, "윤가온", lookups_of(runtime, name="윤가온"))
    second = await add_person(runtime, "윤가온", lookups_of(runtime, name="윤가온"))
    assert await found(runtime, name="윤가온") == [second, first]


@pytest.mark.parametrize(
    ("sought", "said"),
    [
        ({}, "Give a mail"),
        ({"mail": "  ", "name": ""}, "Give a mail"),
        ({"phone": "none"}, "at least 4 digits"),
    ],
)
async def test_what_cannot_be_looked_up_is_said(
    sought: dict[str, str], said: str, runtime: Runtime
) -> None:
    with pytest.raises(PermanentError, match=said) as caught:
        await found(runtime, **sought)
    assert caught.value.code is ErrorCode.VALIDATION_ERROR
    assert caught.value.text(Language.KOREAN) != str(caught.value)
