from collections.abc import Sequence
from dataclasses import replace

import pytest

from app.candidates.rules import analyze
from app.candidates.rules.contacts import Found, find_contacts
from app.candidates.rules.lines import read_lines
from app.candidates.rules.sections import split_sections
from tests.candidates.markup import DocumentOf


def values(found: Sequence[Found]) -> list[str]:
    return [f.value for f in found]


def test_data_of_referees_and_relatives_is_not_the_persons(document: DocumentOf) -> None:
    sections = split_sections(
        read_lines(
            document(
                [
                    "# Ann Own",
                    "ann@example.com | 206-555-0100",
                    "비상연락처: 010-0000-9999",
                    "## References",
                    "Bob Other, bob@example.com, 206-555-0199, https://bob.example.com",
                ]
            )
        )
    )
    found = find_contacts(sections, ())

    assert values(found.emails) == ["ann@example.com"]
    assert values(found.phones) == ["206-555-0100"]
    assert values(found.links) == []


def test_an_address_broken_by_a_narrow_column_is_joined(document: DocumentOf) -> None:
    sections = split_sections(
        read_lines(
            document(["# Ann Own", "ann.own@example.", "com", "https://github.com/", "ann-own"])
        )
    )
    found = find_contacts(sections, ())

    assert values(found.emails) == ["ann.own@example.com"]
    assert values(found.links) == ["https://github.com/ann-own"]


def test_a_hidden_link_counts_when_the_header_names_its_site(document: DocumentOf) -> None:
    targets = (
        "mailto:a@example.com",
        "https://github.com/ann",
        "https://doi.org/10.1/2",
        "https://linkedin.com/in/ann",
    )
    named = split_sections(read_lines(document(["# Ann Own", "GitHub | ann.example.com"])))
    bare = split_sections(read_lines(document(["# Ann Own"])))

    assert values(find_contacts(named, targets).links) == [
        "ann.example.com",
        "https://github.com/ann",
    ]
    assert values(find_contacts(bare, targets).links) == [
        "https://github.com/ann",
        "https://linkedin.com/in/ann",
    ]


def test_a_link_that_a_narrow_column_broke_inside_a_word_is_whole_again(
    document: DocumentOf,
) -> None:
    def found(*lines: str) -> list[str]:
        blocks = document(["# Ann Own", *lines]).blocks
        narrow = [
            replace(b, box=replace(b.box, right=b.box.left + 5.0 * len(b.text)))
            for b in blocks
            if b.box
        ]
        sections = split_sections(read_lines(replace(document([]), blocks=tuple(narrow))))
        return values(find_contacts(sections, ()).links)

    assert found("https://linkedin.com/in/exampl", "e-leo") == [
        "https://linkedin.com/in/example-leo"
    ]
    assert found("https://linkedin.com/in/leo", ".own") == ["https://linkedin.com/in/leo.own"]
    assert found("https://linkedin.com/in/leo", "Seattle") == ["https://linkedin.com/in/leo"]


def test_an_address_broken_before_what_it_is_goes_on(document: DocumentOf) -> None:
    lines = ["## Contact", "www.linkedin.com/in/perpetua-", "langstroth (LinkedIn)"]

    found = find_contacts(split_sections(read_lines(document(lines))), ())

    assert values(found.links) == ["www.linkedin.com/in/perpetua-langstroth"]


def test_an_address_listed_among_mail_and_phone_is_the_persons_own(document: DocumentOf) -> None:
    own = ["ann@example.com", "ann.example.net", "github.com/example-ann"]
    lines = ["# Ann Own", "## Education", "Fenland College 2011 - 2015", *own]

    found = find_contacts(split_sections(read_lines(document(lines))), ())

    assert values(found.links) == ["ann.example.net", "github.com/example-ann"]


def test_an_address_under_another_is_one_of_its_own(document: DocumentOf) -> None:
    lines = ["# 표건우", "https://notes.example.com/@gunwoo", "instagram.com/gunwoo.draws"]

    found = find_contacts(split_sections(read_lines(document(lines))), ())

    assert values(found.links) == [
        "https://notes.example.com/@gunwoo",
        "instagram.com/gunwoo.draws",
    ]


def found_in(document: DocumentOf, *lines: str):
    return find_contacts(split_sections(read_lines(document(list(lines)))), [])


def test_a_national_number_alone_between_signs_is_a_phone(document: DocumentOf) -> None:
    contacts = found_in(document, "# Ann Own", "London | 020 7946 0111 | ann@example.org")

    assert values(contacts.phones) == ["020 7946 0111"]


def test_a_number_of_another_kind_is_none(document: DocumentOf) -> None:
    contacts = found_in(document, "# Ann Own", "ann@example.org", "020 7946 0111 customers served")

    assert contacts.phones == ()


def test_the_first_pair_of_a_row_is_the_persons_own(document: DocumentOf) -> None:
    contacts = found_in(document, "성명‖도란", "연락처‖010-0000-7001‖비상연락‖010-0000-7002")

    assert values(contacts.phones) == ["010-0000-7001"]


