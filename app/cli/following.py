"""Follow a run in the terminal, line by line."""

import json
from contextlib import aclosing
from uuid import UUID

from app.cli.running import Exit
from app.cli.serving import connected
from app.pipeline.following import follow
from app.pipeline.tables import RunStatus
from app.queue.events import Event, RunEvent, StageEvent, TokenEvent
from app.settings import Settings

_GOOD = (RunStatus.SUCCEEDED, RunStatus.PARTIAL)


async def follow_run(settings: Settings, run_id: UUID, *, as_json: bool) -> int:
    """The `runs ID --follow` command; with `as_json` each line is an object."""
    code = Exit.SOME_FAILED
    async with (
        connected(settings) as runtime,
        aclosing(follow(runtime.database, runtime.events, runtime.tenant_id, run_id)) as told,
    ):
        async for event in told:
            if isinstance(event.told, TokenEvent):
                continue
            print(_as_json(event) if as_json else _line(event), flush=True)
            if isinstance(event.told, RunEvent) and event.told.status in _GOOD:
                code = Exit.OK
    return code


def _as_json(event: Event) -> str:
    return json.dumps({"id": event.id, **event.told.model_dump(mode="json")})


def _line(event: Event) -> str:
    match event.told:
        case StageEvent() as told:
            what = told.stage
        case RunEvent() as told:
            what = "run"
        case _:
            return "something may be missing here; ./run runs ID shows all of it"
    attempt = "" if told.attempt <= 1 else f"attempt {told.attempt}"
    return f"{what:<12} {told.status:<16} {told.code or '':<20} {attempt}".rstrip()
