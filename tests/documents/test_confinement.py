import asyncio
import json
import os
import sys
from asyncio.subprocess import PIPE

from app.documents import confinement

REPORT = (
    "import os, resource, sys, json; from app.documents.confinement import confine, grant_cpu; "
    "confine(os.getppid(), 1 << 30); grant_cpu(7); "
    "limits = {k: resource.getrlimit(getattr(resource, k))[0] for k in dir(resource) if "
    "k.startswith('RLIMIT_')}; limits['path'] = sys.path; limits['env'] = dict(os.environ); "
    "limits['nice'] = os.nice(0); limits['status'] = open('/proc/self/status').read(); print(json.dumps(limits))"
)


async def output_of(*command: str, env: dict[str, str] | None = None) -> tuple[int, bytes]:
    process = await asyncio.create_subprocess_exec(*command, stdout=PIPE, env=env, cwd="/")
    out, _ = await process.communicate()
    return process.returncode or 0, out


async def test_a_confined_process_has_all_its_limits() -> None:
    _, out = await output_of(
        sys.executable, "-c", f"import sys; sys.path.insert(0, {str(confinement.ROOT)!r}); {REPORT}"
    )

    found = json.loads(out)
    assert found["RLIMIT_AS"] == 1 << 30
    assert (found["RLIMIT_CORE"], found["RLIMIT_FSIZE"], found["RLIMIT_NOFILE"]) == (0, 0, 64)
    assert 7 <= found["RLIMIT_CPU"] <= 9
    assert found["nice"] == min(os.nice(0) + 10, 19)
    if sys.platform == "linux":
        assert "NoNewPrivs:\t1" in found["status"]


async def test_the_command_line_leaves_environment_and_working_folder_out() -> None:
    command = confinement.command("confinement:become", "5", "/usr/bin/env", memory_bytes=1 << 30)

    status, out = await output_of(*command, env={"KEPT": "1"})

    # The last one is set by our own package.
    assert (status, out) == (0, b"KEPT=1\nLC_CTYPE=C.UTF-8\nOPENBLAS_NUM_THREADS=1\n")
    assert command[1:3] == ["-I", "-B"]


async def test_a_child_of_another_parent_does_not_start() -> None:
    command = confinement.command("confinement:become", "5", "/usr/bin/env", memory_bytes=1 << 30)
    command[command.index(str(os.getpid()))] = "1"

    assert await output_of(*command, env={}) == (1, b"")
