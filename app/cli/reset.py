"""Delete the data folder."""

import shutil
import sys

from app.embedded import owner
from app.settings import Settings

_OURS = ("blobs", "keys", "logs", "postgres", "sockets", "valkey")


def delete_data(settings: Settings, *, sure: bool) -> int:
    """The `reset` command: asks, unless `sure`.

    Refuses while the servers run, and refuses a folder that does not look like ours.
    """
    folder = settings.data.folder.resolve()
    if not folder.exists():
        print(f"{folder} does not exist; nothing to delete.", file=sys.stderr)
        return 0
    if (pid := owner(folder)) is not None:
        print(f"naru: process {pid} uses {folder}; stop it first.", file=sys.stderr)
        return 1
    if not any((folder / name).is_dir() for name in _OURS):
        print(f"naru: {folder} is no data folder of Naru; delete it yourself.", file=sys.stderr)
        return 1
    if not sure:
        print(
            f"Delete {folder} with all candidates, files and keys? Type yes: ", end="", flush=True
        )
        if sys.stdin.readline().strip() != "yes":
            print("Nothing was deleted.", file=sys.stderr)
            return 1
    shutil.rmtree(folder)
    print(f"{folder} is deleted.", file=sys.stderr)
    return 0
