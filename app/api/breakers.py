"""Circuit breakers: see them in every process, and overrule them."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from pydantic import BaseModel, ConfigDict, Field

from app.api.dependencies import Words
from app.coordination.breaker_reports import BreakerList, BreakerView
from app.coordination.breakers import BreakerControl
from app.resilience.breaker_states import Mode

router = APIRouter(prefix="/v1/breakers", tags=["breakers"])

_BY = "api"

Reason = Annotated[Words, Field(min_length=1)]


class ResetOrder(BaseModel):
    """Why; whoever looks at the breaker later reads it."""

    model_config = ConfigDict(extra="forbid")

    reason: Reason


class ModeOrder(ResetOrder):
    """`automatic` leaves the judgement to the breaker itself."""

    mode: Mode


def _control(request: Request) -> BreakerControl:
    return request.app.state.runtime.breakers


Control = Annotated[BreakerControl, Depends(_control)]


@router.get("")
async def list_breakers(control: Control) -> BreakerList:
    """Every breaker, as each process shows it."""
    return await control.views()


@router.get("/{name}")
async def show_breaker(name: str, control: Control) -> BreakerView:
    """One breaker, with the last 100 changes of each process."""
    return await control.view(name)


@router.put("/{name}")
async def order_mode(name: str, order: ModeOrder, control: Control) -> BreakerView:
    """Order a mode of every process; the others follow within seconds.

    Until then they are shown with their old `mode`.
    """
    return await control.set_mode(name, order.mode, reason=order.reason, by=_BY)


@router.post("/{name}/reset")
async def reset_breaker(name: str, order: ResetOrder, control: Control) -> BreakerView:
    """Have every process forget what the breaker saw: an open circuit closes."""
    return await control.reset(name, reason=order.reason, by=_BY)
