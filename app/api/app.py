"""The HTTP door."""

from importlib.resources import files
from typing import Any

from fastapi import Depends, FastAPI
from fastapi.openapi.docs import get_swagger_ui_html
from fastapi.responses import FileResponse, HTMLResponse, JSONResponse
from fastapi.security import HTTPBearer
from starlette.formparsers import MultiPartParser
from starlette.types import ASGIApp

from app.api import (
    breakers,
    candidates,
    dead_letters,
    operations,
    pictures,
    problems,
    queue,
    repairs,
    resumes,
    rollouts,
    runs,
    search,
    webhooks,
)
from app.api import (
    credits as credit_routes,
)
from app.api.authentication import Authentication
from app.api.middleware import BodyLimit, Correlation
from app.bootstrap import Runtime, api_keys
from app.errors import ErrorCode, PermanentError
from app.telemetry.version import service_version

_MULTIPART_OVERHEAD_BYTES = 64 * 1024
_DOCS_ASSETS = ("swagger-ui-bundle.js", "swagger-ui.css", "favicon.png")


def create_app(runtime: Runtime) -> ASGIApp:
    """The application over an open runtime. Every route but health asks for an API key."""
    settings = runtime.settings
    max_bytes = settings.extract.max_file_bytes + _MULTIPART_OVERHEAD_BYTES
    # A larger part would be written to a temporary file, unencrypted.
    MultiPartParser.spool_max_size = max_bytes
    app = FastAPI(
        title="Naru",
        version=service_version(),
        description="Résumés in, encrypted and searchable candidates out. `Accept-Language: ko` "
        "asks for sentences in Korean, `en` in English; without, they are in `UI__LANGUAGE`. An "
        "`X-Request-Id` of up to 128 letters, digits, `.`, `_`, `:` and `-` is taken over, else one "
        "is made; it is on the answer, in a problem's `request_id`, and in the logs.",
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        # A redirect would go to whatever `Host` says.
        redirect_slashes=False,
    )
    app.state.runtime = runtime
    problems.install(app)
    app.include_router(operations.health)
    # The scheme only describes: Authentication judges keys.
    scheme = HTTPBearer(auto_error=False, description="One of the keys of `API__KEYS`.")
    for router in (
        resumes.router,
        runs.router,
        repairs.router,
        search.router,
        candidates.router,
        pictures.router,
        queue.router,
        dead_letters.router,
        credit_routes.router,
        breakers.router,
        rollouts.router,
        webhooks.router,
        operations.operations,
    ):
        app.include_router(router, dependencies=[Depends(scheme)], responses=problems.RESPONSES)
    _add_docs(app)
    app.add_middleware(BodyLimit, max_bytes=max_bytes, stall_s=settings.api.body_timeout)
    # Added last, and so in front: who has no key has no byte of a body read.
    app.add_middleware(Authentication, keys=api_keys(settings))
    # Around the whole application: its own middleware does not see its last error handler.
    return Correlation(app)


def _describe(app: FastAPI) -> dict[str, Any]:
    """FastAPI's description, with problems, and readable by tools that know OpenAPI 3.1."""
    description = app.openapi()
    description["components"]["schemas"] |= problems.SCHEMAS
    stream = description["paths"]["/v1/runs/{run_id}/events"]["get"]["responses"]["200"]
    # FastAPI's `itemSchema` is of 3.2, and tells of events what every event stream has.
    stream["content"] = {"text/event-stream": {"schema": {"type": "string"}}}
    return description


def _add_docs(app: FastAPI) -> None:
    """The API's description to read and try, from files of our own: no network needed."""
    assets = files("fastapi_offline") / "static"

    async def description() -> JSONResponse:
        return JSONResponse(_describe(app))

    async def page() -> HTMLResponse:
        return get_swagger_ui_html(
            openapi_url="/openapi.json",
            title="Naru API",
            swagger_js_url=f"/docs/{_DOCS_ASSETS[0]}",
            swagger_css_url=f"/docs/{_DOCS_ASSETS[1]}",
            swagger_favicon_url=f"/docs/{_DOCS_ASSETS[2]}",
            # In the page, not fetched: browsers refuse to fetch below an address with a password.
            swagger_ui_parameters={"spec": _describe(app)},
        )

    async def asset(name: str) -> FileResponse:
        if name not in _DOCS_ASSETS:
            raise PermanentError(ErrorCode.NOT_FOUND)
        return FileResponse(str(assets / name))

    for path, endpoint in (
        ("/openapi.json", description),
        ("/docs", page),
        ("/docs/{name}", asset),
    ):
        app.add_api_route(path, endpoint, include_in_schema=False)
