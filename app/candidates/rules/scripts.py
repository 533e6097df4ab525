"""Which script, and so which language, a text is mainly written in."""

# A Korean résumé of a programmer is half Latin letters; an English one has hardly any Hangul.
KOREAN_SHARE = 0.1


def language_of(text: str) -> str:
    """`ko` when at least 10 % of the letters are Hangul, else `en`."""
    hangul = latin = 0
    for c in text:
        if "가" <= c <= "힣":
            hangul += 1
        elif c.isalpha():
            latin += 1
    return "ko" if hangul and hangul >= KOREAN_SHARE * (hangul + latin) else "en"
