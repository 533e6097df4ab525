# ruff: noqa: PLR2004 - weights and widths of rules, each used where it is explained
"""Words that tell titles, companies, schools and degrees apart."""

import re

from app.candidates.rules.job_words import (
    EN_JOB_ENDING,
    KO_JOB_ENDING,
    KO_ORG_NOT_TITLE,
    KO_TITLE,
    KO_TITLE_PARTS,
    KO_WORKPLACE,
    ORGANISATION,
    RANK,
    SHORT_TITLES,
    TITLE_ENDINGS,
    TITLE_HEADS,
    TITLE_MODIFIERS,
)
from app.candidates.rules.places import is_place
from app.candidates.rules.wordlists import words
from app.documents.remembering import remembered

_LEGAL = re.compile(
    r"(?:\(주\)|\(유\)|\(재\)|\(사\)|주식회사|유한회사|㈜|\b(?:Inc|Ltd|LLC|L\.L\.C|Corp|Corporation|GmbH|PLC|plc|Pty|LLP|Limited|Incorporated"
    r"|S\.A|B\.V|S\.r\.l|Oy|A/S|K\.K)\b\.?|\bCo\.|\b(?:AG|AB|BV|NV|SA|SE|KG|AS|ASA|ApS|Oyj|SpA|S\.p\.A\.|Srl|SARL|SAS|Lda|Ltda|Pvt|Bhd|Kft|s\.r\.o\.|z o\.o\.)$)"
)
_LEGAL_PREFIX = re.compile(
    r"^(?:주식회사|유한회사|합자회사|합명회사|(?:법무|회계|세무|특허|노무|관세|의료|학교|재단|사단|감정평가|사회복지|농업회사|영농조합|비영리)법인|사회적협동조합|협동조합)(?:\s|$)"
)
_RESEARCHER = re.compile(
    r"(?:^|\s)(?:선임|책임|수석|전임|주임|위촉|보조|초빙|객원|박사후|연수|상임|학생|방문|겸임|계약|인턴|참여|특별)\s?연구원$"
)
_LEGAL_ALONE = re.compile(
    r"^(?:Inc|Ltd|LLC|Corp|GmbH|PLC|LLP|Limited|Co|Pty|S\.A|B\.V|N\.V|S\.L|S\.r\.l|S\.p\.A|SpA|Srl|Lda|Ltda|Sdn\.? Bhd|(?:Pvt|Pte|Pty|Co)\.?,? Ltd)\.?$",
    re.IGNORECASE,
)
_DEPARTMENT = re.compile(
    r"^(?:[가-힣A-Za-z0-9&/·\s]{1,20}(?:팀|본부|사업부|부문|그룹|파트|셀|스쿼드|실|부|국|과)|(?:[\w&/ ]{2,30}) (?P<kind>Team|Department|Dept\.?|Division|Group|Squad|Unit|Org))$"
)
_EMPLOYMENT_TYPE = re.compile(
    r"^(?:정규직|계약직|파견직|인턴직|full[- ]time|part[- ]time|contract|remote|hybrid|on-?site|internship|freelance|permanent|temporary|재직\s?중|퇴사|비정규직)$",
    re.IGNORECASE,
)
_PAIR = re.compile(r"([A-Z][\w']+) & [A-Z][\w']+")
# Jobs whose words mean something else when they stand apart.
_JOB_PHRASE = re.compile(
    r"(?:working|work[- ]study|placement|ph\.?d\.?|doctoral) student|(?:ph\.?d\.?|doctoral) candidate|(?:audit|tax|assurance) senior"
    r"|server|quant|gp|chief of staff|mail carrier|key holder|health visitor|au pair|growth hacker",
    re.IGNORECASE,
)
_WORD = re.compile(r"[^\s,/&()]+")

