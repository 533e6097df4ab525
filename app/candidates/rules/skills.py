# ruff: noqa: PLR2004 - weights and widths of rules, each used where it is explained
"""Skills: the items of a skills section as written; names from the gazetteer elsewhere."""

import re
from collections.abc import Iterable, Sequence

from app.candidates.rules.dates import periods
from app.candidates.rules.headings import Kind, heading_kinds
from app.candidates.rules.labels import Label, column_labels, labels_of
from app.candidates.rules.lines import Line, squeeze
from app.candidates.rules.prose import english_items, korean_items
from app.candidates.rules.sentences import is_sentence
from app.candidates.rules.skill_lines import (
    BARE_CATEGORY,
    CATEGORY,
    KEYWORDS,
    SEPARATOR,
    is_subheading,
    joined,
    less_categories,
    over_lists,
)
from app.candidates.rules.skills_table import Gazetteer, canonical, gazetteer, skill_key
from app.candidates.rules.tongues import speaks
from app.candidates.rules.wordlists import words

MAX_SKILLS = 80
_ITEM_MAX_CHARS, _ITEM_MAX_WORDS = 40, 5
_SECTION_LINES = 300
_TEXT_MAX_CHARS = 30_000
_PAIR = 2
_WINDOW = 4  # the longest name of the gazetteer has four words

_DASH_CATEGORY = re.compile(r"^(?P<category>[^,|()\-–—]{2,30}?)\s+[-–—]\s+(?P<rest>[^,]+,.*)$")
_LEVEL = re.compile(
    r"^(?:[상중하]|상급|중급|초급|고급|최상|중상|능숙|우수|보통|전문가|숙련|[상중하]위|가능|활용\s?가능|업무\s?활용\s?가능|실무\s?가능|기초|입문|native|fluent|expert|advanced|intermediate|beginner|"
    r"proficient|basic|familiar|working knowledge|novice|master(?:ed)?|strong|good|excellent|professional|competent|상[급]?|[\d.]+\s?%|\d+\s?(?:/\s?\d+|점|년.{0,4}|years?|yrs?|개월|\+ years?)|[★☆●○■□◆◇▪▫✦*\s]+|level \d|lv\.?\s?\d)$",
    re.IGNORECASE,
)
_LEVEL_TAIL = re.compile(
    r"\s*(?:[:：\-–—]\s*|\s)(?:상|중|하|상급|중급|초급|고급|능숙|능통|숙련|우수|가능|활용 가능|사용 가능|[\d.]{1,4}\s?%|\d{1,2}\s?(?:년.{0,2}|years?|yrs?)|[★☆●○■□]{2,})$",
    re.IGNORECASE,
)
_EXPLICIT_LEVEL = re.compile(
    r"\s*(?:\s[-–—]\s?|[:：]\s*)(?:native|fluent|expert|advanced|intermediate|beginner|proficient|basic|familiar)$",
    re.IGNORECASE,
)
_BRACKET = re.compile(r"\s*[(\[](?P<inner>[^()\[\]]{0,200})[)\]]\s*")
_REST = frozenset({"etc", "기타", "other", "others", "additional", "miscellaneous"})
_NUMBER = re.compile(r"^\s*(?:\(?\d{1,2}[.)]|[①-⑳])\s*(?=[^\W\d])")
_INNER_DOT = re.compile(r"(?<=\w)·(?=\w)")
_HASH = re.compile(r"(?:^|\s+)#(?=\S)")
_SHORT_PAIR = re.compile(r"\S\s[A-Z]{1,3}/[A-Z]{1,3}$")  # SAP FI/CO
_AND_PAIR = re.compile(r"[^\s,]+ & [^\s,]+")  # HTML & CSS
_STOP = words("""
    etc etc. and others 등 기타 외 및 more 이상 e.g. including
    """)
