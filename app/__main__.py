"""The program: `python -m app`."""

import gc

# Most of a command's start is loading modules, and a fifth of that was the collector walking over them.
gc.set_threshold(50_000, 20, 20)

from app.cli import main  # noqa: E402 - after the line above

main()
