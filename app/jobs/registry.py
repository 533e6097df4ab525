"""The whole list of what the workers run."""

from collections.abc import Mapping

from app.bootstrap import Runtime
from app.candidates.intake import INGEST_FLOW
from app.candidates.tools import ResumeTools
from app.jobs.resumes import DISCARD_ORIGINAL, discard_original, ingest_flow
from app.jobs.scheduled import RETENTION, RETENTION_FLOW, retention_flow
from app.pipeline.effects import EffectHandler
from app.pipeline.flow import Flow
from app.pipeline.schedules import Schedule

SCHEDULES: tuple[Schedule, ...] = (RETENTION,)
"""What begins by the clock."""


def flows(runtime: Runtime, tools: ResumeTools) -> Mapping[str, Flow]:
    """Flows by the name that a run carries."""
    return {
        INGEST_FLOW: ingest_flow(runtime, tools),
        RETENTION_FLOW: retention_flow(runtime),
    }


def effects(runtime: Runtime) -> Mapping[str, EffectHandler]:
    """Effects by kind."""
    return {DISCARD_ORIGINAL: discard_original(runtime)}