_TRIM = " \t,;:.|·•-–—*()[]"
_PIECE_TRIM = " \t,;:|·•-–—*"
_AND = re.compile(r"^(?:and|및|&)\s+|\s+(?:등|etc\.?|외)$", re.IGNORECASE)
_TOKEN = re.compile(r"[A-Za-z가-힣0-9][A-Za-z가-힣0-9.+#/&'-]*")
_PARTICLE = re.compile(
    r"(?<=[A-Za-z0-9+#가-힣])(?:으로|로|을|를|은|는|이|가|와|과|의|에서|에|및|나|이나|기반|활용|사용|등|만|도)$"
)


# Names of the table that are everyday words in running text, in any spelling but their own.
_CASED = words("""
    express echo fiber gin beam ray remix access word room combine segment adjust linear make
    ant spring phoenix dagger hilt lambda glue athena aurora fargate vault consul nomad packer
    emotion principle sketch inventor rhino maya can spi soc can arm search research writing
    editing teaching training sales lean battery statistics networking monitoring caching
    presentation branding illustration photography spark hive impala flask unity eclipse oracle
    apache notion slack bun less outlook teams cs ga ui ux ut qa cv ml ci cd js pos 구매 회계 영업 물류
    홍보 번역 통역 협상 채용 강의 급여 감사 세무 리더십 협업 통계 검색 통계학 한글 엑셀파일 워드 오피스 스케치 뷰 노드 깃 도커 노션 리서치 암호화 모니터링 배터리
    가상화 네트워크 방화벽 로드맵 컴플라이언스 브랜딩 품질관리 품질 커뮤니케이션 의사소통 팀워크 멘토링 캐싱 cs ut 고객응대 시장조사 임베디드 펌웨어
    leadership communication teamwork negotiation accounting loki segment solr apollo access
    compliance
    """)


def section_skills(lines: Sequence[Line]) -> list[str]:
    """Items of a skills section in order; categories and levels taken off."""
    found: list[str] = []
    column: int | None = None  # of a table, the one that holds the skills
    if lines and labels_of(lines[0].text) & {Label.SKILL}:  # the head of a column of one
        lines = lines[1:]
    lines = less_categories(lines[:_SECTION_LINES])
    over = over_lists(lines)
    for line in joined(lines):
        cells = [c for c in line.cells if c]
        if len(cells) > 1:
            labels = [column_labels(c) for c in cells]
            if all(labels):
                column = next((n for n, x in enumerate(labels) if Label.SKILL in x), 0)
                continue
            if not is_subheading(line, lines):
                found += _cells(cells, column)
        elif not (is_subheading(line, lines) or line.index in over):
            found += _items(line.text)
    unique: dict[str, str] = {}
    for item in found:
        unique.setdefault(skill_key(item), item)
    return list(unique.values())[:MAX_SKILLS]


def _cells(cells: Sequence[str], column: int | None) -> list[str]:
    if column is not None:
        return _items(cells[min(column, len(cells) - 1)])
    named = len(SEPARATOR.split(cells[0])) <= _PAIR  # CAD / CAE, but not SQL · dbt · Snowflake
    second = len(cells) == _PAIR and named and bool(SEPARATOR.search(cells[1]))
    if (
        (second and canonical(cells[0]) is None)
        or labels_of(cells[0]) & {Label.SKILL}
        or heading_kinds(cells[0])
    ):
        cells = cells[1:]
    return [item for cell in cells for item in _items(cell, alone=False)]


def _items(text: str, *, alone: bool = True) -> list[str]:
    text = _NUMBER.sub("", text)
    if text.count("#") > 1 and text.lstrip().startswith("#"):
        text = _HASH.sub(", ", text).lstrip(", ")
    if (bare := BARE_CATEGORY.match(text)) and canonical(text[bare.end() :].partition(",")[0]):
        text = text[bare.end() :]
    stated = text.strip()
    text = text.strip(_TRIM + "•●■▪") if not text.endswith(")") else text.strip(" \t,;|·•●■▪")
    category = CATEGORY.match(text)
    if category and "://" not in text:
        rest = category["rest"].strip()
        rest = KEYWORDS.sub("", rest)
        if not rest or _is_foreign(category["category"], rest):
            return []
        if not _LEVEL.match(rest):
            text = rest
    elif (category := _DASH_CATEGORY.match(text)) and canonical(category["category"]) is None:
        text = category["rest"]
    if stated.endswith((".", "니다", "어요", "아요")):
        told = english_items(text) if text.isascii() else korean_items(text)
        if told or is_sentence(stated):
            return [x for item in told for x in _item(item, alone=False)] or _from_text(text)
    pieces = _top_level(text)
    items: list[str] = []
    for piece in pieces:
        items += _item(piece, alone=alone and len(pieces) == 1)
    return items


