# ruff: noqa: PLR2004 - weights and widths of rules, each used where it is explained
"""The sections that headings open, and the lines that belong to each."""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

from app.candidates.rules.dates import periods, without_periods
from app.candidates.rules.heading_looks import (
    LISTED,
    heading_look,
    heading_signs,
    is_between_signs,
    is_numbered_heading,
    is_set_as_heading,
    is_unknown_heading,
    lost_heading,
    numbered_look,
    numbering,
    opens_career,
    plain_heading,
    remarked_heading,
)
from app.candidates.rules.headings import (
    CAREERS,
    Kind,
    heading_kinds,
    is_duty,
    kinds_by_ending,
)
from app.candidates.rules.inline_headings import inline_heading
from app.candidates.rules.labels import column_labels
from app.candidates.rules.lines import Line, squeeze
from app.candidates.rules.phones import PHONE_MIN_DIGITS
from app.candidates.rules.rows import whole_rows
from app.candidates.rules.tongues import speaks

_CLOSING = re.compile(
    r"^(?:본인은\s)?(?:위|상기|이상)(?:의|에|와)?\s?(?:모든\s|같이|기재\s?)?(?:내용|사실|사항|기재|같)|^위와 같이\s|^references?\b.{0,24}\b(?:up)?on request\b|^i (?:hereby |solemnly )?(?:declare|certify|affirm)\b",
    re.IGNORECASE,
)
_TOP_LINES, _CONTACT_MAX_CHARS = 400, 80
_DISPLAY_RATIO, _CLEARLY_LARGE = 1.5, 1.1
_CLEARLY = 0.05  # of the body's size
_LABEL_COLUMN_PT, _FLUSH_PT = 40.0, 2.0
_ENTRY_CELLS = 2
_REACH, _FIRST_LINES = 6, 3
_CONTACT = re.compile(r"@|\d{2,4}[-. )]\s?\d{3,4}[-. ]\d{4}")
_DOTTED_MAX_WORDS = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """Lines under one heading.

    More than one kind: a compound heading such as Skills & Languages. `within`: the section in
    which a line of heading and content stood, such as 기술스택: … under one employer.
    """

    kinds: tuple[Kind, ...]
    lines: tuple[Line, ...]
    heading: Line | None = None
    within: Kind | None = None

    @property
    def kind(self) -> Kind:
        """The first kind named by the heading."""
        return self.kinds[0]


class _Cutter:
    """Sections as they come; the open one takes lines until another is opened."""

    def __init__(self) -> None:
        self.done: list[Section] = []
        self.kinds: tuple[Kind, ...] = (Kind.HEADER,)
        self.heading: Line | None = None
        self._body: list[Line] = []

    def open(self, kinds: tuple[Kind, ...], heading: Line | None) -> None:
        self.close()
        self.kinds, self.heading, self._body = kinds, heading, []

    def close(self) -> None:
        if self._body or self.heading:
            section = Section(kinds=self.kinds, lines=tuple(self._body), heading=self.heading)
            self.done.append(section)

    def take(self, line: Line) -> None:
        self._body.append(line)

    @property
    def is_empty(self) -> bool:
        """Whether nothing of the file has been put away yet."""
        return not self.done and not self._body and self.heading is None

    def names_entry(self, line: Line) -> bool:
        """Whether a line that looks like headings elsewhere, in a sidebar, is none in the open section."""
        heading = self.heading
        if heading is None or self.kinds[0] not in CAREERS or not (line.box and heading.box):
            return self.kinds[0] in (Kind.HEADER, Kind.TITLE)
        flush = abs(line.box.left - heading.box.left) <= _FLUSH_PT
        return flush and line.ratio < heading.ratio - _CLEARLY

    def tells_of_entries(self, line: Line, before: Sequence[Line], duties: Counter[str]) -> bool:
        """Whether a short line within a career belongs to one of its entries, whatever its look."""
        heading = self.heading
        told = self.kinds[0] in (Kind.PROJECTS, Kind.CAREER_DETAIL)
        if told and duties[squeeze(line.text)] > 1:
            return True
        if heading is None or self.kinds[0] not in CAREERS:
            return False
        if is_duty(line.text):
            small = line.ratio < heading.ratio - _CLEARLY or line.bullet > heading.bullet
            return small or duties[squeeze(line.text)] > 1
        if line.cells or ":" in line.text or heading_kinds(line.text) or not self._body:
            return False
        dates_first = _is_bare_period(self._body[0].text)
        if (
            dates_first
            and before
            and before[0] is self._body[-1]
            and _is_bare_period(before[0].text)
        ):
            return True  # 2020.08 → 2023.11 over the name of the firm
        # Names of entries look alike, and unlike the heading.
        return line.look != heading.look and any(
            line.look == x.look and not x.bullet for x in self._body[:_FIRST_LINES]
        )


