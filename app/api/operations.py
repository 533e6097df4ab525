"""For operators: alive, ready, metrics."""

from typing import Literal

from fastapi import APIRouter, Response
from pydantic import BaseModel

from app.api.dependencies import Context
from app.errors import RetryableError
from app.telemetry.metrics import render_prometheus

health = APIRouter(prefix="/health", tags=["operations"])
operations = APIRouter(tags=["operations"])

_UNREADY = 503


class Liveness(BaseModel):
    status: Literal["alive"] = "alive"


class Readiness(BaseModel):
    """`checks` name each server with `ok` or the code of its failure."""

    status: Literal["ready", "unready"]
    checks: dict[str, str]


@health.get("/live")
@health.head("/live", include_in_schema=False)
async def live() -> Liveness:
    """The process answers.

    Says nothing of the servers behind it: a restart is no remedy when they are away.
    """
    return Liveness()


@health.get("/ready", responses={_UNREADY: {"model": Readiness}})
@health.head("/ready", include_in_schema=False)
async def ready(runtime: Context, response: Response) -> Readiness:
    """Whether requests can be served now."""
    checks: dict[str, str] = {}
    for name, ping in (("database", runtime.database.ping), ("redis", runtime.producer.ping)):
        try:
            await ping()
            checks[name] = "ok"
        except RetryableError as error:
            checks[name] = error.code
            response.status_code = _UNREADY
    return Readiness(status="unready" if response.status_code else "ready", checks=checks)


@operations.get("/metrics", response_class=Response)
async def metrics() -> Response:
    """In the text format of Prometheus."""
    body, content_type = render_prometheus()
    return Response(body, media_type=content_type)
