"""Who reads the résumé: a model when one is configured, the rules otherwise and as its fallback."""

import hashlib
import json
import re
import unicodedata
from collections.abc import Awaitable, Hashable, Mapping, Sequence
from enum import StrEnum
from typing import Protocol

from pydantic import BaseModel, ConfigDict, ValidationError

from app.candidates.profile import Note, Profile
from app.candidates.prompts.analysis import ANALYSIS_V2, ResumeAnswer, fenced
from app.candidates.reading import Reading
from app.candidates.understanding import Claim, Shown, Window, check, show
from app.errors import ErrorCode, PermanentError
from app.providers.answers import Answer
from app.resilience.rollout_config import EVERYONE_BP, Extent, Limits, RolloutSpec
from app.telemetry.logs import get_logger
from app.telemetry.metrics import record_refused_value

log = get_logger(__name__)


class Analyst(StrEnum):
    """Who made the profile; stored and shown with it."""

    RULES = "rules"
    MODEL = "model"


class Analysis(BaseModel):
    """`truncated`: the model saw only a part of the document. The counts are of what was dropped."""

    model_config = ConfigDict(frozen=True)

    profile: Profile
    analyst: Analyst
    model: str | None = None
    truncated: bool = False
    withheld: int = 0
    refused: int = 0


History = Sequence[Mapping[str, str]]
"""Earlier turns as `role` and `content`."""

_MAX_DOCUMENT_CHARS = 40_000
_MIN_DOCUMENT_CHARS = 4_000
"""A model that refuses a question of this length refuses it for another reason."""

_TOO_LONG = frozenset({400, 413})
"""How servers refuse a question that is longer than the model's window."""

_MAX_ANSWER_CHARS = 100_000
"""The schema's bounds are about half of it; a longer answer is one that repeats itself."""

_MAX_QUOTED_CHARS = 4_000
"""Of a wrong answer that the model is shown again: the correction must fit into its window."""

_NOT_ASKED_AGAIN = frozenset({"refusal", "content_filter"})


class Asker(Protocol):
    """Ask the model once; an answer that an earlier attempt paid for is returned again."""

    def __call__(self, item: str, user: str, history: History) -> Awaitable[Answer]:
        """`item` identifies the question within the run."""
        ...


MODEL_ANALYST = RolloutSpec(
    name="model_analyst",
    description="Résumés are read by the model; for the others, the rules read alone.",
    default=Extent(share_bp=EVERYONE_BP),
    # Rules and model need not agree on everything; on who the person is they do, nearly always.
    limits=Limits(max_mismatch_rate=0.3, max_error_rate=0.3, min_samples=50, window=200),
    # While the model is away its breaker and the fallback are the remedy, and the file is no fault
    # of the model: what counts is answers that cannot be understood, and bugs.
    input_codes=frozenset(ErrorCode) - {ErrorCode.LLM_PARSE_ERROR, ErrorCode.WORKER_ERROR},
)


def comparable(analysis: Analysis) -> Mapping[str, Hashable]:
    """What two readings of one résumé must agree on: who the person is, however it is spelt."""
    profile = analysis.profile
    return {
        "name": "".join(unicodedata.normalize("NFKC", profile.name or "").casefold().split()),
        "emails": frozenset(address.casefold() for address in profile.emails),
        "phones": frozenset(re.sub(r"\D", "", phone)[-8:] for phone in profile.phones),
    }


async def analyze_by_rules(reading: Reading) -> Analysis:
    """The rule-based analyst; needs no model and no network."""
    facts = await reading.facts()
    notes = {
        Note.HIDDEN_TEXT: reading.document.hidden_chars,
        Note.INSTRUCTIONS_WITHHELD: facts.withheld_count,
    }
    profile = _noted(facts.profile, notes)
    return Analysis(profile=profile, analyst=Analyst.RULES, withheld=facts.withheld_count)


async def analyze_by_model(reading: Reading, ask: Asker, *, parse_tries: int) -> Analysis:
    """The model's reading of the masked text: what the document holds of it, with contacts put back.

    A document that is too long for the model is cut, and asked about again in half. An answer that
    does not parse is asked for again with the parse error. Raises LLM_PARSE_ERROR when all tries are
    spent, when the model refuses, or when the answer is about somebody else; and the model's own
    codes.
    """
    facts = await reading.facts()
    max_chars = _MAX_DOCUMENT_CHARS
    while True:
        shown = await reading.compute(show, Window(text=facts.text, max_chars=max_chars))
        try:
            return await _asked(reading, shown, ask, parse_tries)
        except PermanentError as error:
            shown_chars = len(facts.text) - shown.left_out_chars
            if not _is_too_long(error) or shown_chars <= _MIN_DOCUMENT_CHARS:
                raise
            max_chars = shown_chars // 2
            log.info("document_cut", max_chars=max_chars)


