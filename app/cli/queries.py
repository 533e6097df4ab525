"""Look at what is there."""

from uuid import UUID

from pydantic import BaseModel

from app.bootstrap import Runtime
from app.candidates.intake import INGEST_FLOW
from app.candidates.repair import REEMBED_FLOW, REPAIR_FLOW
from app.candidates.views import RunView, view_run
from app.cli.render import (
    print_json,
    print_run_list,
    print_waterfall,
)
from app.cli.serving import connected
from app.errors import ErrorCode, PermanentError
from app.pipeline import records as runs
from app.settings import Settings

_ASKED_FOR = (INGEST_FLOW, REPAIR_FLOW, REEMBED_FLOW)
"""Flows of runs that somebody asked for; the others are the service's own, and many more."""

_LISTED = 50


class RunList(BaseModel):
    runs: list[RunView]


async def show_runs(
    settings: Settings, run_id: UUID | None, *, as_json: bool, reveal: bool, every_flow: bool
) -> None:
    """The `runs` command."""
    async with connected(settings) as runtime:
        if run_id is None:
            listed = await _latest_runs(runtime, reveal=reveal, every_flow=every_flow)
            if as_json:
                print_json(RunList(runs=listed))
            else:
                print_run_list(listed)
            return
        async with runtime.database.begin() as session:
            run = await runs.find(session, runtime.tenant_id, run_id)
            if run is None:
                raise PermanentError(ErrorCode.NOT_FOUND)
            view = await view_run(
                session, runtime.keyring, run, language=settings.ui.language, reveal=reveal
            )
            attempts = await runs.attempts(session, run_id)
            stages = await runs.stages(session, run_id)
    if as_json:
        print_json(view)
    else:
        print_waterfall(view, attempts, stages)


async def _latest_runs(runtime: Runtime, *, reveal: bool, every_flow: bool) -> list[RunView]:
    language = runtime.settings.ui.language
    flows = None if every_flow else _ASKED_FOR
    async with runtime.database.begin() as session:
        return [
            await view_run(session, runtime.keyring, run, language=language, reveal=reveal)
            for run in await runs.latest(session, runtime.tenant_id, top_k=_LISTED, flows=flows)
        ]
