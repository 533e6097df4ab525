"""Dead letters: jobs that have used their tries or cannot be read, kept until somebody decides."""

import base64
import binascii
import hashlib
import re
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Any, NamedTuple, cast

from pydantic import BaseModel, ConfigDict, JsonValue, ValidationError

from app.errors import ErrorCode, PermanentError
from app.messages import Message
from app.queue import scripts
from app.queue.envelope import Envelope, NewJob, Priority, UnknownVersion, seal, unseal
from app.queue.producer import Producer, index_entry
from app.settings.queue import QueueSettings
from app.store.failures import redis_errors
from app.telemetry.logs import get_logger
from app.telemetry.metrics import record_dead_letter

log = get_logger(__name__)

MAX_PAGE = 200
_DAY_MS = 86_400_000
_PURGED_PER_CALL = 1_000
_ID = re.compile(r"[\w.:+/-]{1,100}", re.ASCII)
_CURSOR = re.compile(r"(\d{1,15}):(.+)", re.ASCII | re.DOTALL)
_ENTRY = re.compile(r"(\d)\|([^|]*)\|(.*)", re.DOTALL)
_ALL = "|"
"""In place of a tenant; none has this sign in its name."""
_NONE: Mapping[str, "Reopen"] = MappingProxyType({})

Reopen = Callable[[Envelope], Awaitable[NewJob | None]]
"""Opens again what a job stood for; answers the job for it, None when there is nothing to do.

Called by several operators at once, or again after a crash, it must come to the same end.
"""


