"""From the script to the program that it becomes, as real processes."""

import asyncio
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from app.providers import browser_launch
from tests.fakes.browsers import script

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="needs /proc")

LAUNCH = (sys.executable, "-I", "-S", browser_launch.__file__)

TELL = """
command = heard()
links = {name: os.readlink(f"/proc/self/fd/{name}") for name in os.listdir("/proc/self/fd")
         if os.path.exists(f"/proc/self/fd/{name}")}
tell(heard=command, arguments=sys.argv[1:], pid=os.getpid(), links=links)
"""

AT = """
import os, sys
commands, answers, parent = map(int, sys.argv[1:4])
held = [os.dup(commands), os.dup(answers)]
held = [os.dup2(fd, 40 + n, inheritable=False) for n, fd in enumerate(held)]
os.closerange(3, 40)
at = [int(fd) for fd in sys.argv[4:6]]
for fd, wanted in zip(held, at):
    os.dup2(fd, wanted, inheritable=True)
os.closerange(40, 60)
python, *launch = sys.argv[6:10]
os.execv(python, [python, *launch, str(parent), str(at[0]), str(at[1]), *sys.argv[10:]])
"""
"""Becomes the script, with the two pipes at the numbers that are asked for, and nothing else."""


@pytest.mark.parametrize("numbers", [(5, 6), (3, 4), (4, 3), (4, 7), (9, 3), (20, 21)])
def test_the_pipes_are_where_a_browser_looks_for_them_wherever_they_were(
    numbers: tuple[int, int], tmp_path: Path
) -> None:
    commands_out, commands_in = os.pipe()
    answers_out, answers_in = os.pipe()
    arguments = ["--one=a b", "", "'two\"", "about:blank"]
    process = subprocess.Popen(
        [
            *(sys.executable, "-c", AT, str(commands_out), str(answers_in), str(os.getpid())),
            *(*map(str, numbers), *LAUNCH, str(script(tmp_path, TELL)), *arguments),
        ],
        pass_fds=(commands_out, answers_in),
    )
    os.close(commands_out)
    os.close(answers_in)
    os.write(commands_in, b'{"id": 7}\0')
    with os.fdopen(answers_out, "rb") as answers:
        told = json.loads(answers.read()[:-1])  # all of it: nobody else holds the other end
    os.close(commands_in)
    assert process.wait() == 0
    assert told["heard"] == {"id": 7}
    assert told["arguments"] == arguments
    assert told["pid"] == process.pid  # it has become the browser, and is not beside it
    pipes = {number: link for number, link in told["links"].items() if link.startswith("pipe:")}
    ours = {number for number in pipes if int(number) > 2}
    assert ours == {"3", "4"}


def test_it_does_not_become_a_browser_of_who_is_not_its_parent_any_more(tmp_path: Path) -> None:
    there = tmp_path / "there"
    program = script(tmp_path, f"open({str(there)!r}, 'w')")
    commands_out, commands_in = os.pipe()
    for parent, expected in ((os.getpid(), 0), (1, 1)):
        there.unlink(missing_ok=True)
        ended = subprocess.run(
            [*LAUNCH, str(parent), str(commands_out), str(commands_in), str(program)],
            pass_fds=(commands_out, commands_in),
            check=False,
        )
        assert (ended.returncode, there.exists()) == (expected, expected == 0)
    os.close(commands_out)
    os.close(commands_in)


async def test_the_browser_ends_with_its_parent_however_that_ends(tmp_path: Path) -> None:
    program = script(tmp_path, "tell(pid=os.getpid()); silence()")
    parent = (
        "import os, subprocess, sys\n"
        "launch, program, answers = sys.argv[1:5], sys.argv[5], int(sys.argv[6])\n"
        "commands, _ = os.pipe()\n"
        "command = [*launch, str(os.getpid()), str(commands), str(answers), program]\n"
        "subprocess.Popen(command, pass_fds=(commands, answers))\n"
        "os.close(answers)\n"
        "sys.stdin.read()\n"
    )
    answers_out, answers_in = os.pipe()
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", parent, *LAUNCH, str(program), str(answers_in)),
        pass_fds=(answers_in,),
        stdin=asyncio.subprocess.PIPE,
    )
    os.close(answers_in)
    with os.fdopen(answers_out, "rb", buffering=0) as answers:
        told = b""
        while not told.endswith(b"\0"):
            told += await asyncio.to_thread(answers.read, 1_024)
        os.kill(json.loads(told[:-1])["pid"], 0)  # it is there
        process.send_signal(signal.SIGKILL)
        await process.wait()
        # The last holder of the other end is gone.
        assert await asyncio.to_thread(answers.read) == b""
