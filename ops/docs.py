"""Writes what docs/ says of the code, from the code; a test holds that it is current.

The whole of docs/settings.md and docs/errors.md, and the tables of docs/resilience.md.
"""

from pathlib import Path

from pydantic import BaseModel, SecretStr
from pydantic.fields import FieldInfo

from app.errors import ErrorCode
from app.resilience.fallback import Fallbacks
from app.resilience.guards import AttemptTimeout, CircuitBreaker, Slots
from app.resilience.policies import BREAKERS, PolicyName, breaker_config, make_policy
from app.resilience.retry import Retry
from app.resilience.scope import Deadline
from app.settings import FLAT_NAMES, Settings

DOCS = Path(__file__).parents[1] / "docs"
RESILIENCE = DOCS / "resilience.md"

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
            parts.append(_group(name, group))
    rows = "\n".join(
        f"| `{flat}` | `{group.upper()}__{field.upper()}` |"
        for flat, (group, field) in FLAT_NAMES.items()
    )
    parts.append(
        "## Names of the older worker\n\nStill read, with one line that names the new one.\n\n"
        f"| old | new |\n| --- | --- |\n{rows}\n"
    )
    return "\n".join(parts)


def resilience_page() -> str:
    """docs/resilience.md with its two tables as they are."""
    page = RESILIENCE.read_text()
    for name, table in (("policies", _policies()), ("breakers", _breakers())):
        before, _, rest = page.partition(f"<!-- {name} -->\n")
        _, _, after = rest.partition(f"<!-- end of {name} -->")
        page = f"{before}<!-- {name} -->\n{table}<!-- end of {name} -->{after}"
    return page


def _policies() -> str:
    settings = Settings(_env_file=None)  # pyright: ignore[reportCallIssue] - pydantic-settings reads it
    head = (
        "| policy | deadline | tries, waits | at once + queue | breaker | one attempt "
        "| once tries are spent |\n| --- | --- | --- | --- | --- | --- | --- |\n"
    )
    return head + "".join(_policy(name, settings) for name in PolicyName)


def _policy(name: PolicyName, settings: Settings) -> str:
    policy = make_policy(name, settings)
    deadline, retry = policy.layer(Deadline), policy.layer(Retry)
    slots, breaker = policy.layer(Slots), policy.layer(CircuitBreaker)
    attempt, fallback = policy.layer(AttemptTimeout), policy.layer(Fallbacks)
    per_model = name is PolicyName.LLM and breaker is not None
    cells = (
        f"`{name}`",
        f"{deadline.seconds:g} s" if deadline else "of the run",
        f"{retry.tries}, {retry.base_wait_s:g}–{retry.max_wait_s:g} s" if retry else "1",
        f"{slots.slots} + {slots.queue}" if slots else "any",
        f"`{breaker.name}`{' per model' if per_model else ''}" if breaker else "none",
        f"{attempt.timeout_s:g} s, `{attempt.code}`"
        if attempt and attempt.timeout_s
        else "its own limits",
        f"`{policy.fail_mode}`"
        + (f": {', '.join(fallback.names)} (keeps {fallback.reserve_s:g} s)" if fallback else ""),
    )
    return f"| {' | '.join(cells)} |\n"


def _breakers() -> str:
    settings = Settings(_env_file=None)  # pyright: ignore[reportCallIssue] - pydantic-settings reads it
    rows = [
        "| breaker | looks at | judges from | opens at | for | probes | counts as failures |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    for name, codes in BREAKERS.items():
        config = breaker_config(name, settings)
        window = f"{config.window_s:g} s" if config.window_s else f"{config.window_calls} calls"
        counted = ", ".join(f"`{code}`" for code in ErrorCode if code in codes)
        rows.append(
            f"| `{name}` | {window} | {config.minimum_calls} calls "
            f"| {config.failure_percent:g} % failed | {config.open_s:g}–{config.open_max_s:g} s "
            f"| {config.half_open_calls}, {config.half_open_wait_s:g} s | {counted} |"
        )
    return "\n".join(rows) + "\n"


def errors_page() -> str:
    """The whole of docs/errors.md."""
    rows = [
        f"| `{code}` | {_mark(code.retry_in_process)} | {_mark(code.run_again_later)} "
        f"| {code.severity} | {code.http_status} | {code.english}<br>{code.korean} |"
        for code in ErrorCode
    ]
    return _ERRORS_HEAD + "\n".join(rows) + "\n"


def _group(name: str, group: type[BaseModel]) -> str:
    inner = [field.annotation for field in group.model_fields.values()]
    rows = next((a for a in inner if isinstance(a, type) and issubclass(a, BaseModel)), None)
    if rows is None:
        return _section(name, f"{name.upper()}__", list(group.model_fields.items()))
    names = ", ".join(f"`{field.upper()}`" for field in group.model_fields)
    said = (
        f"One group for each of {names}. The defaults are those of a new one; "
        "what is in force stands in [resilience.md](resilience.md).\n\n"
    )
    prefix = f"{name.upper()}__<NAME>__"
    return _section(name, prefix, list(rows.model_fields.items()), said=said)


def _section(
    title: str, prefix: str, fields: list[tuple[str, FieldInfo]], *, said: str = ""
) -> str:
    rows: list[str] = []
    for name, field in fields:
        default = field.get_default(call_default_factory=True)
        rows.append(
            f"| `{prefix}{name.upper()}` | {_default(default)} | {field.description or ''} |"
        )
    return f"## {title}\n\n{said}| name | default | what it does |\n| --- | --- | --- |\n" + (
        "\n".join(rows) + "\n"
    )


def _is_group(annotation: object) -> bool:
    return isinstance(annotation, type) and issubclass(annotation, BaseModel)


def _default(value: object) -> str:
    if value in (None, (), {}) or isinstance(value, SecretStr):
        return "not set"
    return f"`{value}`"


def _mark(*flags: bool) -> str:
    return "yes" if all(flags) else ""


if __name__ == "__main__":
    (DOCS / "settings.md").write_text(settings_page())
    (DOCS / "errors.md").write_text(errors_page())
    RESILIENCE.write_text(resilience_page())