def _is_foreign(category: str, rest: str) -> bool:
    """Whether a line among the skills is about something else: interests, spoken languages."""
    kinds = heading_kinds(category)
    if not kinds or squeeze(category) in _REST:  # Etc: Git, Figma
        return False
    if kinds[0] is Kind.LANGUAGES:
        return speaks(rest) and not any(canonical(p) for p in rest.split(","))
    return kinds[0] in (Kind.OTHER, Kind.CERTIFICATES, Kind.REFERENCES, Kind.PUBLICATIONS)


def _top_level(text: str) -> list[str]:
    """Cut at separators outside brackets."""
    depth = 0
    masked: list[str] = []
    # Where commas part a list, 3톤·7톤 지게차 운전 is one of it.
    dots = len(_INNER_DOT.findall(text))
    if dots < text.count(","):
        text = _INNER_DOT.sub("\x01", text)
    for c in text:
        depth += (c in "([") - (c in ")]" and depth > 0)
        masked.append("\x00" if depth and c in ",;|·•/" else c)
    pieces = SEPARATOR.split("".join(masked))
    return [p.replace("\x00", ",").replace("\x01", "·") for p in pieces]


def _item(piece: str, *, alone: bool = True) -> list[str]:
    """The skills of one piece of a list; `alone`: it is the whole line."""
    bracket = _BRACKET.search(piece)
    if bracket and (
        _is_acronym(bracket["inner"], piece[: bracket.start()].strip())
        or _is_attached(bracket, piece)
    ):
        return [piece.strip(_PIECE_TRIM)]
    inner: list[str] = []
    if bracket and canonical(piece) is None:
        outer = canonical(piece[: bracket.start()])
        tokens = [t.strip() for t in re.split(r"[,/;]", bracket["inner"])]
        inner = [t for t in tokens if canonical(t) not in (None, outer) and not _LEVEL.match(t)]
        piece = f"{piece[: bracket.start()]} {piece[bracket.end() :]}"
    text = _without_level(piece)
    if text.casefold() in _STOP or _LEVEL.match(text) or not any(c.isalnum() for c in text):
        return inner
    if name := canonical(text):
        return [_spelling(text, name), *inner]
    return [*_unknown(text, alone=alone), *inner]


def _without_level(piece: str) -> str:
    text = _LEVEL_TAIL.sub("", _AND.sub("", piece.strip(_PIECE_TRIM)))
    return _AND.sub("", _EXPLICIT_LEVEL.sub("", text)).strip(_PIECE_TRIM).rstrip(".")


def _unknown(text: str, *, alone: bool) -> list[str]:
    """What to make of a piece that the gazetteer does not know as a whole."""
    if _SHORT_PAIR.search(text) or _AND_PAIR.fullmatch(text):
        return [text]
    halves = [h.strip() for h in text.split("/") if h.strip()]
    if min(map(len, halves)) > 1 and len(halves) > 2:  # two are one: MATLAB/Simulink
        return [x for h in halves for x in _item(h)]
    words = text.split()
    # Within a list that commas part, two names side by side are one: Excel VBA.
    run = len(words) > 2 and (alone or len(words) > _WINDOW)
    if run and (chips := _chips(words)):
        return chips
    long = len(text) > _ITEM_MAX_CHARS or len(words) > _ITEM_MAX_WORDS
    told = len(words) > (2 if alone or not text.isascii() else 3) and is_sentence(text)
    if long or any(c in text for c in "@:") or told:
        return _from_text(text)
    return [] if text.isdigit() else [text]


