from app.candidates.rules.skills_table import SKILLS


def rows():
    return [entry.strip() for entry in SKILLS.replace("\n", " ").split(";") if entry.strip()]


def test_the_table_is_broad_and_holds_no_name_twice() -> None:
    names = [row.partition("=")[0].lstrip("!").casefold() for row in rows()]

    assert len(names) > 700
    assert len(names) == len(set(names))


def test_aliases_are_never_empty() -> None:
    assert all(a.strip() for row in rows() if "=" in row for a in row.partition("=")[2].split(","))
