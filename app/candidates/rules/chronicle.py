"""Careers told as events in the order of time, as printed Korean forms ask for them.

    1997 | 3 | 동아정밀 사원 입사
    2003 | 8 | 동아정밀 퇴사

What began and what ended are two rows; an entry has both.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum

from app.candidates.profile import Education, Experience
from app.candidates.rules.dates import Period
from app.candidates.rules.education import schools
from app.candidates.rules.experience import positions
from app.candidates.rules.lines import Line, squeeze
from app.candidates.rules.tables import Entry

_DATED = re.compile(
    r"^(?P<year>(?:19|20)\d\d)\s*[.년/-]?\s*(?P<month>1[0-2]|0?[1-9])(?:\s*[.월/-]|(?=\s)|$)"
    r"(?:\s*(?:3[01]|[12]\d|0?[1-9])(?:\s*[.일]|(?=\s)|$))?\s*(?P<told>.*)$"
)
_NUMERIC = re.compile(r"[\d\s.년월일/-]+")
_EVENT = re.compile(
    r"^(?P<what>\S.*?)\s*(?P<verb>입학|편입학?|졸업|수료|중퇴|자퇴|재학|입사|취업|임용|부임|취임|채용|퇴사|퇴직|사직|퇴임|이직|재직|근무)"
    r"\s?(?:예정|중|함)?\s*(?:\([^()]*\))?\.?$"
)
_LEAST_EVENTS, _EVENT_MAX_CHARS = 3, 120


class _Turn(Enum):
    BEGIN = "begin"
    END = "end"
    GOING_ON = "going on"


_SCHOOL = {
    "입학": _Turn.BEGIN, "편입": _Turn.BEGIN, "편입학": _Turn.BEGIN, "재학": _Turn.GOING_ON,
    "졸업": _Turn.END, "수료": _Turn.END, "중퇴": _Turn.END, "자퇴": _Turn.END,
}  # fmt: skip
_WORK = {
    "입사": _Turn.BEGIN, "취업": _Turn.BEGIN, "임용": _Turn.BEGIN, "부임": _Turn.BEGIN, "취임": _Turn.BEGIN,
    "채용": _Turn.BEGIN, "재직": _Turn.GOING_ON, "근무": _Turn.GOING_ON, "퇴사": _Turn.END, "퇴직": _Turn.END,
    "사직": _Turn.END, "퇴임": _Turn.END, "이직": _Turn.END,
}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class _Event:
    date: str | None
    what: str
    verb: str
    line: Line


@dataclass(slots=True, kw_only=True)
class _Span:
    what: str
    line: Line
    start: str | None = None
    end: str | None = None


def told_in_events(lines: Iterable[Line]) -> tuple[list[Experience], list[Education]]:
    """Positions and schools of a chronicle; nothing where the lines are none."""
    events = [event for line in lines if (event := _event(line))]
    turns = [(_SCHOOL.get(e.verb) or _WORK[e.verb]) for e in events]
    turned = sum(turn is not _Turn.GOING_ON for turn in turns)
    work, learning = _entries(events, _WORK), _entries(events, _SCHOOL)
    whole = any(x.period and x.period.start and x.period.end for x in (*work, *learning))
    if _Turn.BEGIN not in turns or (turned < _LEAST_EVENTS and not whole):
        return [], []
    return positions(work), schools(learning)


def _event(line: Line) -> _Event | None:
    cells = [cell.strip() for cell in line.cells if cell.strip()]
    text = line.text
    if len(cells) > 1:
        numbers = [cell for cell in cells if _NUMERIC.fullmatch(cell)]
        rest = [cell for cell in cells if not _NUMERIC.fullmatch(cell)]
        if squeeze(cells[0]) == "현재" and len(rest) > 1:
            numbers, rest = [], rest[1:]
        # The last cell of such a form is for who certifies it.
        text = " ".join([*numbers, *rest[:1]])
    if len(text) > _EVENT_MAX_CHARS:
        return None
    dated = _DATED.match(text)
    told = _EVENT.match(dated["told"].strip() if dated else text)
    if told is None or not (dated or told["verb"] in ("재직", "근무", "재학")):
        return None
    date = f"{dated['year']}-{int(dated['month']):02}" if dated else None
    return _Event(date=date, what=told["what"], verb=told["verb"], line=line)


def _entries(events: Iterable[_Event], turns: dict[str, _Turn]) -> list[Entry]:
    spans: list[_Span] = []
    for event in events:
        turn = turns.get(event.verb)
        if turn is None:
            continue
        if turn is _Turn.BEGIN:
            spans.append(_Span(what=event.what, line=event.line, start=event.date))
            continue
        first = event.what.split()[0]
        begun = [span for span in spans if span.end is None]
        own = next((span for span in begun if span.what.split()[0] == first), None)
        if own and turn is _Turn.END:
            own.end = event.date
        elif own is None and event.verb == "졸업":  # forms that ask for the last day alone
            spans.append(_Span(what=event.what, line=event.line, end=event.date))
    return [_entry(span) for span in spans]


def _entry(span: _Span) -> Entry:
    line = Line(index=span.line.index, text=span.what, box=span.line.box, page=span.line.page)
    return Entry(period=Period(start=span.start, end=span.end), head=(line,))
