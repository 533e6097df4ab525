"""A profile to hand on without saying whose it is.

What is left out is left out in doubt: a sentence that hints at age, gender, family or military service
goes whole. Names, mails and the like within other texts become placeholders, as for a model.
"""

import base64
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from pydantic import BaseModel
from sqlalchemy.ext.asyncio import AsyncSession

from app.candidates.matching import all_names
from app.candidates.name_parts import parts_of
from app.candidates.privacy import mask
from app.candidates.profile import Profile
from app.candidates.tables import CandidateRow
from app.candidates.views import open_profile
from app.store.crypto import BlindIndex, Keyring


class AnonymousExperience(BaseModel):
    """`company` is there only when employers are kept."""

    title: str | None
    company: str | None
    start: str | None
    end: str | None


class AnonymousEducation(BaseModel):
    """`school` is there only when schools are kept."""

    degree: str | None
    school: str | None
    start: str | None
    end: str | None


class AnonymousLanguage(BaseModel):
    name: str
    level: str | None


class AnonymousProfile(BaseModel):
    """`pseudonym` is the same for one candidate at every export, and tells nothing else."""

    pseudonym: str
    headline: str | None
    years: float
    language: str | None
    skills: list[str]
    experience: list[AnonymousExperience]
    education: list[AnonymousEducation]
    languages: list[AnonymousLanguage]
    summary: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Keep:
    """What else may be told."""

    employers: bool = False
    schools: bool = False


async def export(
    session: AsyncSession,
    keyring: Keyring,
    index: BlindIndex,
    candidate: CandidateRow,
    keep: Keep,
) -> AnonymousProfile:
    """The newest version of a candidate. Raises ENCRYPTION_ERROR when its key was destroyed."""
    profile = await open_profile(session, keyring, candidate)
    names = await all_names(session, keyring, candidate)
    return anonymous(profile, names, keep, years=candidate.years).model_copy(
        update={"pseudonym": pseudonym(index, candidate.id)}
    )


def anonymous(
    profile: Profile, names: Sequence[str], keep: Keep, *, years: float
) -> AnonymousProfile:
    """The profile without name, contacts, links and picture, nor what hints at them; no pseudonym.

    `names` are the spellings of the person's name. Employers and schools that are not kept are
    replaced within other texts too.
    """
    hidden = {
        "EMPLOYER": () if keep.employers else [entry.company for entry in profile.experience],
        "SCHOOL": () if keep.schools else [entry.school for entry in profile.education],
    }
    told = _Telling(names=tuple(_names(profile, names)), hidden=_hidden(hidden))
    skilled = _Telling(names=tuple(names), hidden=[])
    return AnonymousProfile(
        pseudonym="",
        headline=told.line(profile.headline),
        years=years,
        language=profile.language if profile.language in _LANGUAGES else None,
        # A skill with something masked in it was none.
        skills=[skill for skill in profile.skills if skilled.line(skill) == skill],
        experience=[
            AnonymousExperience(
                title=told.line(entry.title),
                company=told.line(entry.company) if keep.employers else None,
                start=entry.start,
                end=entry.end,
            )
            for entry in profile.experience
            if not _SERVICE.search(f"{entry.company} {entry.title or ''}")
        ],
        education=[
            AnonymousEducation(
                degree=told.line(entry.degree),
                school=told.line(entry.school)
                if keep.schools and not _GENDERED_SCHOOL.search(entry.school)
                else None,
                start=entry.start,
                end=entry.end,
            )
            for entry in profile.education
        ],
        languages=[
            AnonymousLanguage(name=name, level=told.line(entry.level))
            for entry in profile.languages
            if (name := told.line(entry.name)) is not None
        ],
        summary=told.text(profile.summary),
    )


def pseudonym(index: BlindIndex, candidate_id: UUID) -> str:
    """The same for a candidate of a tenant at all times; keyed, so that no id leads to it or back."""
    digest = index.content(b"naru pseudonym\x00" + candidate_id.bytes)
    return "P-" + base64.b32encode(digest).decode("ascii")[:_PSEUDONYM_CHARS]


_PSEUDONYM_CHARS: Final = 12
_LANGUAGES: Final = frozenset({"ko", "en"})

