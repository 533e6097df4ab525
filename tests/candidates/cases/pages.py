"""Cases as HTML, which a browser prints as PDF: each layout is a style sheet and an order."""

import html
from collections.abc import Callable, Mapping, Sequence

from tests.candidates.cases.script import Case, Entry, Person, Section, span

_BASE = """
@page { size: A4; margin: 16mm }
* { box-sizing: border-box }
body { font: 10pt/1.5 NanumGothic, 'DejaVu Sans', sans-serif; margin: 0; color: #222 }
h1 { font-size: 21pt; margin: 0 } h2 { font-size: 13pt; margin: 14px 0 4px }
p, ul, table { margin: 0 0 4px } ul { padding-left: 18px }
.row { display: flex; justify-content: space-between } b { font-weight: 700 }
.side p { overflow-wrap: anywhere }
table { border-collapse: collapse; width: 100% }
"""


def page(case: Case) -> str:
    """The whole document."""
    layout = case.option("layout", "plain")
    style, body = _LAYOUTS[layout]
    content = '<div style="break-before: page"></div>'.join(body(case, p) for p in case.people)
    hidden = _HIDDEN if case.option("damage") == "hidden" else ""
    return (
        f'<!doctype html><html><head><meta charset="utf-8"><style>{_BASE}{style}</style></head>'
        f"<body>{content}{hidden}</body></html>"
    )


_HIDDEN = (
    '<div style="color:#fff">Hidden Person hidden@example.net 010-0000-3999 Kubernetes Terraform</div>'
    '<div style="font-size:0.4px">tiny@example.net 010-0000-3998</div>'
    '<div style="position:absolute; left:-4000px; top:40px">outside@example.net</div>'
)


def esc(text: str) -> str:
    return html.escape(text, quote=False)


def _sections(case: Case, sections: Sequence[Section]) -> str:
    return "".join(_section(case, section) for section in sections)


def _section(case: Case, section: Section) -> str:
    table = "table" in section.marks or case.option("layout") in ("form", "boxes", "grid")
    if "long" in section.marks:
        body = _long()
    elif table and section.entries:
        body = _entry_table(case, section)
    elif table:
        body = _table([_cells(line) for line in section.lines if isinstance(line, str)])
    else:
        body = _flow(case, section)
    return f"<h2>{esc(section.heading)}</h2>{body}"


def _cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.removeprefix("- ").split("|")]


def _flow(case: Case, section: Section) -> str:
    parts: list[str] = []
    deeds: list[str] = []
    for line in [*section.lines, ""]:
        if isinstance(line, str) and line.startswith("- "):
            deeds.append(f"<li>{esc(line[2:])}</li>")
            continue
        if deeds:
            parts.append(f"<ul>{''.join(deeds)}</ul>")
            deeds = []
        if isinstance(line, Entry):
            parts.append(_ENTRIES[entry_style(case)](line, span(line, case)))
        elif line and case.option("layout") == "chips" and "skills" in section.marks:
            chips = "".join(f'<span class="chip">{esc(s.strip())}</span> ' for s in line.split(","))
            parts.append(f"<p>{chips}</p>")
        elif line:
            parts.append(f"<p>{esc(line)}</p>")
    return "".join(parts)


def entry_style(case: Case) -> str:
    """How entries are laid out, unless tables are."""
    usual = "dates-left" if case.option("layout") == "dates-left" else "company-right"
    return case.option("entry", usual)


def _right(one: str, date: str) -> str:
    return f'<div class="row"><b>{one}</b><span>{date}</span></div>'


