import pytest

from app.documents.pdf_letters import Char, pieces_of
from app.documents.ruling import Rules

WIDTH_PT, SIZE_PT = 6.0, 10.0


def letters(
    text: str, gaps_pt: list[float], *, taken_for_words: str = "", bold: int = 0
) -> list[Char]:
    """Each letter 6 pt wide, with these gaps between; PDFium sees a space before `taken_for_words`.

    The first `bold` of them are.
    """
    left = 40.0
    chars: list[Char] = []
    for at, (letter, gap_pt) in enumerate(zip(text, [0.0, *gaps_pt], strict=True)):
        left += gap_pt
        spaced = letter in taken_for_words and bool(chars)
        chars.append(
            Char(
                text=letter,
                left=left,
                top=100,
                right=left + WIDTH_PT,
                bottom=110,
                object_id=1,
                size_pt=SIZE_PT,
                bold=at < bold,
                spaced=spaced,
                is_sure=True,
                is_garbled=False,
            )
        )
        left += WIDTH_PT
    return chars


def words(text: str, gaps_pt: list[float], *, taken_for_words: str = "") -> list[str]:
    chars = letters(text, gaps_pt, taken_for_words=taken_for_words)
    return [piece.text for piece in pieces_of(chars, Rules([], []))]


def test_a_word_set_wide_is_one_word_though_its_gaps_differ() -> None:
    assert words("SKILLS", [2.0, 2.6, 3.2, 2.2, 1.0], taken_for_words="IL") == ["SKILLS"]


def test_two_words_set_wide_are_parted_where_the_gap_is_clear() -> None:
    gaps_pt = [1.6, 2.8, 3.1, 5.0, 1.4, 2.6, 2.7]

    assert words("WORKLIFE", gaps_pt, taken_for_words="L") == ["WORK LIFE"]


def test_a_clear_gap_parts_wide_words_that_pdfium_does_not() -> None:
    assert words("TOYOU", [1.0, 4.0, 1.0, 1.0]) == ["TO YOU"]


def test_words_of_one_syllable_are_not_letters_of_a_wide_word() -> None:
    assert words("한줄소개", [2.4, 2.4, 0.0], taken_for_words="줄소") == ["한 줄 소개"]


def test_a_pair_that_is_kerned_does_not_end_a_wide_word() -> None:
    assert words("CONTACT", [2.0, 2.0, 2.0, 0.1, 2.0, 2.0], taken_for_words="ON") == ["CONTACT"]


@pytest.mark.parametrize("gap_pt", [0.0, 0.3, 2.1])
def test_usual_text_is_parted_where_a_space_is_told_or_seen(gap_pt: float) -> None:
    assert words("abcd", [0.0, gap_pt, 0.0], taken_for_words="c") == ["ab cd"]
    assert words("abcd", [0.0, 2.4, 0.0]) == ["ab cd"]
    assert words("abcd", [0.0, 16.0, 0.0]) == ["ab", "cd"]


@pytest.mark.parametrize(
    ("text", "bold", "is_bold"),
    [
        ("Cook,Ironwood&Daughters", 4, True),
        ("Supervisor,Foods", 10, True),
        ("Foods,Supervisor", 0, False),
        ("Leadsateam", 4, False),
        ("Leadership", 7, True),
    ],
)
def test_a_line_is_bold_as_the_job_before_its_sign_is(
    text: str, bold: int, *, is_bold: bool
) -> None:
    chars = letters(text, [0.0] * (len(text) - 1), bold=bold)

    assert [piece.bold for piece in pieces_of(chars, Rules([], []))] == [is_bold]


def test_an_accent_drawn_over_the_next_letter_is_on_it() -> None:
    assert words("Zo¨e", [0.0, 0.0, -5.0]) == ["Zoë"]
    assert words("H˚akon", [0.0, -6.0, 0.0, 0.0, 0.0]) == ["Håkon"]


def test_an_accent_that_stands_alone_stays() -> None:
    assert words("a`b´", [0.0, 0.0, 0.0]) == ["a`b´"]
