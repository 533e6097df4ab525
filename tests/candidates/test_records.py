import asyncio

from sqlalchemy import and_, select

from app.bootstrap import Runtime
from app.candidates.search import search
from app.candidates.tables import CandidateRow, ChunkRow
from app.resilience.policies import PolicyName
from tests.candidates.known import add_person, lookups_of

VERSIONS = 25


def pieces(version: int) -> list[str]:
    """As many pieces as the number says, each with the number in it."""
    return [f"canary version{version:03} piece {number}" for number in range(version)]


async def test_readers_see_one_version_whole_while_others_take_its_place(
    runtime: Runtime,
) -> None:
    lookups = lookups_of(runtime, mail="gaon.yun@example.com")
    person = await add_person(runtime, "윤가온", lookups, chunks=pieces(1))
    for number in range(5):  # a word that everybody has finds nobody
        await add_person(runtime, f"이름 {number}", (), chunks=["nothing of interest"])
    done = asyncio.Event()
    seen: list[int] = []

    async def look() -> None:
        while not done.is_set():
            async with runtime.database.begin() as session:
                rows = await session.execute(
                    select(CandidateRow.version, ChunkRow.text)
                    .outerjoin(
                        ChunkRow,
                        and_(
                            ChunkRow.candidate_id == CandidateRow.id,
                            ChunkRow.version == CandidateRow.version,
                        ),
                    )
                    .where(CandidateRow.id == person)
                    .order_by(ChunkRow.position)
                )
                found = rows.all()
            (version,) = {row[0] for row in found}
            assert [row[1] for row in found] == pieces(version)
            seen.append(version)

    async def find() -> None:
        while not done.is_set():
            found = await search(
                runtime.database,
                runtime.tenant_id,
                "canary piece",
                embedder=runtime.embedder,
                policy=runtime.policies[PolicyName.QUERY],
                top_k=5,
            )
            assert [hit.candidate_id for hit in found.hits] == [person]

    async with asyncio.TaskGroup() as group:
        readers = [group.create_task(look()) for _ in range(3)]
        readers.append(group.create_task(find()))
        for version in range(2, VERSIONS + 1):
            await add_person(
                runtime,
                "윤가온",
                lookups,
                candidate_id=person,
                version=version,
                chunks=pieces(version),
            )
        done.set()
    assert len(set(seen)) > 2  # they looked while it changed
    async with runtime.database.begin() as session:
        left = (
            await session.scalars(
                select(ChunkRow.text)
                .where(ChunkRow.candidate_id == person)
                .order_by(ChunkRow.position)
            )
        ).all()
    assert left == pieces(VERSIONS)