_ENTRIES: Mapping[str, Callable[[Entry, str], str]] = {
    "company-right": lambda e, d: f"{_right(esc(e.org), d)}<p>{esc(e.role)}</p>",
    "title-company": lambda e, d: f"{_right(esc(e.role), d)}<p>{esc(e.org)}</p>",
    "stacked": lambda e, d: f"<p><b>{esc(e.org)}</b></p><p>{esc(e.role)}</p><p>{d}</p>",
    "title-comma": lambda e, d: f"<p><b>{esc(e.role)}</b>, {esc(e.org)} ({d})</p>",
    "date-first": lambda e, d: f"<p>{d} &nbsp; {esc(e.org)} &nbsp; {esc(e.role)}</p>",
    "slashes": lambda e, d: f"<p>{d} / {esc(e.org)} / {esc(e.role)}</p>",
    "bars": lambda e, d: f"<p>{esc(e.org)} | {esc(e.role)} | {d}</p>",
    "bullet": lambda e, d: f"<p>• {esc(e.org)}, {esc(e.role)} ({d})</p>",
    "at": lambda e, d: f"<p><b>{esc(e.role)} at {esc(e.org)}</b></p><p><i>{d}</i></p>",
    "dates-left": lambda e, d: (
        f'<div class="grid"><div>{d}</div><div><b>{esc(e.org)}</b><br>{esc(e.role)}</div></div>'
    ),
    "date-line": lambda e, d: f"<p><i>{d}</i></p><p><b>{esc(e.org)}</b> - {esc(e.role)}</p>",
}


def _table(rows: Sequence[Sequence[str]]) -> str:
    lines = "".join(
        "<tr>" + "".join(f"<td>{esc(cell)}</td>" for cell in row) + "</tr>" for row in rows
    )
    return f"<table>{lines}</table>"


def _entry_table(case: Case, section: Section) -> str:
    return _table(entry_rows(case, section))


def entry_rows(case: Case, section: Section) -> list[list[str]]:
    """The header row of a form's table and one row per entry."""
    korean = {"exp": ["근무기간", "회사명", "직위"], "edu": ["재학기간", "학교명", "전공 및 학위"]}
    latin = {"exp": ["Dates", "Employer", "Position"], "edu": ["Dates", "School", "Degree"]}
    kind = "exp" if "exp" in section.marks else "edu"
    head = (korean if case.korean else latin)[kind]
    return [head, *([span(e, case), e.org, e.role] for e in section.entries)]


def contact_pairs(case: Case, person: Person) -> list[tuple[str, str]]:
    """Label and value of each contact."""
    found: list[tuple[str, str]] = []
    for contact in person.contacts:
        if "@" in contact and "/" not in contact:
            label = ("이메일", "E-mail")
        elif contact.startswith("http") or "/" in contact:
            label = ("홈페이지", "Website")
        elif sum(c.isdigit() for c in contact) >= 7:
            label = ("휴대전화", "Phone")
        else:
            label = ("거주지", "Location")
        found.append((label[0] if case.korean else label[1], contact))
    return found


def _long() -> str:
    rows = (
        f"<li>Wraxall, E. and Placeholder, P. ({2022 - n // 6}). On the vowels of valley {n}. "
        f"Invented Journal of Phonetics {n}, {n * 3}–{n * 3 + 17}.</li>"
        for n in range(1, 260)
    )
    return f"<ul>{''.join(rows)}</ul>"


# --- layouts -------------------------------------------------------------------------------------


def _head(case: Case, person: Person, separator: str = " | ") -> str:
    del case
    contact = separator.join(map(esc, person.contacts))
    return f"<h1>{esc(person.name)}</h1><p>{esc(person.title)}</p><p>{contact}</p>"


def _plain(case: Case, person: Person) -> str:
    return _head(case, person) + _sections(case, person.sections)


def _stacked_head(case: Case, person: Person) -> str:
    return _head(case, person, "<br>") + _sections(case, person.sections)


def _side_and_main(case: Case, person: Person) -> tuple[str, str]:
    side = [s for s in person.sections if "side" in s.marks]
    main = [s for s in person.sections if "side" not in s.marks]
    heading = "연락처" if case.korean else "Contact"
    contacts = "".join(f"<p>{esc(c)}</p>" for c in person.contacts)
    return (
        f'<div class="side"><h2>{heading}</h2>{contacts}{_sections(case, side)}</div>',
        (
            f'<div class="main"><h1>{esc(person.name)}</h1><p>{esc(person.title)}</p>'
            f"{_sections(case, main)}</div>"
        ),
    )


def _side_first(case: Case, person: Person) -> str:
    side, main = _side_and_main(case, person)
    return f'<div class="cols">{side}{main}</div>'


