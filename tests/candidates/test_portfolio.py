import pytest

from app.candidates.portfolio import portfolio_of


@pytest.mark.parametrize(
    ("link", "url"),
    [
        ("https://gaon.example.com", "https://gaon.example.com"),
        ("gaon.example.com/works", "https://gaon.example.com/works"),
        ("gaon.example.com:8080/works", "https://gaon.example.com:8080/works"),
        ("http://gaon.example.com", "http://gaon.example.com"),
        ("https://gaon.github.io", "https://gaon.github.io"),
        ("https://github.com/gaon/design-system", "https://github.com/gaon/design-system"),
        ("https://www.behance.net/gaon", "https://www.behance.net/gaon"),
        ("https://github.com/gaon", None),
        ("https://gist.github.com/gaon/1", None),
        ("https://www.linkedin.com/in/gaon", None),
        ("https://kr.linkedin.com/in/gaon", None),
        ("https://blog.example.com/cv.pdf", None),
        ("mailto:gaon@example.com", None),
        ("javascript:alert(1)", None),
        ("file:///etc/passwd", None),
        ("ftp://gaon.example.com", None),
        ("http://[", None),
        ("gaon", None),
        ("", None),
    ],
)
def test_a_page_of_ones_own_is_a_portfolio_and_an_account_is_not(
    link: str, url: str | None
) -> None:
    assert portfolio_of([link]) == url


def test_of_several_links_the_one_that_says_so_is_taken() -> None:
    repository, own = "https://github.com/gaon/tool", "https://gaon.example.com"
    host, said = (
        "https://www.behance.net/gaon",
        "https://example.org/%ED%8F%AC%ED%8A%B8%ED%8F%B4%EB%A6%AC%EC%98%A4",
    )
    assert portfolio_of([repository, own, host, said]) == said
    assert portfolio_of([repository, own, host]) == host
    assert portfolio_of([repository, own]) == own
    assert portfolio_of([own, "https://second.example.com"]) == own