_SCHOOL_KO = re.compile(
    r"(?:대학교|대학원|고등학교|여자고등학교|전문대학|대학|공고|상고|과학고|외고|예고|과학기술원|중학교|초등학교|사관학교|[가-힣\d]{2,}학교(?![가-힣])|폴리텍|카이스트|포스텍|유니스트|학점은행제|방송통신대(?:학교)?)"
)
_SCHOOL_EN = re.compile(
    r"\b(?:Universi[dt]\w+|Uniwersytet\w*|Univerzit\w*|Üniversitesi|Yliopisto|Facul\w+|Fac?olt\w+|Fakult\w+|\w*hochschule|\w*schule|Escol\w+|Escuela|Scuola|Istituto|Coleg\w+|Col[ée]gio|Col[áa]iste|Ysgol|\w*[Vv]idyalaya\w*|Vidyapee?th|Vidyashram|Vidya Mandir|Lice[ou]m?|Liceul|Politechnika|Polit[ée]cnic\w*|Akademi\w*|Acad[ée]mi\w*|Hogeschool|Högskola\w*|Høgskole\w*|Conserv\w+oi?r\w*|Sixth Form|TAFE|Univ\.|College|Institut\w*|School|Academy|Training (?:Cent(?:er|re)|Trust)|Polytechnic\w*|Politecnico|Hochschule|École|Ecole|Faculty|Gymnasium|Lyc[ée]e|Seminary|Conservatory|Bootcamp)\b"
    r"|^(?:KAIST|POSTECH|UNIST|DGIST|GIST|MIT|UCLA|UCSD|USC|NYU|CMU|EPFL|Caltech|ETH\b.*|UC [A-Z][a-z]+(?: [A-Z][a-z]+)?|Georgia Tech|Virginia Tech|INSEAD|LSE|SNU|UIUC"
    r"|IIT [A-Z]\w+|Texas A&M|Penn State|UT Austin|TU \w+|KU Leuven|Imperial|SUNY \w+)\b",
    re.IGNORECASE,
)
DEGREE_EN = re.compile(
    r"(?<![\w.])(?:S\.B\.|A\.B\.|Sc\.B\.|Ph\.?\s?D\.?|D\.?Phil\.?|M\.?Phil\.?|Ed\.?D\.?|M\.?B\.?A\.?|E\.?M\.?B\.?A\.?|B\.?B\.?A\.?|B\.?Sc?\.?|M\.?Sc?\.?|B\.?A\.?|M\.?A\.?|B\.?Eng\.?|M\.?Eng\.?"
    r"|B\.?E\.?|M\.?E\.?|B\.?Tech\.?|M\.?Tech\.?|B\.?Com\.?|LL\.?[BM]\.?|J\.?D\.?|M\.?D\.?|A\.?A\.?S?\.?|A\.?S\.?|B\.?F\.?A\.?|M\.?F\.?A\.?|M\.?P\.?H\.?|M\.?P\.?P\.?|M\.?Ed\.?|B\.?Ed\.?|B\.?C\.?S\.?|M\.?C\.?S\.?|B\.?S\.?N\.?"
    r"|S\.M\.|A\.M\.|Sc\.?M\.|Sc\.?D\.|D\.?Sc\.?|Dr\. ?rer\. ?nat\.|Dr\.-Ing\.|Dipl\.-?(?:Ing|Kfm|Inf)\.?|Mag\.|Lic\.|Th\.?[DM]\.?|S\.J\.D\.|LL\.?D\.?|Pharm\.?D\.?|Psy\.?D\.?|D\.?D\.?S\.?|D\.?V\.?M\.?|D\.?N\.?P\.?|D\.?P\.?T\.?"
    r"|D\.?B\.?A\.?|M\.?B\.?B\.?S\.?|M\.?B\.?Ch\.?B\.?|B\.?V\.?Sc\.?|B\.?Pharm\.?|M\.?Pharm\.?|B\.?Mus\.?|M\.?Mus\.?|B\.?S\.?W\.?|M\.?S\.?W\.?|M\.?L\.?I?\.?S\.?|M\.?P\.?A\.?|M\.?Acc\.?|M\.?Sci\.?|M\.?Chem\.?|M\.?Math\.?|M\.?Phys\.?"
    r"|[BM]\.?A\.?Sc\.?|M\.?App\.?Sc\.?|[BM]\.?Bus\.?|[BM]\.?Soc\.?Sci?\.?|[BM]\.?H\.?Sc\.?|M\.?Fin\.?|[BM]\.?Litt\.?|B\.?D\.?S\.?|M\.?S\.?N\.?|B\.?B\.?S\.?|B\.?C\.?A\.?|M\.?C\.?A\.?|B\.?H\.?M\.?|B\.?Des\.?|M\.?Des\.?|FdSc|FdA|PGCE|PGDE|PG ?Dip|PG ?Cert|PGDM|HND|HNC|BTEC|NVQ|GCSEs?|Licenciatura|Laurea(?: Magistrale)?|Licence|Maîtrise|Mestrado|Bacharelado|Doutorado|Vordiplom|Staatsexamen"
    r"|B\.?Arch\.?|M\.?Arch\.?|B\.?S\.?E\.?|M\.?S\.?E\.?|M\.?Res\.?|MIS|MIM|GED)(?:\s?\(Hons?\.?\))?(?![\w])"
)
_DEGREE_WORDS = re.compile(
    r"\b(?:bachelor(?:['’]?s)?|master(?:['’]?s)?|doctor(?:ate)?(?: of\b)?|doctoral|associate(?:['’]?s)? (?:degree|of|in)|diploma|apprenticeship|minor in|major in|majored in|undergraduate|"
    r"postgraduate|graduate certificate|high school|certificate (?:(?:i{1,3}|iv|[1-5]) )?in|licence|licentiate|magister|diplom|exchange student|(?<!\w senior )secondary(?!\s(?:\w+\s)?school)|(?:a|as|o)[- ]levels?|international baccalaureate|advanced highers|abitur|baccalaur\w+|leaving cert(?:ificate)?|matura|bachillerato|sslc|wassce|ssce|igcses?|kcse|matriculation)\b",
    re.IGNORECASE,
)
_NO_SUBJECT = re.compile(
    r"(?:bachelor|master|doctor|associate)(?:['’]?s)?(?: degree| of (?:arts|science|applied science))?|(?:post)?graduate (?:diploma|certificate)",
    re.IGNORECASE,
)
_WITHIN_NAMES = words("of and the for de del della di do da du des der la le")
_ENDS_SCHOOL = re.compile(
    r"(?:abitur|matura|wassce|ssce|kcse|matriculation|baccalaur\w+|bachillerato|leaving cert\w*|high school (?:diploma|graduate|degree|certificate|equivalency)|[aos][- ]levels?)",
    re.IGNORECASE,
)
_SCHOOL_BEGINS = re.compile(
    r"(?<=\w )(?:Universi[dt]\w+|Institut\w*|Istituto|Facul\w+|Escol\w+|Escuela|École|Ecole|College|School|Academy)"
    r"\s(?:of|de|do|da|des|du|del|della|di|für|zu|Polit[ée]cnic\w*|Superior)\b"
    r"|(?<=\w )\w+ (?:(?:State|Technical|Medical|Business|Community|High|International) )?(?:University|College|Polytechnic)$"
)
_AMBIGUOUS_DEGREES = frozenset(
    {"MA", "ME", "AS", "BE", "DE", "MS", "MD", "AA", "BA", "GED", "MIS", "SB"}
)
_DEGREE_KO = re.compile(
    r"(?:전문학사|학사|석사|박사|석박사|석·박사|통합과정|박사과정|석사과정|학사과정|박사수료)"
)
_STATUS_KO = re.compile(
    r"(?:졸업\s?예정|조기\s?졸업|졸업|재학\s?중?|휴학\s?중?|수료|중퇴|편입|입학|자퇴|검정고시)"
)
_MAJOR_KO = re.compile(
    r"[가-힣]{1,16}(?:학과|학부|전공|공학과|공학부|교육과|과|계열|(?<![대재휴입])학|예술)$"
)


