"""Cases as office files and plain text, by the writers that the tests of the readers use too."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from html import escape

from tests.candidates.cases.pages import contact_pairs, entry_rows, entry_style
from tests.candidates.cases.script import Case, Entry, Person, Section, span
from tests.documents import building

_Row = tuple[str, list[str]]
"""What a line is (name, title, contact, heading, text, bold, deed, cells) and its cells."""


def write(case: Case) -> bytes:
    """The bytes of the file, by its suffix."""
    return _WRITERS[case.file.rpartition(".")[2]](case)


def _rows(case: Case) -> Iterator[_Row]:
    for number, person in enumerate(case.people):
        if number:
            yield "page", []
        yield from _head(case, person)
        for section in person.sections:
            yield "heading", [section.heading]
            yield from _section(case, section)


def _head(case: Case, person: Person) -> Iterator[_Row]:
    layout = case.option("layout", "plain")
    labelled = [("성명" if case.korean else "Name", person.name), *contact_pairs(case, person)]
    if layout == "form":
        yield "name", ["이 력 서" if case.korean else "Application Form"]
        for at in range(0, len(labelled), 2):
            yield "cells", [text for pair in labelled[at : at + 2] for text in pair]
        yield "text", [person.title]
    elif layout == "labels":
        for label, value in labelled:
            yield "text", [f"{label}: {value}"]
        yield "text", [person.title]
    else:
        yield "name", [person.name]
        yield "title", [person.title]
        if layout in ("textbox", "header"):
            yield layout, person.contacts
        elif layout == "stacked":
            for contact in person.contacts:
                yield "text", [contact]
        else:
            yield "text", [" / ".join(person.contacts)]


def _section(case: Case, section: Section) -> Iterator[_Row]:
    table = "table" in section.marks or case.option("layout") in ("form", "table")
    if table and section.entries:
        for row in entry_rows(case, section):
            yield "cells", row
        return
    for line in section.lines:
        if isinstance(line, Entry):
            labels = _LABELS["exp" if "exp" in section.marks else "edu", case.korean]
            yield from _entry(line, span(line, case), entry_style(case), labels)
        elif line.startswith("- "):
            yield "deed", [line[2:]]
        elif table and " | " in line:
            yield "cells", [cell.strip() for cell in line.split("|")]
        else:
            yield "text", [line]


_LABELS = {
    ("exp", True): ("기간", "회사명", "직위"),
    ("edu", True): ("기간", "학교명", "전공"),
    ("exp", False): ("Period", "Company", "Position"),
    ("edu", False): ("Period", "School", "Degree"),
}


def _entry(e: Entry, when: str, style: str, labels: tuple[str, str, str]) -> Iterator[_Row]:
    match style:
        case "company-right":
            yield "bold", [e.org, when]
            yield "text", [e.role]
        case "title-company":
            yield "bold", [e.role, when]
            yield "text", [e.org]
        case "stacked":
            yield "bold", [e.org]
            yield "text", [e.role]
            yield "text", [when]
        case "title-comma":
            yield "text", [f"{e.role}, {e.org} ({when})"]
        case "slashes":
            yield "text", [f"{when} / {e.org} / {e.role}"]
        case "bars":
            yield "text", [f"{e.org} | {e.role} | {when}"]
        case "labelled":
            for label, value in zip(labels, (when, e.org, e.role), strict=True):
                yield "text", [f"{label}: {value}"]
        case "date-line":
            yield "text", [when]
            yield "bold", [f"{e.org}, {e.role}"]
        case _:
            yield "text", [f"{when}  {e.org}  {e.role}"]


# --- Word ----------------------------------------------------------------------------------------


def _docx(case: Case) -> bytes:
    body: list[str] = []
    more: dict[str, str | bytes] = {}
    rels = ""
    for is_table, group in _grouped(_rows(case)):
        if is_table:
            cells = [[building.p(escape(c)) for c in cells] for _, cells in group]
            body.append(building.table(cells))
            continue
        for kind, cells in group:
            if kind == "header":
                paragraphs = "".join(building.p(escape(c)) for c in cells)
                more["word/header1.xml"] = building.word_part("hdr", paragraphs)
                rels = f'<Relationship Id="rId7" Type="{building.R}/header" Target="header1.xml"/>'
            else:
                body.append(_word_paragraph(kind, cells))
    return building.docx("".join(body), more, rels=rels)


_SIZES = {"name": 40, "heading": 28}


def _word_paragraph(kind: str, cells: Sequence[str]) -> str:
    if kind == "page":
        return '<w:p><w:r><w:br w:type="page"/></w:r></w:p>'
    if kind == "textbox":
        inside = "".join(building.p(escape(c)) for c in cells)
        return (
            '<w:p><w:r><w:pict><v:shape xmlns:v="urn:schemas-microsoft-com:vml"><v:textbox>'
            f"<w:txbxContent>{inside}</w:txbxContent></v:textbox></v:shape></w:pict></w:r></w:p>"
        )
    bold = "<w:b/>" if kind in ("bold", "heading", "name") else ""
    look = f'<w:rPr>{bold}<w:sz w:val="{_SIZES.get(kind, 21)}"/></w:rPr>'
    bullet = "<w:t>• </w:t>" if kind == "deed" else ""
    text = "<w:tab/>".join(f'<w:t xml:space="preserve">{escape(c)}</w:t>' for c in cells)
    return f"<w:p><w:r>{look}{bullet}{text}</w:r></w:p>"


def _grouped(rows: Iterator[_Row]) -> Iterator[tuple[bool, list[_Row]]]:
    """Neighbouring rows of cells make one table."""
    group: list[_Row] = []
    for row in rows:
        if group and (row[0] == "cells") != (group[-1][0] == "cells"):
            yield group[0][0] == "cells", group
            group = []
        group.append(row)
    if group:
        yield group[0][0] == "cells", group


# --- the others ----------------------------------------------------------------------------------


def _odt(case: Case) -> bytes:
    body: list[str] = []
    for is_table, group in _grouped(_rows(case)):
        if is_table:
            rows = "".join(
                "<table:table-row>"
                + "".join(
                    f"<table:table-cell><text:p>{escape(c)}</text:p></table:table-cell>"
                    for c in cells
                )
                + "</table:table-row>"
                for _, cells in group
            )
            body.append(f"<table:table>{rows}</table:table>")
            continue
        for kind, cells in group:
            tag = "h" if kind in ("name", "heading") else "p"
            text = "<text:tab/>".join(map(escape, cells))
            if kind == "textbox":
                inside = "".join(f"<text:p>{escape(c)}</text:p>" for c in cells)
                text = f"<draw:frame><draw:text-box>{inside}</draw:text-box></draw:frame>"
            mark = "- " if kind == "deed" else ""
            body.append(f"<text:{tag}>{mark}{text}</text:{tag}>")
    return building.odt("".join(body))


def _hwpx(case: Case) -> bytes:
    body: list[str] = []
    for is_table, group in _grouped(_rows(case)):
        if is_table:
            rows = "".join(
                "<hp:tr>"
                + "".join(
                    f"<hp:tc><hp:subList>{building.hp(escape(c))}</hp:subList></hp:tc>"
                    for c in cells
                )
                + "</hp:tr>"
                for _, cells in group
            )
            body.append(f"<hp:p><hp:run><hp:tbl>{rows}</hp:tbl></hp:run></hp:p>")
        else:
            body += [building.hp(escape(_joined(kind, cells))) for kind, cells in group]
    return building.hwpx(["".join(body)])


def _hwp(case: Case) -> bytes:
    section = b""
    for is_table, group in _grouped(_rows(case)):
        if is_table:
            rows = [[building.paragraph(c, 2) for c in cells] for _, cells in group]
            section += building.hwp_table(rows)
        else:
            section += b"".join(building.paragraph(_joined(*row)) for row in group)
    return building.hwp(section, flags=3 if case.option("damage") == "password" else 1)


def _joined(kind: str, cells: Sequence[str]) -> str:
    return ("- " if kind == "deed" else "") + "    ".join(cells)


_RTF_LOOKS = {"name": r"\fs40\b ", "heading": r"\fs26\b ", "bold": r"\fs21\b "}


def _rtf(case: Case) -> bytes:
    lines: list[str] = []
    for kind, cells in _rows(case):
        if kind == "cells":
            lines.append(r"\trowd " + "".join(f"{_rtf_text(c)}\\cell " for c in cells) + r"\row")
        else:
            size = _RTF_LOOKS.get(kind, r"\fs21\b0 ")
            mark = "- " if kind == "deed" else ""
            lines.append(size + mark + r"\tab ".join(map(_rtf_text, cells)) + r"\par")
    body = "\n".join(lines)
    return b"{\\rtf1\\ansi\\ansicpg949\\uc1\n" + body.encode("ascii") + b"\n}"


def _rtf_text(text: str) -> str:
    def escaped(char: str) -> str:
        if ord(char) < 128:
            return f"\\{char}" if char in "\\{}" else char
        code = ord(char)
        return f"\\u{code if code < 0x8000 else code - 0x10000}?"

    return "".join(map(escaped, text))


def woven(case: Case) -> bytes:
    """A PDF of two columns that is drawn row by row across both, as some generators do."""
    person = case.people[0]
    side = [s for s in person.sections if "side" in s.marks]
    main = [s for s in person.sections if "side" not in s.marks]
    left: list[_Row] = [("heading", ["Contact"]), *(("text", [c]) for c in person.contacts)]
    right: list[_Row] = [("name", [person.name]), ("title", [person.title])]
    for column, sections in ((left, side), (right, main)):
        for section in sections:
            column += [("heading", [section.heading]), *_section(case, section)]
    for at in range(len(left) - 1, -1, -1):  # a narrow column sets one item on a line
        if left[at][0] == "text" and "," in left[at][1][0]:
            left[at : at + 1] = [("text", [item.strip()]) for item in left[at][1][0].split(",")]
    content = ""
    for at in range(max(len(left), len(right))):
        for x, column in ((40, left), (215, right)):
            if at < len(column):
                kind, cells = column[at]
                text = " ".join(cells).replace("–", "-").replace("(", "\\(").replace(")", "\\)")
                size = {"name": 20, "heading": 13}.get(kind, 10)
                mark = "- " if kind == "deed" else ""
                content += building.shown(
                    x,
                    60 + 19 * at,
                    mark + text,
                    size=size,
                    bold=kind in ("name", "heading", "bold"),
                )
    return building.pdf([building.Page(content=content)])


def _text(case: Case) -> bytes:
    lines: list[str] = []
    for kind, cells in _rows(case):
        if kind == "heading":
            lines += ["", f"[{cells[0]}]" if case.korean else cells[0]]
        else:
            lines.append(_joined(kind, cells))
    return "\r\n".join(lines).encode(case.option("encoding", "utf-8"))


_WRITERS: Mapping[str, Callable[[Case], bytes]] = {
    "docx": _docx,
    "odt": _odt,
    "hwpx": _hwpx,
    "hwp": _hwp,
    "rtf": _rtf,
    "txt": _text,
}
