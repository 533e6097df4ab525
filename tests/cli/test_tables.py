"""Tables of what others have written."""

import sys
from datetime import UTC, datetime
from uuid import uuid4

import pytest
from rich.console import Console

from app.cli.render import console
from app.cli.tables import moment, plain, print_table, table


def test_no_markup_and_no_control_character_reaches_the_terminal(
    capsys: pytest.CaptureFixture[str],
) -> None:
    rows = table("name", "")
    rows.add_row(plain("[red]x\x1b[2Jy\n"), plain(None))
    console().print(rows)
    assert "[red]x [2Jy" in capsys.readouterr().out


@pytest.mark.parametrize("width", [80, 120])
def test_an_id_is_never_broken_however_narrow_the_terminal(
    width: int, capsys: pytest.CaptureFixture[str]
) -> None:
    run, webhook = str(uuid4()), str(uuid4())
    rows = table("id", "what", "why", "webhook")
    rows.add_row(run, "many words " * 20, "many more words " * 20, webhook)
    print_table(Console(file=sys.stdout, width=width), rows)
    shown = capsys.readouterr().out
    assert run in shown
    assert webhook in shown


def test_a_moment_is_told_to_the_second() -> None:
    assert moment(datetime(2026, 8, 1, 9, 5, 3, 999, tzinfo=UTC)) == "2026-08-01 09:05:03"
    assert moment(None) == ""
