"""Our own HTTP calls to URLs that users give: one attempt each, behind the address guard.

A connection goes to an address that was judged in the same call, while TLS and the Host header keep
the name. No connection is kept: the next call has its own answer of the name server, and what one
host's certificate vouched for is never used for another. Proxies of the environment are not used,
since they would look the name up again. Nothing of a URL but its host, and nothing of a body, gets
into spans, logs or errors.
"""

import asyncio
import ssl
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager, suppress
from http.cookiejar import CookieJar, DefaultCookiePolicy

import httpx

from app.providers.addresses import Lookup, host_and_port, resolve_public, system_lookup
from app.providers.failures import Provider, mapped
from app.telemetry.conventions import Attribute, SpanName
from app.telemetry.spans import ActiveSpan, SpanKind, span
from app.telemetry.version import service_version

_DRAINED_BYTES = 16 * 1024
"""As much of an answer that nobody wants is read, so that its sender can finish in order."""
_DRAIN_S = 1.0


class Http:
    """Made by `open_http`. Errors are coded, as `app.providers.failures` says for HTTP."""

    def __init__(
        self,
        *,
        timeout_s: float,
        allow_private: bool,
        lookup: Lookup,
        tls: ssl.SSLContext | None,
    ) -> None:
        self.allow_private = allow_private
        self._lookup = lookup
        self._timeout_s = timeout_s
        self._tls = tls
        self._made: httpx.AsyncClient | None = None

    async def check(self, url: str) -> None:
        """Raise as `resolve_public` does unless the URL may be called now."""
        await resolve_public(url, allow_private=self.allow_private, lookup=self._lookup)

    async def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> int:
        """Send once; returns the status, 200 to 299. Redirects are not followed.

        Raises NETWORK_ERROR for what may pass (`details.http_status`, `details.retry_after`),
        RECEIVER_REFUSED for what will not, a redirect included, and what `check` raises.
        """
        client = await self._client()
        with self._posting(url) as active, mapped(Provider.HTTP):
            async with (
                asyncio.timeout(self._timeout_s),
                client.stream("POST", url, content=body, headers=dict(headers)) as answer,
            ):
                active.set(Attribute.HTTP_RESPONSE_STATUS_CODE, answer.status_code)
                await _drain(answer)
                answer.raise_for_status()
                return answer.status_code

    async def close(self) -> None:
        """Close what is open."""
        if self._made is not None:
            await self._made.aclose()

    async def _client(self) -> httpx.AsyncClient:
        # At the first call, and in a thread: reading the certificates takes 20 ms, and most
        # processes call nobody.
        if self._made is None:
            made = await asyncio.to_thread(self._make)
            if self._made is None:
                self._made = made
        return self._made

    def _make(self) -> httpx.AsyncClient:
        inner = httpx.AsyncHTTPTransport(
            verify=self._tls or True, limits=httpx.Limits(max_keepalive_connections=0)
        )
        nobodys = DefaultCookiePolicy(allowed_domains=())
        return httpx.AsyncClient(
            transport=_Guarded(inner, allow_private=self.allow_private, lookup=self._lookup),
            headers={"User-Agent": f"naru/{service_version()}"},
            cookies=CookieJar(nobodys),
            timeout=self._timeout_s,
            trust_env=False,
        )

    def _posting(self, url: str) -> ActiveSpan:
        host, port = host_and_port(url)
        return span(
            SpanName.HTTP,
            "POST",
            kind=SpanKind.CLIENT,
            attributes={
                Attribute.HTTP_REQUEST_METHOD: "POST",
                Attribute.SERVER_ADDRESS: host,
                Attribute.SERVER_PORT: port,
            },
        )


@asynccontextmanager
async def open_http(
    *,
    timeout_s: float,
    allow_private: bool = False,
    lookup: Lookup | None = None,
    tls: ssl.SSLContext | None = None,
) -> AsyncGenerator[Http]:
    """Calls of at most `timeout_s` each. `tls` holds other certificates than the usual ones."""
    with system_lookup() as asked_of_system:
        http = Http(
            timeout_s=timeout_s,
            allow_private=allow_private,
            lookup=lookup or asked_of_system,
            tls=tls,
        )
        try:
            yield http
        finally:
            await http.close()


class _Guarded(httpx.AsyncBaseTransport):
    """Judges the host of every request, and connects to what was judged."""

    def __init__(
        self, inner: httpx.AsyncBaseTransport, *, allow_private: bool, lookup: Lookup
    ) -> None:
        self._inner = inner
        self._allow_private = allow_private
        self._lookup = lookup

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        addresses = await resolve_public(
            str(request.url), allow_private=self._allow_private, lookup=self._lookup
        )
        name = request.url.raw_host.decode("ascii")
        failed: httpx.TransportError | None = None
        for address in addresses:
            pinned = httpx.Request(
                request.method,
                request.url.copy_with(host=str(address)),
                headers=request.headers,  # the name is in Host already
                stream=request.stream,
                extensions={**request.extensions, "sni_hostname": name},
            )
            try:
                return await self._inner.handle_async_request(pinned)
            except (httpx.ConnectError, httpx.ConnectTimeout) as error:
                failed = error  # nothing was sent: the next address may answer
        raise failed or httpx.ConnectError("no address")

    async def aclose(self) -> None:
        await self._inner.aclose()


async def _drain(answer: httpx.Response) -> None:
    """Read a little of a body that nobody wants; how it ends changes nothing."""
    read = 0
    with suppress(httpx.TransportError, TimeoutError):
        async with asyncio.timeout(_DRAIN_S):
            async for chunk in answer.aiter_raw():
                read += len(chunk)
                if read >= _DRAINED_BYTES:
                    return
