"""The life of a parser process: answer one request after the other.

What a parser does not foresee ends the process, and nothing but the file is lost: the worker
starts another one. The reason is told by kind and place, never with a text of the file.
"""

import os
import socket
import sys
import traceback
from collections.abc import Callable, Mapping
from importlib import import_module
from pathlib import Path
from types import TracebackType

from app.documents import (
    confinement,
    hwp,
    hwpx,
    office,
    opendocument,
    pdf,
    pictures,
    plain,
    rtf,
    wire,
)
from app.documents.blocks import Format
from app.documents.formats import detect
from app.documents.limits import Limits
from app.documents.wire import Answer, Kind, Parsed, Request, Task
from app.errors import ErrorCode, PermanentError
from app.messages import Message

_STATM = Path("/proc/self/statm")


def _refuse_doc(data: bytes, limits: Limits) -> Parsed:
    del data, limits
    raise PermanentError(ErrorCode.INVALID_FILE, Message.FILE_LEGACY_DOC)


READERS: Mapping[Format, Callable[[bytes, Limits], Parsed]] = {
    Format.PDF: pdf.read_pdf,
    Format.DOCX: office.read_docx,
    Format.HWP: hwp.read_hwp,
    Format.HWPX: hwpx.read_hwpx,
    Format.ODT: opendocument.read_odt,
    Format.RTF: rtf.read_rtf,
    Format.TEXT: plain.read_text,
    Format.IMAGE: pictures.read_picture,
    Format.DOC: _refuse_doc,
}


def serve(limits: str) -> None:
    """Start of a parser process; ends when the worker hangs up."""
    known = Limits.from_json(limits)
    connection = socket.socket(fileno=os.dup(0))
    connection.sendall(Answer(kind=Kind.READY).head())
    sys.excepthook = _reporter(connection)
    while (head := _receive(connection, wire.REQUEST.size)) is not None:
        request, size_bytes = Request.parse(head)
        data = _receive(connection, size_bytes)
        if data is None:
            return
        confinement.grant_cpu(known.cpu_s)
        answer = answer_to(request, data, known)
        connection.sendall(answer.head())
        connection.sendall(answer.body)
        # Nothing of one file is kept while the next one is waited for.
        del data, answer


def answer_to(request: Request, data: bytes, limits: Limits) -> Answer:
    """Carry out one request; a refusal is an answer as well."""
    try:
        kind, body = _TASKS[request.task](request, data, limits)
    except PermanentError as refusal:
        kind, body = Kind.REFUSAL, wire.encode_refusal(refusal)
    return Answer(kind=kind, body=body, resident_bytes=_resident_bytes())


def _read(request: Request, data: bytes, limits: Limits) -> tuple[Kind, bytes]:
    del request
    parsed = READERS[detect(data)](data, limits)
    return Kind.DOCUMENT, wire.encode_parsed(parsed, max_chars=limits.max_chars)


def _draw(request: Request, data: bytes, limits: Limits) -> tuple[Kind, bytes]:
    match detect(data):
        case Format.PDF:
            return Kind.PICTURE, pdf.thumbnail_of_page(data, width_px=request.width_px)
        case Format.IMAGE:
            return Kind.PICTURE, pictures.thumbnail(data, limits, width_px=request.width_px)
        case _:
            return Kind.NOTHING, b""


def _scan(request: Request, data: bytes, limits: Limits) -> tuple[Kind, bytes]:
    scan = pdf.scan_of_page if detect(data) is Format.PDF else pictures.scan_of_picture
    page, turn, straight = request.page, request.turn_degrees, request.straight
    return Kind.PICTURE, scan(data, limits, page=page, turn_degrees=turn, straight=straight)


def _work(request: Request, data: bytes, limits: Limits) -> tuple[Kind, bytes]:
    """A function of the worker's own (`work`); its module is loaded when it is first asked for."""
    del request, limits
    name, _, question = data.partition(b"\n")
    module, function = name.decode().split(":")
    return Kind.RESULT, getattr(import_module(module), function).carry_out(question)


_TASKS: Mapping[Task, Callable[[Request, bytes, Limits], tuple[Kind, bytes]]] = {
    Task.READ: _read,
    Task.DRAW: _draw,
    Task.SCAN: _scan,
    Task.WORK: _work,
}


def _receive(connection: socket.socket, size_bytes: int) -> bytes | None:
    """That many bytes, or None when the worker has hung up."""
    buffer = bytearray(size_bytes)
    rest = memoryview(buffer)
    while rest:
        count = connection.recv_into(rest)
        if count == 0:
            return None
        rest = rest[count:]
    return bytes(buffer)


def _resident_bytes() -> int:
    if not _STATM.exists():  # not Linux
        return 0
    return int(_STATM.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def _reporter(
    connection: socket.socket,
) -> Callable[[type[BaseException], BaseException, TracebackType | None], None]:
    def report(
        kind: type[BaseException], error: BaseException, trace: TracebackType | None
    ) -> None:
        del error  # its text may quote the file
        frames = traceback.extract_tb(trace)
        place = f"{Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else "?"
        body = f"{kind.__name__} at {place}".encode()
        connection.sendall(Answer(kind=Kind.BUG, body=body).head() + body)

    return report