def split_sections(lines: Sequence[Line]) -> list[Section]:
    """Cut at headings; a row or line that holds heading and content makes a section of its own."""
    lines = whole_rows(lines)
    look = heading_look(lines)
    numbered = numbered_look(lines)
    signs = heading_signs(lines)
    duties = Counter(squeeze(line.text) for line in lines if is_duty(line.text))
    top = max((line.ratio for line in lines[:_TOP_LINES]), default=1.0)
    plain = all(line.ratio == 1.0 and not line.bold for line in lines)
    cutter = _Cutter()
    position = 0
    while position < len(lines):
        line = lines[position]
        position += 1
        following = lines[position : position + _REACH]
        if _begins_with_contacts(line, cutter.heading):
            cutter.open((Kind.HEADER,), None)
            cutter.take(line)
        elif _CLOSING.match(line.text):
            cutter.open((Kind.OTHER,), line)
        elif cutter.tells_of_entries(line, lines[position - 2 : position - 1], duties):
            cutter.take(line)
        elif (named := _as_heading(line, cutter.kinds, cutter.heading, following[:1])) or (
            plain and (named := plain_heading(line, following[:3]))
        ):
            cutter.open(_as_title(named, line, cutter, following), line)
        elif line.ocr and (lost := lost_heading(line, following[:2])) not in (
            None,
            cutter.kinds[0],
        ):
            cutter.open((lost,), line)
        elif inline := inline_heading(line, cutter.kinds):
            position = _take_inline(cutter, inline, lines, position)
        elif line.ratio >= max(_DISPLAY_RATIO, 0.97 * top) and not periods(line.text):
            # The largest text of the file: a name that was drawn after a sidebar.
            cutter.open((Kind.HEADER,), None)
            cutter.take(line)
        elif (
            (is_unknown_heading(line, look) and not cutter.names_entry(line))
            or (is_numbered_heading(line) and numbering(line) in numbered)
            or (line.text[:1] in signs and is_between_signs(line))
        ):
            cutter.open(kinds_by_ending(line.text) or (Kind.OTHER,), line)
        else:
            cutter.take(line)
    cutter.close()
    return _with_skills(cutter.done)


def _begins_with_contacts(line: Line, heading: Line | None) -> bool:
    """A column that begins above the open section's heading, with a phone or mail, is none of it."""
    if heading is None or not line.box or not heading.box or line.page != heading.page:
        return False
    above = line.box.bottom < heading.box.top
    return (
        above
        and line.gap
        and len(line.text) < _CONTACT_MAX_CHARS
        and bool(_CONTACT.search(line.text))
    )


def _with_skills(sections: list[Section]) -> list[Section]:
    """A list under a heading that no table knows is the list of skills, if there is no other."""
    if any(Kind.SKILLS in s.kinds for s in sections):
        return sections
    at = next((n for n, s in enumerate(sections) if _is_nameless_list(s)), None)
    if at is not None:
        sections[at] = replace(sections[at], kinds=(Kind.SKILLS,))
    return sections


def _is_nameless_list(section: Section) -> bool:
    heading = section.heading
    if section.kind is not Kind.OTHER or heading is None or not 0 < len(section.lines) <= 12:
        return False
    if heading_kinds(heading.text) or any(periods(x.text) for x in section.lines):
        return False
    items = [i for x in section.lines for i in LISTED.split(x.text) if i.strip()]
    return len(items) > 2 and all(len(i) <= 32 and len(i.split()) <= 4 for i in items)


def _take_inline(
    cutter: _Cutter,
    inline: tuple[tuple[Kind, ...], Line, bool],
    lines: Sequence[Line],
    position: int,
) -> int:
    """Put away a line that is heading and content at once; the position to go on from."""
    kinds, rest, persists = inline
    if persists:
        if kinds != cutter.kinds:
            cutter.open(kinds, lines[position - 1])
        cutter.take(rest)
        return position
    content = [rest]
    label = lines[position - 1]
    while position < len(lines) and (
        _goes_on(content[-1], lines[position], cutter.kinds)
        or _is_under_value(lines[position], label)
        or _is_under_label(lines[position], label)
    ):
        content.append(_less_empty(lines[position]))
        position += 1
    cutter.done.append(
        Section(
            kinds=kinds,
            lines=tuple(content),
            heading=lines[position - len(content)],
            within=cutter.kinds[0],
        )
    )
    return position


