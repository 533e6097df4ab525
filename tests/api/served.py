"""A router over what a test hands it, with the API's own problems and key."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import httpx
from fastapi import APIRouter, FastAPI

from app.api import problems
from app.api.authentication import Authentication

KEY = "k" * 32


@asynccontextmanager
async def served(runtime: object, router: APIRouter) -> AsyncGenerator[httpx.AsyncClient]:
    """A client that carries the key. `runtime` has what the routes take, and settings."""
    app = FastAPI()
    app.state.runtime = runtime
    problems.install(app)
    app.include_router(router)
    app.add_middleware(Authentication, keys=[KEY])
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(
        transport=transport, base_url="http://naru", headers={"Authorization": f"Bearer {KEY}"}
    ) as opened:
        yield opened
