"""A filter of system calls for parser processes: no network, and no way into other processes.

Whoever takes over a parser by a hostile file can neither send away what it reads nor take the worker's
connections. The kernel holds to it until the process ends, also across `exec`. Needs no privilege.
"""

import ctypes
import errno
import os
import struct
from collections.abc import Mapping

_PR_SET_SECCOMP = 22  # linux/prctl.h
_MODE_FILTER = 2  # linux/seccomp.h
_ALLOW, _ERRNO = 0x7FFF0000, 0x00050000
_NUMBER_AT, _ARCH_AT = 0, 4
"""Where `struct seccomp_data` has the call's number and its ABI."""
_LOAD, _JUMP_IF_EQUAL, _JUMP_IF_AT_LEAST, _RETURN = 0x20, 0x15, 0x35, 0x06  # linux/bpf_common.h
_X32_CALLS_FROM = 0x40000000

_CALLS: Mapping[str, tuple[int, tuple[int, ...]]] = {
    # AUDIT_ARCH of linux/audit.h; the numbers of socket, io_uring_setup (its rings open sockets too),
    # ptrace, process_vm_readv, process_vm_writev, pidfd_getfd.
    "x86_64": (0xC000003E, (41, 425, 101, 310, 311, 438)),
    "aarch64": (0xC00000B7, (198, 425, 117, 270, 271, 438)),
}


class _Program(ctypes.Structure):
    """`struct sock_fprog`."""

    _fields_ = (("length", ctypes.c_ushort), ("instructions", ctypes.c_char_p))


def deny_network(libc: ctypes.CDLL) -> None:
    """Refuse these calls with EPERM from now on; `PR_SET_NO_NEW_PRIVS` must be set.

    Does nothing where the kernel has no filters, or the processor's calls are not in the table.
    """
    if (known := _CALLS.get(os.uname().machine)) is None:
        return
    code = _filter(*known)
    program = _Program(len(code) // _INSTRUCTION.size, code)
    libc.prctl(_PR_SET_SECCOMP, _MODE_FILTER, ctypes.byref(program), 0, 0)


_INSTRUCTION = struct.Struct("=HBBI")
"""`struct sock_filter`: code, instructions to jump over if true, if false, operand."""


def _filter(arch: int, calls: tuple[int, ...]) -> bytes:
    """What is of another ABI, or among these calls, is refused; all else passes."""
    tests = [
        (_JUMP_IF_AT_LEAST, _X32_CALLS_FROM),
        *((_JUMP_IF_EQUAL, number) for number in calls),
    ]
    refusal_in = range(len(tests), 0, -1)  # over the tests that are left, and the ALLOW behind them
    instructions = [
        (_LOAD, 0, 0, _ARCH_AT),
        (_JUMP_IF_EQUAL, 1, 0, arch),
        (_RETURN, 0, 0, _ERRNO | errno.EPERM),
        (_LOAD, 0, 0, _NUMBER_AT),
        *(
            (code, over, 0, operand)
            for (code, operand), over in zip(tests, refusal_in, strict=True)
        ),
        (_RETURN, 0, 0, _ALLOW),
        (_RETURN, 0, 0, _ERRNO | errno.EPERM),
    ]
    return b"".join(_INSTRUCTION.pack(*each) for each in instructions)