def _is_under_label(line: Line, label: Line) -> bool:
    """A row whose first cell is empty goes on beside the label of the row above: merged cells."""
    return len(label.cells) > 1 and len(line.cells) > 1 and not line.cells[0]


def _less_empty(line: Line) -> Line:
    """The row without the empty cell under its label."""
    if not line.cells or line.cells[0]:
        return line
    cells = line.cells[1:]
    return replace(line, text="\t".join(cells), cells=cells if len(cells) > 1 else ())


def _is_under_value(line: Line, label: Line) -> bool:
    """Further values under the first one, beside a label that stands in a column of its own."""
    if not label.cells or not line.box or not label.box or line.page != label.page:
        return False
    if line.cells and not _is_dated(line.cells):
        return False
    inset = line.box.left - label.box.left
    return inset > _LABEL_COLUMN_PT and line.box.left < label.box.right


def _is_dated(cells: Sequence[str]) -> bool:
    """A job and its time go on a section; rows of a form have labels of their own."""
    dated = len(cells) == _ENTRY_CELLS and _is_bare_period(cells[1])
    return dated and not column_labels(cells[0])


def _as_heading(
    line: Line,
    current: tuple[Kind, ...],
    heading: Line | None = None,
    following: Sequence[Line] = (),
) -> tuple[Kind, ...]:
    cells = [c for c in line.cells if c]
    if len(cells) > 1:
        if all(len(c) == 1 for c in cells):  # a heading set with wide letter spacing
            return heading_kinds("".join(cells))
        return remarked_heading(line, following)
    marked = heading is not None and heading.bullet  # ■ 보유 역량 … ■ 자격증
    listed = line.bullet and current[0] in (Kind.SKILLS, Kind.SUMMARY)
    if listed and not marked and not line.bold and line.ratio < 1.05:
        return ()
    dotted = line.text.endswith(".") and len(line.text.split()) > _DOTTED_MAX_WORDS
    if (dotted and not line.ocr) or sum(map(str.isdigit, line.text)) >= PHONE_MIN_DIGITS:
        return ()  # Patents and user manuals. 연락처 +82 10-0000-0000
    kinds = heading_kinds(line.text, ocr=line.ocr)
    if not kinds:
        alike = marked and line.bullet and line.gap and not listed  # ◎ 자격증 … ◎ 시술 기술
        ending = kinds_by_ending(line.text) if alike or is_set_as_heading(line) else ()
        return remarked_heading(line, following) or ending
    if kinds[0] is Kind.SUMMARY and opens_career(line, following):
        return (Kind.EXPERIENCE,)
    if (
        current[0] is Kind.SKILLS
        and kinds[0] in (Kind.LANGUAGES, Kind.SKILLS)
        and heading
        and line.ratio < heading.ratio - 0.05
        and not (kinds[0] is Kind.LANGUAGES and any(speaks(x.text) for x in following))
    ):
        return ()  # **Languages** over Java, Kotlin: a category among the skills
    # Plain words that are items rather than headings where a list of items stands.
    small = line.ratio < _CLEARLY_LARGE
    weak = small and line.text.strip()[:1].islower() and line.text.isascii()
    return () if weak and not line.ocr else kinds


def _goes_on(last: Line, following: Line, current: tuple[Kind, ...]) -> bool:
    if following.gap or following.bullet or following.cells or _as_heading(following, current):
        return False
    if "://" in last.text and last.text.endswith(("-", "/", "_", ".")):
        return True  # a broken address
    if ":" in following.text[:32]:
        return False
    lists = last.text.count(",") > 1 and "," in following.text
    return lists or last.text.rstrip().endswith((",", "·", "/", "&", "|"))


def _is_bare_period(text: str) -> bool:
    return bool(periods(text)) and not without_periods(text)


def _as_title(
    kinds: tuple[Kind, ...], line: Line, cutter: _Cutter, following: Sequence[Line]
) -> tuple[Kind, ...]:
    """경력기술서 over the person's name and contact data is the title of the whole document."""
    if kinds[0] is not Kind.CAREER_DETAIL or not cutter.is_empty or is_duty(line.text):
        return kinds
    return (Kind.TITLE,) if any(_CONTACT.search(x.text) for x in following) else kinds
