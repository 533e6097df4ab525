"""Résumés of invented persons, and what became of them."""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from uuid import UUID

from sqlalchemy import select, text

from app.bootstrap import Runtime
from app.candidates.erasure import Erased, Eraser
from app.candidates.tables import CandidateRow, VersionRow
from app.pipeline.tables import EffectRow, RunRow
from tests.flows.conftest import EndedRuns

MAIL, PHONE = "gaon.yun@example.com", "010-0000-2101"


def resume(
    name: str = "윤가온", mail: str = MAIL, phone: str = PHONE, skills: str = "Python, Kafka"
) -> bytes:
    return f"{name}\n{mail}\n{phone}\n\n기술\n{skills}\n".encode()


async def read(runtime: Runtime, ended: EndedRuns, *files: bytes) -> list[RunRow]:
    """Ingest these files one after the other."""
    runs: list[RunRow] = []
    for file in files:
        accepted = await runtime.intake.accept("cv.txt", file)
        runs += await ended([accepted.run_id])
    assert {run.status for run in runs} == {"succeeded"}, [(run.code, run.details) for run in runs]
    return runs


async def candidates(runtime: Runtime) -> Sequence[CandidateRow]:
    """Oldest first."""
    async with runtime.database.begin() as session:
        rows = await session.scalars(select(CandidateRow).order_by(CandidateRow.created_at))
        return rows.all()


async def versions(runtime: Runtime, candidate_id: UUID) -> list[tuple[int, UUID]]:
    """Number and run of each, oldest first."""
    async with runtime.database.begin() as session:
        rows = await session.scalars(
            select(VersionRow)
            .where(VersionRow.candidate_id == candidate_id)
            .order_by(VersionRow.version)
        )
        return [(row.version, row.run_id) for row in rows]


async def everything(runtime: Runtime) -> str:
    """Every row of every table as text."""
    async with runtime.database.begin() as session:
        tables = await session.scalars(
            text("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
        )
        parts: list[str] = []
        for table in tables.all():
            rows = await session.scalars(text(f'SELECT t::text FROM "{table}" t'))  # noqa: S608 - our own tables
            parts += rows.all()
    return "\n".join(parts)


async def erase(runtime: Runtime, candidate_id: UUID) -> Erased:
    eraser = Eraser(
        database=runtime.database,
        producer=runtime.producer,
        events=runtime.events,
        keyring=runtime.keyring,
        tenant_id=runtime.tenant_id,
    )
    return (await eraser.erase(candidate_id)).erased


def blobs(runtime: Runtime) -> list[Path]:
    return [path for path in (runtime.settings.data.folder / "blobs").rglob("*") if path.is_file()]


async def until_no_file_is_left(runtime: Runtime) -> None:
    async with asyncio.timeout(40):
        while blobs(runtime) or "files" in await owed(runtime):
            await asyncio.sleep(0.05)


async def owed(runtime: Runtime) -> str:
    async with runtime.database.begin() as session:
        kinds = await session.scalars(select(EffectRow.kind).where(EffectRow.done_at.is_(None)))
        return " ".join(kinds)


async def tried(runtime: Runtime) -> int:
    async with runtime.database.begin() as session:
        tries = await session.scalar(select(EffectRow.tries).where(EffectRow.kind == "erase_files"))
    return tries or 0
