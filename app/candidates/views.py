"""Runs and candidates as they are shown, by the API and by `--json`: one shape, one place."""

import json
from collections.abc import Sequence
from datetime import datetime
from pathlib import PurePath
from typing import Any
from uuid import UUID

from pydantic import BaseModel
from sqlalchemy.ext.asyncio import AsyncSession

from app.candidates import records as candidates
from app.candidates.intake import file_name_place
from app.candidates.profile import Profile
from app.candidates.protection import profile_place
from app.candidates.tables import CandidateRow, FileRow, VersionRow
from app.documents.blocks import DOCUMENT_SUFFIXES
from app.errors import ErrorCode, PermanentError, describe, stored_code
from app.messages import Language, Message
from app.pipeline import records as runs
from app.pipeline.bill import SpendView, view_spend
from app.pipeline.run import private_place
from app.pipeline.tables import AttemptRow, RunRow, RunStatus, StageRow, StageStatus
from app.store.crypto import Keyring
from app.store.keys import TenantId, load_data_key


class StageView(BaseModel):
    """One stage as it last ran; `attempt` is the run's attempt in which that was.

    `message` says why it failed, or why something stood in for it.
    """

    name: str
    status: StageStatus
    ms: int | None
    attempt: int
    tries: int
    code: str | None
    message: str | None


class RunView(BaseModel):
    """`ms` is from the first start to the end, without the wait in the queue; None before that.

    `profile` and the personal part of `details` are there only when they were asked for; `spend`,
    where a model has answered.
    """

    id: UUID
    flow: str
    file: str | None
    status: RunStatus
    code: str | None
    partial_codes: list[str]
    message: str | None
    details: dict[str, Any]
    candidate_id: UUID | None
    candidate_version: int | None
    attempt: int
    created_at: datetime
    ms: int | None
    stages: list[StageView]
    spend: SpendView | None
    profile: Profile | None = None


class VersionView(BaseModel):
    """What one run read of a candidate; the newest is the one that is found."""

    version: int
    run_id: UUID
    headline: str | None
    skills: list[str]
    years: float
    language: str
    analyst: str
    created_at: datetime
    profile: Profile | None = None


class CandidateView(BaseModel):
    """Without `reveal`, name and contacts are masked: a first letter, and how many there are.

    `notes` say what to know of how the résumé was read: members of Note, or those of a later version.
    `possible_duplicate_of` shares a mail or a phone, but whether the names are one person's is
    for people to decide. `versions`, the newest first, are there when they were asked for.
    """

    id: UUID
    run_id: UUID
    version: int
    possible_duplicate_of: UUID | None
    name: str | None
    headline: str | None
    skills: list[str]
    years: float
    language: str
    analyst: str
    notes: list[str]
    created_at: datetime
    updated_at: datetime
    profile: Profile | None = None
    versions: list[VersionView] | None = None


class CandidateList(BaseModel):
    candidates: list[CandidateView]


async def view_run(
    session: AsyncSession, keyring: Keyring, run: RunRow, *, language: Language, reveal: bool
) -> RunView:
    """One run with its stages. Names and profile are decrypted only for `reveal`."""
    stages = await runs.stages(session, run.id)
    attempts = await runs.attempts(session, run.id)
    file = await candidates.file_of(session, run.id)
    result = run.result or {}
    candidate_id = UUID(result["candidate_id"]) if "candidate_id" in result else None
    details = dict(run.details)
    profile = None
    if reveal and run.private_sealed and run.data_key_id:
        key = await load_data_key(session, keyring, run.data_key_id)
        details |= json.loads(key.open(run.private_sealed, private_place(run.id)))
    made = await candidates.version_of(session, run.id)
    if reveal and made is not None:
        candidate = await candidates.find(session, TenantId(run.tenant_id), made.candidate_id)
        profile = await open_profile(session, keyring, candidate, made) if candidate else None
    return RunView(
        id=run.id,
        flow=run.flow,
        file=await file_name(session, keyring, run, file, reveal=reveal),
        status=RunStatus(run.status),
        code=run.code,
        partial_codes=run.partial_codes,
        message=sentence(run, language),
        details=details,
        candidate_id=candidate_id,
        candidate_version=made.version if made else None,
        attempt=run.attempt,
        created_at=run.created_at,
        ms=_duration_ms(run, attempts),
        stages=[_view_stage(row, run, language) for row in latest_of_each(stages)],
        spend=await view_spend(session, run.id),
        profile=profile,
    )