def _is_attached(bracket: re.Match[str], piece: str) -> bool:
    """통번역(한-영), CRM(Veeva): without a space before it the bracket belongs to the name."""
    inner = bracket["inner"].strip()
    whole = bracket.start() > 0 and bracket.end() == len(piece.rstrip()) and bracket[0][0] in "(["
    plain = inner and len(inner.split()) <= 2 and not any(c in inner for c in ",/;·")
    return bool(whole and plain and not _LEVEL.match(inner) and not periods(inner))


def _is_acronym(inner: str, outer: str) -> bool:
    """전문심장소생술(ACLS), Amazon Web Services (AWS): a name with its short form is one item."""
    if not (inner.isascii() and inner.isalpha() and inner.isupper() and len(inner) > 1):
        return False
    if canonical(outer) is None and canonical(inner) is None and not _LEVEL.match(inner):
        return True
    return not outer.isascii() or "".join(w[0] for w in outer.split()).upper() == inner


def _spelling(text: str, name: str) -> str:
    """As written, except that a lower-case name gets its usual capitals."""
    return (
        name if text.casefold() == name.casefold() and (text.islower() or text.isupper()) else text
    )


def _chips(words: Sequence[str]) -> list[str]:
    """Names set side by side without separators: `Go Python Node.js REST APIs`."""
    names: list[str] = []
    unknown: list[str] = []
    at = known = 0
    while at < len(words):
        for width in range(min(_WINDOW, len(words) - at), 0, -1):
            text = " ".join(words[at : at + width])
            if (name := canonical(text)) and not (
                width == 1 and text.islower() and skill_key(text) in _CASED
            ):
                if unknown:
                    names.append(" ".join(unknown))
                    unknown = []
                names.append(_spelling(text, name))
                known += 1
                at += width
                break
        else:
            unknown.append(words[at])
            at += 1
    if unknown:
        names.append(" ".join(unknown))
    enough = len(names) > 2 and known >= 2 and known * 2 >= len(words) - known
    return names if enough else []


def text_skills(texts: Iterable[str]) -> list[str]:
    """Gazetteer names in running text, canonical, in order of appearance."""
    unique: dict[str, str] = {}
    left = _TEXT_MAX_CHARS
    for text in texts:
        for name in _from_text(text[:left]):
            unique.setdefault(skill_key(name), name)
        left -= len(text)
        if left <= 0 or len(unique) >= MAX_SKILLS:
            break
    return list(unique.values())[:MAX_SKILLS]


def _from_text(text: str) -> list[str]:
    table = gazetteer()
    words = [m[0].strip(".'-/&") for m in _TOKEN.finditer(text)]
    found: list[str] = []
    at = 0
    while at < len(words):
        for width in range(min(_WINDOW, len(words) - at), 0, -1):
            raw = " ".join(words[at : at + width])
            name = table.names.get(skill_key(raw)) or table.names.get(
                skill_key(_PARTICLE.sub("", raw))
            )
            if name and _counts_in_text(raw, name, table, width):
                found.append(name)
                at += width
                break
        else:
            at += 1
    return found


def _counts_in_text(raw: str, name: str, table: Gazetteer, width: int) -> bool:
    if skill_key(name) in table.everyday:
        return False
    if width > 1 and name.isupper() and len(name) < _WINDOW:
        return False  # I am: no IAM
    keys = (
        {skill_key(raw), skill_key(name)}
        if raw.isascii()
        else {skill_key(name), skill_key(_PARTICLE.sub("", raw))}
    )
    if keys & _CASED or skill_key(raw) in _CASED:
        return False
    if width == 1 and raw.isascii() and len(raw) <= 3:
        return raw.isupper() or raw == name
    return not (
        width == 1 and raw.isascii() and raw.islower() and not name.islower() and len(raw) < 5
    )
