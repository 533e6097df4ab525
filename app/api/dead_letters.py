"""Dead letters: look at jobs that died, run them again, or forget them."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request
from pydantic import BaseModel, Field

from app.queue.deadletters import MAX_PAGE, DeadLetter, DeadLetterDetails, DeadLetters, Retried

router = APIRouter(prefix="/v1/dead-letters", tags=["dead letters"])


class DeadLetterPage(BaseModel):
    """The newest first. `next_cursor` asks for the next page; null on the last one."""

    letters: tuple[DeadLetter, ...]
    next_cursor: str | None


class RetryAnswer(BaseModel):
    """What became of it."""

    id: str
    outcome: Retried = Field(
        description="`queued`: it runs again. `there`: somebody else was first. "
        "`obsolete`: there is nothing to do any more."
    )


def _letters(request: Request) -> DeadLetters:
    return request.app.state.runtime.dead_letters


def _tenant(request: Request) -> str:
    return str(request.app.state.runtime.tenant_id)


Letters = Annotated[DeadLetters, Depends(_letters)]
Tenant = Annotated[str, Depends(_tenant)]


@router.get("")
async def list_dead_letters(
    letters: Letters,
    tenant: Tenant,
    cursor: Annotated[str | None, Query(max_length=2_000)] = None,
    limit: Annotated[int, Query(ge=1, le=MAX_PAGE)] = 50,
) -> DeadLetterPage:
    """Those of your tenant and those of none."""
    page = await letters.page(tenant=tenant, top_k=limit, cursor=cursor)
    return DeadLetterPage(letters=page.letters, next_cursor=page.next_cursor)


# Ids are whatever the producer chose: a slash in one is part of it.
@router.get("/{letter_id:path}")
async def show_dead_letter(letter_id: str, letters: Letters, tenant: Tenant) -> DeadLetterDetails:
    """One of them, with its arguments as far as they are ids."""
    return await letters.get(letter_id, tenant=tenant)


@router.post("/{letter_id:path}/retry")
async def retry_dead_letter(letter_id: str, letters: Letters, tenant: Tenant) -> RetryAnswer:
    """Run the job again, with all of its tries."""
    return RetryAnswer(id=letter_id, outcome=await letters.retry(letter_id, tenant=tenant))


@router.delete("/{letter_id:path}", status_code=204)
async def purge_dead_letter(letter_id: str, letters: Letters, tenant: Tenant) -> None:
    """Forget the job for good."""
    await letters.purge(letter_id, tenant=tenant)
