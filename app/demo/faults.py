"""What the scripted provider was told to do wrong, and what it saw."""

import asyncio
import math
import time
from collections import deque
from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import Annotated, Literal, NamedTuple

from pydantic import BaseModel, ConfigDict, Field

Endpoint = Literal["chat", "embeddings"]

KEPT_CALLS = 1_000


class FaultKind(StrEnum):
    """What goes wrong."""

    LATENCY = "latency"
    """The answer comes `delay_s` later, and may have another fault as well."""
    RATE_LIMIT = "rate_limit"
    """429; with `retry_after` or `retry_after_ms` as given."""
    QUOTA = "quota"
    """429 with the code `insufficient_quota`."""
    STATUS = "status"
    """Any `status`, with an error body that echoes the request, as real ones do."""
    NO_SCHEMAS = "no_schemas"
    """400 for a `response_format` with a schema; anything else is answered."""
    BROKEN_JSON = "broken_json"
    """The model's text is cut off in the middle of its JSON; vectors are no base64."""
    WRONG_SHAPE = "wrong_shape"
    """The model's text is JSON that violates the schema; vectors ignore `dimensions`."""
    OBEDIENT = "obedient"
    """The model does what the document tells it: prompt injection at its worst."""
    NO_BASE64 = "no_base64"
    """Vectors come as numbers though base64 was asked for."""
    GARBLED = "garbled"
    """200 with a body that is no JSON though it says so."""
    PAGE = "page"
    """200 with a web page, as from a proxy or under a wrong base URL."""
    TRUNCATED = "truncated"
    """The connection closes in the middle of the body or of the stream."""
    UNFINISHED = "unfinished"
    """A stream ends in the middle as if it were whole, without a finish reason."""
    STALLED = "stalled"
    """A stream says no more from its middle on, and stays open."""
    RESET = "reset"
    """The connection is reset before any answer."""
    HANG = "hang"
    """No answer until the client gives up or the provider stops."""


class Fault(BaseModel):
    """One fault, for the next `times` calls that it fits; None: until it is cleared.

    With `for_s` it ends by itself after so many seconds.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: FaultKind
    times: Annotated[int, Field(ge=1)] | None = None
    for_s: Annotated[float, Field(gt=0, le=3_600)] | None = None
    endpoint: Endpoint | None = None
    model: str | None = None
    status: Annotated[int, Field(ge=400, le=599)] = 500
    delay_s: Annotated[float, Field(ge=0, le=3_600)] = 0
    retry_after: str | None = None
    retry_after_ms: str | None = None

    def fits(self, endpoint: Endpoint, model: str) -> bool:
        """Whether a call of this endpoint and model meets the fault."""
        return self.endpoint in {None, endpoint} and self.model in {None, model}


class Call(BaseModel):
    """One request as it arrived. `texts` are the messages' contents or the texts to embed."""

    model_config = ConfigDict(frozen=True)

    endpoint: Endpoint
    model: str
    texts: tuple[str, ...]
    headers: Mapping[str, str]
    body: Mapping[str, object]


class Reply(BaseModel):
    """One prepared answer of the model; `headers` come with it."""

    model_config = ConfigDict(frozen=True)

    content: str
    finish_reason: str = "stop"
    model: str | None = None
    headers: Mapping[str, str] = Field(default_factory=dict[str, str])


class _Planned(NamedTuple):
    """A fault still to come, how many calls it still meets, and until when."""

    fault: Fault
    times: int | None
    until_s: float


class Script:
    """Faults and replies still to come, and the last calls."""

    def __init__(self, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._faults: list[_Planned] = []
        self._replies: deque[Reply] = deque()
        self.calls: deque[Call] = deque(maxlen=KEPT_CALLS)
        self._arrived = asyncio.Event()
        self._closing = asyncio.Event()

    def record(self, call: Call) -> None:
        """Keep a call, and wake who waits for one."""
        self.calls.append(call)
        self._arrived.set()

    async def called(self, times: int) -> None:
        """Wait until so many calls are kept."""
        while len(self.calls) < times:
            self._arrived.clear()
            await self._arrived.wait()

    async def wait(self, delay_s: float) -> None:
        """Let time pass, but not after `close`."""
        try:
            async with asyncio.timeout(delay_s):
                await self._closing.wait()
        except TimeoutError:
            return

    def close(self) -> None:
        """End every wait: the provider stops."""
        self._closing.set()

    async def closed(self) -> None:
        """Wait for `close`."""
        await self._closing.wait()

    def add_fault(self, fault: Fault) -> None:
        """Put a fault behind those that wait already."""
        until_s = math.inf if fault.for_s is None else self._monotonic() + fault.for_s
        self._faults.append(_Planned(fault, fault.times, until_s))

    def clear_faults(self) -> None:
        """Answer rightly again from the next call on."""
        self._faults.clear()

    def add_reply(self, reply: Reply) -> None:
        """Put an answer behind those that wait already."""
        self._replies.append(reply)

    def next_fault(self, endpoint: Endpoint, model: str) -> tuple[Fault | None, float]:
        """Take what this call meets: at most one fault, and the sum of the latencies in seconds."""
        found: Fault | None = None
        delay_s = 0.0
        left: list[_Planned] = []
        now_s = self._monotonic()
        for planned in self._faults:
            fault, times, until_s = planned
            is_latency = fault.kind is FaultKind.LATENCY
            if until_s <= now_s:
                continue
            if not fault.fits(endpoint, model) or (found and not is_latency):
                left.append(planned)
                continue
            delay_s += fault.delay_s
            found = found if is_latency else fault
            if times is None or times > 1:
                left.append(_Planned(fault, None if times is None else times - 1, until_s))
        self._faults = left
        return found, delay_s

    def next_reply(self, model: str) -> Reply | None:
        """Take the first prepared answer for this model."""
        for reply in self._replies:
            if reply.model in {None, model}:
                self._replies.remove(reply)
                return reply
        return None
