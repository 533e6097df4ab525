"""Two scores made one, and snippets."""

from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.candidates.ranking import BLEND, Scored, combine, ranked, snippet, weigh
from app.candidates.search_records import MeaningHit, Piece, WordHit
from app.candidates.terms import question
from app.store.keys import TenantId

TENANT = TenantId(uuid4())
shares = st.floats(min_value=0, max_value=1)


def scored(keyword: float, meaning: float) -> Scored:
    return Scored(candidate_id=uuid4(), keyword=keyword, meaning=meaning)


@given(shares, shares, shares, shares)
def test_who_is_better_in_both_is_never_ranked_below(
    a: float, b: float, c: float, d: float
) -> None:
    better, worse = scored(max(a, b), max(c, d)), scored(min(a, b), min(c, d))
    assert better.score(BLEND) >= worse.score(BLEND)
    assert 0 <= worse.score(BLEND) <= better.score(BLEND) <= 1


def test_all_words_outrank_the_nearest_meaning_and_meaning_outranks_one_common_word() -> None:
    all_words, near, one_word = scored(0.9, 0.1), scored(0.0, 0.6), scored(0.2, 0.1)
    order = ranked([one_word, near, all_words], BLEND)
    assert order == [all_words, near, one_word]


def test_whom_nothing_speaks_for_is_not_a_hit() -> None:
    assert ranked([scored(0, 0)], BLEND) == []


def test_rare_terms_weigh_more_and_terms_that_nobody_has_are_not_looked_up() -> None:
    asked = question("kafka bank unheard")
    counts = {"kafka": 2, "bank": 90, "unheard": 0}
    names = [asked.words[term.word] for term in asked.terms]
    weighed = weigh(TENANT, asked, 100, [counts[name] for name in names], BLEND)
    gains = dict.fromkeys(counts, 0.0)
    for posting in weighed.postings:
        gains[asked.words[posting.word]] += posting.gain
    assert gains["kafka"] > 5 * gains["bank"] > 0
    assert gains["unheard"] == 0
    assert weighed.highest > sum(gains.values())


def test_a_candidate_of_one_arm_has_nothing_from_the_other() -> None:
    by_words, by_meaning = uuid4(), uuid4()
    found = combine(
        [WordHit(by_words, 2.0, 0b101)], 4.0, {by_meaning: MeaningHit(by_meaning, 0.55, 3)}, BLEND
    )
    one, other = sorted(found, key=lambda hit: hit.keyword, reverse=True)
    assert (one.keyword, one.meaning, one.places) == (0.5, 0.0, (0, 2))
    assert (other.keyword, other.meaning, other.position) == (0.0, pytest.approx(0.5), 3)


@given(st.text(max_size=400), st.lists(st.text(min_size=1, max_size=5), max_size=4))
def test_a_snippet_is_whole_words_of_the_text_on_one_line(text: str, spellings: list[str]) -> None:
    shown = snippet([Piece(uuid4(), 0, text)], spellings, 0)
    assert len(shown) <= 160
    assert shown.split() == shown.split(" ") or shown == ""
    words = text.split()
    assert all(word in words for word in shown.split()) or len(max(words, key=len)) > 160


def test_a_snippet_shows_the_place_with_most_words_of_all_pieces() -> None:
    candidate = uuid4()
    pieces = [
        Piece(candidate, 0, "kafka here. " + "filler " * 60),
        Piece(candidate, 1, "filler " * 60 + "kafka and redis there"),
    ]
    assert "kafka and redis" in snippet(pieces, ["kafka", "redis"], 0)
    assert snippet(pieces, ["unheard"], 1).startswith("filler")
