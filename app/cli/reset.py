"""Delete the data folder."""

import shutil
import sys

from app.embedded import owner
from app.messages import printable
from app.settings import Settings

_FOLDERS = frozenset({"blobs", "keys", "logs", "postgres", "postgres.new", "sockets", "valkey"})
_FILES = frozenset({"lock", "postgres.lock", "valkey.lock", "scripted-provider.url"})


def delete_data(settings: Settings, *, sure: bool) -> int:
    """The `reset` command: asks, unless `sure`.

    Refuses while the servers run, and refuses a folder that holds nothing of ours, or anything else:
    many a folder has one named `logs`.
    """
    folder = settings.data.folder.resolve()
    if not folder.exists():
        print(f"{folder} does not exist; nothing to delete.", file=sys.stderr)
        return 0
    if (pid := owner(folder)) is not None:
        print(f"naru: process {pid} uses {folder}; stop it first.", file=sys.stderr)
        return 1
    found = {entry.name: entry.is_dir() for entry in folder.iterdir()}
    if not any(found.get(name) for name in _FOLDERS):
        print(f"naru: {folder} is no data folder of Naru; delete it yourself.", file=sys.stderr)
        return 1
    if strange := sorted(found.keys() - _FOLDERS - _FILES):
        print(
            f"naru: {folder} also holds what is not of Naru: {printable(', '.join(strange))}; "
            "move that away, or delete the folder yourself.",
            file=sys.stderr,
        )
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
