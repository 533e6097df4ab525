"""What travels through Redis: ids and context, as JSON. Nothing else is decoded, pickle least.

An envelope is what arq itself writes (`f` function, `a` arguments, `k` keyword arguments, `t` try,
`et` enqueue time in ms) and, from version 1 on, `v` and where it belongs: `p` priority, `n` tenant,
`lk` limit key, `tp` traceparent, `w` seconds it was meant to wait. Without `v` it is version 0, as
arq's own producers write it with this serializer.
"""

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, TypeVar, cast

from app.errors import ErrorCode, PermanentError, RetryableError, WorkerError

VERSION = 1
"""The newest version that this program writes and reads."""

_FAILURE = "$failure"
_LATEST_MS = 253_402_300_799_000
"""The last second of the year 9999."""
_Number = TypeVar("_Number", int, float)


class Priority(StrEnum):
    """Chat goes before ingestion, ingestion before bulk; each has a guaranteed share."""

    CHAT = "chat"
    INGESTION = "ingestion"
    BULK = "bulk"

    @property
    def rank(self) -> str:
        """As the scripts write it."""
        return _RANKS[self]

    @classmethod
    def of_rank(cls, rank: str) -> "Priority":
        return _BY_RANK.get(rank, cls.INGESTION)


_RANKS = {Priority.CHAT: "1", Priority.INGESTION: "2", Priority.BULK: "3"}
_BY_RANK = {rank: priority for priority, rank in _RANKS.items()}


class UnknownVersion(Exception):  # noqa: N818 - reads as what it reports
    """Written by a newer program: to be left for a worker that understands it."""


class JobFailed(Exception):  # noqa: N818 - as arq names its own
    """What `Job.result` raises for a job that failed with an exception that has no code of ours.

    The text of a foreign exception stays in the worker: it may quote a document.
    """

    def __init__(self, error_type: str) -> None:
        super().__init__(f"The job failed with {error_type}; the worker's log has the stack trace.")
        self.error_type = error_type


@dataclass(frozen=True, slots=True, kw_only=True)
class NewJob:
    """A job to be put into the queue.

    `job_id` None: a random one. `tenant` and `limit_key` are what limits and turns go by.
    `idempotency_key` names the job for `idempotency_s` seconds, whatever becomes of the job itself.
    """

    function: str
    args: tuple[Any, ...] = ()
    kwargs: Mapping[str, Any] = field(default_factory=dict[str, Any])
    job_id: str | None = None
    priority: Priority = Priority.INGESTION
    tenant: str = ""
    limit_key: str = ""
    wait_s: float = 0
    run_at: datetime | None = None
    idempotency_key: str = ""
    idempotency_s: float = 86_400
    traceparent: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Envelope:
    """A job as it comes out of the queue."""

    function: str
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    enqueued_ms: int
    priority: Priority = Priority.INGESTION
    tenant: str = ""
    limit_key: str = ""
    traceparent: str | None = None
    wait_s: float = 0


def seal(job: NewJob, *, enqueued_ms: int, traceparent: str | None, limit_bytes: int) -> bytes:
    """Write a job. Raises PAYLOAD_TOO_LARGE, and VALIDATION_ERROR for what is not JSON."""
    written: dict[str, Any] = {
        "v": VERSION,
        "f": job.function,
        "a": job.args,
        "k": job.kwargs,
        "t": None,
        "et": enqueued_ms,
        "p": job.priority.value,
        "n": job.tenant,
        "lk": job.limit_key,
        "tp": traceparent,
        "w": job.wait_s,
    }
    try:
        raw = _JOB.encode(written).encode()
    except (TypeError, ValueError):
        raise PermanentError(
            ErrorCode.VALIDATION_ERROR,
            details={"function": job.function, "reason": "arguments of a job must be JSON"},
        ) from None
    if len(raw) > limit_bytes:
        raise PermanentError(
            ErrorCode.PAYLOAD_TOO_LARGE,
            details={
                "function": job.function,
                "bytes": len(raw),
                "limit_bytes": limit_bytes,
                "reason": "a job holds ids; store the data and send its id",
            },
        )
    return raw


