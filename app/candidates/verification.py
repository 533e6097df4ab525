"""The model's answer held against the document: what does not stand there is refused.

Contacts are never the model's: it sees placeholders, and the rules see the text. Where a field is
refused or left empty, what the rules found takes its place. Each value that stays has its source.
"""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from app.candidates.evidence import PLACEHOLDER, Evidence
from app.candidates.grounding import SourceText, by_line, significant_words, squeezed
from app.candidates.orders import visible
from app.candidates.privacy import Kind
from app.candidates.profile import Education, Experience, PartialDate, Profile, Span, SpokenLanguage
from app.candidates.prompts.analysis import EducationAnswer, ExperienceAnswer, ResumeAnswer
from app.candidates.rules.summary import is_private

Row = TypeVar("Row", Education, Experience)

_CONTACT_KINDS = {"emails": Kind.EMAIL, "phones": Kind.PHONE, "links": Kind.LINK}

_AGREED, _GROUNDED, _LOOSE, _DISPUTED = 0.97, 0.92, 0.75, 0.6
"""Confidence: rules and model say the same; it stands in the document; its words do; they differ."""

_SURE = 0.9
"""Of the rules' name: from here on it stands against another one of the model's."""

_TRUSTED = 0.6
"""Of the rules: below it, what they found does not fill what the model left empty."""

_PARAPHRASED = 0.6
"""The share of a sentence's words that must begin as some word of the document does."""

