"""A connection to an OpenAI-compatible server, and what surrounds every call of a model there."""

import asyncio
import ipaddress
import time
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal
from urllib.parse import urlsplit

from pydantic import SecretStr

from app.errors import WorkerError
from app.providers.failures import Provider, mapped
from app.telemetry.conventions import Attribute, SpanName
from app.telemetry.metrics import record_model_call, record_tokens
from app.telemetry.spans import ActiveSpan, AttributeValue, SpanKind, span

if TYPE_CHECKING:
    import openai

Operation = Literal["chat", "embeddings"]

_SPANS: Mapping[Operation, tuple[SpanName, Provider]] = {
    "chat": (SpanName.CHAT, Provider.LLM),
    "embeddings": (SpanName.EMBEDDINGS, Provider.EMBEDDING),
}
_NO_KEY = "none"
"""Local servers want no key, the client insists on one; without it, it would read the
environment's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """One base URL with its key. `timeout_s` limits a whole call, `model` is asked for there."""

    client: "openai.AsyncOpenAI"
    model: str
    timeout_s: float
    address: str
    port: int

    @property
    def vendor(self) -> str:
        """The value of `gen_ai.provider.name`: the convention's own, or else the host."""
        return "openai" if self.address == "api.openai.com" else self.address

    @asynccontextmanager
    async def calling(
        self, operation: Operation, attributes: Mapping[str, AttributeValue]
    ) -> AsyncGenerator[ActiveSpan]:
        """Span, time limit, metrics and error codes of one call. Nothing of its content."""
        name, provider = _SPANS[operation]
        told: dict[str, AttributeValue] = {
            Attribute.GEN_AI_OPERATION_NAME: operation,
            Attribute.GEN_AI_PROVIDER_NAME: self.vendor,
            Attribute.GEN_AI_REQUEST_MODEL: self.model,
            Attribute.SERVER_ADDRESS: self.address,
            Attribute.SERVER_PORT: self.port,
            **attributes,
        }
        began = time.monotonic()
        error_type: str | None = None
        try:
            with (
                span(name, self.model, kind=SpanKind.CLIENT, attributes=told) as active,
                mapped(provider),
            ):
                # The client's own limit is per read: a server that drips would never end.
                async with asyncio.timeout(self.timeout_s):
                    yield active
        except WorkerError as error:
            error_type = error.code.value
            raise
        finally:
            record_model_call(
                operation,
                self.model,
                time.monotonic() - began,
                provider=self.vendor,
                error_type=error_type,
            )

    def count_tokens(
        self, operation: Operation, *, input_tokens: int, output_tokens: int | None = None
    ) -> None:
        """Record what one answer cost."""
        record_tokens(
            operation,
            self.model,
            provider=self.vendor,
            input_tokens=input_tokens,
            output_tokens=output_tokens,
        )


@asynccontextmanager
async def open_endpoint(
    base_url: str,
    *,
    api_key: SecretStr | None,
    model: str,
    timeout_s: float,
    connect_timeout_s: float,
) -> AsyncGenerator[Endpoint]:
    """Hold a connection pool. One attempt per call: retrying is the executor's alone (R12)."""
    parts = urlsplit(base_url)
    address = parts.hostname or ""
    port = parts.port or (443 if parts.scheme == "https" else 80)

    def connect() -> "openai.AsyncOpenAI":
        import openai  # noqa: PLC0415 - see `app.providers.answers`

        return openai.AsyncOpenAI(
            base_url=base_url,
            api_key=api_key.get_secret_value() if api_key else _NO_KEY,
            max_retries=0,
            timeout=openai.Timeout(timeout_s, connect=connect_timeout_s),
            # A proxy of the environment is meant for the world, not for this machine.
            http_client=openai.DefaultAsyncHttpxClient(trust_env=not _is_loopback(address)),
        )

    # In a thread: the client is loaded, and certificates are read from the disk.
    client = await asyncio.to_thread(connect)
    async with client:
        yield Endpoint(client=client, model=model, timeout_s=timeout_s, address=address, port=port)


def _is_loopback(address: str) -> bool:
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return address == "localhost"
