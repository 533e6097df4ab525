"""What the child does before it becomes a server."""

import os
import pwd
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from app.embedded import launch

Launched = subprocess.CompletedProcess[str]
Launch = Callable[..., Launched]

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can step down")
NOBODY = pwd.getpwnam("nobody")
IDS = f"{NOBODY.pw_uid}:{NOBODY.pw_gid}"


@pytest.fixture
def run(tmp_path: Path) -> Launch:
    def start(script: str, *, identity: str = "same", parent: int = os.getpid()) -> Launched:
        return subprocess.run(
            (
                *(sys.executable, "-I", "-S", launch.__file__, str(parent)),
                *(str(signal.SIGTERM.value), identity, str(tmp_path), "/bin/sh", "-c", script),
            ),
            capture_output=True,
            text=True,
            check=False,
        )

    return start


def test_it_becomes_the_program_in_its_folder(run: Launch, tmp_path: Path) -> None:
    done = run("pwd; umask")
    assert done.stdout == f"{tmp_path}\n0077\n"
    assert done.returncode == 0


def test_it_starts_nothing_for_a_parent_that_is_gone(run: Launch) -> None:
    done = run("echo never", parent=1)
    assert (done.returncode, done.stdout) == (launch.REFUSED, "")
    assert "supervisor is gone" in done.stderr


def test_a_program_that_is_missing_is_one_line(run: Launch, tmp_path: Path) -> None:
    tmp_path.rmdir()
    done = run("echo never")
    assert done.returncode == launch.REFUSED
    assert done.stderr.count("\n") == 1


@as_root
@pytest.mark.parametrize("identity", [IDS, f"namespace:{IDS}"])
def test_root_becomes_somebody_who_still_reaches_its_private_folders(
    run: Launch, tmp_path: Path, identity: str
) -> None:
    tmp_path.chmod(0o700)
    done = run("id -u; id -g; cat /proc/self/status", identity=identity)
    lines = done.stdout.splitlines()
    assert lines[:2] == IDS.split(":")
    # All that is left of root's power, if anything, is to pass through closed folders.
    capabilities = next(line.split()[1] for line in lines if line.startswith("CapEff"))
    assert int(capabilities, 16) in {0, 1 << launch.CAP_DAC_OVERRIDE}
    assert next(line.split()[1:] for line in lines if line.startswith("Groups")) in ([], ["65534"])


@as_root
@pytest.mark.parametrize("identity", ["same", IDS, f"namespace:{IDS}"])
def test_the_program_ends_when_its_parent_is_killed(tmp_path: Path, identity: str) -> None:
    # The parent starts the child, waits until it is up, and kills itself.
    parent = """
import os, signal, subprocess, sys
launch = [sys.executable, "-I", "-S", sys.argv[1], str(os.getpid()), "15", *sys.argv[2:]]
child = subprocess.Popen(launch, stdout=subprocess.PIPE, start_new_session=True)
child.stdout.readline()
os.kill(os.getpid(), signal.SIGKILL)
"""
    child = "trap 'echo ended >&2; exit' TERM; echo up; while :; do sleep 0.02; done"

    # Standard error is the child's too, so this returns only when the child has ended.
    killed = subprocess.run(
        (
            *(sys.executable, "-c", parent, launch.__file__),
            *(identity, str(tmp_path), "/bin/sh", "-c", child),
        ),
        capture_output=True,
        text=True,
        check=False,
        timeout=10,
    )

    assert killed.returncode == -signal.SIGKILL
    assert killed.stderr == "ended\n"
