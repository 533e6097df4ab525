"""The whole list of what the workers run."""

from collections.abc import Mapping

from app.bootstrap import Runtime
from app.candidates.erasure import ERASE_FILES, LIFT_GUARD
from app.candidates.intake import INGEST_FLOW
from app.candidates.repair import REEMBED_FLOW, REPAIR_FLOW
from app.candidates.tools import ResumeTools
from app.credits.settling import CREDITS, settle_credits
from app.jobs.dead_letters import bury
from app.jobs.indexing import SEARCH_INDEX, SEARCH_INDEX_FLOW, search_index_flow
from app.jobs.resumes import (
    DISCARD_ORIGINAL,
    discard_original,
    erase_files,
    ingest_flow,
    lift_guard,
    reembed_flow,
    repair_flow,
)
from app.jobs.scheduled import RETENTION, RETENTION_FLOW, retention_flow
from app.jobs.webhooks import (
    WEBHOOK_RETENTION,
    WEBHOOK_RETENTION_FLOW,
    webhook_flow,
    webhook_retention_flow,
)
from app.pipeline.effects import EffectHandler
from app.pipeline.flow import Flow
from app.pipeline.reconcile import DEAD_LETTER
from app.pipeline.schedules import Schedule
from app.webhooks.outbox import CARRIER_EFFECT, WEBHOOK_EFFECT, WEBHOOK_FLOW

SCHEDULES: tuple[Schedule, ...] = (RETENTION, WEBHOOK_RETENTION, SEARCH_INDEX)
"""What begins by the clock."""


def flows(runtime: Runtime, tools: ResumeTools) -> Mapping[str, Flow]:
    """Flows by the name that a run carries."""
    return {
        INGEST_FLOW: ingest_flow(runtime, tools),
        REPAIR_FLOW: repair_flow(runtime, tools),
        REEMBED_FLOW: reembed_flow(runtime),
        RETENTION_FLOW: retention_flow(runtime),
        SEARCH_INDEX_FLOW: search_index_flow(runtime),
        WEBHOOK_FLOW: webhook_flow(runtime),
        WEBHOOK_RETENTION_FLOW: webhook_retention_flow(runtime),
    }


def effects(runtime: Runtime) -> Mapping[str, EffectHandler]:
    """Effects by kind."""
    return {
        CREDITS: settle_credits(runtime.database),
        DEAD_LETTER: bury(runtime),
        DISCARD_ORIGINAL: discard_original(runtime),
        ERASE_FILES: erase_files(runtime),
        LIFT_GUARD: lift_guard(runtime),
        WEBHOOK_EFFECT: runtime.webhooks.outbox.announce,
        CARRIER_EFFECT: runtime.webhooks.outbox.give_up,
    }
