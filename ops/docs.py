"""Writes docs/settings.md and docs/errors.md from the code; a test holds that they are current."""

from pathlib import Path

from pydantic import BaseModel, SecretStr

from app.errors import ErrorCode
from app.settings import FLAT_NAMES, Settings

DOCS = Path(__file__).parents[1] / "docs"

_SETTINGS_HEAD = """# Settings

Read once at start, from the environment or from `.env` in the folder of the clone; the environment
wins. Names of groups and fields are joined by two underscores: `RETRY__LLM_TIMEOUT=180`. A wrong
value stops the start with one line per field (exit code 3). `./run settings` shows what is in force.

This page is written by `./run docs`.
"""

_ERRORS_HEAD = """# Error codes

There are three classes of errors (`WorkerError`, `RetryableError`, `PermanentError`) and one table of
codes, `app/errors.py`. A failed run carries its code, a sentence for people in English or Korean, and
`details` that are safe to show; personal data in details is stored encrypted and shown with `--reveal`.

*Now*: the executor may call again at once, within the policy's tries. *Later*: once the tries are
spent, the run goes back to `queued` with a time to start again. A code with neither fails the same way
each time. HTTP answers carry the code in `application/problem+json`.

This page is written by `./run docs`.

| code | now | later | severity | HTTP | what people read |
| --- | --- | --- | --- | --- | --- |
"""


def settings_page() -> str:
    """The whole of docs/settings.md."""
    parts = [_SETTINGS_HEAD]
    top = {
        name: field
        for name, field in Settings.model_fields.items()
        if not _is_group(field.annotation)
    }
    parts.append(_section("At the top", "", list(top.items())))
    for name, field in Settings.model_fields.items():
        group = field.annotation
        if name not in top and isinstance(group, type) and issubclass(group, BaseModel):
            fields = list(group.model_fields.items())
            parts.append(_section(name, f"{name.upper()}__", fields))
    rows = "\n".join(
        f"| `{flat}` | `{group.upper()}__{field.upper()}` |"
        for flat, (group, field) in FLAT_NAMES.items()
    )
    parts.append(
        "## Names of the older worker\n\nStill read, with one line that names the new one.\n\n"
        f"| old | new |\n| --- | --- |\n{rows}\n"
    )
    return "\n".join(parts)


def errors_page() -> str:
    """The whole of docs/errors.md."""
    rows = [
        f"| `{code}` | {_mark(code.retry_in_process)} | {_mark(code.run_again_later)} "
        f"| {code.severity} | {code.http_status} | {code.english}<br>{code.korean} |"
        for code in ErrorCode
    ]
    return _ERRORS_HEAD + "\n".join(rows) + "\n"


def _section(title: str, prefix: str, fields: list[tuple[str, object]]) -> str:
    rows: list[str] = []
    for name, field in fields:
        default = getattr(field, "default", None)
        description = getattr(field, "description", "") or ""
        rows.append(f"| `{prefix}{name.upper()}` | {_default(default)} | {description} |")
    return f"## {title}\n\n| name | default | what it does |\n| --- | --- | --- |\n" + (
        "\n".join(rows) + "\n"
    )


def _is_group(annotation: object) -> bool:
    return isinstance(annotation, type) and issubclass(annotation, BaseModel)


def _default(value: object) -> str:
    if value is None or value == () or isinstance(value, SecretStr):
        return "not set"
    return f"`{value}`"


def _mark(*flags: bool) -> str:
    return "yes" if all(flags) else ""


if __name__ == "__main__":
    (DOCS / "settings.md").write_text(settings_page())
    (DOCS / "errors.md").write_text(errors_page())