def test_an_address_broken_at_its_hyphen_among_other_text_is_whole(document: DocumentOf) -> None:
    contacts = found_in(
        document,
        "# Ann Own",
        "Website: https://ann-",
        "own.example.org | Address: 7 Elm Row, Leeds",
    )

    assert values(contacts.links) == ["https://ann-own.example.org"]


def test_a_profile_address_that_fills_its_column_goes_on_below(document: DocumentOf) -> None:
    contacts = found_in(
        document, "# Ann Own", "ann@example.org", "www.linkedin.com/in/annownwhose", "name-is-long"
    )

    assert values(contacts.links) == ["www.linkedin.com/in/annownwhosename-is-long"]


def test_a_mail_whose_ending_stands_on_the_next_line_is_whole(document: DocumentOf) -> None:
    profile = analyze(document(["# Ann Own", "## Get in touch", "ann@own.example", ".com"]))

    assert profile.emails == ("ann@own.example.com",)


def test_what_somebody_made_is_theirs_to_show(document: DocumentOf) -> None:
    lines = [
        "# Ann Own",
        "ann@example.com",
        "## Experience",
        "- Moved https://shop.example.net to another host",
        "## Projects",
        "- Ferry times: https://ferry.example.org",
    ]

    assert values(found_in(document, *lines).links) == ["https://ferry.example.org"]


def test_a_host_under_an_address_with_a_handle_is_one_of_its_own(document: DocumentOf) -> None:
    lines = ["# Ann Own", "ann@example.com", "www.example.com/@annown", "annown.example.net"]

    links = values(found_in(document, *lines).links)

    assert links == ["www.example.com/@annown", "annown.example.net"]


def test_two_profiles_under_each_other_are_two(document: DocumentOf) -> None:
    lines = ["# Ann Own", "ann@example.com", "medium.com/@annown", "x.com/ann_own"]

    found = find_contacts(split_sections(read_lines(document(lines))), ())

    assert values(found.links) == ["medium.com/@annown", "x.com/ann_own"]


def test_ones_own_list_of_publications_among_the_contacts(document: DocumentOf) -> None:
    lines = ["!plain", "성명‖문가람", "연구실적‖https://scholar.example.org/moon", "학력"]

    assert values(found_in(document, *lines).links) == ["https://scholar.example.org/moon"]


@pytest.mark.parametrize(
    ("lines", "link"),
    [
        (["See https://ann-", "own.example.com/tools"], "https://ann-own.example.com/tools"),
        (["github.com/ann-own", "## Other", "- I keep https://github.com/ann-own/tides"], "https://github.com/ann-own/tides"),
        (["## Channels", "https://www.instagram.com/ann.own-draws"], "https://www.instagram.com/ann.own-draws"),
    ],
)  # fmt: skip
def test_addresses_without_a_host_above_and_of_ones_own_account(
    document: DocumentOf, lines: list[str], link: str
) -> None:
    assert link in values(found_in(document, "# Ann Own", "ann@example.com", *lines).links)


def test_a_hidden_link_counts_when_its_site_is_named_in_korean(document: DocumentOf) -> None:
    sections = split_sections(
        read_lines(document(["# 문가람", "moon@example.com", "노션 바로가기"]))
    )

    found = find_contacts(sections, ["https://moon.notion.site/work"])

    assert values(found.links) == ["https://moon.notion.site/work"]


def test_a_mail_of_a_project_is_no_link(document: DocumentOf) -> None:
    lines = ["# Ann Own", "ann@example.com", "## Projects", "Ferry times, help@ferry.example.com"]

    assert values(found_in(document, *lines).links) == []


def test_an_address_beside_a_profile_is_the_persons_own_under_any_heading(
    document: DocumentOf,
) -> None:
    lines = ["# Ann Own", "ann@example.com", "## Interests", "Blog. https://velog.io/@ann", "Page https://ann.example.com"]  # fmt: skip

    found = find_contacts(split_sections(read_lines(document(lines))), ())

    assert values(found.links) == ["https://velog.io/@ann", "https://ann.example.com"]


def test_an_address_on_two_lines_of_a_cell_is_whole_where_a_link_leads_to_it(
    document: DocumentOf,
) -> None:
    line = "블로그‖https://example.com/profiles/ ann-own"
    sections = split_sections(read_lines(document(["# 강바다", line])))

    whole = find_contacts(sections, ["https://example.com/profiles/ann-own"])

    assert values(whole.links) == ["https://example.com/profiles/ann-own"]
    assert values(find_contacts(sections, ()).links) == ["https://example.com/profiles/"]