@remembered
def title_score(text: str) -> float:
    """0..1: how much of the text is made of title words, led or closed by the name of a job."""
    words = _WORD.findall(text)
    if not words or len(words) > 10 or len(text) > 80:
        return 0.0
    if KO_ORG_NOT_TITLE.search(text.strip()) or _LEGAL.search(text):
        return 0.0
    if words[0].casefold() == "the":
        return 0.0  # The Alder Courier
    pair = _PAIR.fullmatch(text)
    if pair and not is_title_word(pair[1]):
        return 0.0  # Oak & Anchor
    if _JOB_PHRASE.fullmatch(text.strip()):
        return 1.0
    heads = sum(_is_head(w) for w in words)
    if not heads:
        return 0.0
    known = sum(
        _is_head(w) or w.casefold() in TITLE_MODIFIERS or w in KO_TITLE_PARTS for w in words
    )
    return min(1.0, 0.35 + 0.65 * known / len(words))


@remembered
def _is_head(word: str) -> bool:
    bare = word.casefold().strip(".,;:")
    if bare in TITLE_HEADS:
        return True
    if any("가" <= c <= "힣" for c in word):
        return word == "연구원" or KO_TITLE.search(word) is not None
    if word in SHORT_TITLES or bare.endswith(TITLE_ENDINGS):
        return True
    return "-" in bare and any(p in TITLE_HEADS for p in bare.split("-"))


def ends_like_a_job(text: str) -> bool:
    """Whether a text that no list knows ends as names of jobs do: 용접 기능공, Glassblower."""
    words = text.split()
    if not 1 <= len(words) <= 5 or any(c.isdigit() for c in text) or company_score(text):
        return False
    last = words[-1].strip(".,)(")
    if any("가" <= c <= "힣" for c in last):
        return (
            2 <= len(last) <= 8
            and KO_JOB_ENDING.search(last) is not None
            and KO_WORKPLACE.search(last) is None
        )
    return EN_JOB_ENDING.search(last) is not None


def is_rank(text: str) -> bool:
    """Whether a title names only a rank: 과장, 사원."""
    return RANK.match(text.strip()) is not None


def is_title_word(word: str) -> bool:
    """Whether one word can be part of a job title."""
    return _is_head(word) or word.casefold() in TITLE_MODIFIERS or word in KO_TITLE_PARTS


