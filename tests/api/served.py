"""A router over what a test hands it, with the API's own problems and key."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import httpx
from fastapi import APIRouter, Depends, FastAPI

from app.api import problems
from app.api.dependencies import require_api_key

KEY = "k" * 32


@asynccontextmanager
async def served(runtime: object, router: APIRouter) -> AsyncGenerator[httpx.AsyncClient]:
    """A client that carries the key. `runtime` has what the routes take, and settings."""
    app = FastAPI()
    app.state.runtime = runtime
    app.state.api_keys = [KEY.encode()]
    problems.install(app)
    app.include_router(router, dependencies=[Depends(require_api_key)])
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(
        transport=transport, base_url="http://naru", headers={"Authorization": f"Bearer {KEY}"}
    ) as opened:
        yield opened