@pytest.mark.parametrize(
    ("text", "own"),
    [
        ("Portfolio", True), ("My website", True), ("포트폴리오 보기", True), ("Tableau Public", True), ("Ann Own", True),
        ("Acme Labs", False), ("Post on a blog", False), ("Read the paper", False), ("", False), ("기술 블로그", True),
    ],
)  # fmt: skip
def test_a_link_behind_words_is_the_persons_where_they_say_so(
    document: DocumentOf, text: str, *, own: bool
) -> None:
    sections = split_sections(
        read_lines(document(["# Ann Own", "ann@example.com", "velog.io/@ann"]))
    )

    found = find_contacts(sections, ["https://example.com/a"], [text])

    assert ("https://example.com/a" in values(found.links)) is own


def test_what_lies_under_ones_own_account_is_ones_own(document: DocumentOf) -> None:
    sections = split_sections(read_lines(document(["# Ann Own", "github.com/ann"])))
    targets = ["https://github.com/ann/ledger", "https://github.com/annie/other"]

    found = find_contacts(sections, targets, ["Ledger", "Other"])

    assert values(found.links) == ["github.com/ann", "https://github.com/ann/ledger"]


def test_the_words_of_a_documents_links_are_asked(document: DocumentOf) -> None:
    told = replace(
        document(["# Ann Own", "ann@example.com", "velog.io/@ann"]),
        links=("https://example.com/a", "https://example.com/b"),
        link_texts=("Portfolio", "Acme Labs"),
    )

    assert analyze(told).links == ("velog.io/@ann", "https://example.com/a")


@pytest.mark.parametrize(
    "footer",
    [
        "본 이력서는 나루잡에서 출력되었습니다 · https://www.narujob.example.com/print",
        "https://resume.example.com/resume.html‖1/2",
    ],
)
def test_the_address_of_the_site_that_printed_it_is_not_the_persons(
    document: DocumentOf, footer: str
) -> None:
    sections = split_sections(read_lines(document(["# 윤가온", "gaon@example.com", footer])))

    assert values(find_contacts(sections, ()).links) == []


def test_a_page_of_some_kind_is_ones_own_in_the_head_of_the_file(document: DocumentOf) -> None:
    sections = split_sections(
        read_lines(document(["# Ann Own", "Reading blog · github.com/ann", "## Work", "Team blog"]))
    )
    targets = ["https://shelf.example.com", "https://acme.example.com"]

    found = find_contacts(sections, targets, ["Reading blog", "Team blog"])

    assert values(found.links) == ["github.com/ann", "https://shelf.example.com"]


def test_accounts_named_after_the_person_are_their_own_and_those_of_a_template_are_not(
    document: DocumentOf,
) -> None:
    head = ["# 윤태경", "taekyung.yoon@example.com | taekyung.example.com", "tkyoon-dev | template"]
    sections = split_sections(read_lines(document(head)))
    targets = {
        "https://github.com/tkyoon-dev": "tkyoon-dev",
        "https://github.com/template": "template",
        "https://www.linkedin.com/in/taekyung-yoon": "",
        "https://github.com/someone-else": "",
        "https://acme.example.com/yoon-team": "Acme",
    }

    found = find_contacts(sections, [*targets], [*targets.values()])

    assert values(found.links) == [
        "taekyung.example.com",
        "https://github.com/tkyoon-dev",
        "https://www.linkedin.com/in/taekyung-yoon",
    ]


def test_the_account_of_a_referee_is_not_the_persons(document: DocumentOf) -> None:
    own = ["# Ann Own", "ann.own@example.com | own.example.com"]
    lines = [*own, "## References", "Bob Tolbert", "tolbert@example.org"]
    targets = ["https://www.linkedin.com/in/bob-tolbert"]

    found = find_contacts(split_sections(read_lines(document(lines))), targets, ["bob-tolbert"])

    assert values(found.links) == ["own.example.com"]


def test_where_links_lead_tells_how_addresses_were_broken(document: DocumentOf) -> None:
    lines = [
        "# Ingrid Solheim-Duarte",
        "ingrid@solheim-",
        "duarte.example.com",
        "solheim-",
        "duarte.example.com",
        "www.linkedin.com/in/ingrid",
        "solheim",
        "ingrid-solheim-",
        "duarte",
    ]
    targets = {
        "https://solheim-duarte.example.com": "solheim",
        "https://www.linkedin.com/in/ingrid-solheim": "www.linkedin.com/in/ingrid",
        "https://www.instagram.com/ingrid-solheim-duarte": "ingrid-solheim",
    }

    found = find_contacts(
        split_sections(read_lines(document(lines))), [*targets], [*targets.values()]
    )

    assert values(found.emails) == ["ingrid@solheim-duarte.example.com"]
    assert values(found.links) == [
        "solheim-duarte.example.com",
        "www.linkedin.com/in/ingrid-solheim",
        "https://www.instagram.com/ingrid-solheim-duarte",
    ]


def test_a_mail_under_an_address_is_a_line_of_its_own(document: DocumentOf) -> None:
    lines = ["# D. Achebe", "https://achebe-structures.example.com", "d.achebe@example.com"]

    found = find_contacts(split_sections(read_lines(document(lines))), ())

    assert values(found.emails) == ["d.achebe@example.com"]
    assert values(found.links) == ["https://achebe-structures.example.com"]