def is_title_head(word: str) -> bool:
    """Whether one word names a job."""
    return _is_head(word)


_KO_ORG_FIRST = re.compile(
    r"(?:스튜디오|아틀리에|공방|도서출판|극단|의료법인|학교법인|사회복지법인)\s[가-힣A-Za-z]\S*"
)


@remembered
def company_score(text: str) -> float:
    """0..1: marks of an organisation's name."""
    text = text.strip()
    if _LEGAL.search(text) or (_LEGAL_PREFIX.match(text) and " " in text):
        return 1.0
    if KO_ORG_NOT_TITLE.search(text):
        return 0.9
    if _RESEARCHER.search(text):
        return 0.0  # 공정기술 책임연구원
    if _KO_ORG_FIRST.fullmatch(text):
        return 0.6
    if len(text) <= 60 and ORGANISATION.search(text.title() if text.isupper() else text):
        return 0.6
    return 0.0


def is_legal(text: str) -> bool:
    """Whether a firm's legal form stands in the text: Acme Ltd, 주식회사 나무."""
    return _LEGAL.search(text) is not None


def is_legal_prefix(word: str) -> bool:
    """법무법인, 주식회사: what stands before a firm's own name."""
    return _LEGAL_PREFIX.match(word) is not None


def is_legal_form(text: str) -> bool:
    """`Inc.` alone: the second half of a name that a comma cut."""
    return _LEGAL_ALONE.match(text.strip()) is not None


def is_department(text: str) -> bool:
    """개발팀, Platform Team."""
    found = _DEPARTMENT.match(text.strip())
    if found and found["kind"] == "Group":  # Platform Group; but Kestrel Insurance Group
        return all(is_title_word(word) for word in text.split()[:-1])
    return found is not None


def is_employment_type(text: str) -> bool:
    """정규직, Full-time."""
    return _EMPLOYMENT_TYPE.match(text.strip(" ()[]")) is not None


def has_school(text: str) -> bool:
    """Whether a school's name, or a word of one, stands in the text."""
    return _SCHOOL_KO.search(text) is not None or _SCHOOL_EN.search(text.strip()) is not None


def is_korean_school_word(word: str) -> bool:
    """Whether a word ends as Korean schools do (a bracket may follow)."""
    ends = [m.end() for m in _SCHOOL_KO.finditer(word)]
    return bool(ends) and (ends[-1] == len(word) or word[ends[-1]] in "(·,")


def has_degree(text: str) -> bool:
    """Whether a degree, Korean or English, is named."""
    return (
        _DEGREE_KO.search(text) is not None
        or _DEGREE_WORDS.search(text) is not None
        or find_degree(text) is not None
    )


def has_korean_degree(text: str) -> bool:
    """학사, 석사, 박사 and the like."""
    return _DEGREE_KO.search(text) is not None


def find_degree(text: str) -> re.Match[str] | None:
    """The first abbreviation of a degree that is not the code of a state."""
    for match in DEGREE_EN.finditer(text):
        bare = match[0].strip()
        if bare in _AMBIGUOUS_DEGREES or len(bare.replace(".", "")) < 2:
            before, after = text[: match.start()].rstrip(), text[match.end() :].lstrip()
            if (
                before.endswith(",")
                and is_place(before.rpartition(",")[0].rpartition(",")[2] + ", " + bare)
                and not after
            ):
                continue
            if len(bare.replace(".", "")) < 2:
                continue
        return match
    return None


def degree_word(text: str) -> re.Match[str] | None:
    """The first degree spelled out in English."""
    return _DEGREE_WORDS.search(text)


def is_degree(text: str) -> bool:
    """Whether it is `M.S.` or `Bachelor of Arts` and nothing else: a degree without its subject."""
    return DEGREE_EN.fullmatch(text) is not None or _NO_SUBJECT.fullmatch(text) is not None


def is_phrase(text: str) -> bool:
    """Whether words are no name: `First aid at work`."""
    small = [w for w in text.split() if w.isalpha() and w.islower() and w not in _WITHIN_NAMES]
    return text.isascii() and len(small) > 1


def ends_school(text: str) -> bool:
    """Abitur, High School Diploma: it has no subject, so that what follows is a school or a town."""
    return _ENDS_SCHOOL.fullmatch(text.strip()) is not None


def school_after_degree(text: str, at: int) -> int | None:
    """Where a school's name begins behind its degree without a sign: `Bachelor in Law University of …`."""
    found = _SCHOOL_BEGINS.search(text, at)
    return found.start() if found else None


def status_words(text: str) -> re.Match[str] | None:
    """졸업, 재학 중 and the like."""
    return _STATUS_KO.search(text)


def is_korean_major(text: str) -> bool:
    """컴퓨터공학과, 경영학부."""
    return _MAJOR_KO.search(text.strip()) is not None
