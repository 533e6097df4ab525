"""Résumés in."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, File, Form, Request, Response, UploadFile
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel

from app.api.dependencies import Context, IdempotencyKey
from app.api.problems import REPEATED
from app.errors import ErrorCode, PermanentError, check_file_size
from app.messages import Message
from app.pipeline.tables import RunStatus
from app.queue.envelope import Priority

router = APIRouter(prefix="/v1/resumes", tags=["résumés"])

_MAX_NAME_CHARS = 255


class AcceptedRun(BaseModel):
    """Follow it at `status_url`."""

    run_id: UUID
    status: RunStatus
    status_url: str


_BODY = {
    "requestBody": {
        # Each field can be left out, and so FastAPI takes the whole body for one that can.
        "required": True,
        "content": {
            "application/x-www-form-urlencoded": {
                "schema": {
                    "type": "object",
                    "description": "An object in the store, without the file itself.",
                    "properties": {"key": {"type": "string"}, "bulk": {"type": "boolean"}},
                    "required": ["key"],
                }
            }
        },
    }
}
"""What FastAPI does not say of the body."""


async def _check_fields(request: Request) -> None:
    """Raise when a field comes twice: FastAPI takes the last one, and the others would be lost."""
    form = await request.form()
    if faults := [
        {"type": REPEATED, "loc": ("body", name), "msg": REPEATED}
        for name in form
        if len(form.getlist(name)) > 1
    ]:
        raise RequestValidationError(faults)


@router.post(
    "",
    status_code=202,
    responses={200: {"model": AcceptedRun, "description": "The same bytes are there already."}},
    openapi_extra=_BODY,
    dependencies=[Depends(_check_fields)],
)
async def accept_resume(  # noqa: PLR0913, PLR0917 - each is a field of the request
    runtime: Context,
    response: Response,
    file: Annotated[UploadFile | None, File(description="The résumé itself.")] = None,
    key: Annotated[
        str | None, Form(description="Or the key of an object under `inbox/` in the store.")
    ] = None,
    bulk: Annotated[
        bool, Form(description="One of many that can wait: what others send goes before it.")
    ] = False,
    force: Annotated[
        bool, Form(description="Read the file anew, though its bytes have been read before.")
    ] = False,
    idempotency_key: IdempotencyKey = None,
) -> AcceptedRun:
    """Accept one résumé and answer at once; reading it is a run.

    The same `Idempotency-Key` with the same content answers with the same run, with or without
    `force`. A file whose bytes are there already, in a run that has not failed, answers 200 with that
    run; a key belongs to the run that it made, so this uses none up.
    """
    if (file is None) == (key is None):
        raise PermanentError(ErrorCode.VALIDATION_ERROR, Message.FILE_OR_KEY)
    priority = Priority.BULK if bulk else Priority.INGESTION
    if file is not None:
        # The limit of a body leaves room for what stands around the file.
        max_bytes = runtime.settings.extract.max_file_bytes
        check_file_size(file.size or 0, max_bytes, code=ErrorCode.PAYLOAD_TOO_LARGE)
        name = (file.filename or "unnamed")[:_MAX_NAME_CHARS]
        accepted = await runtime.intake.accept(
            name,
            await file.read(),
            idempotency_key=idempotency_key,
            priority=priority,
            force=force,
        )
    else:
        accepted = await runtime.intake.accept_object(
            key or "", idempotency_key=idempotency_key, priority=priority
        )
    status_url = f"/v1/runs/{accepted.run_id}"
    response.headers["Location"] = status_url
    if accepted.already_there:
        response.status_code = 200
    return AcceptedRun(run_id=accepted.run_id, status=accepted.status, status_url=status_url)
