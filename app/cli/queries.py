"""Look at what is there."""

from uuid import UUID

from app.candidates.listing import list_runs
from app.candidates.views import view_run
from app.cli.render import console, print_json, print_run_list, print_waterfall
from app.cli.serving import connected
from app.errors import ErrorCode, PermanentError
from app.messages import Message
from app.pipeline import records as runs
from app.pipeline.tables import RunStatus
from app.settings import Settings


async def show_runs(  # noqa: PLR0913 - which of them, and how they are shown
    settings: Settings,
    *,
    as_json: bool,
    reveal: bool,
    every_flow: bool,
    state: str | None = None,
    before: UUID | None = None,
    limit: int = 50,
) -> None:
    """The `runs` command without an id."""
    async with connected(settings) as runtime, runtime.database.begin() as session:
        page = await list_runs(
            session,
            runtime.keyring,
            runtime.tenant_id,
            status=RunStatus(state) if state else None,
            every_flow=every_flow,
            cursor=before,
            top_k=limit,
            language=settings.ui.language,
            reveal=reveal,
        )
    if as_json:
        print_json(page)
        return
    print_run_list(page.runs)
    if page.next_cursor is not None:
        older = (
            f"There are more; --before {page.next_cursor} shows older ones, --limit more at once."
        )
        console(stderr=True).print(older, markup=False, soft_wrap=True)


async def show_run(settings: Settings, run_id: UUID, *, as_json: bool, reveal: bool) -> None:
    """The `runs ID` command."""
    async with connected(settings) as runtime, runtime.database.begin() as session:
        run = await runs.find(session, runtime.tenant_id, run_id)
        if run is None:
            raise PermanentError(ErrorCode.NOT_FOUND, Message.RUN_UNKNOWN)
        view = await view_run(
            session, runtime.keyring, run, language=settings.ui.language, reveal=reveal
        )
        attempts = await runs.attempts(session, run_id)
        stages = await runs.stages(session, run_id)
    if as_json:
        print_json(view)
    else:
        print_waterfall(view, attempts, stages)
