"""What a file may cost, as a parser process is told it: plain numbers, no settings library."""

import json
from dataclasses import asdict, dataclass
from typing import Self


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """`cpu_s` is processor time for one file; the rest follows the settings of `extract`."""

    max_pages: int
    max_chars: int
    max_megapixels: int
    max_unpacked_bytes: int
    max_unpacked_ratio: int
    max_zip_entries: int
    memory_bytes: int
    cpu_s: int

    def to_json(self) -> str:
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Self:
        return cls(**json.loads(text))
