# ruff: noqa: PLR2004 - weights and widths of rules, each used where it is explained
"""Headings with their content in the same line or row: `Skills: Java, Go`, 보유기술 | Java, Go."""

import re
from collections.abc import Sequence
from dataclasses import replace

from app.candidates.rules.dates import periods
from app.candidates.rules.headings import CAREERS, Kind, heading_kinds
from app.candidates.rules.labels import Label, column_labels, is_column_label
from app.candidates.rules.lines import Line, squeeze
from app.candidates.rules.tongues import speaks

_INLINE = re.compile(r"^(?P<head>[^:：|]{2,32}?)\s*(?:[:：|]|\s[-–—]\s)\s*(?P<rest>\S.*)$")
_TABLED = (Kind.CERTIFICATES, Kind.LANGUAGES, Kind.PUBLICATIONS, Kind.OTHER)
_NAMING = frozenset({Label.COMPANY, Label.TITLE, Label.SCHOOL})
_OF_AN_ENTRY = _NAMING | {Label.DEGREE}
_THE_REST = frozenset({"기타", "other", "others", "etc", "miscellaneous"})


def inline_heading(
    line: Line, current: tuple[Kind, ...]
) -> tuple[tuple[Kind, ...], Line, bool] | None:
    """(kinds, the rest of the line, whether the section goes on below) or None."""
    cells = [c for c in line.cells if c]
    if len(cells) > 1:
        return _inline_row(line, cells, current)
    if len(line.text) > 600 or not (match := _INLINE.match(line.text)):
        return None
    kinds = heading_kinds(match["head"])
    usable = {
        Kind.SKILLS,
        Kind.LANGUAGES,
        Kind.CERTIFICATES,
        Kind.REFERENCES,
        Kind.SUMMARY,
        Kind.LINKS,
        Kind.OTHER,
    }
    if not kinds or kinds[0] not in usable or current[0] is Kind.SKILLS or "://" in match["head"]:
        return None
    if kinds[0] is Kind.LANGUAGES and not speaks(match["rest"]):
        kinds = (Kind.SKILLS,)  # Languages: Java, Kotlin
    if kinds[0] in (Kind.SUMMARY, Kind.OTHER) and current[0] in (*CAREERS, Kind.PROJECTS):
        return None
    return kinds, replace(line, text=match["rest"], bullet=False), False


def _inline_row(
    line: Line, cells: Sequence[str], current: tuple[Kind, ...]
) -> tuple[tuple[Kind, ...], Line, bool] | None:
    kinds = heading_kinds(cells[0])
    if not kinds or kinds[0] in (Kind.CONTACT, Kind.HEADER):
        return None
    own = column_labels(cells[0])
    if kinds[0] is current[0] and own & _OF_AN_ENTRY:
        return None  # 근무처 | 가람물산 within the careers: the label of an entry
    if current[0] in CAREERS and kinds[0] not in CAREERS and own & _NAMING:
        return None  # Organization | Harbor Foods there
    stated = cells[0].endswith(":") or cells[1].startswith(":")
    spoken = kinds[0] is Kind.LANGUAGES and speaks(" ".join(cells[1:]))
    listed = kinds[0] is Kind.SKILLS or (kinds[0] is Kind.LANGUAGES and not spoken)
    listed |= squeeze(cells[0]) in _THE_REST and "," in cells[1]
    if current[0] is Kind.SKILLS and (listed or (stated and not spoken)):
        return None  # a category among the skills
    if kinds[0] is Kind.SKILLS and any(periods(c) for c in cells[1:]):
        return None  # 컴퓨터활용능력 | 2022.09 | 1급: the name of a certificate
    if any(k and k[0] in CAREERS and k != kinds for k in map(heading_kinds, cells[1:])):
        return None  # a row of labels: 학력 | 경력 | 희망연봉
    labels = sum(is_column_label(c) for c in cells[1:])
    if labels == len(cells) - 1 and own and (kinds[0] not in CAREERS or own & _NAMING):
        return None  # the header row of a table: 기간 | 경력 | 직위, 근무처 | 직위 | 기간
    rest = replace(
        line,
        text="\t".join(cells[1:]),
        cells=tuple(cells[1:]) if len(cells) > 2 else (),
        bullet=False,
    )
    table = labels > 1 or len(cells) > 2 or any(periods(c) for c in cells[1:])
    lasting = kinds[0] in (*CAREERS, Kind.FAMILY, Kind.REFERENCES)
    return kinds, rest, (table and lasting) or (labels > 1 and kinds[0] in _TABLED)
