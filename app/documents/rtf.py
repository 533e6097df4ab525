"""RTF: its text by striprtf, and how it looks by notes that are put beside its control words."""

import re
from dataclasses import dataclass, field, replace
from typing import Any

from striprtf import striprtf

from app.documents import rtf_parts as parts
from app.documents.archive import damaged
from app.documents.blocks import Block, Document, Format, Link, unique_links
from app.documents.limits import Limits
from app.documents.looks import ANY, PAPER, Look, Paint, count_hidden, is_paper
from app.documents.rows import line_blocks
from app.documents.rtf_tables import CELL, NESTED_CELL, NESTED_ROW, ROW, Rows, with_notes
from app.documents.wire import Parsed

_striprtf: Any = striprtf

_CODE_PAGE = re.compile(rb"\\ansicpg(\d{3,5})")
_CODE_PAGES = {b"949": "cp949", b"932": "cp932", b"936": "gbk", b"950": "cp950", b"65001": "utf-8"}
# A backslash in front makes braces text, and control words longer than these are others.
_WORDS = (
    "fs|b|v|plain|cf|cb|highlight|chcbpat|chshdng|cbpat|shading|clcbpat|clshdng|trowd|intbl|itap|pard"
    "|outl|shad|embo|impr"
)
_LOOK = re.compile(rf"(?<!\\)[{{}}]|\\(?:{_WORDS})\d{{0,5}}(?![a-z0-9])[ ]?")
_WORD = re.compile(r"([a-z]+)(\d*)")
# The characters of our notes, in whatever way a file may spell them.
_FORGED = re.compile(r"[\x01\x02]|\\'0[12]|\\u(?:0*[12]|-6553[45])(?!\d)")
_MARK = re.compile("(\x01[^\x01\x02]*\x02)")
_ENDS = frozenset({CELL, NESTED_CELL, ROW, NESTED_ROW})
_USUAL_PT = 12.0
_MAX_GROUPS = 200
_LINK = re.compile(r'HYPERLINK\s+"([^"\\{}]+)"')
_COLORS = re.compile(r"\{\\colortbl([^{}]*)\}")
_PART = re.compile(r"\\(red|green|blue)(\d{1,3})")
# Drawings under the text, and the ground of the page.
_BENEATH = re.compile(r"\\(?:background|shpfblwtxt1|do)(?![a-z0-9])")
_EFFECTS = ("outl", "shad", "embo", "impr")
_PLAIN = Look(size_pt=_USUAL_PT, bold=False, hidden=False, ink=ANY)


def read_rtf(data: bytes, limits: Limits) -> Parsed:
    """Lines; the cells of a table row stay together. Raises INVALID_FILE for broken groups."""
    code_page = _CODE_PAGE.search(data[:4096])
    encoding = (
        _CODE_PAGES.get(code_page[1], f"cp{code_page[1].decode()}") if code_page else "cp1252"
    )
    original = _FORGED.sub("", data.decode("latin-1"))
    ordered = parts.arranged(original)
    source = ordered.source
    marked = _LOOK.sub(_with_mark, with_notes(_LINK.sub("", source)))
    try:
        text = str(_striprtf.rtf_to_text(marked, encoding=encoding, errors="replace"))
    except (ArithmeticError, LookupError, TypeError, ValueError):  # its tables and numbers
        raise damaged() from None
    page = ANY if _BENEATH.search(source) else PAPER
    walk = _Walk(_colors(source), page)
    blocks = walk.blocks_of(text[: limits.max_chars])
    # Of links without words of their own only the source tells.
    links = unique_links(
        [
            Link(url, "".join(walk.link_words.get(number, ())))
            for number, url in enumerate(ordered.urls)
        ]
        + [Link(url, "") for url in _LINK.findall(original)]
    )
    return Parsed(
        document=Document(
            format=Format.RTF,
            pages=1,
            blocks=tuple(blocks),
            links=tuple(links),
            link_texts=tuple(links.values()),
            hidden_chars=walk.hidden_chars,
        )
    )


def _with_mark(match: re.Match[str]) -> str:
    """A control word with a note of it in the text; those of groups stand outside of their braces."""
    word = match[0]
    if word in ("{", "}"):
        return "\x01(\x02{" if word == "{" else "}\x01)\x02"
    return f"{word.rstrip()} \x01{word.strip()[1:]}\x02"


def _colors(source: str) -> list[Paint]:
    """The table of colours; an empty entry is the automatic one."""
    found = _COLORS.search(source)
    entries = found[1].split(";")[:-1] if found else []
    colors: list[Paint] = []
    for entry in entries:
        parts = {name: min(int(value), 255) for name, value in _PART.findall(entry)}
        rgb = (parts.get("red", 0), parts.get("green", 0), parts.get("blue", 0))
        colors.append(Paint(rgb) if parts else ANY)
    return colors


@dataclass(frozen=True, slots=True, kw_only=True)
class _State:
    """What holds in a group: `letters` tell of their own ground, `paragraph` of that of theirs."""

    letters: Look = _PLAIN
    paragraph: Paint | None = None
    effects: bool = False
    in_table: bool = False
    nested: bool = False
    in_box: bool = False
    hidden: bool = False
    link: int | None = None


