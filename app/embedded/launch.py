"""What a child does before it becomes a server. Run as a script; the service never imports it.

    python -I -S launch.py PARENT_PID DEATH_SIGNAL IDENTITY FOLDER PROGRAM [ARGUMENT...]

IDENTITY is `same`; `UID:GID`, for root to step down to; or `namespace:UID:GID`, a user namespace
of its own in which root is seen under that id: PostgreSQL refuses to be root, and this way nothing
is copied, chowned or opened to others, even below a home of mode 0700.

A program of its own, because Python code between fork and exec can deadlock in a process that has
threads. No part of the standard library is imported that costs time: it runs at every start.
"""

import ctypes
import os
import sys

PR_SET_PDEATHSIG = 1
PR_SET_KEEPCAPS = 8
PR_CAP_AMBIENT = 47
PR_CAP_AMBIENT_RAISE = 2
CAP_DAC_OVERRIDE = 1
CAPABILITY_VERSION_3 = 0x20080522
CLONE_NEWUSER = 0x10000000

REFUSED = 125
"""Exit code when this identity cannot be taken, or the parent is gone already."""


def become(arguments: list[str]) -> None:
    """Replace this process by the program."""
    parent, death_signal, identity, folder, program, *rest = arguments
    libc = ctypes.CDLL(None, use_errno=True)
    os.umask(0o077)
    if identity.startswith("namespace:"):
        _, uid, gid = identity.split(":")
        _enter_namespace(libc, int(uid), int(gid))
    elif identity != "same":
        uid, gid = identity.split(":")
        _step_down(libc, int(uid), int(gid))
    if sys.platform == "linux":
        # After the change of identity, which clears it.
        _check(libc.prctl(PR_SET_PDEATHSIG, int(death_signal), 0, 0, 0))
        if os.getppid() != int(parent):
            raise ProcessLookupError("the supervisor is gone")
    os.chdir(folder)
    os.execv(program, [program, *rest])  # noqa: S606 - no shell is wanted


def _enter_namespace(libc: ctypes.CDLL, uid: int, gid: int) -> None:
    outside_uid, outside_gid = os.geteuid(), os.getegid()
    _check(libc.unshare(CLONE_NEWUSER))
    _write("/proc/self/setgroups", "deny")
    _write("/proc/self/uid_map", f"{uid} {outside_uid} 1")
    _write("/proc/self/gid_map", f"{gid} {outside_gid} 1")


def _step_down(libc: ctypes.CDLL, uid: int, gid: int) -> None:
    os.setgroups([])
    os.setresgid(gid, gid, gid)
    libc.prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0)
    os.setresuid(uid, uid, uid)
    # One capability stays, if root has it: to enter the folders above the programs and the data,
    # which are often root's alone. Without it the start fails only where they are.
    header = (ctypes.c_uint32 * 2)(CAPABILITY_VERSION_3, 0)
    keep = 1 << CAP_DAC_OVERRIDE
    if libc.capset(header, (ctypes.c_uint32 * 6)(keep, keep, keep, 0, 0, 0)) == 0:
        libc.prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_DAC_OVERRIDE, 0, 0)


def _write(path: str, text: str) -> None:
    descriptor = os.open(path, os.O_WRONLY)
    os.write(descriptor, text.encode())
    os.close(descriptor)


def _check(result: int) -> None:
    if result != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


if __name__ == "__main__":
    try:
        become(sys.argv[1:])
    except OSError as error:
        sys.stderr.write(f"launch: {error}\n")
        sys.exit(REFUSED)
