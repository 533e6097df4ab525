"""A small set of pre-started parser processes; one file at a time each.

A parser that hangs in a thread cannot be stopped and a crash there takes the worker along, so
foreign files are parsed in processes that can be killed. A child that was interrupted is never
asked again, so no later caller can receive an earlier caller's answer.
"""

import asyncio
import os
import signal
import socket
from asyncio.subprocess import DEVNULL, Process
from contextlib import ExitStack, suppress
from typing import Self

from app.documents import confinement, wire
from app.documents.limits import Limits
from app.documents.wire import Answer, Kind, Request, Task
from app.errors import ErrorCode, PermanentError
from app.messages import Message

_START_TIMEOUT_S = 30
"""A child is ready within a fifth of a second; on a machine that swaps it may take long."""

_WORN_RESIDENT_BYTES = 160 * 1024 * 1024
"""A child that stays this large after a file is replaced: two of them fit the worker's budget."""


class Children:
    """Callers wait for a free child in the order of their calls."""

    def __init__(
        self, limits: Limits, *, processes: int, timeout_s: float, files_per_process: int
    ) -> None:
        self._limits = limits
        self._processes = processes
        self._timeout_s = timeout_s
        self._files_per_process = files_per_process
        # None stands for a child that is started when its turn comes.
        self._free: asyncio.Queue[_Child | None] = asyncio.Queue()
        self._started: set[_Child] = set()

    @property
    def pids(self) -> frozenset[int]:
        """The processes that are alive now."""
        return frozenset(child.pid for child in self._started if not child.gone)

    async def start(self) -> None:
        """Start every child; they load their parsers while the caller goes on."""
        for _ in range(self._processes):
            self._free.put_nowait(await self._start_child())

    async def stop(self) -> None:
        """Kill every child and wait until the last one is gone."""
        for child in self._started:
            child.kill()
        for child in self._started:
            await child.ended()
        self._started.clear()

    async def ask(self, request: Request, data: bytes) -> Answer:
        """Hand one file to a free child. Waiting for it does not count against the time limit.

        Raises INVALID_FILE: the child's own refusal, a time-out, or a crash of the child.
        """
        child = await self._free.get()
        fit = False
        try:
            child = child or await self._start_child()
            await self._until_ready(child)
            answer = await self._exchange(child, request, data)
            fit = not self._worn(child)
        finally:
            if child is not None and not fit:
                child.kill()
            self._free.put_nowait(child if fit else None)
        if answer.kind is Kind.REFUSAL:
            raise wire.decode_refusal(answer.body)
        return answer

    async def _until_ready(self, child: "_Child") -> None:
        """No file is to blame for a child that cannot start: raises WORKER_ERROR."""
        try:
            async with asyncio.timeout(_START_TIMEOUT_S):
                await child.ready()
        except (OSError, EOFError, TimeoutError):
            child.kill()
            details = {"exit_status": await child.ended()}
            raise PermanentError(ErrorCode.WORKER_ERROR, details=details) from None

    async def _exchange(self, child: "_Child", request: Request, data: bytes) -> Answer:
        try:
            async with asyncio.timeout(self._timeout_s):
                answer = await child.exchange(request, data)
        except TimeoutError:
            details = {"limit_s": self._timeout_s}
            raise PermanentError(
                ErrorCode.INVALID_FILE, Message.FILE_TOO_SLOW, details=details
            ) from None
        except (OSError, EOFError):
            child.kill()
            raise _crash({"exit_status": await child.ended()}) from None
        if answer.kind is Kind.BUG:
            child.kill()
            raise _crash({"reason": answer.body.decode()})
        return answer

    def _worn(self, child: "_Child") -> bool:
        used_up = child.files >= self._files_per_process
        return used_up or child.resident_bytes > _WORN_RESIDENT_BYTES

    async def _start_child(self) -> "_Child":
        self._started = {child for child in self._started if not child.gone}
        child = await _Child.start(self._limits)
        self._started.add(child)
        return child


def _crash(details: dict[str, object]) -> PermanentError:
    return PermanentError(ErrorCode.INVALID_FILE, Message.FILE_CRASHED_READER, details=details)


class _Child:
    """One process and this side of its socket; `files` counts those it was asked about."""

    def __init__(self, process: Process, connection: socket.socket) -> None:
        self._process = process
        self._connection = connection
        self._ready = False
        self.files = 0
        self.resident_bytes = 0

    @classmethod
    async def start(cls, limits: Limits) -> Self:
        """Start a process whose standard input is a socket: frames go both ways over it.

        Its standard output leads nowhere, so that a parser that prints cannot break a frame.
        """
        with ExitStack() as unless_started:
            ours, theirs = socket.socketpair()
            unless_started.enter_context(ours)
            ours.settimeout(0)
            with theirs:
                process = await asyncio.create_subprocess_exec(
                    *confinement.command(
                        "parsing:serve", limits.to_json(), memory_bytes=limits.memory_bytes
                    ),
                    stdin=theirs.fileno(),
                    stdout=DEVNULL,
                    stderr=DEVNULL,
                    env={},
                    cwd=os.sep,
                    start_new_session=True,
                )
            unless_started.pop_all()
        return cls(process, ours)

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def gone(self) -> bool:
        return self._process.returncode is not None

    async def ready(self) -> None:
        """Wait until the parsers are loaded. Raises OSError or EOFError when they cannot be."""
        if not self._ready:
            await self._answer()
            self._ready = True

    async def exchange(self, request: Request, data: bytes) -> Answer:
        """One question, one answer. Raises OSError or EOFError when the child ended instead."""
        loop = asyncio.get_running_loop()
        self.files += request.task is not Task.WORK  # what leaks is parsers
        await loop.sock_sendall(self._connection, request.head(len(data)))
        await loop.sock_sendall(self._connection, data)
        answer = await self._answer()
        self.resident_bytes = answer.resident_bytes
        return answer

    async def _answer(self) -> Answer:
        head = await self._receive(wire.ANSWER.size)
        kind, resident_kib, size_bytes = wire.ANSWER.unpack(head)
        if size_bytes > wire.MAX_ANSWER_BYTES:
            raise EOFError
        body = bytes(await self._receive(size_bytes))
        return Answer(kind=Kind(kind), body=body, resident_bytes=resident_kib * 1024)

    async def _receive(self, size_bytes: int) -> bytearray:
        loop = asyncio.get_running_loop()
        buffer = bytearray(size_bytes)
        rest = memoryview(buffer)
        while rest:
            count = await loop.sock_recv_into(self._connection, rest)
            if count == 0:
                raise EOFError
            rest = rest[count:]
        return buffer

    def kill(self) -> None:
        """End the process at once; may be called again."""
        self._connection.close()
        if self._process.returncode is None:
            with suppress(ProcessLookupError):
                # Not `Process.kill`, which looks whether the child has ended and so takes its exit
                # status away from asyncio, that reports 255 then.
                os.kill(self._process.pid, signal.SIGKILL)

    async def ended(self) -> int:
        """The exit status, once the process is gone: negative for a signal."""
        return await self._process.wait()
