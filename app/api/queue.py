"""The queue: what stands where, who works, and the order to pause."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from pydantic import BaseModel, ConfigDict, Field

from app.api.breakers import Reason
from app.queue import inspection
from app.queue.inspection import PAUSE_S, QueueDepth, WorkerView
from app.queue.producer import Producer

router = APIRouter(prefix="/v1/queue", tags=["queue"])

_BY = "api"
_LONGEST_PAUSE_S = 30 * 86_400


class QueueView(BaseModel):
    """How many jobs stand where, and the workers that live."""

    depth: QueueDepth
    workers: list[WorkerView]


class PauseOrder(BaseModel):
    """Why, for those who look later, and for how long: a forgotten pause ends by itself."""

    model_config = ConfigDict(extra="forbid")

    reason: Reason
    for_s: float = Field(default=PAUSE_S, ge=1, le=_LONGEST_PAUSE_S)


def _producer(request: Request) -> Producer:
    return request.app.state.runtime.producer


Jobs = Annotated[Producer, Depends(_producer)]


@router.get("")
async def show_queue(producer: Jobs) -> QueueView:
    """The whole queue, of all tenants."""
    return await view_queue(producer)


@router.post("/pause")
async def pause_queue(order: PauseOrder, producer: Jobs) -> QueueView:
    """Have no worker take a job any more; what runs goes on. Again: the later order counts."""
    await inspection.pause(producer, reason=order.reason, by=_BY, for_s=order.for_s)
    return await view_queue(producer)


@router.post("/resume")
async def resume_queue(producer: Jobs) -> QueueView:
    """End the pause, if there is one; workers start at once."""
    await inspection.resume(producer)
    return await view_queue(producer)


async def view_queue(producer: Producer) -> QueueView:
    """Depth and workers, now."""
    return QueueView(
        depth=await inspection.depth(producer), workers=await inspection.workers(producer)
    )