_SKILL_MAX_CHARS = 80
_SENTENCE = re.compile(r"(?:[^.!?。]|[.!?。](?!\s|$))+[.!?。]*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Verified:
    """`refused` counts values by field. `foreign`: nothing that names the person is of this document."""

    profile: Profile
    refused: Mapping[str, int]
    foreign: bool


def verified(
    answer: ResumeAnswer,
    source: SourceText,
    placeholders: Mapping[str, str],
    known: Profile,
) -> Verified:
    """The profile that answer and document support. `known` is what the rules read, with sources."""
    check = _Check(evidence=Evidence(source=source, placeholders=placeholders), known=known)
    check.name(answer.name)
    for kind, given in (
        ("emails", answer.emails),
        ("phones", answer.phones),
        ("links", answer.links),
    ):
        check.contacts(kind, given)
    check.education(answer.education)
    check.experience(answer.experience)
    check.skills(answer.skills)
    check.languages([(each.name, each.level) for each in answer.languages])
    check.headline(answer.headline)
    check.summary(answer.summary)
    named = sum(bool(given) for given in (answer.name, answer.emails, answer.phones, answer.links))
    return Verified(
        profile=check.profile(),
        refused=dict(check.refused),
        foreign=named > 0 and bool(check.refused) and not check.recognised,
    )


@dataclass(slots=True, kw_only=True)
class _Check:
    """The profile as it comes to be, field by field."""

    evidence: Evidence
    known: Profile
    refused: Counter[str] = field(default_factory=Counter[str])
    recognised: bool = False
    values: dict[str, object] = field(default_factory=dict[str, object])
    confidence: dict[str, float] = field(default_factory=dict[str, float])
    sources: dict[str, tuple[Span, ...]] = field(default_factory=dict[str, tuple[Span, ...]])

    def profile(self) -> Profile:
        """Fields that were never looked at are the rules'."""
        found = {name: round(min(0.99, value), 2) for name, value in self.confidence.items()}
        if "language" in self.known.confidence:
            found["language"] = self.known.confidence["language"]
        return self.known.model_copy(
            update={**self.values, "confidence": found, "sources": self.sources}
        )

    # --- Who it is ---

    def name(self, given: str | None) -> None:
        known, sure = self.known.name, self.known.confidence.get("name", 0.0)
        spans = self.evidence.name_spans(given) if given else ()
        if given and not spans:
            self.refused["name"] += 1
        self.recognised = self.recognised or bool(spans)
        if not given or not spans:
            self._take("name")
        elif known and not _same_name(given, known):
            # Both stand in the document. Orders in it reach the model alone, so the rules win if sure.
            self._take("name")
            if sure < _SURE:
                self._set("name", " ".join(given.split()), spans, _DISPUTED)
            else:
                self.confidence["name"] = _DISPUTED
        else:
            self._set("name", " ".join(given.split()), spans, _AGREED if known else _GROUNDED)

    def contacts(self, name: str, given: Sequence[str]) -> None:
        """The rules' where they found any; else those that the model chose by placeholder."""
        kind = _CONTACT_KINDS[name]
        chosen = [
            self.evidence.placeholders[label]
            for value in given
            if (label := value.strip()) in self.evidence.placeholders
            and label.startswith(f"[{kind}_")
        ]
        self._refuse(name, sum(bool(value.strip()) for value in given) - len(chosen))
        self.recognised = self.recognised or bool(chosen)
        known: tuple[str, ...] = getattr(self.known, name)
        self._take(name)
        if known:
            if {*map(squeezed, chosen)} == {*map(squeezed, known)}:
                self.confidence[name] = max(self.confidence.get(name, 0.0), _AGREED)
        elif chosen:
            values = tuple(dict.fromkeys(chosen))
            spans = [self.evidence.source.find(value) for value in values]
            self._set_all(name, values, spans, _GROUNDED)

    # --- What was done and learnt ---

    def experience(self, given: Sequence[ExperienceAnswer]) -> None:
        def check(each: ExperienceAnswer) -> _Checked[Experience] | None:
            found = self._row("company", each.company, each.start)
            if found is None:
                return None
            company, at = found
            same = next((x for x in self.known.experience if _same(x.company, company)), None)
            title, title_at = self._part("title", each.title, at, same.title if same else None)
            start, start_at = self._date(each.start, at)
            end, end_at = self._date(each.end, at)
            row = Experience(company=company, title=title, start=start, end=end)
            return row, {"company": at, "title": title_at, "start": start_at, "end": end_at}

        self._rows("experience", "company", [check(each) for each in given])

    def education(self, given: Sequence[EducationAnswer]) -> None:
        def check(each: EducationAnswer) -> _Checked[Education] | None:
            found = self._row("school", each.school, each.start or each.end)
            if found is None:
                return None
            school, at = found
            same = next((x for x in self.known.education if _same(x.school, school)), None)
            degree, degree_at = self._part("degree", each.degree, at, same.degree if same else None)
            start, start_at = self._date(each.start, at)
            end, end_at = self._date(each.end, at)
            row = Education(school=school, degree=degree, start=start, end=end)
            return row, {"school": at, "degree": degree_at, "start": start_at, "end": end_at}

        self._rows("education", "school", [check(each) for each in given])

    def skills(self, given: Sequence[str]) -> None:
        kept: dict[str, tuple[Span, ...]] = {}
        for value in given:
            text = self.evidence.text(value)
            if not value.strip():
                continue
            if (
                text
                and len(text) <= _SKILL_MAX_CHARS
                and (at := self.evidence.source.find_words(text))
            ):
                kept.setdefault(text, at)
            else:
                self.refused["skills"] += 1
        self._keep(
            "skills", list(kept.items()), doubted=self.refused["skills"] >= max(1, len(kept))
        )

    def languages(self, given: Sequence[tuple[str, str | None]]) -> None:
        kept: list[tuple[SpokenLanguage, tuple[Span, ...]]] = []
        for name, level in given:
            text = self.evidence.text(name)
            at = self.evidence.source.find_words(text) if text else ()
            if not text or not at:
                self.refused["languages"] += bool(name.strip())
                continue
            told, level_at = self._part("languages", level, at, None)
            kept.append((SpokenLanguage(name=text, level=told), by_line((*at, *level_at))))
        self._keep("languages", kept, doubted=self.refused["languages"] >= max(1, len(kept)))

    # --- Texts ---

    def headline(self, given: str | None) -> None:
        text = self.evidence.text(given or "")
        if text and not is_private(text):
            at = self.evidence.source.find_words(text)
            if at:
                told = self.evidence.source.is_prose(at)
            else:
                told = not self.evidence.is_supported(text, share=1.0)
            if not told:
                self._set("headline", text, at, _GROUNDED if at else _LOOSE)
                return
        self._refuse("headline", bool(given and given.strip()))
        self._take("headline")

    def summary(self, given: str | None) -> None:
        """A paraphrase is allowed, sentence by sentence; contacts, foreign numbers and names are not."""
        kept: list[str] = []
        spans: list[Span] = []
        for sentence in map(str.strip, _SENTENCE.findall(visible(given or ""))):
            if not sentence:
                continue
            at = self.evidence.source.find(sentence)
            private = is_private(sentence) or PLACEHOLDER.search(sentence)
            if not private and (at or self.evidence.is_supported(sentence, share=_PARAPHRASED)):
                kept.append(sentence)
                spans += at
            else:
                self.refused["summary"] += 1
        if kept:
            verbatim = len({span.block for span in spans}) > 0
            self._set("summary", " ".join(kept), tuple(spans), _GROUNDED if verbatim else _LOOSE)
        elif given or self._is_trusted("summary"):
            self._take("summary")
        else:
            self.values["summary"] = None

    # --- Parts of rows ---

    def _row(
        self, name: str, given: str, date: PartialDate | None
    ) -> tuple[str, tuple[Span, ...]] | None:
        """Employer or school, where it stands nearest to the row's date."""
        text = self.evidence.text(given)
        dated = self.evidence.source.find_date(date) if date else ()
        at = (
            self.evidence.source.find_words(text, near=dated[0].block if dated else None)
            if text
            else ()
        )
        if text and at and not self.evidence.source.is_prose(at):
            return text, at
        self.refused[name] += 1
        return None

    def _part(
        self, name: str, given: str | None, row: tuple[Span, ...], known: str | None
    ) -> tuple[str | None, tuple[Span, ...]]:
        """A cell of the row; a refused one is the rules'."""
        if not given or not given.strip():
            return None, ()
        text = self.evidence.text(given)
        if text and (at := self.evidence.source.find_words(text, near=row[0].block)):
            return text, at
        self.refused[name] += 1
        return known, self.evidence.source.find_words(known, near=row[0].block) if known else ()

    def _date(
        self, given: PartialDate | None, row: tuple[Span, ...]
    ) -> tuple[PartialDate | None, tuple[Span, ...]]:
        """The date, or its year where only that stands in the document."""
        if not given:
            return None, ()
        if at := self.evidence.source.find_date(given, near=row[0].block):
            return given, at
        self.refused["date"] += 1
        at = self.evidence.source.find_date(given[:4], near=row[0].block)
        return (given[:4], at) if at else (None, ())

    # --- Fields ---

    def _rows(self, name: str, key: str, checked: Sequence["_Checked[Row] | None"]) -> None:
        kept = list({row: at for each in checked if each for row, at in (each,)}.items())
        # A model that invented one employer is believed less than rules that found as many.
        doubted = None in checked and len(getattr(self.known, name)) >= len(kept)
        if self._is_left_to_rules(name, kept=bool(kept), given=bool(checked), doubted=doubted):
            return
        self.values[name] = tuple(row for row, _ in kept)
        for number, (_, cells) in enumerate(kept):
            for cell, at in cells.items():
                if at:
                    self.sources[f"{name}.{number}.{cell}"] = at
        if kept:
            spans = [at for _, cells in kept for at in cells.values()]
            self._rate(name, _GROUNDED, len(kept), self.refused[key], spans)

    def _keep(
        self, name: str, kept: Sequence[tuple[object, tuple[Span, ...]]], *, doubted: bool
    ) -> None:
        given = bool(kept) or self.refused[name] > 0
        if self._is_left_to_rules(name, kept=bool(kept), given=given, doubted=doubted):
            return
        self._set_all(name, tuple(value for value, _ in kept), [at for _, at in kept], _GROUNDED)

    def _is_left_to_rules(self, name: str, *, kept: bool, given: bool, doubted: bool) -> bool:
        known = getattr(self.known, name)
        if known and ((given and not kept) or (doubted and self._is_trusted(name))):
            self._take(name)
            return True
        if known and not given and self._is_trusted(name):
            self._take(name)
            return True
        return False

    def _is_trusted(self, name: str) -> bool:
        return self.known.confidence.get(name, 0.0) >= _TRUSTED

    def _take(self, name: str) -> None:
        """What the rules found, with their confidence and sources."""
        self.values[name] = getattr(self.known, name)
        if name in self.known.confidence:
            self.confidence[name] = self.known.confidence[name]
        self.sources |= {
            key: spans
            for key, spans in self.known.sources.items()
            if key == name or key.startswith(f"{name}.")
        }

    def _set(self, name: str, value: object, spans: tuple[Span, ...], sure: float) -> None:
        self.values[name] = value
        self.sources.pop(name, None)
        if spans:
            self.sources[name] = spans
        self._rate(name, sure, 1, self.refused[name], [spans])

    def _set_all(
        self, name: str, values: Sequence[object], spans: Sequence[tuple[Span, ...]], sure: float
    ) -> None:
        self.values[name] = tuple(values)
        self.sources |= {f"{name}.{number}": at for number, at in enumerate(spans) if at}
        if values:
            self._rate(name, sure, len(values), self.refused[name], spans)

    def _rate(
        self, name: str, sure: float, kept: int, refused: int, spans: Iterable[tuple[Span, ...]]
    ) -> None:
        """Less for each refused value, and for text that was read from a picture."""
        legible = self.evidence.source.legibility(span for at in spans for span in at)
        self.confidence[name] = sure * kept / (kept + refused) * legible

    def _refuse(self, name: str, count: int) -> None:
        if count > 0:
            self.refused[name] += count


_Checked = tuple[Row, Mapping[str, tuple[Span, ...]]]
"""A row, and where each of its cells stands."""


def _same(one: str, other: str) -> bool:
    first, second = squeezed(one), squeezed(other)
    return first == second or set(significant_words(one)) == set(significant_words(other))


def _same_name(one: str, other: str) -> bool:
    first, second = squeezed(one), squeezed(other)
    return first in second or second in first or _same(one, other)
