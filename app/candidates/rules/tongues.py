"""Names of the languages that people speak."""

import re

from app.candidates.rules.wordlists import words

_NAMES = words("""
    한국어 영어 일본어 중국어 독일어 프랑스어 불어 스페인어 러시아어 베트남어 아랍어 포르투갈어 이탈리아어 태국어 인도네시아어 몽골어 국어 중국어(북경어) korean
    english japanese chinese mandarin cantonese german french spanish russian vietnamese arabic
    portuguese italian thai indonesian hindi urdu bengali turkish dutch polish swedish norwegian
    danish finnish greek hebrew czech hungarian romanian ukrainian persian farsi malay tagalog
    filipino tamil telugu punjabi swahili catalan latin bulgarian serbian croatian slovak
    mongolian khmer uzbek kazakh nepali sinhala armenian georgian amharic icelandic estonian
    latvian lithuanian slovenian
    """)
TONGUE = re.compile(
    "(?<![A-Za-z가-힣])("
    + "|".join(sorted(map(re.escape, _NAMES), key=len, reverse=True))
    + ")(?![A-Za-z])",
    re.IGNORECASE,
)
_TESTED = re.compile(
    r"\b(?:TOEIC|TOEFL|OPIc|IELTS|TEPS|JLPT|JPT|HSK|DELF|TOPIK)\b|토익|토플|오픽|텝스",
    re.IGNORECASE,
)


def speaks(text: str) -> bool:
    """Whether a spoken language, or a test of one, is named."""
    return TONGUE.search(text) is not None or _TESTED.search(text) is not None
