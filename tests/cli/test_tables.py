"""Tables of what others have written."""

from datetime import UTC, datetime

import pytest

from app.cli.render import console
from app.cli.tables import moment, plain, table


def test_no_markup_and_no_control_character_reaches_the_terminal(
    capsys: pytest.CaptureFixture[str],
) -> None:
    rows = table("name", "")
    rows.add_row(plain("[red]x\x1b[2Jy\n"), plain(None))
    console().print(rows)
    assert "[red]x [2Jy" in capsys.readouterr().out


def test_a_moment_is_told_to_the_second() -> None:
    assert moment(datetime(2026, 8, 1, 9, 5, 3, 999, tzinfo=UTC)) == "2026-08-01 09:05:03"
    assert moment(None) == ""
