"""No network in confined processes, nor in what they become."""

import sys

import pytest

from app.documents import confinement
from tests.documents.test_confinement import output_of

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the kernel's filter is Linux's")

TRY = """
import ctypes, errno, os, socket
libc = ctypes.CDLL(None, use_errno=True)
def refused(call, *arguments):
    ctypes.set_errno(0)
    return libc.syscall(call, *arguments) == -1 and ctypes.get_errno() == errno.EPERM
told = []
for family in (socket.AF_INET, socket.AF_INET6, socket.AF_UNIX, socket.AF_NETLINK):
    try:
        socket.socket(family, socket.SOCK_STREAM if family != socket.AF_NETLINK else socket.SOCK_RAW)
    except PermissionError:
        told.append(family.name)
numbers = {"x86_64": (425, 101, 310, 311, 438), "aarch64": (425, 117, 270, 271, 438)}
told += [str(refused(number, 0, 0, 0, 0, 0, 0)) for number in numbers[os.uname().machine]]
ours, theirs = socket.socketpair()
ours.send(b"to itself")
told.append(theirs.recv(9).decode())
print(*told, sep="|")
"""
REFUSED = ["AF_INET", "AF_INET6", "AF_UNIX", "AF_NETLINK", *["True"] * 5, "to itself"]


async def test_a_confined_process_has_no_network_and_no_way_into_others() -> None:
    confined = (
        f"import os, sys; sys.path.insert(0, {str(confinement.ROOT)!r}); "
        "from app.documents.confinement import confine; confine(os.getppid(), 1 << 30); "
    )
    status, out = await output_of(sys.executable, "-c", confined + f"exec({TRY!r})")
    assert (status, out.decode().strip().split("|")) == (0, REFUSED)


async def test_nor_has_the_program_that_it_becomes() -> None:
    command = confinement.command(
        "confinement:become", "5", sys.executable, "-I", "-c", TRY, memory_bytes=1 << 30
    )
    status, out = await output_of(*command, env={})
    assert (status, out.decode().strip().split("|")) == (0, REFUSED)


async def test_without_it_the_same_calls_are_let_through() -> None:
    """Or the two above would say nothing."""
    status, out = await output_of(sys.executable, "-I", "-c", TRY)
    assert status == 0
    assert "AF_INET" not in out.decode().split("|")
