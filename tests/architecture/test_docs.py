"""The docs say what the code does."""

import importlib.util
import re
from collections.abc import Iterator
from types import ModuleType

import pytest
from typer.core import TyperCommand, TyperGroup
from typer.main import get_command

from app.cli import app as commands
from app.coordination import ordering_tables
from app.store.database import Base
from app.telemetry.conventions import EventName, Metric, SpanName
from tests.conftest import ROOT

DOCS = ROOT / "docs"


@pytest.fixture(scope="module")
def generator() -> ModuleType:
    spec = importlib.util.spec_from_file_location("docs", ROOT / "ops" / "docs.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("page", ["settings", "errors", "resilience"])
def test_a_written_page_is_current(page: str, generator: ModuleType) -> None:
    expected = getattr(generator, f"{page}_page")()
    assert (DOCS / f"{page}.md").read_text() == expected, "run: ./run docs"


def test_the_settings_page_speaks_of_settings_alone(generator: ModuleType) -> None:
    assert "Undefined" not in generator.settings_page()


def test_the_tree_in_the_architecture_is_the_one_on_the_disk() -> None:
    told = _tree((DOCS / "architecture.md").read_text())
    real = {
        path.relative_to(ROOT).as_posix()
        for path in (ROOT / "app").rglob("*.py")
        if path.read_text().strip() and path.name != "__init__.py"
    }
    told_files = {path for path in told if path.startswith("app/") and path.endswith(".py")}
    assert told_files - real == set(), "told, but not there"
    assert real - told_files == set(), "there, but not told"


def test_every_command_is_in_the_readme() -> None:
    readme = (ROOT / "README.md").read_text()
    names = [command.name or command.callback.__name__ for command in commands.registered_commands]  # pyright: ignore[reportOptionalMemberAccess] - all have one
    assert [name for name in names if f"./run {name}" not in readme] == []


def test_every_option_of_a_command_is_on_a_page() -> None:
    pages = "".join(page.read_text() for page in (ROOT / "README.md", *DOCS.glob("*.md")))
    assert {option for option in _options(get_command(commands)) if option not in pages} == set()


def test_spans_events_and_metrics_are_in_the_telemetry_page() -> None:
    page = (DOCS / "telemetry.md").read_text()
    assert [name for name in (*SpanName, *EventName, *Metric) if f"`{name.value}" not in page] == []


def test_what_stays_plain_is_told_of_every_table() -> None:
    told = (DOCS / "security.md").read_text().partition("**What stays plain**")[2]
    rows = told.partition("\n**")[0]
    assert ordering_tables.OrderedItemRow.metadata is Base.metadata  # what no slice uses yet
    assert [name for name in Base.metadata.tables if f"`{name}`" not in rows] == []


def test_every_setting_that_a_page_names_is_there() -> None:
    setting = re.compile(r"\b[A-Z]+__[A-Z0-9_]*[A-Z0-9]\b")
    known = set(setting.findall((DOCS / "settings.md").read_text()))
    unknown = {
        (page.name, name)
        for page in (*ROOT.glob("*.md"), *DOCS.rglob("*.md"))
        for name in set(setting.findall(page.read_text())) - known
    }
    assert unknown == set()


def test_links_between_pages_lead_somewhere() -> None:
    broken: list[str] = []
    for page in (*ROOT.glob("*.md"), *DOCS.rglob("*.md")):
        targets = re.findall(r"\]\(([^)#:]+)\)", page.read_text())
        broken += [f"{page.name}: {to}" for to in targets if not (page.parent / to).exists()]
    assert broken == []


def _options(command: object) -> Iterator[str]:
    assert isinstance(command, TyperCommand | TyperGroup)
    for parameter in command.params:
        yield from (name for name in parameter.opts if name.startswith("--"))
    for inner in command.commands.values() if isinstance(command, TyperGroup) else ():
        yield from _options(inner)


def _tree(text: str) -> set[str]:
    """Paths of an indented listing: two spaces a level, names before the first two spaces; several
    names may share a line."""
    block = text.partition("```tree\n")[2].partition("```")[0]
    found: set[str] = set()
    folders: list[str] = []
    for line in block.splitlines():
        indent = (len(line) - len(line.lstrip())) // 2
        names = re.split(r"\s{2,}", line.strip())[0].split(" ")
        folders = folders[:indent]
        for name in names:
            path = "/".join([*folders, name.rstrip("/")])
            found.add(path)
        if names[0].endswith("/"):
            folders.append(names[0].rstrip("/"))
    return found
