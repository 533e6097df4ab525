"""How far new code paths are rolled out, and the switch for each."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from pydantic import BaseModel, ConfigDict, Field

from app.api.breakers import Reason
from app.coordination.rollouts import GUARD, Rollouts, RolloutStatus
from app.resilience.rollout_config import Extent, parse_share_bp

router = APIRouter(prefix="/v1/rollouts", tags=["rollouts"])


class RolloutView(BaseModel):
    """One rollout. `counts` are of the process that answers, since it started."""

    name: str
    description: str
    stage: str = Field(description="In words: `off`, `shadow`, `10%`.")
    shadow: bool
    share: str
    default_stage: str
    reason: str | None
    changed_by: str | None
    changed_at: datetime | None
    counts: Mapping[str, int]


class RolloutList(BaseModel):
    rollouts: list[RolloutView]


class RolloutChange(BaseModel):
    """What a rollout is switched to, and why; of the rest, what is left out is off."""

    model_config = ConfigDict(extra="forbid")

    shadow: bool = Field(
        default=False, description="Compare both paths for keys outside the share."
    )
    share: str = Field(default="0%", max_length=20, description="`12.5%`, in steps of 0.01%.")
    reason: Reason


def _rollouts(request: Request) -> Rollouts:
    return request.app.state.runtime.rollouts


Switches = Annotated[Rollouts, Depends(_rollouts)]


@router.get("")
async def list_rollouts(rollouts: Switches) -> RolloutList:
    """Every declared rollout with what is in force."""
    return RolloutList(rollouts=[view_rollout(status) for status in rollouts.statuses()])


@router.get("/{name}")
async def show_rollout(name: str, rollouts: Switches) -> RolloutView:
    """One rollout."""
    return view_rollout(rollouts.status(name))


@router.put("/{name}")
async def switch_rollout(name: str, change: RolloutChange, rollouts: Switches) -> RolloutView:
    """Switch one rollout: here at once, in every process within seconds."""
    extent = Extent(shadow=change.shadow, share_bp=parse_share_bp(change.share))
    return view_rollout(await rollouts.switch(name, extent, reason=change.reason, changed_by="api"))


def view_rollout(status: RolloutStatus) -> RolloutView:
    """What is in force with who decided it; the guard's verdict before it is written, too."""
    decision, verdict = status.decision, status.verdict
    return RolloutView(
        name=status.spec.name,
        description=status.spec.description,
        stage=str(status.extent),
        shadow=status.extent.shadow,
        share=status.extent.share,
        default_stage=str(status.spec.default),
        reason=str(verdict) if verdict else decision and decision.reason,
        changed_by=GUARD if verdict else decision and decision.changed_by,
        changed_at=None if verdict else decision and decision.changed_at,
        counts={result.value: count for result, count in status.counts.items()},
    )