_SERVICE: Final = re.compile(
    r"군필|미필|병역|군\s?복무|군\s?경력|군인|입대|전역|제대|육군|해군|공군|해병|의무\s?경찰|의경|의무\s?소방|카투사"
    r"|사회\s?복무|공익\s?근무|산업기능요원|전문연구요원|예비군|병장|상병|일병|이병|학군단|학사\s?장교|부사관"
    r"|\bROTC\b|\bKATUSA\b|\bmilitary\b|\barmy\b|\bnavy\b|\bair force\b|\bmarines?\b|\bmarine corps\b"
    r"|\bconscript\w*|\bveteran\b|\bnational service\b|\bhonou?rably discharged\b",
    re.IGNORECASE,
)
_AGE_AND_GENDER: Final = re.compile(
    r"생년\s?월일|출생|생일|\d{2,4}\s?년\s?생(?!산|물|명|활)|(?:만\s?)?\d{2}\s?세(?![가-힣])|나이|연령|성별|남성|여성|남자|여자"
    r"|소년|소녀|청년|\bdate of birth\b|\bd\.?o\.?b\b|\bbirth\s?(?:day|date)\b|\bborn\b"
    r"|\byears?[ -]old\b|\bage[ds]?\s?:?\s?\d|\bmy age\b|\b(?:fe)?male\b|\bgender\b|\bsex\b|\bwom[ae]n\b|\bm[ae]n\b",
    re.IGNORECASE,
)
_FAMILY_AND_PERSON: Final = re.compile(
    r"부친|모친|아버지|어머니|부모|남편|아내|배우자|결혼|미혼|기혼|자녀|아들|딸(?!기)|형제|자매|장남|장녀|차남|차녀|막내|외동"
    r"|가족|육아|출산|임신|본적|국적|종교|혈액형|증명\s?사진|사진\s?첨부|신장\s?:?\s?\d|체중"
    r"|\bfather\b|\bmother\b|\bhusband\b|\bwife\b|\bspouse\b|\bmarried\b|\bdivorced\b|\bwidow(?:er)?\b"
    r"|\bmarital\b|\bchild(?:ren)?\b|\bsons?\b|\bdaughters?\b|\bfamily\b|\bmaternity\b|\bpaternity\b"
    r"|\bpregnan\w*|\bnationality\b|\bcitizenship\b|\breligio\w*|\bphoto(?:graph)? (?:attached|enclosed)\b",
    re.IGNORECASE,
)
_GENDERED_SCHOOL: Final = re.compile(
    r"여자|여대|여고|여중|남자|남고|남중|\bwom[ae]n|\bgirls?\b|\bboys?\b|\bladies\b", re.IGNORECASE
)
_PRONOUNS: Final = {
    "he": "they", "she": "they", "his": "their", "her": "their", "him": "them", "hers": "theirs",
    "himself": "themselves", "herself": "themselves",
}  # fmt: skip
_PRONOUN: Final = re.compile(rf"\b(?:{'|'.join(_PRONOUNS)})\b", re.IGNORECASE)
_FORM_OF_ADDRESS: Final = re.compile(r"\b(?:Mr|Mrs|Ms|Miss|Mister|Sir|Madam)\b\.?\s?")
_SENTENCE_END: Final = re.compile(r"(?<=[.!?。])\s+|\n+|\s+[•·▪|/]\s+|;\s*")
_LEGAL_FORM: Final = re.compile(
    r"주식회사|유한회사|유한책임회사|[(（](?:주|유|재|사)[)）]|㈜"
    r"|\b(?:inc|incorporated|ltd|limited|llc|corp|corporation|co|company|gmbh|plc)\b\.?|,",
    re.IGNORECASE,
)
_SHORTEST_ORGANISATION: Final = 2
_SHORTEST_HANDLE: Final = 4


class _Telling:
    """What may be told of a text."""

    def __init__(
        self, *, names: tuple[str, ...], hidden: list[tuple[re.Pattern[str], str]]
    ) -> None:
        self._names = names
        self._hidden = hidden

    def line(self, value: str | None) -> str | None:
        """A title, a degree, a skill: all of it, or nothing when it hints at the person."""
        if value is None or _SERVICE.search(value) or _AGE_AND_GENDER.search(value):
            return None
        return self._masked(value)

    def text(self, value: str | None) -> str | None:
        """The sentences that hint at nothing."""
        kept = [
            sentence
            for sentence in _SENTENCE_END.split(value or "")
            if not any(
                hint.search(sentence) for hint in (_SERVICE, _AGE_AND_GENDER, _FAMILY_AND_PERSON)
            )
        ]
        return self._masked(" ".join(kept))

    def _masked(self, value: str) -> str | None:
        # Before names: a firm may bear that of its founder.
        for pattern, label in self._hidden:
            value = pattern.sub(label, value)
        value = _FORM_OF_ADDRESS.sub("", _PRONOUN.sub(_neutral, value))
        value = mask(value.replace("그녀", "그"), names=self._names).text.strip()
        return value or None


def _neutral(found: re.Match[str]) -> str:
    word = _PRONOUNS[found[0].lower()]
    return word.capitalize() if found[0][0].isupper() else word


def _hidden(groups: Mapping[str, Sequence[str]]) -> list[tuple[re.Pattern[str], str]]:
    """A pattern for each that is hidden, the longest first: one may be a part of another."""
    spellings: dict[str, str] = {}
    for kind, values in groups.items():
        different = dict.fromkeys(" ".join(value.split()) for value in values)
        for number, value in enumerate(different, start=1):
            core = " ".join(_LEGAL_FORM.sub(" ", value).split())
            for spelling in (value, core):
                if len(spelling) >= _SHORTEST_ORGANISATION:
                    spellings.setdefault(spelling, f"[{kind}_{number}]")
    ordered = sorted(spellings, key=lambda each: (-len(each), each))
    return [(_spaced(spelling), spellings[spelling]) for spelling in ordered]


def _spaced(value: str) -> re.Pattern[str]:
    """However it is spaced; a Latin word is whole, but a Korean particle may follow it."""
    spaced = r"\s*".join(re.escape(word) for word in value.split())
    return re.compile(rf"(?<![A-Za-z0-9_]){spaced}(?![A-Za-z0-9_])", re.IGNORECASE)


def _names(profile: Profile, names: Sequence[str]) -> Iterator[str]:
    """The names, their parts, and the handles under which the person goes elsewhere."""
    for name in names:
        yield name
        yield from parts_of(name)
    handles = [mail.partition("@")[0] for mail in profile.emails]
    handles += [link.rstrip("/").rpartition("/")[2].lstrip("@") for link in profile.links]
    yield from (handle for handle in handles if len(handle) >= _SHORTEST_HANDLE)
