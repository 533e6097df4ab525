"""Pieces of a résumé: their sizes, their borders, and that nothing is lost."""

import time
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.candidates.chunking import Chunk, ChunkKind, chunk, is_korean
from app.candidates.profile import Education, Experience, Profile, SpokenLanguage
from app.settings.groups import ChunkSettings

R8 = ChunkSettings.model_validate({})
SMALL = ChunkSettings.model_validate(
    {
        "max_structured_chars": 40,
        "max_raw_full_chars": 60,
        "section_size": 20,
        "section_overlap": 8,
        "korean_size": 30,
        "korean_overlap": 12,
    }
)
NOBODY = Profile()

words = st.text(alphabet="ab가나", min_size=1, max_size=30)
spaces = st.text(alphabet=" \n\t\u3000", min_size=1, max_size=4)
texts = st.lists(st.tuples(words, spaces), max_size=60).map(
    lambda pairs: "".join(word + space for word, space in pairs)
)


def of_kind(chunks: tuple[Chunk, ...], kind: ChunkKind) -> list[Chunk]:
    return [piece for piece in chunks if piece.kind is kind]


def offsets(chunks: tuple[Chunk, ...], kind: ChunkKind) -> list[tuple[int, int]]:
    found: list[tuple[int, int]] = []
    for piece in of_kind(chunks, kind):
        assert piece.start is not None
        assert piece.end is not None
        found.append((piece.start, piece.end))
    return found


def sizes(text: str) -> tuple[int, int]:
    if is_korean(text, SMALL.korean_threshold):
        return SMALL.korean_size, SMALL.korean_overlap
    return SMALL.section_size, SMALL.section_overlap


def word_around(text: str, position: int) -> str:
    before, after = text[:position], text[position:]
    if before[-1:].isspace() or after[:1].isspace():
        return ""
    return (before.split()[-1] if before else "") + (after.split()[0] if after else "")


@given(texts | st.text(max_size=300))
def test_sections_cover_every_character_that_is_not_white_space(text: str) -> None:
    covered = {
        position
        for start, end in offsets(chunk(NOBODY, text, SMALL), ChunkKind.RAW_SECTION)
        for position in range(start, end)
    }

    assert {n for n, character in enumerate(text) if not character.isspace()} <= covered


@given(texts | st.text(max_size=300))
def test_offsets_give_the_piece_back(text: str) -> None:
    for piece in chunk(NOBODY, text, SMALL):
        assert text[piece.start : piece.end] == piece.text
        assert piece.text == piece.text.strip() != ""


@given(texts | st.text(max_size=300))
def test_no_piece_is_longer_than_its_limit(text: str) -> None:
    size, _ = sizes(text)
    chunks = chunk(NOBODY, text, SMALL)

    assert all(len(p.text) <= size for p in of_kind(chunks, ChunkKind.RAW_SECTION))
    assert all(len(p.text) <= 60 for p in of_kind(chunks, ChunkKind.RAW_FULL))


@given(texts | st.text(max_size=300))
def test_a_word_is_cut_only_if_it_is_longer_than_a_section(text: str) -> None:
    size, _ = sizes(text)
    chunks = chunk(NOBODY, text, SMALL)

    for limit, kind in ((size, ChunkKind.RAW_SECTION), (60, ChunkKind.RAW_FULL)):
        for start, end in offsets(chunks, kind):
            for border in (start, end):
                whole = word_around(text, border)
                inside = 0 < border < len(text) and whole
                assert not inside or len(whole) > limit


@given(texts | st.text(max_size=300))
def test_every_section_goes_beyond_the_one_before(text: str) -> None:
    found = offsets(chunk(NOBODY, text, SMALL), ChunkKind.RAW_SECTION)

    for (start, end), (next_start, next_end) in pairwise(found):
        assert start < next_start
        assert end < next_end


@given(texts | st.text(max_size=300))
def test_sections_never_overlap_by_more_than_is_set(text: str) -> None:
    _, overlap = sizes(text)
    found = offsets(chunk(NOBODY, text, SMALL), ChunkKind.RAW_SECTION)

    for (_, end), (next_start, _) in pairwise(found):
        assert end - next_start <= overlap


@given(st.lists(st.text(alphabet="ab", min_size=1, max_size=3), min_size=30, max_size=90))
def test_sections_overlap_as_set_up_to_the_length_of_a_word(parts: list[str]) -> None:
    found = offsets(chunk(NOBODY, " ".join(parts), SMALL), ChunkKind.RAW_SECTION)

    for (_, end), (next_start, _) in pairwise(found):
        assert end - next_start >= SMALL.section_overlap - 4


def test_the_sizes_are_those_of_the_requirement() -> None:
    english = "word and then " * 2_000
    korean = "경력 기술 그리고 " * 2_000

    for text, size, overlap in ((english, 1_500, 300), (korean, 2_000, 500)):
        chunks = chunk(NOBODY, text, R8)
        found = offsets(chunks, ChunkKind.RAW_SECTION)
        (whole,) = of_kind(chunks, ChunkKind.RAW_FULL)
        assert 7_990 <= len(whole.text) <= 8_000
        assert all(size - 10 <= end - start <= size for start, end in found[:-1])
        assert all(
            overlap - 10 <= end - following <= overlap
            for (_, end), (following, _) in pairwise(found)
        )


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("가나다라", True),
        ("가나 ab", True),
        ("가나 abc", False),
        ("가나 12345 !!!", True),
        ("ㄱㄴ ab", True),
        ("가나", True),
        ("resume", False),
        ("12345 !!!", False),
        ("", False),
    ],
)
def test_half_of_the_letters_make_a_text_korean(text: str, expected: bool) -> None:
    assert is_korean(text, 0.5) is expected


