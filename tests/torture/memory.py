"""How much memory a process keeps."""

import subprocess


def rss_kib(pid: int) -> int:
    """Resident memory, as `ps` tells it on any system."""
    told = subprocess.run(
        ["ps", "-o", "rss=", "-p", str(pid)],  # noqa: S607 - wherever ps is
        capture_output=True,
        check=True,
    )
    return int(told.stdout)