async def _asked(reading: Reading, shown: Shown, ask: Asker, tries: int) -> Analysis:
    facts = await reading.facts()
    question = turn = fenced(shown.text)
    history: list[Mapping[str, str]] = []
    for _ in range(tries):
        item = prompt_hash(turn, history)
        answer = await ask(item, turn, history)
        try:
            parsed = parse(answer)
        except Misunderstood as wrong:
            log.warning("answer_not_understood", model=answer.model, reason=wrong.reason)
            if answer.finish_reason in _NOT_ASKED_AGAIN:
                raise _unusable(answer.finish_reason) from None
            history = [
                {"role": "user", "content": question},
                {"role": "assistant", "content": answer.text[:_MAX_QUOTED_CHARS]},
            ]
            turn = f"That did not parse: {wrong}. Answer again, JSON only."
            continue
        claim = Claim(
            answer=parsed,
            document=reading.document,
            withheld=facts.withheld,
            placeholders=shown.placeholders,
            known=facts.profile,
        )
        checked = await reading.compute(check, claim)
        refused = sum(checked.refused.values())
        if refused:
            log.warning("values_refused", model=answer.model, fields=dict(checked.refused))
            for field, count in checked.refused.items():
                record_refused_value(field, count=count)
        if checked.foreign:
            raise _unusable("not of this document")
        notes = {
            Note.TRUNCATED: shown.left_out_chars,
            Note.HIDDEN_TEXT: reading.document.hidden_chars,
            Note.INSTRUCTIONS_WITHHELD: facts.withheld_count,
            Note.VALUES_REFUSED: refused,
        }
        return Analysis(
            profile=_noted(checked.profile, notes),
            analyst=Analyst.MODEL,
            model=answer.model,
            truncated=shown.left_out_chars > 0,
            withheld=facts.withheld_count,
            refused=refused,
        )
    raise PermanentError(ErrorCode.LLM_PARSE_ERROR, details={"tries": tries})


def _noted(profile: Profile, counts: Mapping[Note, int]) -> Profile:
    notes = [note.value for note, count in counts.items() if count]
    if not (profile.name or profile.emails or profile.phones):
        notes.append(Note.NAMES_NOBODY.value)
    return profile.model_copy(update={"notes": tuple(notes)})


def _unusable(reason: str) -> PermanentError:
    return PermanentError(ErrorCode.LLM_PARSE_ERROR, details={"reason": reason})


def _is_too_long(error: PermanentError) -> bool:
    return (
        error.code is ErrorCode.VALIDATION_ERROR and error.details.get("http_status") in _TOO_LONG
    )


def prompt_hash(question: str, history: History) -> str:
    """Identifies a question: same prompt, same text, same history."""
    whole = json.dumps([ANALYSIS_V2, question, list(history)], ensure_ascii=False)
    return hashlib.sha256(whole.encode("utf-8", "surrogatepass")).hexdigest()


class Misunderstood(Exception):  # noqa: N818 - reads as what it reports
    """An answer is not what was asked for. The text is for the model; `reason` is of few values.

    Neither holds a value of the answer: they are the document's.
    """

    def __init__(self, reason: str, told: str) -> None:
        self.reason = reason
        super().__init__(told)


def parse(answer: Answer) -> ResumeAnswer:
    """The answer as it was asked for; prose and Markdown around the JSON are passed over.

    Raises Misunderstood.
    """
    text = answer.text.strip()
    if answer.finish_reason == "refusal" or not text:
        raise Misunderstood("empty", "the answer was empty")
    if len(text) > _MAX_ANSWER_CHARS:
        raise Misunderstood("too_long", "the answer was far too long; repeat nothing")
    if answer.finish_reason == "length":
        told = "the answer was cut off at the greatest length; write the same shorter"
        raise Misunderstood("cut_off", told)
    try:
        return ResumeAnswer.model_validate_json(_object_in(text))
    except ValidationError as error:
        raise Misunderstood("schema", _fault(error)) from None


def _object_in(text: str) -> str:
    """The first JSON object of a text, else the text as it is."""
    start = text.find("{")
    if start < 0:
        return text
    try:
        _, end = _JSON.raw_decode(text, start)
    except (ValueError, RecursionError):
        return text
    return text[start:end]


_JSON = json.JSONDecoder()


def _fault(error: ValidationError) -> str:
    """Where and why, without the values: they are the document's."""
    faults = error.errors(include_input=False, include_url=False, include_context=False)
    return "; ".join(f"{'.'.join(map(str, f['loc'])) or 'answer'}: {f['msg']}" for f in faults[:5])
