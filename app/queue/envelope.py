"""What travels through Redis: ids and context, as JSON. Nothing else is decoded, pickle least."""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict

from app.errors import WorkerError

MAX_ENVELOPE_BYTES = 16_384
"""An envelope holds ids; a larger one is a mistake, and is refused before it reaches Redis."""


class Envelope(BaseModel):
    """One attempt of one run. `deadline` is the time after which starting it makes no sense."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    version: Literal[1] = 1
    run_id: UUID
    tenant_id: UUID
    attempt: int
    traceparent: str | None = None
    deadline: datetime | None = None


def encode(job: Mapping[str, Any]) -> bytes:
    """Arq's serializer. Raises ValueError for an envelope above MAX_ENVELOPE_BYTES."""
    encoded = json.dumps(job, default=_failure, separators=(",", ":")).encode()
    if len(encoded) > MAX_ENVELOPE_BYTES:
        raise ValueError(f"a job of {len(encoded)} bytes is larger than {MAX_ENVELOPE_BYTES}")
    return encoded


def decode(raw: bytes) -> dict[str, Any]:
    """Arq's deserializer. Raises ValueError for anything but a JSON object."""
    job = json.loads(raw)
    if not isinstance(job, dict):
        raise ValueError("a job is a JSON object")  # noqa: TRY004 - arq wants decoding errors alike
    return job  # pyright: ignore[reportUnknownVariableType] - JSON


def _failure(value: object) -> dict[str, str]:
    """A failed job's exception as data: its type, and its text only where that is known as safe."""
    if isinstance(value, WorkerError):
        return {"type": type(value).__name__, "code": value.code, "text": str(value)}
    if isinstance(value, BaseException):
        return {"type": type(value).__name__}
    raise TypeError(f"{type(value).__name__} does not go into the queue")
