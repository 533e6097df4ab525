"""What a process does before it becomes a browser. Run as a script; the service never imports it.

    python -I -S browser_launch.py PARENT_PID COMMANDS_FD ANSWERS_FD PROGRAM [ARGUMENT...]

A browser that is driven through a pipe reads commands from descriptor 3 and answers on 4, and these
numbers may be taken before; so a program of its own puts them there, without code between fork and
exec. No part of the standard library is imported that costs time.
"""

import ctypes
import fcntl
import os
import signal
import sys

PR_SET_PDEATHSIG = 1
COMMANDS, ANSWERS = 3, 4
_BEYOND = 10


def become(arguments: list[str]) -> None:
    """Replace this process by the browser, which ends with its parent."""
    parent, commands, answers, program, *rest = arguments
    # First out of the way: one of them may be where the other has to go.
    held = [_beyond(int(descriptor)) for descriptor in (commands, answers)]
    for descriptor, wanted in zip(held, (COMMANDS, ANSWERS), strict=True):
        os.dup2(descriptor, wanted, inheritable=True)
        os.close(descriptor)
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, int(signal.SIGKILL), 0, 0, 0)
        if os.getppid() != int(parent):
            sys.exit(1)
    os.execv(program, [program, *rest])  # noqa: S606 - no shell is wanted


def _beyond(descriptor: int) -> int:
    """Its new number. The old one is closed, or the browser's children would hold the pipe too."""
    moved = fcntl.fcntl(descriptor, fcntl.F_DUPFD, _BEYOND)
    os.close(descriptor)
    return moved


if __name__ == "__main__":
    become(sys.argv[1:])
