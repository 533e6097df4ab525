"""Who opens a picture of a candidate, and who does not."""

from collections.abc import Awaitable, Callable
from uuid import UUID, uuid4

import pytest
from sqlalchemy import delete

from app.bootstrap import Runtime
from app.candidates.pictures import PictureOf, open_picture
from app.candidates.portfolio import portfolio_place
from app.candidates.tables import CandidateRow, VersionRow
from app.candidates.thumbnails import portfolio_key, thumbnail_key, thumbnail_place
from app.errors import ErrorCode, PermanentError
from app.pipeline.tables import RunRow
from app.resilience.policies import PolicyName
from app.store.keys import DataKeyRow, TenantId, load_data_key
from tests.candidates.known import add_person

FIRST, PORTFOLIO = b"\x89PNG first page", b"\x89PNG portfolio"
PLACES = {
    PictureOf.FIRST_PAGE: (thumbnail_key, thumbnail_place, FIRST),
    PictureOf.PORTFOLIO: (portfolio_key, portfolio_place, PORTFOLIO),
}

Opened = Callable[..., Awaitable[bytes]]


@pytest.fixture
def opened(runtime: Runtime) -> Opened:
    async def call(
        candidate_id: UUID,
        of: PictureOf = PictureOf.FIRST_PAGE,
        *,
        tenant_id: TenantId = runtime.tenant_id,
    ) -> bytes:
        return await open_picture(
            runtime.database,
            runtime.blobs,
            runtime.policies[PolicyName.STORAGE],
            runtime.keyring,
            tenant_id,
            candidate_id,
            of=of,
        )

    return call


async def draw(runtime: Runtime, candidate_id: UUID, *pictures: PictureOf) -> UUID:
    """Seal pictures of the live version as its run does; returns the id of that run."""
    async with runtime.database.begin() as session:
        candidate = await session.get_one(CandidateRow, candidate_id)
        version = await session.get_one(VersionRow, (candidate_id, candidate.version))
        run = await session.get_one(RunRow, version.run_id)
        assert run.data_key_id is not None
        data_key = await load_data_key(session, runtime.keyring, run.data_key_id)
        for picture in pictures:
            key_of, place_of, content = PLACES[picture]
            key = key_of(runtime.tenant_id, run.id)
            await runtime.blobs.put(key, data_key.seal_bytes(content, place_of(run.id)))
            if picture is PictureOf.PORTFOLIO:
                version.portfolio_key = key
            else:
                version.thumbnail_key = candidate.thumbnail_key = key
        return run.id


async def refused(opening: Awaitable[bytes]) -> ErrorCode:
    with pytest.raises(PermanentError) as raised:
        await opening
    return raised.value.code


async def test_both_pictures_are_opened_and_each_is_its_own(
    runtime: Runtime, opened: Opened
) -> None:
    person = await add_person(runtime, "윤가온", ())
    await draw(runtime, person, PictureOf.FIRST_PAGE, PictureOf.PORTFOLIO)
    assert await opened(person, PictureOf.FIRST_PAGE) == FIRST
    assert await opened(person, PictureOf.PORTFOLIO) == PORTFOLIO


@pytest.mark.parametrize("drawn", PictureOf)
async def test_what_was_not_drawn_is_not_found(
    drawn: PictureOf, runtime: Runtime, opened: Opened
) -> None:
    person = await add_person(runtime, "윤가온", ())
    await draw(runtime, person, drawn)
    (other,) = set(PictureOf) - {drawn}
    assert await opened(person, drawn)
    assert await refused(opened(person, other)) is ErrorCode.NOT_FOUND


async def test_the_pictures_are_those_of_the_newest_version(
    runtime: Runtime, opened: Opened
) -> None:
    person = await add_person(runtime, "윤가온", ())
    await draw(runtime, person, *PictureOf)
    await add_person(runtime, "윤가온", (), candidate_id=person, version=2)
    for of in PictureOf:
        assert await refused(opened(person, of)) is ErrorCode.NOT_FOUND


async def test_another_tenant_finds_nothing(runtime: Runtime, opened: Opened) -> None:
    person = await add_person(runtime, "윤가온", ())
    await draw(runtime, person, *PictureOf)
    for of in PictureOf:
        stranger = opened(person, of, tenant_id=TenantId(uuid4()))
        assert await refused(stranger) is ErrorCode.NOT_FOUND
    assert await refused(opened(uuid4())) is ErrorCode.NOT_FOUND


async def test_a_destroyed_key_closes_both(runtime: Runtime, opened: Opened) -> None:
    person = await add_person(runtime, "윤가온", ())
    run_id = await draw(runtime, person, *PictureOf)
    async with runtime.database.begin() as session:
        run = await session.get_one(RunRow, run_id)
        await session.execute(delete(DataKeyRow).where(DataKeyRow.id == run.data_key_id))
    for of in PictureOf:
        assert await refused(opened(person, of)) is ErrorCode.ENCRYPTION_ERROR


async def test_one_in_the_place_of_another_or_of_another_person_is_not_opened(
    runtime: Runtime, opened: Opened
) -> None:
    person, other = await add_person(runtime, "윤가온", ()), await add_person(runtime, "한나라", ())
    run_id = await draw(runtime, person, *PictureOf)
    other_run_id = await draw(runtime, other, *PictureOf)
    first = thumbnail_key(runtime.tenant_id, run_id)
    for moved in (
        portfolio_key(runtime.tenant_id, run_id),
        thumbnail_key(runtime.tenant_id, other_run_id),
    ):
        await runtime.blobs.put(first, await runtime.blobs.get(moved))
        assert await refused(opened(person)) is ErrorCode.ENCRYPTION_ERROR


async def test_a_picture_that_the_store_has_lost_is_not_found(
    runtime: Runtime, opened: Opened
) -> None:
    person = await add_person(runtime, "윤가온", ())
    run_id = await draw(runtime, person, *PictureOf)
    await runtime.blobs.delete(thumbnail_key(runtime.tenant_id, run_id))
    assert await refused(opened(person)) is ErrorCode.NOT_FOUND
    assert await opened(person, PictureOf.PORTFOLIO) == PORTFOLIO