def unseal(raw: bytes) -> Envelope:
    """Read a job. Raises UnknownVersion, and ValueError for anything that is no envelope."""
    read = _object(raw)
    version = read.get("v", 0)
    if isinstance(version, int) and version > VERSION:
        raise UnknownVersion
    try:
        return Envelope(
            function=_text(read["f"]),
            args=tuple(_typed(read["a"], list)),
            kwargs=_typed(read["k"], dict),
            enqueued_ms=_within(_typed(read["et"], int), _LATEST_MS),
            priority=Priority(read.get("p", Priority.INGESTION)),
            tenant=_text(read.get("n", "")),
            limit_key=_text(read.get("lk", "")),
            traceparent=None if read.get("tp") is None else _text(read["tp"]),
            wait_s=_within(float(read.get("w", 0)), _LATEST_MS),
        )
    except (KeyError, TypeError, OverflowError) as error:
        raise ValueError("no envelope") from error


def encode(job: Mapping[str, Any]) -> bytes:
    """Arq's serializer, of jobs and of results; a failure travels as code, type and safe text."""
    return _ANY.encode(job).encode()


def decode(raw: bytes) -> dict[str, Any]:
    """Arq's deserializer. Raises ValueError for anything but a JSON object.

    A failure becomes an exception again, so that `Job.result` raises it.
    """
    read = _object(raw)
    failure = _mapping(read.get("r"))
    if not read.get("s", True) and failure is not None and _FAILURE in failure:
        read["r"] = _failure(_mapping(failure[_FAILURE]) or {})
    return read


def safe_text(error: BaseException) -> str:
    """What may be said of an exception anywhere: the sentence of its code, or its type."""
    return str(error) if isinstance(error, WorkerError) else type(error).__name__


def _object(raw: bytes) -> dict[str, Any]:
    try:
        read: object = json.loads(raw)
    except RecursionError:
        raise ValueError("nested too deep") from None
    if not isinstance(read, dict):
        raise ValueError("no JSON object")  # noqa: TRY004 - decoding errors are alike
    return cast("dict[str, Any]", read)


def _mapping(value: object) -> dict[str, Any] | None:
    return cast("dict[str, Any]", value) if isinstance(value, dict) else None


def _typed(value: object, kind: type) -> Any:
    if not isinstance(value, kind) or isinstance(value, bool):
        raise TypeError
    return value


def _text(value: object) -> str:
    text: str = _typed(value, str)
    text.encode()  # half a surrogate pair is JSON, but cannot be written anywhere
    return text


def _within(value: _Number, most: float) -> _Number:
    if not 0 <= value <= most:
        raise ValueError("out of range")
    return value


def _encoded(value: object) -> dict[str, dict[str, str | None]]:
    if isinstance(value, BaseException):
        code = value.code.value if isinstance(value, WorkerError) else None
        kind = value.error_type if isinstance(value, JobFailed) else type(value).__name__
        return {_FAILURE: {"type": kind, "code": code, "text": safe_text(value)}}
    raise TypeError(f"{type(value).__name__} does not go into the queue")


def _failure(read: Mapping[str, Any]) -> BaseException:
    kind = str(read.get("type"))
    if kind == asyncio.CancelledError.__name__:
        return asyncio.CancelledError()
    code = str(read.get("code"))
    if code not in ErrorCode.__members__:
        return JobFailed(kind)
    known = ErrorCode[code]
    return RetryableError(known) if known.retryable else PermanentError(known)


# Made once: `json.dumps` makes one for each call that asks for anything but its defaults.
_JOB = json.JSONEncoder(separators=(",", ":"), allow_nan=False)
_ANY = json.JSONEncoder(separators=(",", ":"), default=_encoded)
