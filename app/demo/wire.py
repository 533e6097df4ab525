"""The scripted provider's answers on the wire: OpenAI's shapes, whole, streamed or broken."""

import asyncio
import base64
import json
import socket
import struct
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence

import numpy as np
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from app.demo import answers
from app.demo.faults import FaultKind, Reply

MODEL = "naru-scripted-1"
LABEL = {"x-naru-scripted": "true"}

_CHARS_PER_TOKEN = 3
_CHARS_PER_CHUNK = 24


class Silence(Response):
    """No answer at all: waits until the connection is gone."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Say nothing."""
        del scope, send
        await _disconnected(receive)


class Cut(Response):
    """The first half of the body, then the connection closes."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Promise the whole body in the headers, and break the promise."""
        await self._send_half(send)
        scope["state"]["transport"].close()
        await _disconnected(receive)

    async def _send_half(self, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
        half = self.body[: len(self.body) // 2]
        await send({"type": "http.response.body", "body": half, "more_body": True})


class Stall(Cut):
    """The first half of the body, then nothing until the connection is gone."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Promise the whole body, and keep the other side waiting."""
        del scope
        await self._send_half(send)
        await _disconnected(receive)


def reset(transport: asyncio.Transport) -> None:
    """Make the kernel answer with RST instead of FIN."""
    connection = transport.get_extra_info("socket")
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    transport.abort()


def refusal(
    status: int,
    message: str,
    *,
    param: str | None = None,
    code: str | None = None,
    headers: Mapping[str, str] | None = None,
) -> Response:
    """Build an error in OpenAI's shape."""
    error = {"message": message, "type": "scripted_error", "param": param, "code": code}
    return JSONResponse({"error": error}, status_code=status, headers={**LABEL, **(headers or {})})


def completion(number: int, created: int, reply: Reply, texts: Sequence[str]) -> dict[str, object]:
    """Build a whole answer of the model."""
    message = {"role": "assistant", "content": reply.content, "refusal": None}
    choice = {"index": 0, "message": message, "finish_reason": reply.finish_reason}
    return {
        **_envelope(number, created, "chat.completion"),
        "choices": [choice],
        "usage": _usage(texts, reply.content),
    }


def completion_stream(
    number: int, created: int, reply: Reply, texts: Sequence[str], *, with_usage: bool
) -> Response:
    """Build the same answer as server-sent events."""
    envelope = _envelope(number, created, "chat.completion.chunk")
    usage = _usage(texts, reply.content) if with_usage else None
    return StreamingResponse(
        _sent(_events(envelope, reply, usage)),
        media_type="text/event-stream",
        headers={**LABEL, **reply.headers},
    )


def broken_stream(kind: FaultKind, number: int, created: int, reply: Reply) -> Response | None:
    """Build a stream that goes wrong in the middle; None where the fault is none of streams."""
    envelope = _envelope(number, created, "chat.completion.chunk")
    events = list(_events(envelope, reply, None))
    match kind:
        case FaultKind.TRUNCATED | FaultKind.STALLED:
            broken = Cut if kind is FaultKind.TRUNCATED else Stall
            return broken("".join(events), media_type="text/event-stream", headers=LABEL)
        case FaultKind.UNFINISHED:
            half = "".join(events[: len(events) // 2])
            return Response(half, media_type="text/event-stream", headers=LABEL)
        case _:
            return None


def vectors(texts: Sequence[str], *, dimensions: int, as_base64: bool) -> dict[str, object]:
    """Build the answer to `/embeddings`; base64 holds little-endian 32-bit floats."""
    data: list[dict[str, object]] = []
    for index, text in enumerate(texts):
        numbers = answers.vector(text, dimensions)
        packed = base64.b64encode(np.asarray(numbers, dtype="<f4").tobytes()).decode()
        value = packed if as_base64 else numbers
        data.append({"object": "embedding", "index": index, "embedding": value})
    tokens = _tokens(texts)
    usage = {"prompt_tokens": tokens, "total_tokens": tokens}
    return {"object": "list", "model": MODEL, "data": data, "usage": usage}


def limited(reply: Reply, max_tokens: object) -> Reply:
    """Cut a reply to the length that was asked for, as a model would."""
    if not isinstance(max_tokens, int) or _tokens([reply.content]) <= max_tokens:
        return reply
    content = reply.content[: max_tokens * _CHARS_PER_TOKEN]
    return reply.model_copy(update={"content": content, "finish_reason": "length"})


def _envelope(number: int, created: int, kind: str) -> dict[str, object]:
    return {
        "id": f"chatcmpl-scripted-{number}",
        "object": kind,
        "created": created,
        "model": MODEL,
        "system_fingerprint": "scripted",
    }


def _events(
    envelope: Mapping[str, object], reply: Reply, usage: Mapping[str, int] | None
) -> Iterator[str]:
    def event(delta: Mapping[str, str], finish_reason: str | None) -> str:
        choice = {"index": 0, "delta": delta, "finish_reason": finish_reason}
        return _event({**envelope, "choices": [choice]})

    yield event({"role": "assistant", "content": ""}, None)
    for start in range(0, len(reply.content), _CHARS_PER_CHUNK):
        yield event({"content": reply.content[start : start + _CHARS_PER_CHUNK]}, None)
    yield event({}, reply.finish_reason)
    if usage:
        yield _event({**envelope, "choices": [], "usage": usage})
    yield "data: [DONE]\n\n"


def _event(data: Mapping[str, object]) -> str:
    return f"data: {json.dumps(data, ensure_ascii=False)}\n\n"


async def _sent(events: Iterator[str]) -> AsyncIterator[str]:
    for event in events:
        yield event


def _usage(texts: Sequence[str], answer: str) -> dict[str, int]:
    asked, answered = _tokens(texts), _tokens([answer])
    return {
        "prompt_tokens": asked,
        "completion_tokens": answered,
        "total_tokens": asked + answered,
    }


def _tokens(texts: Sequence[str]) -> int:
    return sum(-(-len(text) // _CHARS_PER_TOKEN) for text in texts)


async def _disconnected(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
