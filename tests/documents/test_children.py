import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from app.documents.children import Children
from app.documents.limits import Limits
from app.documents.wire import Answer, Kind, Request, Task, decode_blocks
from app.errors import ErrorCode, PermanentError
from app.messages import Message

READ = Request(task=Task.READ)
SLOW = ("가 나 다 라 " * 400_000 + "\n").encode("utf-16") * 4
"""Takes a parser process some seconds: cleaning 25 MB of text character by character."""


@asynccontextmanager
async def opened(
    limits: Limits, *, processes: int = 1, timeout_s: float = 30, files_per_process: int = 100
) -> AsyncGenerator[Children]:
    children = Children(
        limits, processes=processes, timeout_s=timeout_s, files_per_process=files_per_process
    )
    try:
        await children.start()
        yield children
    finally:
        await children.stop()


def text_of(answer: Answer) -> str:
    assert answer.kind is Kind.DOCUMENT
    return "\n".join(block.text for block in decode_blocks(answer.body.split(b"\n")[1:]))


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    status = Path(f"/proc/{pid}/status")
    return not (status.exists() and "State:\tZ" in status.read_text())


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not holds():
            await asyncio.sleep(0.02)


async def test_all_children_are_gone_afterwards(limits: Limits) -> None:
    async with opened(limits, processes=2) as children:
        pids = children.pids
        assert len(pids) == 2
        assert text_of(await children.ask(READ, b"text")) == "text"

    assert not any(map(is_alive, pids))


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_a_signal_that_is_meant_for_the_worker_costs_no_file(
    number: signal.Signals, limits: Limits
) -> None:
    async with opened(limits) as children:
        assert text_of(await children.ask(READ, b"warm")) == "warm"
        (pid,) = children.pids
        assert os.getpgid(pid) != os.getpgid(0)  # Ctrl-C goes to the worker's group
        busy = asyncio.create_task(children.ask(READ, SLOW[: len(SLOW) // 8]))
        await asyncio.sleep(0.1)
        os.kill(pid, number)

        assert (await busy).kind is Kind.DOCUMENT
        assert children.pids == {pid}


async def test_callers_beyond_the_children_wait_and_get_their_own_answers(limits: Limits) -> None:
    async with opened(limits, processes=2) as children, asyncio.TaskGroup() as group:
        tasks = [group.create_task(children.ask(READ, f"file {n}".encode())) for n in range(20)]

    assert [text_of(task.result()) for task in tasks] == [f"file {n}" for n in range(20)]


async def test_a_file_that_takes_too_long_is_stopped_and_the_next_one_is_read(
    limits: Limits,
) -> None:
    async with opened(limits, timeout_s=0.4) as children:
        assert text_of(await children.ask(READ, b"warm")) == "warm"
        (slow_pid,) = children.pids

        with pytest.raises(PermanentError) as caught:
            await children.ask(READ, SLOW * 8)

        assert caught.value.code is ErrorCode.INVALID_FILE
        assert caught.value.message is Message.FILE_TOO_SLOW
        assert caught.value.details == {"limit_s": 0.4}
        assert text_of(await children.ask(READ, b"next")) == "next"
        assert slow_pid not in children.pids
        await until(lambda: not is_alive(slow_pid))


async def test_a_cancelled_caller_never_leaves_its_answer_to_the_next_one(limits: Limits) -> None:
    async with opened(limits) as children:
        await children.ask(READ, b"warm")
        (first,) = children.pids
        for number in range(3):
            task = asyncio.create_task(children.ask(READ, SLOW))
            await asyncio.sleep(0.01 * number)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task

            assert text_of(await children.ask(READ, f"file {number}".encode())) == f"file {number}"
        assert first not in children.pids


async def test_a_waiting_caller_that_is_cancelled_costs_nothing(limits: Limits) -> None:
    async with opened(limits) as children:
        busy = asyncio.create_task(children.ask(READ, SLOW[: len(SLOW) // 8]))
        waiting = asyncio.create_task(children.ask(READ, b"waiting"))
        await asyncio.sleep(0.05)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting

        assert (await busy).kind is Kind.DOCUMENT
        assert len(children.pids) == 1


async def test_a_child_killed_in_the_middle_costs_one_file(limits: Limits) -> None:
    async with opened(limits) as children:
        await children.ask(READ, b"warm")
        (pid,) = children.pids
        task = asyncio.create_task(children.ask(READ, SLOW))
        await asyncio.sleep(0.05)
        os.kill(pid, signal.SIGSEGV)

        with pytest.raises(PermanentError) as caught:
            await task

        assert caught.value.message is Message.FILE_CRASHED_READER
        assert caught.value.details == {"exit_status": -signal.SIGSEGV}
        assert text_of(await children.ask(READ, b"next")) == "next"


async def test_a_file_that_needs_too_much_memory_costs_one_file(limits: Limits) -> None:
    tight = replace(limits, memory_bytes=300 * 1024 * 1024)
    async with opened(tight) as children:
        with pytest.raises(PermanentError) as caught:
            await children.ask(READ, SLOW * 8)

        assert caught.value.message is Message.FILE_CRASHED_READER
        assert "MemoryError" in str(caught.value.details)
        assert text_of(await children.ask(READ, b"next")) == "next"


async def test_processor_time_is_limited_by_the_kernel_as_well(limits: Limits) -> None:
    async with opened(replace(limits, cpu_s=0)) as children:
        with pytest.raises(PermanentError) as caught:
            await children.ask(READ, SLOW * 4)

        # 255: under load asyncio of Python 3.11 can lose the status to the garbage collector.
        assert caught.value.details["exit_status"] in {-signal.SIGXCPU, 255}


async def test_a_child_is_replaced_after_its_share_of_files(limits: Limits) -> None:
    seen: set[int] = set()
    async with opened(limits, files_per_process=2) as children:
        for number in range(5):
            assert text_of(await children.ask(READ, f"{number}".encode())) == f"{number}"
            seen |= children.pids

    assert len(seen) >= 2


async def test_a_refused_file_does_not_cost_the_child(limits: Limits) -> None:
    async with opened(limits) as children:
        before = children.pids
        for _ in range(3):
            with pytest.raises(PermanentError):
                await children.ask(READ, b"PK\x03\x04 broken")

        assert children.pids == before


async def test_a_child_that_cannot_start_is_no_fault_of_the_file(limits: Limits) -> None:
    async with opened(replace(limits, memory_bytes=4 * 1024 * 1024)) as children:
        with pytest.raises(PermanentError) as caught:
            await children.ask(READ, b"text")

    assert caught.value.code is ErrorCode.WORKER_ERROR


@pytest.mark.skipif(
    sys.platform != "linux", reason="a busy child ends with its parent on Linux only"
)
def test_children_end_with_a_parent_that_is_killed(limits: Limits) -> None:
    program = (
        "import asyncio, sys\n"
        "from app.documents.children import Children\n"
        "from app.documents.limits import Limits\n"
        "from app.documents.wire import Request, Task\n"
        "async def main():\n"
        "    children = Children(Limits.from_json(sys.argv[1]), processes=2, timeout_s=60, files_per_process=9)\n"
        "    await children.start()\n"
        "    await children.ask(Request(task=Task.READ), b'warm')\n"
        "    print(*children.pids, flush=True)\n"
        "    await children.ask(Request(task=Task.READ), ('가 나 ' * 9_000_000).encode('utf-16'))\n"
        "asyncio.run(main())\n"
    )
    root = Path(__file__).parents[2]
    command = [sys.executable, "-c", program, limits.to_json()]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, cwd=root, env={"PYTHONPATH": str(root)}
    ) as parent:
        assert parent.stdout is not None
        pids = [int(pid) for pid in parent.stdout.readline().split()]
        assert all(map(is_alive, pids))
        time.sleep(0.2)
        parent.kill()

    ends_at = time.monotonic() + 5
    while any(map(is_alive, pids)) and time.monotonic() < ends_at:
        time.sleep(0.02)
    assert len(pids) == 2
    assert not any(map(is_alive, pids))
