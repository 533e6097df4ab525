"""What routes ask for, as annotated aliases."""

import base64
import binascii
import secrets
from typing import Annotated

from fastapi import Depends, Request

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
    docs page. Every key is compared, in constant time.
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


def _password(credentials: str) -> str:
    try:
        return base64.b64decode(credentials, validate=True).decode().partition(":")[2]
    except (binascii.Error, UnicodeDecodeError):
        return ""


Context = Annotated[Runtime, Depends(_runtime)]
Reader = Annotated[Language, Depends(_language)]
