"""What was done to whom, and when; told when something is wrong."""

import re
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

_FAULTS_SHOWN = 20
_LINES_SHOWN = 60


@dataclass(slots=True, kw_only=True)
class Timeline:
    """`folder` holds the workers' logs."""

    seed: int
    folder: Path
    _lines: list[str] = field(default_factory=list[str])
    _began_s: float = field(default_factory=time.monotonic)

    def tell(self, what: str) -> None:
        self._lines.append(f"{time.monotonic() - self._began_s:7.2f} s  {what}")

    def hold(self, faults: Sequence[str]) -> None:
        """Raise AssertionError with all there is to know, unless there is no fault."""
        if not faults:
            return
        shown = "\n".join(f"  {fault}" for fault in faults[:_FAULTS_SHOWN])
        done = "\n".join(f"  {line}" for line in self._lines)
        raise AssertionError(
            f"{len(faults)} faults; the same storm again: TORTURE_SEED={self.seed}\n{shown}\n"
            f"what was done:\n{done}\nwhat the workers say of it:\n{self._logged(faults)}"
        )

    def _logged(self, faults: Sequence[str]) -> str:
        """Lines of the logs about the first run at fault; their clocks may be an hour off."""
        ids = re.findall(r"[0-9a-f]{8}-[0-9a-f-]{27}", " ".join(faults))[:1]
        lines = [
            f"  {log.stem} {line}"
            for log in sorted(self.folder.glob("*.log"))
            for line in log.read_text(errors="replace").splitlines()
            if any(each in line for each in ids)
        ]
        return "\n".join(lines[-_LINES_SHOWN:])
