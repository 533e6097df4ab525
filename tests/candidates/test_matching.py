import asyncio

import pytest
from sqlalchemy import text

from app.bootstrap import Runtime
from app.candidates.matching import Match, all_names, match
from app.candidates.records import find
from tests.candidates.known import add_person, lookups_of

MAIL, PHONE = "gaon.yun@example.com", "010-0000-2101"


async def matched(runtime: Runtime, *names: str, mail: str = MAIL, phone: str = PHONE) -> Match:
    lookups = lookups_of(runtime, mail=mail, phone=phone, name=names[0] if names else "")
    async with runtime.database.begin() as session:
        return await match(
            session, runtime.keyring, runtime.tenant_id, names=names, lookups=lookups
        )


@pytest.mark.parametrize(
    ("names", "contacts", "same"),
    [
        (["윤가온"], {"mail": MAIL, "phone": "010-0000-9"}, True),
        (["윤가온"], {"mail": "x@example.com", "phone": "+82-10-0000-2101"}, True),
        (["윤가람"], {"mail": MAIL, "phone": PHONE}, False),
        (["Gaon Yun"], {"mail": MAIL, "phone": PHONE}, True),
        (["Gaon Yun"], {"mail": MAIL, "phone": "010-0000-9"}, False),
        ([], {"mail": MAIL, "phone": PHONE}, True),
        ([], {"mail": MAIL, "phone": "010-0000-9"}, False),
    ],
)
async def test_a_contact_and_a_compatible_name_make_the_same_person(
    names: list[str], contacts: dict[str, str], same: bool, runtime: Runtime
) -> None:
    known = await add_person(runtime, "윤가온", lookups_of(runtime, mail=MAIL, phone=PHONE))
    found = await matched(runtime, *names, **contacts)
    assert (found.known.id if found.known else None) == (known if same else None)
    assert found.others == (() if same else (known,))
    assert (found.key is not None) is same


async def test_who_shares_no_contact_is_not_even_looked_at(runtime: Runtime) -> None:
    await add_person(runtime, "윤가온", lookups_of(runtime, mail=MAIL, name="윤가온"))
    found = await matched(runtime, "윤가온", mail="x@example.com")
    assert (found.known, found.same, found.others) == (None, (), ())


async def test_the_likeliest_of_several_is_chosen_and_the_others_are_named(
    runtime: Runtime,
) -> None:
    stranger = await add_person(runtime, "한나라", lookups_of(runtime, mail=MAIL))
    initial = await add_person(runtime, "G. Yun", lookups_of(runtime, phone=PHONE))
    whole = await add_person(runtime, "Gaon Yun", lookups_of(runtime, mail=MAIL))
    found = await matched(runtime, "Yun Gaon")
    assert found.known is not None
    assert (found.known.id, found.same, found.others) == (whole, (initial,), (stranger,))


async def test_a_person_is_found_among_very_many_with_the_mail_of_one_agency(
    runtime: Runtime,
) -> None:
    for number in range(105):
        await add_person(runtime, f"이름 {number}", lookups_of(runtime, mail=MAIL))
    wanted = await add_person(runtime, "윤가온", lookups_of(runtime, mail=MAIL, name="윤가온"))
    found = await matched(runtime, "윤가온")
    assert found.known is not None
    assert found.known.id == wanted


async def test_names_that_were_not_kept_are_read_from_the_profile(runtime: Runtime) -> None:
    lookups = lookups_of(runtime, mail=MAIL)
    known = await add_person(runtime, "윤가온", lookups, names_are_kept=False)
    await add_person(runtime, "Gaon Yun", lookups, candidate_id=known, version=2)
    async with runtime.database.begin() as session:
        candidate = await find(session, runtime.tenant_id, known)
        assert candidate is not None
        assert await all_names(session, runtime.keyring, candidate) == ("Gaon Yun", "윤가온")


async def test_who_looks_for_the_same_contact_waits_until_the_other_has_saved(
    runtime: Runtime,
) -> None:
    lookups = lookups_of(runtime, mail=MAIL, phone=PHONE)

    async def look(mail: str, phone: str) -> Match:
        return await matched(runtime, "윤가온", mail=mail, phone=phone)

    async with asyncio.TaskGroup() as group, runtime.database.begin() as session:
        found = await match(
            session, runtime.keyring, runtime.tenant_id, names=["윤가온"], lookups=lookups
        )
        assert found.known is None
        waiting = group.create_task(look("new@example.com", PHONE))
        async with asyncio.timeout(30):
            while not await _waits(runtime):
                await asyncio.sleep(0.01)
        stranger = await look("x@example.com", "010-0000-7777")  # who shares nothing does not wait
        assert stranger.known is None
        assert not waiting.done()
    # The other has saved nobody, so there is still nobody; but it was asked after it.
    assert waiting.result().known is None


async def test_locks_in_any_order_of_contacts_never_wait_in_a_circle(runtime: Runtime) -> None:
    contacts = lookups_of(runtime, mail=MAIL, phone=PHONE)
    contacts += lookups_of(runtime, mail="b@example.com", phone="010-0000-0002")

    async def look(number: int) -> None:
        turned = [*contacts[number % 4 :], *contacts[: number % 4]]
        async with runtime.database.begin() as session:
            await match(session, runtime.keyring, runtime.tenant_id, names=[], lookups=turned)

    async with asyncio.timeout(60), asyncio.TaskGroup() as group:
        for number in range(40):
            group.create_task(look(number))


async def _waits(runtime: Runtime) -> bool:
    async with runtime.database.begin() as session:
        count = await session.scalar(
            text(
                "SELECT count(*) FROM pg_stat_activity "
                "WHERE wait_event = 'advisory' AND datname = current_database()"
            )
        )
    return bool(count)
