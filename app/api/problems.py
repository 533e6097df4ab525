"""The one way errors leave: RFC 9457 problem details, in the reader's language."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from fastapi.routing import iter_route_contexts
from pydantic import BaseModel, Field
from pydantic.json_schema import models_json_schema
from starlette.exceptions import HTTPException

from app.errors import ErrorCode, PermanentError, RetryableError, WorkerError
from app.messages import Language, Message
from app.resilience.layers import retry_after_s
from app.telemetry.logs import get_logger

log = get_logger(__name__)

_RETRY_AFTER_S = 5
"""Where an error does not know how long its cause lasts."""
_MEDIA_TYPE = "application/problem+json"
_CODES: Mapping[int, ErrorCode] = {
    401: ErrorCode.UNAUTHENTICATED,
    404: ErrorCode.NOT_FOUND,
    405: ErrorCode.METHOD_NOT_ALLOWED,
    408: ErrorCode.REQUEST_TIMEOUT,
    413: ErrorCode.PAYLOAD_TOO_LARGE,
}


class Problem(BaseModel):
    """What went wrong, by RFC 9457."""

    type: str
    title: str = Field(description="What the code means, in English.")
    status: int
    detail: str = Field(description="What happened and what to do, in the language asked for.")
    code: ErrorCode
    details: dict[str, Any] = Field(
        description="What goes with the code. `faults` name each `field` and its `reason`."
    )
    request_id: str | None


_PLACE = "#/components/schemas/"
SCHEMAS: dict[str, Any] = models_json_schema(
    [(Problem, "serialization")], ref_template=_PLACE + "{model}"
)[1]["$defs"]
"""What the API's description has to hold: FastAPI knows no other media type than that of answers."""
_DESCRIBED = {"content": {_MEDIA_TYPE: {"schema": {"$ref": _PLACE + Problem.__name__}}}}
RESPONSES: dict[int | str, dict[str, Any]] = {
    "4XX": {"description": "The request cannot be served; `code` says why."} | _DESCRIBED,
    "5XX": {"description": "It failed; `code` says whether to send it again."} | _DESCRIBED,
}
"""What each route may answer beside its own: for the API's description."""

_NO_FILE = "upload"
REPEATED = "repeated"
"""A type of fault that pydantic has not."""
_REASONS: Mapping[str, Message] = {
    "missing": Message.FIELD_MISSING,
    REPEATED: Message.FIELD_REPEATED,
    "extra_forbidden": Message.FIELD_UNKNOWN,
    "model_attributes_type": Message.FIELD_NO_OBJECT,
    _NO_FILE: Message.FIELD_NO_FILE,
    "uuid_parsing": Message.FIELD_NO_ID,
    "enum": Message.FIELD_NO_CHOICE,
    "literal_error": Message.FIELD_NO_CHOICE,
    "string_too_short": Message.FIELD_TOO_SHORT,
    "too_short": Message.FIELD_TOO_SHORT,
    "string_too_long": Message.FIELD_TOO_LONG,
    "too_long": Message.FIELD_TOO_LONG,
    "greater_than_equal": Message.FIELD_TOO_LOW,
    "less_than_equal": Message.FIELD_TOO_HIGH,
    "int_parsing": Message.FIELD_NO_NUMBER,
    "float_parsing": Message.FIELD_NO_NUMBER,
    "bool_parsing": Message.FIELD_NO_SWITCH,
}
"""pydantic's types of faults that people meet. Others are told in its own words, in English."""


