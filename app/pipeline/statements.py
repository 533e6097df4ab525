"""The statements that every stage of every run takes, built once.

Building one costs the worker more than sending it: these were two thirds of those of a résumé, and
its time between two answers of a model was mostly that. Parameters that also name a column in the
same statement have another name than it.
"""

from typing import cast

from sqlalchemy import Table, bindparam, func, select, update
from sqlalchemy.dialects.postgresql import insert as upsert

from app.pipeline.tables import (
    AttemptRow,
    CheckpointRow,
    RunRow,
    RunStatus,
    StageRow,
    StageStatus,
)

_RUNS = cast("Table", RunRow.__table__)
_ATTEMPTS = cast("Table", AttemptRow.__table__)
_STAGES = cast("Table", StageRow.__table__)
_CHECKPOINTS = cast("Table", CheckpointRow.__table__)

HOLD = (
    select(_RUNS.c.id)
    .where(
        _RUNS.c.id == bindparam("held"),
        _RUNS.c.attempt == bindparam("held_attempt"),
        _RUNS.c.status == RunStatus.RUNNING,
    )
    .with_for_update(read=True)
)
"""The id of a run that is at this attempt, whose fence then stands until the transaction ends."""

# The answer to an earlier commit may have been lost on the way, and the statement come again.
START_STAGE = upsert(_STAGES).on_conflict_do_nothing()
"""Takes the columns of a stage."""

END_STAGE = (
    update(_STAGES)
    .where(
        _STAGES.c.run_id == bindparam("ended"),
        _STAGES.c.attempt == bindparam("ended_attempt"),
        _STAGES.c.name == bindparam("stage"),
    )
    .values(
        status=bindparam("how"),
        code=bindparam("why"),
        tries=bindparam("calls"),
        ended_at=func.clock_timestamp(),
    )
)

_NEW = upsert(_CHECKPOINTS)
SAVE_CHECKPOINT = _NEW.on_conflict_do_update(
    index_elements=["run_id", "stage", "item", "version"],
    set_={"value_sealed": _NEW.excluded.value_sealed, "attempt": _NEW.excluded.attempt},
)
"""Takes the columns of a checkpoint; one that is there already is replaced."""

END_ATTEMPT = (
    update(_ATTEMPTS)
    .where(
        _ATTEMPTS.c.run_id == bindparam("ended"), _ATTEMPTS.c.attempt == bindparam("ended_attempt")
    )
    .values(ended_at=func.clock_timestamp(), outcome=bindparam("how"), code=bindparam("why"))
)

STOP_STAGES = (
    update(_STAGES)
    .where(
        _STAGES.c.run_id == bindparam("ended"),
        _STAGES.c.attempt == bindparam("ended_attempt"),
        _STAGES.c.status == StageStatus.RUNNING,
    )
    .values(status=StageStatus.FAILED, code=bindparam("why"), ended_at=func.clock_timestamp())
)
"""The stages of an attempt that are under way have failed."""
