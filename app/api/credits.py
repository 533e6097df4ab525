"""Credits: what the tenant has, the ledger that explains it, and changes to both."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field

from app.api.dependencies import Context, IdempotencyKey, Words
from app.credits import ledger
from app.credits.ledger import MAX_CREDITS_AT_ONCE, Balance
from app.credits.tables import EntryRow
from app.credits.verification import Verification, verify
from app.pipeline.tables import RunStatus

router = APIRouter(prefix="/v1/credits", tags=["credits"])

MAX_PAGE = 200
_MADE_BY = "api"
_MAX_ENTRY_ID = 2**63 - 1


class CreditsView(BaseModel):
    """What the tenant has."""

    unlimited: bool
    available: int | None = Field(description="Null while they are unlimited.")
    reserved: int = Field(description="Held by runs that have not ended.")
    per_file: int = Field(description="What a file costs.")


class EntryView(BaseModel):
    """One line of the ledger. Nothing changes it; what it did to both sums stands in it."""

    id: int
    kind: str
    available_delta: int
    reserved_delta: int
    run_id: UUID | None
    note: str
    made_by: str
    created_at: datetime


class EntryPage(BaseModel):
    """The newest first. `next_cursor` asks for the next page; null on the last one."""

    entries: list[EntryView]
    next_cursor: int | None


class StrayView(BaseModel):
    """Credits of a run that has ended without owing them, or is gone (`status` null)."""

    run_id: UUID
    credits: int
    status: RunStatus | None


class VerificationView(BaseModel):
    """The account beside the sum of its entries; `holds` when there is no difference."""

    holds: bool
    entries: int
    available: int
    available_difference: int
    reserved: int
    reserved_difference: int
    strays: list[StrayView]


Note = Annotated[Words, Field(description="Why, for those who look later. No personal data.")]


class Grant(BaseModel):
    """Credits that the tenant is given."""

    model_config = ConfigDict(extra="forbid")

    credits: int = Field(ge=1, le=MAX_CREDITS_AT_ONCE)
    note: Note = ""


class Adjustment(BaseModel):
    """A correction; below zero it takes credits away."""

    model_config = ConfigDict(extra="forbid")

    credits: int = Field(ge=-MAX_CREDITS_AT_ONCE, le=MAX_CREDITS_AT_ONCE)
    note: Annotated[Note, Field(min_length=1)]


class Lifting(BaseModel):
    """Why the credits are no longer limited."""

    model_config = ConfigDict(extra="forbid")

    note: Note = ""


@router.get("")
async def show_credits(runtime: Context) -> CreditsView:
    """What is available and reserved now."""
    async with runtime.database.begin() as session:
        left = await ledger.balance(session, runtime.tenant_id)
    return view_credits(left, runtime.settings.credits.per_file)


@router.get("/entries")
async def list_entries(
    runtime: Context,
    cursor: Annotated[int | None, Query(ge=1, le=_MAX_ENTRY_ID)] = None,
    limit: Annotated[int, Query(ge=1, le=MAX_PAGE)] = 50,
) -> EntryPage:
    """The ledger."""
    async with runtime.database.begin() as session:
        found = await ledger.entries(session, runtime.tenant_id, top_k=limit + 1, before=cursor)
    return page_of(found, limit)


@router.post("/grants")
async def grant_credits(
    grant: Grant, runtime: Context, idempotency_key: IdempotencyKey = None
) -> CreditsView:
    """Give credits; from the first time on they are limited. The same `Idempotency-Key` gives once."""
    async with runtime.database.begin() as session:
        left = await ledger.grant(
            session,
            runtime.tenant_id,
            grant.credits,
            note=grant.note,
            made_by=_MADE_BY,
            idempotency_key=idempotency_key,
        )
    return view_credits(left, runtime.settings.credits.per_file)


@router.post("/adjustments")
async def adjust_credits(
    adjustment: Adjustment, runtime: Context, idempotency_key: IdempotencyKey = None
) -> CreditsView:
    """Put right what is available, up or down, but never below zero."""
    async with runtime.database.begin() as session:
        left = await ledger.adjust(
            session,
            runtime.tenant_id,
            adjustment.credits,
            note=adjustment.note,
            made_by=_MADE_BY,
            idempotency_key=idempotency_key,
        )
    return view_credits(left, runtime.settings.credits.per_file)


@router.put("/unlimited")
async def lift_limit(lifting: Lifting, runtime: Context) -> CreditsView:
    """Let the tenant submit without limit. What is available is kept for a later grant."""
    async with runtime.database.begin() as session:
        left = await ledger.lift(session, runtime.tenant_id, note=lifting.note, made_by=_MADE_BY)
    return view_credits(left, runtime.settings.credits.per_file)


@router.get("/verification")
async def verify_credits(runtime: Context) -> VerificationView:
    """Add up the whole ledger anew, and compare."""
    async with runtime.database.begin() as session:
        return view_verification(await verify(session, runtime.tenant_id))


def view_credits(left: Balance, per_file: int) -> CreditsView:
    return CreditsView(
        unlimited=left.unlimited,
        available=None if left.unlimited else left.available,
        reserved=left.reserved,
        per_file=per_file,
    )


def page_of(found: Sequence[EntryRow], limit: int) -> EntryPage:
    """A page of at most `limit`; `found` has one more when there is a next page."""
    shown = found[:limit]
    return EntryPage(
        entries=[
            EntryView(
                id=entry.id,
                kind=entry.kind,
                available_delta=entry.available_delta,
                reserved_delta=entry.reserved_delta,
                run_id=entry.run_id,
                note=entry.note,
                made_by=entry.made_by,
                created_at=entry.created_at,
            )
            for entry in shown
        ],
        next_cursor=shown[-1].id if len(found) > limit else None,
    )


def view_verification(verified: Verification) -> VerificationView:
    return VerificationView(
        holds=verified.holds,
        entries=verified.entry_count,
        available=verified.available,
        available_difference=verified.available_difference,
        reserved=verified.reserved,
        reserved_difference=verified.reserved_difference,
        strays=[
            StrayView(run_id=stray.run_id, credits=stray.credit_count, status=stray.status)
            for stray in verified.strays
        ],
    )
