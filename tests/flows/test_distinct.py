"""Two persons who were told apart stay apart, whatever résumés of theirs come in later."""

import pytest
from sqlalchemy import text

from app.bootstrap import Runtime
from app.candidates.distinct import tell_apart
from tests.flows.conftest import EndedRuns
from tests.flows.persons import candidates, read, resume

pytestmark = [pytest.mark.flow, pytest.mark.timeout(120)]


@pytest.mark.parametrize("decided", [True, False])
async def test_the_next_version_flags_only_whom_nobody_told_apart(
    here: Runtime, ended: EndedRuns, *, decided: bool
) -> None:
    await read(here, ended, resume("윤가온"), resume("Gaon Yun", phone="010-0000-5555"))
    korean, english = await candidates(here)
    assert english.possible_duplicate_of == korean.id
    async with here.database.begin() as session:
        await tell_apart(session, here.tenant_id, english.id)
        if not decided:  # as if the flag had been taken back by hand
            await session.execute(text("DELETE FROM distinct_pairs"))

    # It shows both names, so that it ties the two together.
    await read(here, ended, resume("윤가온 (Gaon Yun)", skills="Rust"))

    found = {each.id: each for each in await candidates(here)}
    assert sorted(each.version for each in found.values()) == [1, 2]
    flags = [each.possible_duplicate_of for each in found.values()]
    assert flags.count(None) == (2 if decided else 1)
