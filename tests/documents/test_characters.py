import unicodedata

import pytest

from app.documents.characters import clean, decode_text, is_gibberish, letters


@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "cp949", "utf-16", "utf-16-le", "utf-16-be"]
)
def test_korean_text_is_decoded_from_every_encoding_that_offices_use(encoding: str) -> None:
    text = "이력서 2020.01 ~ 현재\n이름: 가나다, Python 3 and SQL\n"

    assert decode_text(text.encode(encoding)) == text


@pytest.mark.parametrize(
    "data", [b"\x00\x01\x02\x03" * 8, b"\xff\xfe\xfd\xfc\xfb", b"\x81\x20\xff"]
)
def test_bytes_that_are_no_text_have_none(data: bytes) -> None:
    assert decode_text(data) is None


def test_clean_text_is_composed_and_free_of_what_nobody_reads() -> None:
    decomposed = unicodedata.normalize("NFD", "가나다")

    assert clean(decomposed) == "가나다"
    assert clean("oﬃce proﬁle") == "office profile"
    assert clean("\uf0b7 one \uf0fc two") == "• one • two"
    assert clean("zero\u200bwidth, so\u00adft, \ue0b0icon,\u00a0 blank") == (
        "zerowidth, soft, icon, blank"
    )
    assert clean("kept\ttabs\nand lines") == "kept\ttabs\nand lines"


def test_letters_counts_letters_and_digits_of_every_script() -> None:
    assert letters("가나 ab-12 · !") == 6


def test_letters_without_a_language_are_gibberish_and_languages_are_not() -> None:
    korean = "한빛대학교에서 간호학을 공부하고 병동에서 환자를 돌보며 일했습니다 " * 2
    wrong_syllables = "".join(chr(ord(c) + 29) if "가" <= c <= "힣" else c for c in korean)
    english = "Registered nurse with seven years of experience in busy hospital wards " * 3
    shifted = "".join(chr((ord(c) - 97 + 11) % 26 + 97) if c.islower() else c for c in english)
    many_scripts = "ߔೞטޖࢎޖࣁਗ҃۱ߨޖࣁܲ߄ੋ" * 3

    assert [is_gibberish(t) for t in (korean, english, "Привет всем " * 9, "SQL AWS GCP " * 9)] == [
        False
    ] * 4
    assert [is_gibberish(t) for t in (wrong_syllables, shifted, many_scripts)] == [True] * 3


def test_signs_of_many_kinds_instead_of_letters_are_gibberish() -> None:
    signs = "".join(map(chr, range(0x2550, 0x2590)))
    ruled = "Name ────────────────────────────── Date ──────────────────────────────"

    accented = "".join(map(chr, range(0x180, 0x1C0)))
    vietnamese = (
        "Trường Đại học Bách khoa Hà Nội, kỹ sư phần mềm, quản lý dự án và thiết kế hệ thống"
    )

    assert is_gibberish(f"{signs[:30]} 2020 {signs[30:]}")
    assert is_gibberish(f"{accented[:20]} {accented[20:]}")
    assert not is_gibberish(vietnamese)
    assert not is_gibberish("öğretim görevlisi, güçlü iletişim, çözüm üretme, düzenli çalışma " * 2)
    assert not is_gibberish(ruled)
