"""Look at dead letters, retry and purge them."""

from pydantic import BaseModel
from rich.table import Table

from app.api.dead_letters import DeadLetterPage, RetryAnswer
from app.cli.render import console, print_json
from app.cli.running import Exit
from app.cli.serving import connected
from app.cli.tables import moment, plain, print_table, table
from app.queue.deadletters import MAX_PAGE, DeadLetter, DeadLetters, Retried
from app.settings import Settings

_OUTCOMES = {
    Retried.QUEUED: "is in the queue again.",
    Retried.THERE: "waits or runs already; somebody else was first.",
    Retried.OBSOLETE: "stands for nothing that is left to do; its letter is gone.",
}


class Purged(BaseModel):
    """How many were forgotten."""

    purged: int


async def run_list(settings: Settings, *, limit: int, as_json: bool) -> None:
    """The `dead ls` command."""
    async with connected(settings) as runtime:
        await list_letters(runtime.dead_letters, limit=limit, as_json=as_json)


async def run_show(settings: Settings, letter_id: str, *, as_json: bool) -> None:
    """The `dead show` command."""
    async with connected(settings) as runtime:
        await show_letter(runtime.dead_letters, letter_id, as_json=as_json)


async def run_retry(settings: Settings, letter_id: str | None, *, as_json: bool) -> Exit:
    """The `dead retry` command; without an id, all."""
    async with connected(settings) as runtime:
        if letter_id is None:
            return await retry_all(runtime.dead_letters, as_json=as_json)
        return await retry_letter(runtime.dead_letters, letter_id, as_json=as_json)


async def run_purge(
    settings: Settings, letter_id: str | None, *, older_than_s: float, as_json: bool
) -> None:
    """The `dead purge` command; without an id, all that are old enough."""
    async with connected(settings) as runtime:
        await purge(runtime.dead_letters, letter_id, older_than_s=older_than_s, as_json=as_json)


async def list_letters(letters: DeadLetters, *, limit: int, as_json: bool) -> None:
    """A line each, of all tenants."""
    found: list[DeadLetter] = []
    cursor: str | None = None
    while len(found) < limit:
        page = await letters.page(top_k=min(limit - len(found), MAX_PAGE), cursor=cursor)
        found += page.letters
        cursor = page.next_cursor
        if cursor is None:
            break
    if as_json:
        print_json(DeadLetterPage(letters=tuple(found), next_cursor=cursor))
        return
    if not found:
        console().print("No job has died.")
        return
    rows = table("id", "died", "function", "code", "tries", "priority", "tenant")
    for letter in found:
        rows.add_row(
            plain(letter.id),
            moment(letter.died_at),
            plain(letter.function),
            plain(letter.code),
            str(letter.tries),
            letter.priority.value,
            plain(letter.tenant),
        )
    print_table(console(), rows)
    if cursor is not None:
        console(stderr=True).print(f"There are more than {limit}; --limit shows more.")


async def show_letter(letters: DeadLetters, letter_id: str, *, as_json: bool) -> None:
    """Each field on its own line."""
    letter = await letters.get(letter_id)
    if as_json:
        print_json(letter)
        return
    rows = Table(show_header=False, box=None, pad_edge=False)
    for name, value in letter.model_dump(mode="json").items():
        if value not in (None, ""):
            rows.add_row(name, plain(value))
    console().print(rows)


async def retry_letter(letters: DeadLetters, letter_id: str, *, as_json: bool) -> Exit:
    """Say what became of it."""
    outcome = await letters.retry(letter_id)
    if as_json:
        print_json(RetryAnswer(id=letter_id, outcome=outcome))
    else:
        console().print(plain(f"{letter_id} {_OUTCOMES[outcome]}"))
    return Exit.OK


async def retry_all(letters: DeadLetters, *, as_json: bool) -> Exit:
    """Say how many; some that cannot run again are a failure."""
    total = await letters.retry_all()
    if as_json:
        print_json(total)
    else:
        console().print(
            f"In the queue again: {total.queued}. There already: {total.there}. "
            f"Nothing left to do: {total.obsolete}."
        )
    if not total.refused:
        return Exit.OK
    console(stderr=True).print(
        f"{total.refused} cannot run again; `./run dead ls` shows them, `./run dead purge` forgets "
        "them."
    )
    return Exit.SOME_FAILED


async def purge(
    letters: DeadLetters, letter_id: str | None, *, older_than_s: float, as_json: bool
) -> None:
    """One, or all that are old enough."""
    if letter_id is None:
        purged = await letters.purge_all(older_than_s=older_than_s)
    else:
        await letters.purge(letter_id)
        purged = 1
    if as_json:
        print_json(Purged(purged=purged))
    else:
        console().print("1 job is forgotten." if purged == 1 else f"{purged} jobs are forgotten.")
