"""Who may call: the one place that judges API keys, in front of everything but health."""

import base64
import binascii
import secrets
from collections.abc import Sequence
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from app.api.problems import problem
from app.errors import ErrorCode, PermanentError

OPEN_PREFIX = "/health/"


class Authentication:
    """Only requests with an accepted key go on. Nothing of another one's body is read."""

    def __init__(self, app: ASGIApp, *, keys: Sequence[str]) -> None:
        self._app = app
        self._keys = [key.encode() for key in keys]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and not scope["path"].startswith(OPEN_PREFIX):
            request = Request(scope)
            if code := self._refusal(request):
                await problem(request, PermanentError(code))(scope, receive, send)
                return
        await self._app(scope, receive, send)

    def _refusal(self, request: Request) -> ErrorCode | None:
        """UNAUTHENTICATED unless the request carries one of the accepted keys.

        `Authorization: Bearer KEY`, or Basic with the key as password, which lets a browser open the
        docs page. A browser adds that password to what other sites make it send, too: CROSS_ORIGIN
        then. Every key is compared, in constant time.
        """
        scheme, _, given = request.headers.get("authorization", "").partition(" ")
        match scheme.lower():
            case "bearer":
                key = given.strip()
            case "basic":
                key = _password(given)
            case _:
                key = ""
        accepted = [secrets.compare_digest(key.encode(), known) for known in self._keys]
        if not key or not any(accepted):
            return ErrorCode.UNAUTHENTICATED
        if scheme.lower() == "basic" and _changes_from_another_site(request):
            return ErrorCode.CROSS_ORIGIN
        return None


def _changes_from_another_site(request: Request) -> bool:
    """Whether a browser sends this for a page of another origin, and it may change something.

    As Go's `http.CrossOriginProtection` tells it: `Sec-Fetch-Site` where a browser sends it (over
    https and to loopback), else `Origin`. Who sends neither is no browser.
    """
    if request.method in {"GET", "HEAD", "OPTIONS"}:
        return False
    if site := request.headers.get("sec-fetch-site"):
        return site not in {"same-origin", "none"}
    origin = request.headers.get("origin")
    return origin is not None and urlsplit(origin).netloc != request.headers.get("host")


def _password(credentials: str) -> str:
    try:
        return base64.b64decode(credentials, validate=True).decode().partition(":")[2]
    except (binascii.Error, UnicodeDecodeError):
        return ""
