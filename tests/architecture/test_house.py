"""The rules of the house that no linter knows."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import ROOT

MAX_LINES = 400
FORBIDDEN_NAMES = {"utils", "helpers", "common", "base", "misc", "manager", "managers", "service"}

BROAD_EXCEPTS = {
    "app/jobs/execution.py": 2,
    "app/providers/failures.py": 1,
    "app/queue/delivery.py": 2,
    "app/resilience/fallback.py": 1,
}
"""Each with its reason beside it: every job's failure becomes a state of its run, and what that owes
cannot change it; no job and no hook
ends its worker; a fallback with a bug must not hide the error that it was to stand in for; a bug
where errors are mapped must not carry a provider's words into the log."""

LOOP_STARTERS = {"app/cli/running.py": 1}


def sources(*folders: str) -> Iterator[Path]:
    for folder in folders:
        yield from sorted((ROOT / folder).rglob("*.py"))


def name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def test_no_file_is_longer_than_it_may_be() -> None:
    long = {
        name(path): lines
        for path in sources("app", "tests", "bench", "ops")
        if (lines := len(path.read_text().splitlines())) > MAX_LINES
    }
    assert long == {}


def test_no_file_has_a_name_that_says_nothing() -> None:
    assert [name(path) for path in sources("app", "tests") if path.stem in FORBIDDEN_NAMES] == []


def test_every_module_has_a_docstring() -> None:
    silent = [
        name(path)
        for path in sources("app")
        if path.read_text().strip() and not ast.get_docstring(ast.parse(path.read_text()))
    ]
    assert silent == []


def test_broad_excepts_are_the_listed_ones() -> None:
    found: dict[str, int] = {}
    for path in sources("app"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ExceptHandler) and _is_broad(node.type):
                found[name(path)] = found.get(name(path), 0) + 1
    assert found == BROAD_EXCEPTS


def test_a_loop_is_started_in_one_place() -> None:
    pattern = re.compile(r"asyncio\.(run|Runner|new_event_loop)\(|run_until_complete\(")
    found = {
        name(path): count
        for path in sources("app")
        if (count := len(pattern.findall(path.read_text())))
    }
    assert found == LOOP_STARTERS


def test_no_asyncio_primitive_is_made_at_import() -> None:
    primitives = {"Lock", "Event", "Semaphore", "BoundedSemaphore", "Condition", "Queue", "Future"}
    found: list[str] = []
    for path in sources("app"):
        for scope in _import_time(ast.parse(path.read_text())):
            found += [
                f"{name(path)}:{node.lineno}"
                for node in ast.walk(scope)
                if isinstance(node, ast.Call)
                and isinstance(node.func, ast.Attribute)
                and isinstance(node.func.value, ast.Name)
                and node.func.value.id == "asyncio"
                and node.func.attr in primitives
            ]
    assert found == []


DOORS = {
    "openai": ("app/providers/",),
    "httpx": ("app/providers/",),
    "obstore": ("app/providers/",),
    "arq": ("app/queue/", "app/jobs/"),
    "fastapi": ("app/api/", "app/web/"),
    "tenacity": ("app/resilience/retry.py",),
    "opentelemetry": ("app/telemetry/",),
    "pydantic_settings": ("app/settings/",),
    "cryptography": ("app/store/crypto.py", "app/auth/"),
}


@pytest.mark.parametrize("library", DOORS)
def test_a_library_comes_in_by_its_door(library: str) -> None:
    strangers = [
        name(path)
        for path in sources("app")
        if library in _imported(path) and not name(path).startswith(DOORS[library])
    ]
    assert strangers == []


def test_the_lock_files_name_no_address_and_pin_hashes() -> None:
    for lock in ("requirements.lock", "requirements-dev.lock"):
        content = (ROOT / lock).read_text()
        assert "://" not in content
        assert content.count("--hash=sha256:") > 100


def test_what_a_run_leaves_behind_is_ignored_by_git() -> None:
    ignored = (ROOT / ".gitignore").read_text().splitlines()
    assert {".naru/", ".venv/", ".uv/", ".env"} <= set(ignored)


def _is_broad(node: ast.expr | None) -> bool:
    if node is None:
        return True
    names = [inner.id for inner in ast.walk(node) if isinstance(inner, ast.Name)]
    return bool({"Exception", "BaseException"} & set(names))


def _import_time(tree: ast.Module) -> Iterator[ast.AST]:
    for statement in tree.body:
        if isinstance(statement, ast.ClassDef):
            yield from (inner for inner in statement.body if not _is_function(inner))
        elif not _is_function(statement):
            yield statement


def _is_function(node: ast.AST) -> bool:
    return isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)


def _imported(path: Path) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module.partition(".")[0])
    return found