def _side_last(case: Case, person: Person) -> str:
    side, main = _side_and_main(case, person)
    return f'<div class="cols">{main}{side}</div>'


def _form(case: Case, person: Person) -> str:
    cells = [("성명" if case.korean else "Name", person.name), *contact_pairs(case, person)]
    cells.insert(1, ("지원분야" if case.korean else "Position", person.title))
    rows = [
        [text for pair in cells[at : at + 2] for text in pair] for at in range(0, len(cells), 2)
    ]
    title, personal = (
        ("이 력 서", "인적사항") if case.korean else ("Application", "Personal Details")
    )
    return f"<h1>{title}</h1><h2>{personal}</h2>{_table(rows)}{_sections(case, person.sections)}"


def _labels(case: Case, person: Person) -> str:
    name = "성명" if case.korean else "Name"
    lines = [(name, person.name), *contact_pairs(case, person)]
    told = "".join(f"<p>{esc(label)} : {esc(value)}</p>" for label, value in lines)
    return f"{told}<p>{esc(person.title)}</p>{_sections(case, person.sections)}"


def _furniture(case: Case, person: Person) -> str:
    return (
        f'<div class="fixed">{esc(person.name)} · {esc(person.contacts[0])}</div>'
        f"{_plain(case, person)}"
    )


_COLS = ".cols { display: flex; gap: 26px } "
_RULED = "td { border: 0.6pt solid #000; padding: 4px 7px } h1 { text-align: center }"
_LAYOUTS: Mapping[str, tuple[str, Callable[[Case, Person], str]]] = {
    "plain": ("", _plain),
    "stacked": ("", _stacked_head),
    "labels": ("", _labels),
    "side-left": (f"{_COLS}.side {{ width: 31% }} .main {{ width: 69% }}", _side_first),
    "side-left-late": (
        f"{_COLS}.cols {{ flex-direction: row-reverse }} .side {{ width: 33% }} .main {{ width: 67% }}",
        _side_last,
    ),
    "side-right": (f"{_COLS}.side {{ width: 34% }} .main {{ width: 66% }}", _side_last),
    "side-right-dark": (
        (f"{_COLS}.side {{ width: 34%; background: #1d2b44; color: #fff; padding: 12px }} "
        ".main { width: 66% } * { -webkit-print-color-adjust: exact }"),
        _side_last,
    ),
    "form": (_RULED, _form),
    "grid": ("td { padding: 4px 14px 4px 0; vertical-align: top }", _form),
    "boxes": ("td { background: #eef; border: 2px solid #fff; padding: 4px 8px }", _plain),
    "spaced": ("h2 { letter-spacing: .45em; text-transform: uppercase } h1 { letter-spacing: .3em }", _plain),
    "dates-left": (".grid { display: grid; grid-template-columns: 130px 1fr; gap: 12px }", _plain),
    "centered": ("h1, h2, body > p { text-align: center } h2 { border-bottom: 1px solid }", _plain),
    "chips": (
        (f"{_COLS}.side {{ width: 30% }} .main {{ width: 70% }} "
        ".chip { display: inline-block; border: 1px solid #888; border-radius: 9px; padding: 1px 8px; margin: 2px }"),
        _side_last,
    ),
    "header-band": (
        ("h1, h1 + p, h1 + p + p { background: #274c43; color: #fff; padding: 4px 12px; margin: 0 } "
        "* { -webkit-print-color-adjust: exact }"),
        _plain,
    ),
    "newspaper": ("body { columns: 2; column-gap: 30px } h1 { font-size: 17pt }", _stacked_head),
    "long": ("", _plain),
    "furniture": (".fixed { position: fixed; bottom: 0; font-size: 8pt }", _furniture),
    "serif": ("body { font-family: NanumMyeongjo, 'DejaVu Serif', serif; font-size: 11pt }", _plain),
    "caps": ("h2 { text-transform: uppercase; font-size: 10pt; border-top: 1px solid }", _stacked_head),
    "same-size": ("h1, h2 { font-size: 10pt; font-weight: 700 }", _stacked_head),
}  # fmt: skip


def layouts() -> frozenset[str]:
    """The names of all layouts."""
    return frozenset(_LAYOUTS)
