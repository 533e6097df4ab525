"""What an error tells a client beside its body."""

import httpx
import pytest
from fastapi import FastAPI

from app.api import problems
from app.errors import ErrorCode, RetryableError


@pytest.mark.parametrize(
    ("details", "told"),
    [({"retry_after": 4.980550279999989}, "5"), ({"retry_after": 60}, "60"), ({}, "5")],
)
async def test_a_wait_is_told_in_whole_seconds_and_never_too_short(
    details: dict[str, object], told: str
) -> None:
    app = FastAPI()
    problems.install(app)

    @app.get("/")
    async def open_circuit() -> None:
        raise RetryableError(ErrorCode.CIRCUIT_OPEN, details=details)

    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app), base_url="http://naru"
    ) as client:
        reply = await client.get("/", headers={"Accept-Language": "en"})

    assert reply.headers["retry-after"] == told
    assert reply.json()["details"] == details
