"""What routes ask for, as annotated aliases."""

import base64
import binascii
import secrets
from typing import Annotated
from urllib.parse import urlsplit

from fastapi import Depends, Request, Response

from app.api.problems import language_of
from app.bootstrap import Runtime
from app.errors import ErrorCode, PermanentError
from app.messages import Language


def _runtime(request: Request) -> Runtime:
    return request.app.state.runtime


def _language(request: Request) -> Language:
    return language_of(request)


def require_api_key(request: Request) -> None:
    """Raise UNAUTHENTICATED unless the request carries one of the accepted keys.

    `Authorization: Bearer KEY`, or Basic with the key as password, which lets a browser open the
    docs page. A browser adds that password to what other sites make it send, too: CROSS_ORIGIN then.
    Every key is compared, in constant time.
    """
    scheme, _, given = request.headers.get("authorization", "").partition(" ")
    match scheme.lower():
        case "bearer":
            key = given.strip()
        case "basic":
            key = _password(given)
        case _:
            key = ""
    accepted = [secrets.compare_digest(key.encode(), known) for known in request.app.state.api_keys]
    if not key or not any(accepted):
        raise PermanentError(ErrorCode.UNAUTHENTICATED)
    if scheme.lower() == "basic" and _changes_from_another_site(request):
        raise PermanentError(ErrorCode.CROSS_ORIGIN)


def forbid_storing(response: Response) -> None:
    """Keep answers out of caches: with `reveal`, and in search, they show persons."""
    response.headers["Cache-Control"] = "no-store"


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


Context = Annotated[Runtime, Depends(_runtime)]
Reader = Annotated[Language, Depends(_language)]
