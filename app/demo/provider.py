"""A scripted OpenAI-compatible server: a real HTTP server with a model that only recites.

It serves the demo, chaos runs and tests. Every answer is labelled: the model is named
`naru-scripted-1`, the header `x-naru-scripted` is `true`. It listens on loopback alone; what it
received can be read there, so it is no place for real documents.

    POST /v1/chat/completions  POST /v1/embeddings  GET /v1/models
    PUT, DELETE /control/faults   a JSON list of faults replaces all; none
    GET, DELETE /control/calls    what reached the model
"""

import asyncio
import json
import socket
import time
from collections.abc import AsyncGenerator, Collection, Generator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from typing import Any, assert_never, cast

import uvicorn
from pydantic import TypeAdapter, ValidationError
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from uvicorn.protocols.http.h11_impl import H11Protocol

from app.demo import answers, obedience, wire
from app.demo.faults import Call, Endpoint, Fault, FaultKind, Reply, Script
from app.demo.wire import LABEL, MODEL

HOST = "127.0.0.1"

_DIMENSIONS = 1_536
_ECHOED_CHARS = 200
_FAULTS = TypeAdapter(list[Fault])
_Body = Mapping[str, Any]


class ScriptedProvider:
    """The server as its owner sees it; everything may be changed while it runs."""

    def __init__(self, base_url: str, script: Script, connections: Collection[object]) -> None:
        self.base_url = base_url
        self._script = script
        self._connections = connections

    @property
    def connections(self) -> int:
        """Connections that are open, in use or kept for the next call."""
        return len(self._connections)

    @property
    def calls(self) -> Sequence[Call]:
        """The last calls, oldest first."""
        return tuple(self._script.calls)

    async def called(self, times: int = 1) -> None:
        """Wait until so many calls have arrived, for a test that acts while one is under way."""
        await self._script.called(times)

    def replies(
        self,
        *contents: str | Mapping[str, object],
        finish_reason: str = "stop",
        model: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        """Answer the next chat calls with these texts, one each; a mapping becomes JSON.

        `headers` come with each of them, for example those of a vendor's rate limits.
        """
        for content in contents:
            text = content if isinstance(content, str) else json.dumps(content, ensure_ascii=False)
            reply = Reply(
                content=text, finish_reason=finish_reason, model=model, headers=headers or {}
            )
            self._script.add_reply(reply)

    def fail_with(self, kind: FaultKind, *, times: int | None = None, **options: object) -> None:
        """Meet the next `times` calls with a fault; None: until cleared. Options as in `Fault`."""
        self._script.add_fault(Fault.model_validate({"kind": kind, "times": times, **options}))

    def clear_faults(self) -> None:
        """Answer rightly again from the next call on."""
        self._script.clear_faults()


@asynccontextmanager
async def scripted_provider(*, port: int = 0) -> AsyncGenerator[ScriptedProvider]:
    """Serve on loopback inside the current loop; `port` 0 takes any free one.

    Installs no signal handler and leaves logging as it is. On leaving, open connections are cut.
    """
    await asyncio.to_thread(answers.load_answers)
    script = Script()
    listener = socket.create_server((HOST, port), backlog=128)
    # Inherited by connections. asyncio sets it only where the socket names TCP as its protocol,
    # and without it the body waits 40 ms for the acknowledgement of the headers.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    config = uvicorn.Config(
        _app(script),
        http=_Protocol,
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        date_header=False,
    )
    server = _Server(config, script)
    # Until the server accepts, connections wait in the listener's backlog: no need to wait here.
    serving = asyncio.create_task(server.serve(sockets=[listener]), name="scripted-provider")
    try:
        base_url = f"http://{HOST}:{listener.getsockname()[1]}/v1"
        yield ScriptedProvider(base_url, script, server.server_state.connections)
    finally:
        script.close()
        for connection in tuple(server.server_state.connections):
            connection.transport.abort()
        await serving


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config, script: Script) -> None:
        super().__init__(config)
        self._script = script

    async def main_loop(self) -> None:
        """Wait for the end, instead of looking for it ten times a second: tests start many."""
        await self._script.closed()

    @contextmanager
    def capture_signals(self) -> Generator[None]:
        """Leave the signals to whoever owns the loop."""
        yield


class _Protocol(H11Protocol):
    def connection_made(self, transport: asyncio.Transport) -> None:
        """Hand the transport to the request's state, so that a fault can break it."""
        super().connection_made(transport)
        self.app_state = {**self.app_state, "transport": transport}


