"""What a document and the placeholders in it support of a single value."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from app.candidates.grounding import SourceText, significant_words, squeezed
from app.candidates.orders import gives_orders, visible
from app.candidates.privacy import Kind
from app.candidates.profile import Span
from app.candidates.rules.addresses import emails_in
from app.candidates.rules.phones import phones_in
from app.candidates.rules.vocabulary import company_score, has_school

PLACEHOLDER = re.compile(r"\[([A-Z]{2,12})_\d{1,7}\]")

_GIVEN_BACK = frozenset({Kind.ADDRESS.value})
"""Kinds that are unmasked outside of the contacts: an employer's name may look like an address."""

_HANGUL_STEM, _LATIN_STEM = 2, 5  # particles and endings are cut off
_NAME_MAX_CHARS = 80
_NAME_MAX_BLOCKS = 2
_NUMBER = re.compile(r"\d+")
_THOUSANDS = re.compile(r"(?<=\d),(?=\d{3})")
_CAPITALISED = re.compile(r"(?<!^)(?<![.!?。]\s)\b[A-Z][\w+#]+|\b[A-Z]{2,}\b")


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """The text as it was, and what its placeholders stand for."""

    source: SourceText
    placeholders: Mapping[str, str]

    def is_supported(self, text: str, *, share: float) -> bool:
        """Whether the document holds its numbers, its names and enough of its words."""
        plain = _THOUSANDS.sub("", text)
        if gives_orders(text) or not all(map(self.source.holds_number, _NUMBER.findall(plain))):
            return False
        words = significant_words(_NUMBER.sub(" ", plain))
        names = [squeezed(word) for word in _CAPITALISED.findall(text)]
        names += [word[:-1] for word in words if company_score(word) or has_school(word)]
        if not words or not all(map(self.source.holds_start, names)):
            return False
        held = sum(self.source.holds_start(_stem(word)) for word in words)
        return held >= share * len(words)

    def text(self, given: str) -> str | None:
        """The value in one line, without what nobody sees, unless it holds contact data."""
        text = PLACEHOLDER.sub(
            lambda found: (
                self.placeholders.get(found[0], found[0]) if found[1] in _GIVEN_BACK else found[0]
            ),
            " ".join(visible(given).split()),
        )
        if not text or PLACEHOLDER.search(text) or "://" in text or emails_in(text):
            return None
        return None if phones_in(text) or gives_orders(text) else text

    def name_spans(self, given: str) -> tuple[Span, ...]:
        text = self.text(given)
        if not text or len(text) > _NAME_MAX_CHARS or _NUMBER.search(text):
            return ()
        at = self.source.find_words(text)
        return at if len({span.block for span in at}) <= _NAME_MAX_BLOCKS else ()


def _stem(word: str) -> str:
    return word[: _HANGUL_STEM if "가" <= word[0] <= "힣" else _LATIN_STEM]