@pytest.mark.parametrize("text", ["", "   ", "\n\t\u3000 \n"])
def test_blank_text_gives_no_piece(text: str) -> None:
    assert chunk(NOBODY, text, R8) == ()


def test_a_short_text_is_one_whole_and_one_section() -> None:
    chunks = chunk(NOBODY, "\n  Backend engineer \n", R8)

    assert [(piece.kind, piece.text, piece.start, piece.end) for piece in chunks] == [
        (ChunkKind.RAW_FULL, "Backend engineer", 3, 19),
        (ChunkKind.RAW_SECTION, "Backend engineer", 3, 19),
    ]


def test_a_word_longer_than_a_section_is_cut_with_overlap() -> None:
    found = offsets(chunk(NOBODY, "x" * 50, SMALL), ChunkKind.RAW_SECTION)

    assert found == [(0, 20), (12, 32), (24, 44), (36, 50)]


def test_a_long_word_between_short_ones_makes_no_needless_section() -> None:
    text = "aa bb cc dd " + "x" * 18 + " ee"

    pieces = of_kind(chunk(NOBODY, text, SMALL), ChunkKind.RAW_SECTION)

    assert [piece.text for piece in pieces] == ["aa bb cc dd", "x" * 18, "ee"]


def full_profile(**changes: object) -> Profile:
    return Profile(
        name="Gildong Hong",
        emails=("gildong@example.com",),
        phones=("010-0000-1234",),
        links=("https://example.com/gildong",),
        headline="Backend engineer",
        summary="Builds  pipelines\nthat survive.",
        experience=(
            Experience(company="Naru Labs", title="Engineer", start="2021-03"),
            Experience(company="Ferry Inc", start="2018", end="2021-02"),
            Experience(company="Landing Co"),
        ),
        education=(Education(school="Hanbit University", degree="BSc", end="2018-02"),),
        skills=("Python", "PostgreSQL"),
        languages=(
            SpokenLanguage(name="English", level="TOEIC 900"),
            SpokenLanguage(name="한국어"),
        ),
    ).model_copy(update=changes)


def test_a_profile_gives_one_piece_per_group() -> None:
    assert [piece.text for piece in chunk(full_profile(), "", R8)] == [
        "Summary\nBackend engineer\nBuilds pipelines that survive.",
        (
            "Experience\n"
            "Naru Labs · Engineer (2021-03 – present)\n"
            "Ferry Inc (2018 – 2021-02)\n"
            "Landing Co"
        ),
        "Education\nHanbit University · BSc (2018-02)",
        "Skills\nPython, PostgreSQL",
        "Languages\nEnglish (TOEIC 900)\n한국어",
    ]


def test_the_pieces_of_a_korean_profile_speak_korean() -> None:
    chunks = chunk(full_profile(language="ko"), "", R8)

    assert [piece.text.partition("\n")[0] for piece in chunks] == [
        "소개",
        "경력",
        "학력",
        "보유 기술",
        "외국어",
    ]
    assert "(2021-03 – 현재)" in chunks[1].text


def test_contact_data_and_the_name_are_in_no_structured_piece() -> None:
    joined = " ".join(piece.text for piece in chunk(full_profile(), "", R8))

    for private in ("Gildong", "gildong", "010-0000-1234"):
        assert private not in joined


def test_empty_groups_give_no_piece() -> None:
    chunks = chunk(Profile(headline=" ", skills=("Python",)), "", R8)

    assert [piece.text for piece in chunks] == ["Skills\nPython"]


@given(st.lists(st.text(max_size=60), max_size=8), st.lists(st.text(max_size=30), max_size=30))
def test_structured_pieces_keep_their_limit_and_lose_no_word(
    companies: list[str], skills: list[str]
) -> None:
    profile = Profile(
        experience=tuple(Experience(company=company) for company in companies),
        skills=tuple(skills),
    )

    chunks = chunk(profile, "", SMALL)

    assert all(0 < len(piece.text) <= 40 for piece in chunks)
    joined = "".join("".join(piece.text.split()) for piece in chunks)
    for value in companies:
        assert "".join(value.split()) in joined


def test_positions_count_all_pieces() -> None:
    chunks = chunk(full_profile(), "raw text " * 500, R8)

    assert [piece.position for piece in chunks] == list(range(len(chunks)))
    assert {piece.kind for piece in chunks} == set(ChunkKind)


@pytest.mark.parametrize("unit", ["a ", "a", " ", "가 ", "x" * 1_499 + " ", "\n"])
def test_the_longest_text_is_cut_quickly(unit: str) -> None:
    text = (unit * 200_000)[:200_000]
    started = time.perf_counter()

    chunk(NOBODY, text, R8)

    assert time.perf_counter() - started < 2