async def view_candidate(
    session: AsyncSession,
    keyring: Keyring,
    candidate: CandidateRow,
    *,
    reveal: bool,
    versions: bool = False,
) -> CandidateView:
    """One candidate; the profile, with contacts, only for `reveal`."""
    profile = await open_profile(session, keyring, candidate)
    return CandidateView(
        id=candidate.id,
        run_id=candidate.run_id,
        version=candidate.version,
        possible_duplicate_of=candidate.possible_duplicate_of,
        name=profile.name if reveal else mask_name(profile.name),
        headline=profile.headline,
        skills=candidate.skills,
        years=candidate.years,
        language=candidate.language,
        analyst=candidate.analyst,
        notes=list(profile.notes),
        created_at=candidate.created_at,
        updated_at=candidate.updated_at,
        profile=profile if reveal else None,
        versions=[
            _view_version(row, await open_profile(session, keyring, candidate, row), reveal=reveal)
            for row in await candidates.versions(session, candidate.id)
        ]
        if versions
        else None,
    )


def _view_version(row: VersionRow, profile: Profile, *, reveal: bool) -> VersionView:
    return VersionView(
        version=row.version,
        run_id=row.run_id,
        headline=profile.headline,
        skills=row.skills,
        years=row.years,
        language=row.language,
        analyst=row.analyst,
        created_at=row.created_at,
        profile=profile if reveal else None,
    )


async def open_profile(
    session: AsyncSession,
    keyring: Keyring,
    candidate: CandidateRow,
    version: VersionRow | None = None,
) -> Profile:
    """The newest profile, or that of a version.

    Raises ENCRYPTION_ERROR when the candidate's key was destroyed.
    """
    if candidate.data_key_id is None:
        raise PermanentError(ErrorCode.ENCRYPTION_ERROR, details={"reason": "key destroyed"})
    key = await load_data_key(session, keyring, candidate.data_key_id)
    sealed = version.profile_sealed if version else candidate.profile_sealed
    return Profile.model_validate_json(key.open(sealed, profile_place(candidate.id)))


async def file_name(
    session: AsyncSession, keyring: Keyring, run: RunRow, file: FileRow | None, *, reveal: bool
) -> str | None:
    """The name that the file came with.

    Without `reveal` only its ending, where that is one of a document's: people name files after
    themselves, with dots too. None once it was dropped.
    """
    if file is None or not file.name_sealed or run.data_key_id is None:
        return None
    key = await load_data_key(session, keyring, run.data_key_id)
    name = key.open(file.name_sealed, file_name_place(run.id))
    if reveal:
        return name
    ending = PurePath(name).suffix
    return f"*{ending}" if ending.lower() in DOCUMENT_SUFFIXES else "*"


def sentence(run: RunRow, language: Language) -> str | None:
    """What happened, for people; None while nothing is to be said."""
    if (code := stored_code(run.code)) is None:
        return None
    # A sentence that a later version dropped leaves that of the code.
    message = Message.__members__.get(run.message or "")
    return describe(code, message, run.details, language)


def mask_name(name: str | None) -> str | None:
    """`김**`, `J***`: enough to tell two lines apart."""
    if not name:
        return name
    return name[0] + "*" * min(len(name) - 1, 3)


def latest_of_each(stages: Sequence[StageRow]) -> list[StageRow]:
    """The last execution of each stage, in the order in which they started."""
    last = {row.name: row for row in stages}
    return sorted(last.values(), key=lambda row: row.started_at)


def _view_stage(row: StageRow, run: RunRow, language: Language) -> StageView:
    """The stage that a run ended in says what the run says; of others the code alone is kept."""
    message = code.text(language) if (code := stored_code(row.code)) else None
    ms = (row.ended_at - row.started_at).total_seconds() * 1000 if row.ended_at else None
    return StageView(
        name=row.name,
        status=StageStatus(row.status),
        ms=None if ms is None else round(ms),
        attempt=row.attempt,
        tries=row.tries,
        code=row.code,
        message=sentence(run, language) if row.code and row.code == run.code else message,
    )


def _duration_ms(run: RunRow, attempts: Sequence[AttemptRow]) -> int | None:
    if run.finished_at is None:
        return None
    started_at = attempts[0].started_at if attempts else run.finished_at
    return round((run.finished_at - started_at).total_seconds() * 1000)