@dataclass(slots=True)
class _Walk:
    """Lines with the look that the marks tell: a heading is often told by nothing else."""

    colors: list[Paint]
    page: Paint
    hidden_chars: int = 0
    link_words: dict[int, list[str]] = field(default_factory=dict[int, list[str]])
    _states: list[_State] = field(default_factory=lambda: [_State()])
    _row: Paint = ANY
    """Behind the cells of a row; before the first definition of one nobody knows."""
    _in_row: bool = False
    _kept: list[str] = field(default_factory=list[str])
    _first: Look | None = None

    def blocks_of(self, text: str) -> list[Block]:
        blocks: list[Block] = []
        rows = Rows()
        starts = True
        for line in text.splitlines():
            for part in _MARK.split(line):
                if part[1:-1] in _ENDS and part[:1] == "\x01":
                    rows.add(self._line(), nested=part[1:-1] == NESTED_CELL)
                    row = rows.end(part[1:-1], starts=starts)
                    blocks += row
                    starts = starts and not row
                    self._in_row = self._in_row and part[1:-1] != ROW
                elif part[:1] == "\x01":
                    self._change(part[1:-1])
                else:
                    self._read(part)
            found = self._line(starts=starts)
            state = self._states[-1]
            if state.in_table:
                rows.add(
                    [replace(each, starts_paragraph=False) for each in found], nested=state.nested
                )
            else:
                blocks += [*rows.rest(starts=starts), *found]
                starts = not found
        return [*blocks, *rows.rest()]

    def _read(self, part: str) -> None:
        if part.strip() and not self._look.is_seen:
            self.hidden_chars += count_hidden(part)
            return
        self._kept.append(part)
        if (link := self._states[-1].link) is not None:
            self.link_words.setdefault(link, []).append(part)
        self._first = self._look if self._first is None and part.strip() else self._first

    def _line(self, *, starts: bool = False) -> list[Block]:
        """What was read since the last line or cell, with the look of its first letters."""
        look = self._first or self._look
        text = "".join(self._kept)
        self._kept, self._first = [], None
        return line_blocks(text, font_size_pt=look.size_pt, bold=bool(look.bold), starts=starts)

    @property
    def _look(self) -> Look:
        state = self._states[-1]
        below = self._row if state.in_table or self._in_row else self.page
        ground = (
            state.letters.ground
            or state.paragraph
            or (ANY if state.nested or state.in_box else below)
        )
        ink = ANY if state.effects else state.letters.ink
        hidden = state.hidden or state.letters.hidden
        return replace(state.letters, ink=ink, ground=ground, hidden=hidden)

    def _change(self, mark: str) -> None:
        if mark == "(":
            if len(self._states) < _MAX_GROUPS:
                self._states.append(self._states[-1])
            return
        if mark == ")":
            if len(self._states) > 1:
                self._states.pop()
            return
        found = _WORD.fullmatch(mark)
        if found is None:
            return
        word, number = found[1], int(found[2]) if found[2] else None
        if word in ("trowd", "clcbpat", "clshdng"):
            self._change_row(word, number)
            return
        state = self._states[-1]
        match word:
            case parts.BOX:
                self._states[-1] = replace(state, in_box=True)
            case parts.HIDDEN:
                self._states[-1] = replace(state, hidden=True)
            case parts.LINK:
                self._states[-1] = replace(state, link=number)
            case _:
                letters = self._letters(state.letters, word, number)
                self._states[-1] = self._paragraph(replace(state, letters=letters), word, number)

    def _change_row(self, word: str, number: int | None) -> None:
        if word == "trowd":
            self._row, self._in_row = self.page, True
        elif number and (word == "clshdng" or not is_paper(self._color(number) or ANY)):
            self._row = ANY  # one of its cells is dark

    def _letters(self, letters: Look, word: str, number: int | None) -> Look:
        match word:
            case "plain":
                return _PLAIN
            case "fs" if number is not None:
                return replace(letters, size_pt=number / 2)  # half points
            case "b":
                return replace(letters, bold=number != 0)
            case "v":
                return replace(letters, hidden=number != 0)
            case "cf":
                return replace(letters, ink=self._color(number or 0) or ANY)
            case "cb" | "chcbpat" | "highlight":
                return replace(letters, ground=self._color(number) if number else None)
            case "chshdng" if number:
                return replace(letters, ground=ANY)
            case _:
                return letters

    def _paragraph(self, state: _State, word: str, number: int | None) -> _State:
        match word:
            case "plain":
                return replace(state, effects=False)
            case "pard":
                return replace(state, paragraph=None, in_table=False, nested=False)
            case "cbpat":
                return replace(state, paragraph=self._color(number) if number else None)
            case "shading" if number:
                return replace(state, paragraph=ANY)
            case "intbl":
                return replace(state, in_table=True)
            case "itap":
                return replace(state, nested=(number or 0) > 1)
            case effect if effect in _EFFECTS:
                return replace(state, effects=number != 0)
            case _:
                return state

    def _color(self, number: int) -> Paint | None:
        return self.colors[number] if number < len(self.colors) else None