def _app(script: Script) -> Starlette:
    desk = _Desk(script)
    return Starlette(
        routes=[
            Route("/v1/chat/completions", desk.chat, methods=["POST"]),
            Route("/v1/embeddings", desk.embeddings, methods=["POST"]),
            Route("/v1/models", desk.models, methods=["GET"]),
            Route("/control/faults", desk.put_faults, methods=["PUT"]),
            Route("/control/faults", desk.delete_faults, methods=["DELETE"]),
            Route("/control/calls", desk.get_calls, methods=["GET"]),
            Route("/control/calls", desk.delete_calls, methods=["DELETE"]),
        ],
        # A page of the web that points its own name at this machine must not read the calls.
        middleware=[Middleware(TrustedHostMiddleware, allowed_hosts=[HOST, "localhost"])],
    )


class _Desk:
    """The routes."""

    def __init__(self, script: Script) -> None:
        self._script = script
        self._answered = 0

    async def chat(self, request: Request) -> Response:
        """Answer a conversation, whole or as a stream."""
        body = await _json(request)
        messages = body.get("messages")
        if not isinstance(messages, list) or not messages:
            return wire.refusal(400, "messages must be a list with an element", param="messages")
        texts = [_content(turn) for turn in cast("list[object]", messages)]
        call = self._record(request, "chat", body, texts)
        fault = await self._next_fault(call)
        if fault and (broken := _broken_answer(fault, call, request)):
            return broken
        kind = fault.kind if fault else None
        reply = wire.limited(self._reply(call, kind), body.get("max_completion_tokens"))
        self._answered += 1
        number, created = self._answered, int(time.time())
        if body.get("stream"):
            if kind and (cut := wire.broken_stream(kind, number, created, reply)):
                return cut
            options = cast("_Body", body.get("stream_options") or {})
            return wire.completion_stream(
                number, created, reply, call.texts, with_usage=bool(options.get("include_usage"))
            )
        whole = wire.completion(number, created, reply, call.texts)
        return _whole(whole, kind, headers=reply.headers)

    async def embeddings(self, request: Request) -> Response:
        """Turn texts into vectors."""
        body = await _json(request)
        given = body.get("input")
        texts = cast("list[object]", [given] if isinstance(given, str) else given)
        if not isinstance(given, str | list) or not all(isinstance(t, str) and t for t in texts):
            return wire.refusal(400, "input must be a text or a list of texts", param="input")
        call = self._record(request, "embeddings", body, cast("list[str]", texts))
        fault = await self._next_fault(call)
        if fault and (broken := _broken_answer(fault, call, request)):
            return broken
        kind = fault.kind if fault else None
        asked = None if kind is FaultKind.WRONG_SHAPE else body.get("dimensions")
        as_base64 = body.get("encoding_format") == "base64" and kind is not FaultKind.NO_BASE64
        found = wire.vectors(call.texts, dimensions=int(asked or _DIMENSIONS), as_base64=as_base64)
        if kind is FaultKind.BROKEN_JSON:
            found["data"] = [{"object": "embedding", "index": 0, "embedding": "%"}]
        return _whole(found, kind)

    async def models(self, request: Request) -> Response:
        """Name the only model; requests for others are answered by it too."""
        del request
        model = {"id": MODEL, "object": "model", "created": 0, "owned_by": "naru"}
        return JSONResponse({"object": "list", "data": [model]}, headers=LABEL)

    async def put_faults(self, request: Request) -> Response:
        """Replace all faults."""
        try:
            faults = _FAULTS.validate_json(await request.body())
        except ValidationError as error:
            wrong = error.errors(include_input=False, include_url=False, include_context=False)
            return JSONResponse({"errors": wrong}, status_code=422, headers=LABEL)
        self._script.clear_faults()
        for fault in faults:
            self._script.add_fault(fault)
        return JSONResponse({"faults": len(faults)}, headers=LABEL)

    async def delete_faults(self, request: Request) -> Response:
        """Answer rightly again."""
        del request
        self._script.clear_faults()
        return Response(status_code=204, headers=LABEL)

    async def get_calls(self, request: Request) -> Response:
        """Show what reached the model."""
        del request
        calls = [call.model_dump(mode="json") for call in self._script.calls]
        return JSONResponse({"calls": calls}, headers=LABEL)

    async def delete_calls(self, request: Request) -> Response:
        """Forget the calls."""
        del request
        self._script.calls.clear()
        return Response(status_code=204, headers=LABEL)

    def _record(
        self, request: Request, endpoint: Endpoint, body: Mapping[str, object], texts: list[str]
    ) -> Call:
        headers = {
            name: value for name, value in request.headers.items() if name != "authorization"
        }
        model = str(body.get("model", ""))
        call = Call(endpoint=endpoint, model=model, texts=tuple(texts), headers=headers, body=body)
        self._script.record(call)
        return call

    async def _next_fault(self, call: Call) -> Fault | None:
        fault, delay_s = self._script.next_fault(call.endpoint, call.model)
        if delay_s:
            await self._script.wait(delay_s)
        return fault

    def _reply(self, call: Call, fault: FaultKind | None) -> Reply:
        schema = _schema(call.body)
        if fault is FaultKind.WRONG_SHAPE:
            return Reply(content=answers.wrong_shape(schema))
        reply = self._script.next_reply(call.model)
        if reply is None:
            # The whole conversation: a question that is asked again names the document earlier.
            reply = Reply(content=answers.scripted_answer("\n".join(call.texts), schema))
        if fault is FaultKind.OBEDIENT:
            return reply.model_copy(update={"content": obedience.obeyed(reply.content, call.texts)})
        if fault is FaultKind.BROKEN_JSON:
            return reply.model_copy(update={"content": reply.content[: len(reply.content) // 2]})
        return reply


def _broken_answer(fault: Fault, call: Call, request: Request) -> Response | None:
    """Build what the fault sends instead of an answer; None where there is an answer after all."""
    # Real servers quote the request in their errors; so does this one, to show that we do not.
    quoted = f"scripted fault, your request was: {call.texts[-1][:_ECHOED_CHARS]}"
    match fault.kind:
        case FaultKind.RATE_LIMIT:
            return wire.refusal(429, quoted, code="rate_limit_exceeded", headers=_waits(fault))
        case FaultKind.QUOTA:
            return wire.refusal(429, quoted, code="insufficient_quota")
        case FaultKind.STATUS:
            return wire.refusal(fault.status, quoted, headers=_waits(fault))
        case FaultKind.NO_SCHEMAS:
            refused = wire.refusal(400, "json_schema is not supported", param="response_format")
            return refused if _schema(call.body) is not None else None
        case FaultKind.GARBLED | FaultKind.PAGE:
            kind = "application/json" if fault.kind is FaultKind.GARBLED else "text/html"
            return Response(f"<html>{quoted}", media_type=kind, headers=LABEL)
        case FaultKind.RESET | FaultKind.HANG:
            if fault.kind is FaultKind.RESET:
                wire.reset(request.state.transport)
            return wire.Silence()
        case (
            FaultKind.LATENCY
            | FaultKind.BROKEN_JSON
            | FaultKind.WRONG_SHAPE
            | FaultKind.OBEDIENT
            | FaultKind.NO_BASE64
            | FaultKind.TRUNCATED
            | FaultKind.UNFINISHED
            | FaultKind.STALLED
        ):
            return None
        case _:
            assert_never(fault.kind)


def _whole(
    body: Mapping[str, object],
    fault: FaultKind | None,
    *,
    headers: Mapping[str, str] | None = None,
) -> Response:
    if fault is FaultKind.TRUNCATED:
        return wire.Cut(json.dumps(body), media_type="application/json", headers=LABEL)
    return JSONResponse(body, headers={**LABEL, **(headers or {})})


def _waits(fault: Fault) -> dict[str, str]:
    waits = {"retry-after": fault.retry_after, "retry-after-ms": fault.retry_after_ms}
    return {name: value for name, value in waits.items() if value is not None}


async def _json(request: Request) -> _Body:
    try:
        body = await request.json()
    except ValueError:
        return {}
    return cast("_Body", body) if isinstance(body, dict) else {}


def _content(turn: object) -> str:
    """One message's text; its parts joined where it has parts."""
    content = cast("_Body", turn).get("content") if isinstance(turn, dict) else ""
    if isinstance(content, list):
        parts = cast("list[_Body]", content)
        return "\n".join(str(part.get("text", "")) for part in parts)
    return content if isinstance(content, str) else ""


def _schema(body: Mapping[str, object]) -> _Body | None:
    asked = cast("_Body", body.get("response_format") or {})
    described = asked.get("json_schema") if asked.get("type") == "json_schema" else None
    return cast("_Body", described)["schema"] if described else None
