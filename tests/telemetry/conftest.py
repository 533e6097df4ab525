"""Logs that end in memory."""

import io
import json
import logging
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import pytest

from app.telemetry.logs import configure_logs


@dataclass(slots=True)
class LogLines:
    """Everything the process has logged, as text and as parsed lines."""

    stream: io.StringIO

    def configure(self, level: str = "INFO", *, json_lines: bool = True) -> None:
        configure_logs(level, json=json_lines, stream=self.stream)

    @property
    def text(self) -> str:
        return self.stream.getvalue()

    @property
    def parsed(self) -> list[Mapping[str, object]]:
        return [json.loads(line) for line in self.text.splitlines()]


@pytest.fixture
def logs() -> Iterator[LogLines]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    lines = LogLines(io.StringIO())
    lines.configure()
    yield lines
    root.handlers[:] = handlers
    root.setLevel(level)
    logging.captureWarnings(capture=False)
