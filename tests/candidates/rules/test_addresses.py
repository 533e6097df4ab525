import pytest

from app.candidates.rules.addresses import emails_in, link_key, links_in


@pytest.mark.parametrize(
    ("text", "mail"),
    [
        ("mail: a.b-c+d@mail.example.co.kr.", "a.b-c+d@mail.example.co.kr"),
        ("jane (at) example (dot) com", "jane@example.com"),
        ("<jane@example.com>", "jane@example.com"),
    ],
)
def test_mails_are_found(text: str, mail: str) -> None:
    assert emails_in(text) == [mail]


def test_spaces_that_recognition_put_into_a_mail_are_taken_out() -> None:
    assert emails_in("rebecca @example .com", ocr=True) == ["rebecca@example.com"]
    assert emails_in("at home @ work") == []


@pytest.mark.parametrize(
    ("text", "links"),
    [
        ("see https://a.example.com/x?y=1, and more", ["https://a.example.com/x?y=1"]),
        ("github.com/some-one · www.example.org", ["github.com/some-one", "www.example.org"]),
        ("ASP.NET, Node.js, Socket.IO and e.g. this", []),
        ("jane@example.com", []),
    ],
)
def test_links_are_found_as_written(text: str, links: list[str]) -> None:
    assert links_in(text) == links


def test_link_keys_forget_scheme_and_slash() -> None:
    assert link_key("https://www.Example.com/a/") == link_key("example.com/a")
