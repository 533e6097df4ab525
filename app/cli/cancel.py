"""Cancel a run."""

from uuid import UUID

from app.candidates.records import version_of
from app.candidates.views import view_run
from app.cli.render import console, print_json
from app.cli.serving import connected
from app.pipeline.cancelling import cancel_run
from app.settings import Settings


async def run_cancel(settings: Settings, run_id: UUID, *, as_json: bool) -> None:
    """The `cancel` command."""
    async with connected(settings) as runtime:
        run = await cancel_run(
            runtime.database,
            runtime.producer,
            runtime.events,
            runtime.tenant_id,
            run_id,
            made=version_of,
        )
        async with runtime.database.begin() as session:
            view = await view_run(
                session, runtime.keyring, run, language=settings.ui.language, reveal=False
            )
    if as_json:
        print_json(view)
    else:
        console().print(f"Run {view.id} is cancelled.", markup=False)