class Letter(BaseModel):
    """Why a job died. `text` is safe to show; `function` is None where it could not be read."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    function: str | None
    code: ErrorCode
    error_type: str
    text: str
    tries: int
    trace_id: str | None = None


class DeadLetter(BaseModel):
    """A dead job. `code` is a plain word: a newer program may have more of them."""

    model_config = ConfigDict(frozen=True)

    id: str
    function: str | None
    code: str
    error_type: str
    text: str
    tries: int
    trace_id: str | None
    tenant: str
    priority: Priority
    limit_key: str
    died_at: datetime
    payload_bytes: int


class DeadLetterDetails(DeadLetter):
    """A dead job with its arguments, as far as they are ids; other text is told by its length.

    A payload that cannot be read may be anything, so only its size and hash are told.
    """

    payload_sha256: str
    enqueued_at: datetime | None = None
    args: tuple[JsonValue, ...] | None = None
    kwargs: dict[str, JsonValue] | None = None


@dataclass(frozen=True, slots=True)
class Page:
    """Newest first. `next_cursor` None: there are no older ones."""

    letters: tuple[DeadLetter, ...]
    next_cursor: str | None


class Retried(StrEnum):
    """What became of an order to run a dead job again."""

    QUEUED = "queued"
    THERE = "there"
    """It waits or runs already, or has run: somebody else was first."""
    OBSOLETE = "obsolete"
    """There is nothing to do any more; the letter is gone."""


class RetriedAll(BaseModel):
    """How many. `refused` can never run again, or what they stood for could not be reopened."""

    queued: int = 0
    there: int = 0
    obsolete: int = 0
    refused: int = 0


class _Found(NamedTuple):
    letter: DeadLetterDetails
    died: str
    envelope: Envelope | None


class _Words(BaseModel):
    """A letter as any version may have written it."""

    model_config = ConfigDict(extra="ignore")

    function: str | None = None
    code: str = ErrorCode.WORKER_ERROR.value
    error_type: str = ""
    text: str = ""
    tries: int = 0
    trace_id: str | None = None


class DeadLetters:
    """The dead letters of one queue. Raises NETWORK_ERROR when Redis cannot be reached.

    `reopen` has, by function, what must happen before a job can run again; without, it is put back
    as it was. A `tenant` sees its own letters and those of none; None sees all.
    """

    def __init__(
        self,
        producer: Producer,
        settings: QueueSettings,
        *,
        reopen: Mapping[str, Reopen] = _NONE,
    ) -> None:
        self._producer = producer
        self._queue = producer.queue_name
        self._dead = f"{self._queue}:dead"
        self._keep_ms = settings.dead_letters_days * _DAY_MS
        self._limit_bytes = settings.max_payload_kib * 1024
        self._reopen = reopen

    async def page(
        self, *, tenant: str | None = None, top_k: int = 50, cursor: str | None = None
    ) -> Page:
        """At most `top_k`, after those that `cursor` ended. Raises VALIDATION_ERROR for a wrong one."""
        after = _after(cursor)
        letters: list[DeadLetter] = []
        while True:
            # One more than is asked for tells whether there is a next page.
            wanted = top_k + 1 - len(letters)
            call = scripts.Call(
                scripts.LETTERS, (*after, wanted, _ALL if tenant is None else tenant)
            )
            found, at, last = (await self._run(call))[0]
            letters += [_letter(*each) for each in found]
            if len(letters) > top_k:
                shown = letters[:top_k]
                return Page(tuple(shown), _cursor(shown[-1]))
            if not last:
                return Page(tuple(letters), None)
            after = (at, last)

    async def get(self, letter_id: str, *, tenant: str | None = None) -> DeadLetterDetails:
        """One of them. Raises NOT_FOUND."""
        return (await self._find(letter_id, tenant)).letter

    async def retry(self, letter_id: str, *, tenant: str | None = None) -> Retried:
        """Run the job again, with all of its tries.

        Under the same id, unless it is reopened. Raises NOT_FOUND, and VALIDATION_ERROR when its
        payload is gone.
        """
        try:
            found = await self._find(letter_id, tenant)
        except PermanentError:
            if await self._is_there(letter_id, tenant):
                return Retried.THERE
            raise
        if found.envelope and found.envelope.function in self._reopen:
            retried = await self._reopened(found, found.envelope)
        else:
            (answer,) = await self._put_back([letter_id])
            if answer == "empty":
                raise PermanentError(ErrorCode.VALIDATION_ERROR, Message.DEAD_LETTER_EMPTY)
            retried = Retried.QUEUED if answer == "queued" else Retried.THERE
        log.info("dead_letter_retried", job_id=letter_id, outcome=retried)
        return retried

    async def retry_all(self) -> RetriedAll:
        """Retry all that are dead now; what dies again meanwhile stays."""
        total = RetriedAll()
        cursor: str | None = None
        while True:
            page = await self.page(top_k=MAX_PAGE, cursor=cursor)
            as_they_were: list[str] = []
            for letter in page.letters:
                if letter.function in self._reopen:
                    await self._retry_one(letter.id, total)
                else:
                    as_they_were.append(letter.id)
            answers = await self._put_back(as_they_were)
            total.queued += answers.count("queued")
            total.there += answers.count("there") + answers.count("unknown")
            total.refused += answers.count("empty")
            cursor = page.next_cursor
            if cursor is None:
                log.info("dead_letters_retried", queued=total.queued, refused=total.refused)
                return total

    async def purge(self, letter_id: str, *, tenant: str | None = None) -> None:
        """Forget the job for good. Raises NOT_FOUND."""
        found = await self._find(letter_id, tenant)
        if not await self._drop(found):
            raise PermanentError(ErrorCode.NOT_FOUND, Message.DEAD_LETTER_UNKNOWN)
        log.info("dead_letter_purged", job_id=letter_id)

    async def purge_all(self, *, older_than_s: float = 0) -> int:
        """Forget all that are dead now, for so long at least; how many that were."""
        purged, since = 0, ""
        while True:
            call = scripts.Call(scripts.PURGE, (int(older_than_s * 1000), since, _PURGED_PER_CALL))
            ((gone, looked_at, since),) = await self._run(call)
            purged += gone
            if looked_at < _PURGED_PER_CALL:
                log.info("dead_letters_purged", count=purged, older_than_s=older_than_s)
                return purged

    async def add(self, job: NewJob, letter: Letter) -> None:
        """A dead letter for a job that is in no queue. Raises ValueError for one without an id."""
        if job.job_id is None:
            raise ValueError("a dead letter goes by the id of its job")
        payload = seal(
            job,
            enqueued_ms=int(time.time() * 1000),
            traceparent=job.traceparent,
            limit_bytes=self._limit_bytes,
        )
        entry = index_entry(job.priority, job.tenant, job.limit_key)
        written = letter.model_dump_json()
        await self._run(
            scripts.Call(scripts.BURY, (job.job_id, payload, entry, written, self._keep_ms))
        )
        record_dead_letter(self._queue, letter.code)

    async def _retry_one(self, letter_id: str, total: RetriedAll) -> None:
        try:
            retried = await self.retry(letter_id)
        except PermanentError as error:
            log.warning("dead_letter_not_retried", job_id=letter_id, code=error.code)
            total.refused += 1
            return
        total.queued += retried is Retried.QUEUED
        total.there += retried is Retried.THERE
        total.obsolete += retried is Retried.OBSOLETE

    async def _reopened(self, found: _Found, envelope: Envelope) -> Retried:
        job = await self._reopen[envelope.function](envelope)
        retried = Retried.OBSOLETE
        if job is not None:
            enqueued = await self._producer.enqueue(job)
            retried = Retried.QUEUED if enqueued.is_new else Retried.THERE
        # Last: who is interrupted before does it all again, to the same end.
        await self._drop(found)
        return retried

    async def _put_back(self, ids: Sequence[str]) -> list[str]:
        call = scripts.Call(scripts.RETRY, (self._producer.expires_extra_ms, *ids))
        return [answer.decode() for answer in (await self._run(call))[0]]

    async def _drop(self, found: _Found) -> bool:
        call = scripts.Call(scripts.DROP, (found.letter.id, found.died))
        return (await self._run(call))[0] == 1

    async def _find(self, letter_id: str, tenant: str | None) -> _Found:
        with redis_errors():
            async with self._producer.pipeline(transaction=True) as asked:
                asked.zscore(self._dead, letter_id)
                asked.hmget(f"{self._dead}:{letter_id}", ["letter", "entry", "payload"])  # pyright: ignore[reportUnknownMemberType] - typed loosely
                died, (letter, entry, payload) = await asked.execute()
        if died is None or letter is None or not _may_see(tenant, entry):
            raise PermanentError(ErrorCode.NOT_FOUND, Message.DEAD_LETTER_UNKNOWN)
        short = _letter(letter_id.encode(), b"%d" % died, letter, entry, len(payload))
        envelope = _envelope(payload)
        details = DeadLetterDetails(
            **short.model_dump(),
            payload_sha256=hashlib.sha256(payload).hexdigest(),
            enqueued_at=_datetime(envelope.enqueued_ms) if envelope else None,
            args=cast("tuple[JsonValue, ...]", tuple(map(_ids, envelope.args)))
            if envelope
            else None,
            kwargs=_ids(envelope.kwargs) if envelope else None,
        )
        return _Found(details, str(int(died)), envelope)

    async def _is_there(self, job_id: str, tenant: str | None) -> bool:
        with redis_errors():
            async with self._producer.pipeline(transaction=True) as asked:
                asked.zscore(self._queue, job_id)
                asked.hget(f"{self._queue}:index", job_id)
                waits_since, entry = await asked.execute()
        return waits_since is not None and _may_see(tenant, entry)

    async def _run(self, *calls: scripts.Call) -> list[Any]:
        with redis_errors():
            return await scripts.run(self._producer, self._queue, *calls)


def _letter(letter_id: bytes, died: bytes, letter: bytes, entry: bytes, size: int) -> DeadLetter:
    try:
        words = _Words.model_validate_json(letter)
    except ValidationError:
        words = _Words(text="The letter cannot be read; a newer version may have written it.")
    rank, tenant, limit_key = _parts(entry)
    return DeadLetter(
        **words.model_dump(),
        id=letter_id.decode(errors="replace"),
        tenant=tenant,
        priority=Priority.of_rank(rank),
        limit_key=limit_key,
        died_at=_datetime(int(died)),
        payload_bytes=size,
    )


def _parts(entry: bytes | None) -> tuple[str, str, str]:
    found = _ENTRY.fullmatch((entry or b"").decode(errors="replace"))
    return (found[1], found[2], found[3]) if found else ("", "", "")


def _may_see(tenant: str | None, entry: bytes | None) -> bool:
    return tenant is None or _parts(entry)[1] in {"", tenant}


def _envelope(payload: bytes) -> Envelope | None:
    try:
        return unseal(payload)
    except (ValueError, UnknownVersion):
        return None


def _ids(value: Any) -> Any:
    match value:
        case str():
            return value if _ID.fullmatch(value) else f"({len(value)} characters)"
        case list():
            return [_ids(each) for each in cast("list[Any]", value)]
        case dict():
            return {_ids(key): _ids(each) for key, each in cast("dict[str, Any]", value).items()}
        case _:
            return value


def _datetime(ms: int) -> datetime:
    return datetime.fromtimestamp(ms / 1000, UTC)


def _cursor(letter: DeadLetter) -> str:
    place = f"{round(letter.died_at.timestamp() * 1000)}:{letter.id}"
    return base64.urlsafe_b64encode(place.encode()).decode().rstrip("=")


def _after(cursor: str | None) -> tuple[str, str]:
    if cursor is None:
        return "", ""
    try:
        place = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode()
    except (binascii.Error, ValueError):
        place = ""
    found = _CURSOR.fullmatch(place)
    if found is None:
        raise PermanentError(
            ErrorCode.VALIDATION_ERROR,
            details={
                "reason": "this cursor is none that the list gave; leave it out to begin anew"
            },
        )
    return found[1], found[2]
