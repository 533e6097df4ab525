"""How the tables of words are written down: one text, parted by white space."""


def words(text: str) -> frozenset[str]:
    """The words of a table."""
    return frozenset(text.split())
