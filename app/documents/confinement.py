"""What a process does to itself before it touches a foreign file, or becomes a foreign program.

Runs in children only. It needs nothing but the standard library, so that the limits hold before
any parser is imported.
"""

import ctypes
import os
import resource
import signal
import sys
from pathlib import Path

from app.documents import seccomp

ROOT = Path(__file__).resolve().parents[2]
"""The folder that holds the package `app`."""

_PR_SET_PDEATHSIG = 1  # linux/prctl.h
_PR_SET_NO_NEW_PRIVS = 38
_OPEN_FILES = 64
_NICENESS = 10
"""Parsers yield to the worker's event loop: on two cores its lag while 20 files are parsed falls from
35 to 24 ms (p99, bench/loop_lag.py)."""


def command(start: str, *arguments: str, memory_bytes: int) -> list[str]:
    """The command line of a confined child; `start` is `module:function` below `app.documents`.

    `-I` keeps the environment, the user's site folder and the working folder out of `sys.path`, so
    the one folder that is needed is put back by hand.
    """
    module, function = start.split(":")
    code = (
        f"import sys; sys.path.insert(0, {str(ROOT)!r}); "
        "from app.documents.confinement import confine; confine(*map(int, sys.argv[1:3])); "
        f"from app.documents.{module} import {function}; {function}(*sys.argv[3:])"
    )
    limits = [str(os.getpid()), str(memory_bytes)]
    return [sys.executable, "-I", "-B", "-X", "utf8", "-c", code, *limits, *arguments]


def confine(parent_pid: int, memory_bytes: int) -> None:
    """Limit this process for good. It ends when its parent does, however the parent ends.

    Where the kernel knows how, it has no network either.
    """
    for kind, most in (
        (resource.RLIMIT_AS, memory_bytes),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_NOFILE, _OPEN_FILES),
    ):
        _, hard = resource.getrlimit(kind)
        least = most if hard == resource.RLIM_INFINITY else min(most, hard)
        resource.setrlimit(kind, (least, least))
    os.nice(_NICENESS)
    # Stopping is the worker's to order: Ctrl-C in a terminal and a service manager's SIGTERM reach
    # every process at once, and a parser that died of them would put the blame on its file.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    if sys.platform == "linux":
        libc = ctypes.CDLL(None)
        libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
        libc.prctl(_PR_SET_PDEATHSIG, int(signal.SIGKILL), 0, 0, 0)
        seccomp.deny_network(libc)
    # The parent may have died before the signal was asked for.
    if os.getppid() != parent_pid:
        sys.exit(1)


def grant_cpu(seconds: int) -> None:
    """Allow that much processor time from now on; the kernel ends the process after it."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    resource.setrlimit(
        resource.RLIMIT_CPU, (int(used.ru_utime + used.ru_stime) + seconds + 1, hard)
    )


def become(cpu_s: str, program: str, *arguments: str) -> None:
    """Turn this confined process into a foreign program."""
    grant_cpu(int(cpu_s))
    os.execv(program, [program, *arguments])  # noqa: S606 - no shell is meant
