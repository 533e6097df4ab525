"""Compares results of ingestion with labelled answers, field by field.

Micro-averaged precision, recall and F1 over all résumés. White space, case and Unicode form do not
count; phones compare by digits (+82 is 0), links without scheme, www. and a trailing slash. Entries
are paired by the similarity of their organisation (0.85 and more counts as the same); inside a pair
the role and both dates are compared, a date to the precision of the answer's.
"""

import difflib
import json
import re
import unicodedata
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

_SAME = 0.85
_PHONE_DIGITS = 11
_NOT_A_RESUME = frozenset({"INVALID_FILE", "VALIDATION_ERROR"})

Row = Mapping[str, Any]


@dataclass(slots=True)
class Tally:
    """How many values were expected, found, and right."""

    right: int = 0
    found: int = 0
    expected: int = 0

    def add(self, right: int, found: int, expected: int) -> None:
        self.right += right
        self.found += found
        self.expected += expected

    @property
    def precision(self) -> float:
        return self.right / self.found if self.found else float(self.expected == 0)

    @property
    def recall(self) -> float:
        return self.right / self.expected if self.expected else 1.0

    @property
    def f1(self) -> float:
        both = self.precision + self.recall
        return 2 * self.precision * self.recall / both if both else 0.0


@dataclass(slots=True, kw_only=True)
class Score:
    """The table, the states, and what was missing or wrong, file by file."""

    fields: dict[str, Tally] = field(default_factory=lambda: defaultdict[str, Tally](Tally))
    states_right: int = 0
    states_wrong: list[str] = field(default_factory=list[str])
    not_run: list[str] = field(default_factory=list[str])
    notes: list[str] = field(default_factory=list[str])

    @property
    def state_share(self) -> float:
        """The share of files that ended as they should; a file that was not run counts as wrong."""
        wrong = len(self.states_wrong) + len(self.not_run)
        return self.states_right / max(self.states_right + wrong, 1)


def score(runs: Mapping[str, Row], answers: Mapping[str, Row]) -> Score:
    """Both by file name; a run is a row of `./run ingest --json --reveal`."""
    result = Score()
    for name, answer in sorted(answers.items()):
        run = runs.get(name)
        if run is None:
            result.not_run.append(name)
            continue
        if _ended_well(run, answer):
            result.states_right += 1
        else:
            wanted = answer.get("error", "success")
            result.states_wrong.append(
                f"{name}: {run.get('status')} {run.get('code') or ''}, expected {wanted}"
            )
        if "error" not in answer and answer.get("resume") is not False:
            _compare(result, name, answer, run.get("profile") or {})
    return result


def _ended_well(run: Row, answer: Row) -> bool:
    status, code = run.get("status"), run.get("code")
    good = status in ("succeeded", "partial")
    if error := answer.get("error"):
        ended = status == "failed" and code == error
        told = plain(json.dumps(run.get("details") or {}, ensure_ascii=False))
        # Names are personal data: in the details, never in the message.
        return ended and all(
            plain(name) in told and name not in (run.get("message") or "")
            for name in answer.get("names", ())
        )
    if answer.get("resume") is False:
        return good or (status == "failed" and code in _NOT_A_RESUME)
    return good


def _compare(result: Score, name: str, answer: Row, profile: Row) -> None:
    before = {key: (tally.right, tally.expected) for key, tally in result.fields.items()}
    tallies = result.fields
    if answer.get("name"):
        names = {plain(answer["name"]), plain(answer.get("name_en"))} - {""}
        got = plain(profile.get("name"))
        tallies["name"].add(int(got in names), int(bool(got)), 1)
    for key, form in _SETS.items():
        if key in answer:
            want = {form(value) for value in answer[key]}
            found = {form(value) for value in profile.get(key) or ()}
            tallies[key].add(len(want & found), len(found), len(want))
    if answer.get("language"):
        got = profile.get("language")
        tallies["language"].add(int(got == answer["language"]), int(bool(got)), 1)
    for key, org, role in (("experience", "company", "title"), ("education", "school", "degree")):
        if key in answer:
            _compare_entries(tallies, (key, org, role), answer[key], profile.get(key) or ())
    for key, tally in tallies.items():
        right, expected = before.get(key, (0, 0))
        if tally.expected - expected > tally.right - right:
            result.notes.append(
                f"{name}: {key} {tally.right - right} of {tally.expected - expected}"
            )


def _compare_entries(
    tallies: dict[str, Tally], keys: tuple[str, str, str], want: Sequence[Row], got: Sequence[Row]
) -> None:
    kind, org, role = keys
    left = list(got)
    pairs: list[tuple[Row, Row]] = []
    for row in want:
        same = [other for other in left if similar(row.get(org), other.get(org))]
        if not same:
            continue
        # The same organisation twice: rather the entry with the same role.
        best = next((o for o in same if similar(row.get(role), o.get(role))), None) or max(
            same, key=lambda o: _likeness(row.get(org), o.get(org))
        )
        left.remove(best)
        pairs.append((row, best))
    tallies[f"{kind}.{org}"].add(len(pairs), len(got), len(want))
    tallies[f"{kind}.{role}"].add(
        sum(similar(row[role], other.get(role)) for row, other in pairs if row.get(role)),
        sum(bool(other.get(role)) for other in got),
        sum(bool(row.get(role)) for row in want),
    )
    tallies[f"{kind}.dates"].add(
        sum(
            _date_right(row.get(key), other.get(key))
            for row, other in pairs
            for key in ("start", "end")
            if key in row
        ),
        2 * len(got),
        sum(key in row for row in want for key in ("start", "end")),
    )


def plain(value: object) -> str:
    """Without white space, case and differences of Unicode form."""
    text = unicodedata.normalize("NFKC", str(value or "")).replace("\u00ad", "")
    return re.sub(r"\s+", "", text).casefold()


def similar(one: object, two: object) -> bool:
    return bool(plain(one)) and bool(plain(two)) and _likeness(one, two) >= _SAME


def _likeness(one: object, two: object) -> float:
    a, b = plain(one), plain(two)
    return 1.0 if a == b else difflib.SequenceMatcher(None, a, b).ratio()


def _date_right(expected: object, got: object) -> bool:
    if expected in (None, ""):
        return got in (None, "", "present")
    return str(got or "").startswith(str(expected))


def _phone(value: object) -> str:
    digits = re.sub(r"\D", "", str(value))
    if digits.startswith("82"):
        digits = "0" + digits[2:].lstrip("0")
    return digits[1:] if len(digits) == _PHONE_DIGITS and digits.startswith("1") else digits


def _link(value: object) -> str:
    return re.sub(r"^(https?://)?(www\.)?", "", plain(value)).rstrip("/")


_SETS: Mapping[str, Callable[[object], str]] = {
    "emails": plain,
    "phones": _phone,
    "links": _link,
    "skills": plain,
}
