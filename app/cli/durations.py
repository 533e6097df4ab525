"""Times as people type them."""

import re

import typer

_UNITS_S = {"": 1, "s": 1, "m": 60, "h": 3_600, "d": 86_400}


def duration_s(text: str) -> float:
    """`90`, `30s`, `5m`, `2h` or `7d` in seconds. Raises BadParameter for anything else."""
    # Also called with the default of an option, which is a number.
    found = re.fullmatch(r"(\d{1,9}(?:\.\d{1,9})?)([smhd]?)", str(text).strip(), re.ASCII)
    seconds = float(found[1]) * _UNITS_S[found[2]] if found else 0
    if seconds <= 0:
        raise typer.BadParameter("give a time such as 30s, 5m, 2h or 7d")
    return seconds
