"""Skills that are told in a sentence: lists that end with a full stop, and objects of Korean verbs."""

import re

_USE = r"(?:(?:can\s+)?use|know|have\s+(?:used|worked\s+with))\s"
_CLAUSE = re.compile(
    rf"\s*;\s*|(?<=[a-z)])\.\s+(?=[A-Z])|,?\s+(?:(?:and|also)\s+){{0,2}}(?={_USE})"
)
_USING = re.compile(rf"^(?:i\s+)?{_USE}(?:some\s+|a (?:little|bit of)\s+)?", re.IGNORECASE)
_HOW_OFTEN = re.compile(r"\s+(?:daily|weekly|every day|regularly|often|well|too)$", re.IGNORECASE)
_A_SYSTEM = re.compile(
    r"^the\s+(?P<name>[A-Z]\S*(?:\s[A-Z]\S*)?)(?:\s[a-z]+)?\s(?:system|software|platform|suite|package)s?$"
)
_ITEM = re.compile(
    r"\s*,\s*(?:and\s+|or\s+|as well as\s+)?|\s+(?:and|or|as well as)\s+|\s+&\s+(?=\S+\s)"
)
_LEAD = re.compile(
    r"^(?:and\s+|also\s+)?(?:[i1l]\s?(?:am|have|use|know)\s+|i['’](?:m|ve)\s+)?(?:an?\s+)?"
    r"(?:(?:very|highly|fully)\s+)?(?:"
    r"(?:confident|proficient|experienced|skilled|competent|regular|advanced|expert|working|good|strong|solid|sound|hands[- ]on|extensive|basic|daily|excellent)"
    r"(?:\s+(?:user|knowledge|experience|command|understanding|skills|background|use|grasp))?"
    r"|user|knowledge|experience|command|understanding|familiarity|familiar|proficiency|expertise|use|versed|trained|comfortable"
    r")\s+(?:of|in|with|using|at|on)\s+",
    re.IGNORECASE,
)
# My work centres on …, My toolbox includes …: a list that has a verb before it.
_TELLING = re.compile(
    r"^(?:i|we|my|our)\s(?:[a-z'’-]+\s){1,5}?(?:(?:in|on|with|of|around|across|from|between)|includes?|including|covers?|spans?|are|is)\s(?=[^,]{2,40},)",
    re.IGNORECASE,
)
_TOLD = re.compile(
    r"\b(?:i|we|my|our|me|who|that|which|is|are|was|were|am|be|have|has|had|able|willing|can|will|always|to|while|when|ability|years?)\b",
    re.IGNORECASE,
)
_ITEM_MAX_WORDS, _LEAST_ITEMS = 4, 3
_SENTENCE_MAX_CHARS = 300

_OBJECT = re.compile(r"^(?P<stem>.+?)(?:까지|을|를|와|과|도|이나|나|하고|랑)?(?P<comma>,)?$")
_CLOSES = re.compile(r"(?:까지|을|를|와|과|도|이나|나|하고|랑|,)$")
_NO_NOUN = re.compile(
    r"(?:니다|하고|며|면서|[다루쓰]고|하게|있게|으로|에서|하여|위해|통해|할|수|는|한|된|던|해|의|에|요)[.!]?$"
)
_ABLE = re.compile(r"(?:에|이|을|를)?\s?(?:능숙|능통|정통|숙련되어|익숙|강점이\s?있)[가-힣]*[.!]?$")
_ABLE_AND = re.compile(
    r"(?:에|이|을|를)?\s?(?:능숙|능통|정통|숙련되|익숙)(?:하고|하며|고|며)[,]?(?=\s)"
)
_VERB_AND = re.compile(r"(?:[가-힣]며|면서|하고|다루고|쓰고),$")
_AS_FAR_AS = re.compile(r"(\S)[은는] (?=\S+까지)")  # 엑셀은 VBA까지
_WORK_DONE = re.compile(
    r"(?:으로|로)\s(?:\S+\s){0,3}?\S+[을를]\s(?:만드는|작성하는|처리하는|관리하는|정리하는)\s(?:일|것|업무)[이에을](?=\s)"
)
_USED = re.compile(
    r"(?:(?:사용|활용|이용|운용)(?:합니다|하고 있습니다|할 수 있습니다|해 왔습니다|이? ?가능합니다)|다룹니다|다룰 (?:수|줄) (?:있|압)니다|씁니다|쓸 (?:수|줄) (?:있|압)니다)[.]?$"
)
_PLAIN = frozenset(
    [
        "업무",
        "능력",
        "경험",
        "문서",
        "자료",
        "것",
        "일",
        "작업",
        "고객",
        "사용",
        "활용",
        "문제",
        "프로그램",
        "기본",
        "기능",
        "등",
        "다양한",
        "도구",
        "툴",
        "능숙",
        "직접",
        "주로",
        "모두",
    ]
)


def english_items(text: str) -> list[str]:
    """`Lease drafting and due diligence; confident user of X.`; empty if it tells anything else."""
    if len(text) > _SENTENCE_MAX_CHARS:
        return []
    found: list[str] = []
    listed = text.count(";") >= _LEAST_ITEMS - 1
    for clause in _CLAUSE.split(text.rstrip(". ")):
        bare = _TELLING.sub("", _LEAD.sub("", _USING.sub("", clause)))
        items = [_bare_name(item) for item in _ITEM.split(bare) if item]
        long = any(len(item.split()) > _ITEM_MAX_WORDS or _TOLD.search(item) for item in items)
        if long or (bare == clause and len(items) < _LEAST_ITEMS and not listed):
            return []
        found += items
    return found


def _bare_name(item: str) -> str:
    """`Excel daily` is Excel, `the Amadeus booking system` Amadeus."""
    named = _A_SYSTEM.match(item)
    return named["name"] if named else _HOW_OFTEN.sub("", _LEAD.sub("", item))


def korean_items(text: str) -> list[str]:
    """더존과 엑셀 함수를 다루고 …도 쓸 수 있습니다; empty unless half of them have Latin letters.

    Without that a sentence about one's manners would be taken for a list of tools.
    """
    if len(text) > _SENTENCE_MAX_CHARS:
        return []
    found: list[str] = []
    pending: list[str] = []
    text = _ABLE_AND.sub(",", _AS_FAR_AS.sub(r"\1, ", _WORK_DONE.sub(",", text.rstrip(". "))))
    for word in text.split():
        if word == "및":
            found.append(" ".join(pending))
            pending = []
        elif _VERB_AND.search(word):
            pending = []  # 다루며,
        elif _CLOSES.search(word) and (match := _OBJECT.match(word)):
            found.append(" ".join((*pending, match["stem"])))
            pending = []
        elif _NO_NOUN.search(word):
            pending = []
        else:
            pending.append(word)
    items = [item for item in found if item and item not in _PLAIN]
    items = [item for item in items if len(item.split()) <= _ITEM_MAX_WORDS]
    if (_ABLE.search(text) or _USED.search(text)) and len(found) >= _LEAST_ITEMS:
        return items
    latin = sum(any(c.isascii() and c.isalpha() for c in item) for item in items)
    return items if items and 2 * latin >= len(items) else []
