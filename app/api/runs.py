"""Runs: a list of them, how far, how long, and what went wrong; following one, and cancelling it."""

from collections.abc import AsyncGenerator
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Header, Query, Response
from fastapi.sse import EventSourceResponse, ServerSentEvent

from app.api.dependencies import Context, Reader
from app.candidates.listing import MAX_PAGE, RunPage, list_runs
from app.candidates.records import version_of
from app.candidates.views import RunView, view_run
from app.errors import ErrorCode, PermanentError
from app.messages import Message
from app.pipeline import records
from app.pipeline.cancelling import cancel_run
from app.pipeline.following import END_ID, follow
from app.pipeline.tables import RunStatus
from app.queue.events import TokenEvent, check_position

router = APIRouter(prefix="/v1/runs", tags=["runs"])


@router.get("")
async def list_latest_runs(  # noqa: PLR0913 - one per parameter
    runtime: Context,
    language: Reader,
    *,
    status: RunStatus | None = None,
    every_flow: bool = False,
    cursor: UUID | None = None,
    limit: Annotated[int, Query(ge=1, le=MAX_PAGE)] = 50,
    reveal: bool = False,
) -> RunPage:
    """Runs that somebody asked for, the newest first; `every_flow` adds the service's own.

    `reveal` adds names and profiles.
    """
    async with runtime.database.begin() as session:
        return await list_runs(
            session,
            runtime.keyring,
            runtime.tenant_id,
            status=status,
            every_flow=every_flow,
            cursor=cursor,
            top_k=limit,
            language=language,
            reveal=reveal,
        )


@router.get("/{run_id}")
async def show_run(
    run_id: UUID, runtime: Context, language: Reader, *, reveal: bool = False
) -> RunView:
    """One run with its stages; `reveal` adds names and the profile."""
    async with runtime.database.begin() as session:
        run = await records.find(session, runtime.tenant_id, run_id)
        if run is None:
            raise PermanentError(ErrorCode.NOT_FOUND, Message.RUN_UNKNOWN)
        return await view_run(session, runtime.keyring, run, language=language, reveal=reveal)


async def _position(
    run_id: UUID,
    runtime: Context,
    response: Response,
    last_event_id: Annotated[str | None, Header(max_length=50)] = None,
) -> str | None:
    """Where to go on. What is wrong with the request has to be found before the stream begins."""
    async with runtime.database.begin() as session:
        if await records.find(session, runtime.tenant_id, run_id) is None:
            raise PermanentError(ErrorCode.NOT_FOUND, Message.RUN_UNKNOWN)
    if not last_event_id:
        return None
    if last_event_id == END_ID:
        response.status_code = 204  # the one answer after which a browser does not come back
        return END_ID
    return check_position(last_event_id)


@router.get(
    "/{run_id}/events",
    response_class=EventSourceResponse,
    responses={204: {"description": "`Last-Event-ID` is that of the last event: no more come."}},
)
async def follow_run(
    run_id: UUID, runtime: Context, after: Annotated[str | None, Depends(_position)]
) -> AsyncGenerator[ServerSentEvent]:
    """What happens in a run, as it happens: server-sent events, from the first that is kept.

    `stage`: one has begun or ended. `run`: its state has changed; the one with `ended` is the last.
    `gap`: something may be missing, look at the run itself. With `Last-Event-ID` the stream goes on
    from there; after the last event that is 204. An event may come twice.
    """
    if after == END_ID:
        return
    async for event in follow(
        runtime.database, runtime.events, runtime.tenant_id, run_id, after=after
    ):
        # Tokens are personal data; they leave where the answer itself is shown.
        if not isinstance(event.told, TokenEvent):
            yield ServerSentEvent(data=event.told, event=event.told.kind, id=event.id)


@router.post("/{run_id}/cancel")
async def cancel(run_id: UUID, runtime: Context, language: Reader) -> RunView:
    """End a run that waits or runs. One that is cancelled already is answered the same way.

    One that has saved its candidate is refused like one that has ended: it is about to.
    """
    run = await cancel_run(
        runtime.database,
        runtime.producer,
        runtime.events,
        runtime.tenant_id,
        run_id,
        made=version_of,
    )
    async with runtime.database.begin() as session:
        return await view_run(session, runtime.keyring, run, language=language, reveal=False)
