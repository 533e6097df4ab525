"""Outermost, as pure ASGI, so that it holds for errors and streams too."""

import asyncio
import re
import time
from uuid import uuid4

from fastapi import HTTPException
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.telemetry.conventions import Attribute, SpanName
from app.telemetry.logs import bound
from app.telemetry.metrics import record_request
from app.telemetry.spans import SpanKind, span

_REQUEST_ID = re.compile(r"[A-Za-z0-9._:-]{1,128}")
_SERVER_ERROR = 500
_TOO_LARGE = 413
_TOO_SLOW = 408


class Correlation:
    """A request id and a span around each request; both leave on the response (R31).

    No cache keeps one: they show persons with `reveal`, and in search.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        asked = Headers(scope=scope)
        given = asked.get("x-request-id", "")
        # An id that is not plain is replaced, never echoed: it would end up in logs and headers.
        request_id = given if _REQUEST_ID.fullmatch(given) else uuid4().hex
        scope["naru.request_id"] = request_id
        status = _SERVER_ERROR
        started_s = time.monotonic()
        with (
            bound(request_id=request_id),
            span(
                SpanName.HTTP,
                scope["method"],
                kind=SpanKind.SERVER,
                parent=asked.get("traceparent"),
                attributes={
                    Attribute.HTTP_REQUEST_METHOD: scope["method"],
                    Attribute.URL_SCHEME: scope.get("scheme", "http"),
                },
            ) as active,
        ):

            async def send_marked(message: Message) -> None:
                nonlocal status
                if message["type"] == "http.response.start":
                    status = message["status"]
                    headers = MutableHeaders(scope=message)
                    headers["x-request-id"] = request_id
                    if active.traceparent:
                        headers["traceparent"] = active.traceparent
                    # In place of what FastAPI sets for streams: that may be stored.
                    headers["cache-control"] = "no-store"
                await send(message)

            try:
                await self._app(scope, receive, send_marked)
            finally:
                route = getattr(scope.get("route"), "path", None)
                active.set(Attribute.HTTP_RESPONSE_STATUS_CODE, status)
                if route:
                    active.set(Attribute.HTTP_ROUTE, route)
                    active.rename(f"{scope['method']} {route}")
                if status >= _SERVER_ERROR:
                    active.fail(str(status))
                record_request(scope["method"], route, status, time.monotonic() - started_s)


class BodyLimit:
    """Stop reading a body that is larger than accepted, whether it says so or not, or that stalls."""

    def __init__(self, app: ASGIApp, *, max_bytes: int, stall_s: float) -> None:
        self._app = app
        self._max_bytes = max_bytes
        self._stall_s = stall_s

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        declared = dict(scope["headers"]).get(b"content-length", b"0")
        received = int(declared) if declared.isdigit() else 0
        counted = 0
        complete = False

        async def receive_limited() -> Message:
            nonlocal received, counted, complete
            if received > self._max_bytes:
                # FastAPI hides any other exception from the body behind a 400.
                raise HTTPException(_TOO_LARGE)
            try:
                # After the body comes only word that the client has left, at any time.
                async with asyncio.timeout(None if complete else self._stall_s):
                    message = await receive()
            except TimeoutError:
                raise HTTPException(_TOO_SLOW, headers={"Connection": "close"}) from None
            complete = not message.get("more_body", False)
            counted += len(message.get("body", b""))
            received = max(received, counted)
            return message

        await self._app(scope, receive_limited, send)