def install(app: FastAPI) -> None:
    """Handle every error of every route here."""

    async def coded(request: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, WorkerError)  # noqa: S101 - registered for this class
        return problem(request, error)

    async def invalid(request: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, RequestValidationError)  # noqa: S101 - registered for this class
        allowed = _allowed(request)
        if request.method not in allowed:  # the address is a word, and was taken for an id
            return not_allowed(request, allowed)
        language = language_of(request)
        faults = [
            {
                "field": ".".join(str(part) for part in fault["loc"]),
                "reason": _reason(fault, language),
            }
            for fault in error.errors()
        ]
        return problem(
            request, PermanentError(ErrorCode.VALIDATION_ERROR, details={"faults": faults})
        )

    async def framework(request: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, HTTPException)  # noqa: S101 - registered for this class
        code = _CODES.get(error.status_code, ErrorCode.VALIDATION_ERROR)
        if code is ErrorCode.METHOD_NOT_ALLOWED:
            return not_allowed(request, _allowed(request))
        return problem(request, PermanentError(code), headers=error.headers)

    def not_allowed(request: Request, allowed: Sequence[str]) -> JSONResponse:
        headers = {"Allow": ", ".join(allowed)}
        return problem(request, PermanentError(ErrorCode.METHOD_NOT_ALLOWED), headers=headers)

    async def unexpected(request: Request, error: Exception) -> JSONResponse:
        log.error("request_crashed", error_type=type(error).__name__, exc_info=error)
        return problem(request, PermanentError(ErrorCode.WORKER_ERROR))

    app.add_exception_handler(WorkerError, coded)
    app.add_exception_handler(RequestValidationError, invalid)
    app.add_exception_handler(HTTPException, framework)
    app.add_exception_handler(Exception, unexpected)


def problem(
    request: Request, error: WorkerError, *, headers: Mapping[str, str] | None = None
) -> JSONResponse:
    """One error as a response; `details` stay, personal data does not come along."""
    more: dict[str, str] = dict(headers or {})
    if isinstance(error, RetryableError):
        # Whole seconds are all that RFC 9110 knows. Rounded up: coming sooner is in vain.
        more.setdefault("Retry-After", str(math.ceil(retry_after_s(error)) or _RETRY_AFTER_S))
    body = {
        "type": f"urn:naru:problem:{error.code.lower().replace('_', '-')}",
        "title": error.code.text(Language.ENGLISH),
        "status": error.code.http_status,
        "detail": error.text(language_of(request)),
        "code": error.code,
        "details": error.details,
        "request_id": request.scope.get("naru.request_id"),
    }
    response = JSONResponse(
        body, status_code=error.code.http_status, headers=more, media_type=_MEDIA_TYPE
    )
    if error.code is ErrorCode.UNAUTHENTICATED:
        # Two headers: browsers ask for a password only when Basic stands in one of its own.
        response.headers.append("WWW-Authenticate", "Bearer")
        response.headers.append("WWW-Authenticate", 'Basic realm="Naru: API key as password"')
    return response


def _allowed(request: Request) -> Sequence[str]:
    """The methods of this address: Starlette names those of one of its routes.

    Where the address stands in a route word for word, it is no id of another route.
    """
    path = request.scope["path"]
    routes = [
        route for route in iter_route_contexts(request.app.routes) if route.path_regex.match(path)
    ]
    literal = [route for route in routes if route.path == path]
    return sorted({method for route in literal or routes for method in route.methods or ()})


def _reason(fault: Mapping[str, Any], language: Language) -> str:
    # FastAPI refuses text where a file is due with an error of no type of its own.
    kind = _NO_FILE if "UploadFile" in fault["msg"] else fault["type"]
    message = _REASONS.get(kind)
    return message.text(language, dict(fault.get("ctx", {}))) if message else fault["msg"]


def language_of(request: Request) -> Language:
    """`Accept-Language` when it names a language we speak, else the setting."""
    wanted = request.headers.get("accept-language", "")
    ranked: list[tuple[float, str]] = []
    for item in wanted.split(",")[:20]:
        tag, _, quality = item.partition(";q=")
        try:
            ranked.append((float(quality or 1), tag.strip().lower().partition("-")[0]))
        except ValueError:
            continue
    for _, tag in sorted(ranked, key=lambda pair: -pair[0]):
        if tag in (Language.ENGLISH, Language.KOREAN):
            return Language(tag)
    return request.app.state.runtime.settings.ui.language
