"""What keeps the word index at this version's rules: payload → flow."""

from typing import Any

from app.bootstrap import Runtime
from app.candidates.indexing import index_words
from app.jobs.scheduled import drop_runs
from app.pipeline.flow import Flow
from app.pipeline.run import Run
from app.pipeline.schedules import Schedule

SEARCH_INDEX_FLOW = "search_index"

SEARCH_INDEX = Schedule(name="search_index", flow=SEARCH_INDEX_FLOW, cron="*/10 * * * *")


def search_index_flow(runtime: Runtime) -> Flow:
    """Index again what an update, or a dictionary that was installed, has left behind."""
    days = runtime.settings.retention.checkpoints_days

    async def call(run: Run) -> dict[str, Any]:
        indexed = await run.need(index_words, runtime.database, run.clock)
        await run.commit(drop_runs, run.row.flow, older_than_days=days)
        return {"candidates": indexed}

    return Flow(call=call)
