"""A profile in the terminal: each value, how sure it is, and where in the document it stands."""

from collections.abc import Iterator, Mapping, Sequence
from typing import cast

from pydantic import BaseModel
from rich.console import Console

from app.candidates.profile import Note, Profile, Span
from app.cli.tables import plain, table

_NOT_VALUES = frozenset({"confidence", "sources", "notes", "language", "skills"})
_NOTES: Mapping[str, str] = {
    Note.TRUNCATED: "The model saw only the beginning and the end: the document is longer than it reads.",
    Note.HIDDEN_TEXT: "Text that nobody sees on the page (white on white, tiny, marked as hidden) was left out.",
    Note.INSTRUCTIONS_WITHHELD: "Sentences that give orders to a machine were left out.",
    Note.VALUES_REFUSED: "The model gave values that the document does not hold; they were dropped.",
    Note.NAMES_NOBODY: "Neither a name nor a contact was found: it may be no résumé.",
}


def print_profile(out: Console, profile: Profile, *, sources: bool) -> None:
    """One line a value; `sources`: with page, line and box of where it stands."""
    columns = ("field", "value", "sure")
    shown = (
        table(*columns, "page", "line", "box (left, top, right, bottom)")
        if sources
        else table(*columns)
    )
    for field, rows in _values(profile):
        sure = profile.confidence.get(field)
        for number, (text, spans) in enumerate(rows):
            first = number == 0
            cells = [field if first else "", text, f"{sure:.0%}" if first and sure else ""]
            shown.add_row(*map(plain, cells + (_place(spans) if sources else [])))
    out.print(shown)


def print_notes(out: Console, notes: Sequence[str]) -> None:
    """What to know of how a résumé was read, a sentence each."""
    for note in notes:
        out.print(_NOTES.get(note, note), markup=False)


def _values(profile: Profile) -> Iterator[tuple[str, list[tuple[str, list[Span]]]]]:
    """Each field that has something, with its values and where they stand."""
    names = [name for name in Profile.model_fields if name not in _NOT_VALUES]
    for field in (*names, "skills"):
        value: object = getattr(profile, field)
        if isinstance(value, tuple):
            several = cast("tuple[object, ...]", value)
            rows = [
                (_line(each), _spans_of(profile, f"{field}.{number}"))
                for number, each in enumerate(several)
            ]
        else:
            rows = [] if value is None else [(_line(value), _spans_of(profile, field))]
        if rows:
            yield field, rows


def _spans_of(profile: Profile, key: str) -> list[Span]:
    """Of a value and all of its cells, each place once."""
    spans = [
        span
        for name, found in profile.sources.items()
        if name == key or name.startswith(f"{key}.")
        for span in found
    ]
    return list({span.block: span for span in spans}.values())


def _line(value: object) -> str:
    if isinstance(value, BaseModel):
        parts = value.model_dump().values()
        return "  ".join(str(part) for part in parts if part is not None)
    return str(value)


def _place(spans: Sequence[Span]) -> list[str]:
    pages = sorted({span.page for span in spans})
    lines = sorted({span.block + 1 for span in spans})
    boxes = [span.box for span in spans if span.box]
    box = (
        min(b[0] for b in boxes), min(b[1] for b in boxes),
        max(b[2] for b in boxes), max(b[3] for b in boxes),
    ) if boxes and len(pages) == 1 else ()  # fmt: skip
    return [
        ", ".join(map(str, pages)),
        _ranges(lines),
        ", ".join(f"{edge:g}" for edge in box),
    ]


def _ranges(lines: Sequence[int]) -> str:
    """3-5, 9."""
    ends: list[list[int]] = []
    for line in lines:
        if ends and line == ends[-1][1] + 1:
            ends[-1][1] = line
        else:
            ends.append([line, line])
    return ", ".join(str(a) if a == b else f"{a}-{b}" for a, b in ends)
