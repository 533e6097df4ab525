from app.documents.falling import as_it_falls
from app.documents.layout import page_blocks
from app.documents.pieces import Items
from tests.documents.building import piece


def texts(items: Items) -> list[str]:
    return [block.text for block in page_blocks(list(items), page=1)]


HEADINGS = [piece("EXPERIENCE", 40, 100), piece("EDUCATION", 40, 300)]
ENTRIES = [
    *(piece(f"what was done at the firm, line {n}", 50, 140 + 14 * n) for n in range(6)),
    piece("what was learnt at the school", 50, 340),
]
FIRMS = [
    piece("Norrsken Tankers, Second Engineer", 40, 120),
    piece("Kalmarsund Maritime Academy, Diploma", 40, 320),
]
READ = [
    p.text for p in sorted([*HEADINGS, *ENTRIES, *FIRMS], key=lambda p: (p.box.top, p.box.left))
]


def test_what_a_browser_draws_last_is_read_where_it_stands() -> None:
    assert texts([*HEADINGS, *ENTRIES, *FIRMS]) == READ


def test_a_column_of_two_is_read_as_it_falls_without_the_other_one() -> None:
    skills = [piece(word, 400, 110 + 17 * n) for n, word in enumerate(["Skills", *"ABCDEFGHIJ"])]

    found = texts([*HEADINGS, *ENTRIES, *FIRMS, *skills])

    assert found == [*READ, *(p.text for p in skills)]


def test_a_column_whose_parts_are_drawn_around_the_other_one_is_read_whole() -> None:
    skills = [piece(word, 400, 110 + 17 * n) for n, word in enumerate(["Skills", *"ABCDEFGHIJ"])]

    found = texts([*ENTRIES, *skills, *HEADINGS, *FIRMS])

    assert found == [*READ, *(p.text for p in skills)]


def test_a_single_piece_that_is_drawn_late_is_moved_and_nothing_else() -> None:
    beside = [piece("Mobile", 40, 60), piece("Mail", 40, 74), piece("https://a.example", 330, 60)]

    found = as_it_falls([*beside, HEADINGS[0], *ENTRIES, FIRMS[0]])

    assert found == [*beside, HEADINGS[0], FIRMS[0], *ENTRIES]


def test_a_single_piece_that_is_drawn_early_is_moved_and_nothing_else() -> None:
    signature = piece("(Yun Gaon, signed on the last day of May)", 40, 700)
    beside = [piece("Mobile", 40, 60), piece("Mail", 40, 74), piece("https://a.example", 330, 60)]

    assert as_it_falls([signature, *beside, *ENTRIES]) == [*beside, *ENTRIES, signature]


def test_a_few_pairs_out_of_order_stay_as_they_were_drawn() -> None:
    drawn = [*ENTRIES[:3], HEADINGS[0]]

    assert as_it_falls(drawn) == drawn


def test_what_no_honest_page_has_is_not_sorted() -> None:
    drawn = [piece("word", 40, 100 + n) for n in range(600)][::-1]

    assert as_it_falls(drawn) is drawn
