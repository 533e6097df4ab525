"""What the `credits` commands do."""

from app.api.credits import (
    CreditsView,
    VerificationView,
    page_of,
    view_credits,
    view_verification,
)
from app.bootstrap import Runtime
from app.cli.render import console, print_json
from app.cli.running import Exit
from app.cli.serving import connected
from app.cli.tables import moment, plain, print_table, table
from app.cli.who import operator
from app.credits import ledger
from app.credits.ledger import Balance
from app.credits.verification import settle_strays, verify
from app.settings import Settings


async def run_show(settings: Settings, *, as_json: bool) -> None:
    """The `credits show` command."""
    async with connected(settings) as runtime:
        await show(runtime, as_json=as_json)


async def run_grant(settings: Settings, credit_count: int, *, note: str, as_json: bool) -> None:
    """The `credits grant` command."""
    async with connected(settings) as runtime:
        await grant(runtime, credit_count, note=note, as_json=as_json)


async def run_adjust(settings: Settings, credit_count: int, *, note: str, as_json: bool) -> None:
    """The `credits adjust` command."""
    async with connected(settings) as runtime:
        await adjust(runtime, credit_count, note=note, as_json=as_json)


async def run_lift(settings: Settings, *, note: str, as_json: bool) -> None:
    """The `credits unlimited` command."""
    async with connected(settings) as runtime:
        await lift(runtime, note=note, as_json=as_json)


async def run_ledger(settings: Settings, *, limit: int, as_json: bool) -> None:
    """The `credits ledger` command."""
    async with connected(settings) as runtime:
        await list_entries(runtime, limit=limit, as_json=as_json)


async def run_verify(settings: Settings, *, settle: bool, as_json: bool) -> Exit:
    """The `credits verify` command."""
    async with connected(settings) as runtime:
        return await check(runtime, settle=settle, as_json=as_json)


async def show(runtime: Runtime, *, as_json: bool) -> None:
    """In a sentence."""
    async with runtime.database.begin() as session:
        left = await ledger.balance(session, runtime.tenant_id)
    _print(runtime, left, as_json=as_json)


async def grant(runtime: Runtime, credit_count: int, *, note: str, as_json: bool) -> None:
    """Give, then show what there is."""
    async with runtime.database.begin() as session:
        left = await ledger.grant(
            session, runtime.tenant_id, credit_count, note=note, made_by=operator()
        )
    _print(runtime, left, as_json=as_json)


async def adjust(runtime: Runtime, credit_count: int, *, note: str, as_json: bool) -> None:
    """Correct, then show what there is."""
    async with runtime.database.begin() as session:
        left = await ledger.adjust(
            session, runtime.tenant_id, credit_count, note=note, made_by=operator()
        )
    _print(runtime, left, as_json=as_json)


async def lift(runtime: Runtime, *, note: str, as_json: bool) -> None:
    """Lift the limit, then show what there is."""
    async with runtime.database.begin() as session:
        left = await ledger.lift(session, runtime.tenant_id, note=note, made_by=operator())
    _print(runtime, left, as_json=as_json)


async def list_entries(runtime: Runtime, *, limit: int, as_json: bool) -> None:
    """A line each."""
    async with runtime.database.begin() as session:
        found = await ledger.entries(session, runtime.tenant_id, top_k=limit + 1)
    page = page_of(found, limit)
    if as_json:
        print_json(page)
        return
    if not page.entries:
        console().print("Nothing has happened to credits: they are unlimited.")
        return
    rows = table("when", "kind", "available", "reserved", "run", "by", "note")
    for entry in page.entries:
        rows.add_row(
            moment(entry.created_at),
            entry.kind,
            f"{entry.available_delta:+,}" if entry.available_delta else "",
            f"{entry.reserved_delta:+,}" if entry.reserved_delta else "",
            plain(entry.run_id),
            plain(entry.made_by),
            plain(entry.note),
        )
    print_table(console(), rows)
    if page.next_cursor is not None:
        console(stderr=True).print(f"There are more than {limit}; --limit shows more.")


async def check(runtime: Runtime, *, settle: bool, as_json: bool) -> Exit:
    """Say whether all adds up, after settling what was asked for."""
    async with runtime.database.begin() as session:
        verified = await verify(session, runtime.tenant_id)
        if settle and verified.strays:
            await settle_strays(session, verified)
            verified = await verify(session, runtime.tenant_id)
    if as_json:
        print_json(view_verification(verified))
    else:
        _print_verification(view_verification(verified))
    return Exit.OK if verified.holds else Exit.SOME_FAILED


def _print(runtime: Runtime, left: Balance, *, as_json: bool) -> None:
    view = view_credits(left, runtime.settings.credits.per_file)
    if as_json:
        print_json(view)
    else:
        console().print(_sentence(view))


def _sentence(view: CreditsView) -> str:
    held = f" Runs under way hold {view.reserved:,}." if view.reserved else ""
    if view.available is None:
        return f"Credits are unlimited.{held}"
    return f"Credits available: {view.available:,}; a file costs {view.per_file:,}.{held}"


def _print_verification(view: VerificationView) -> None:
    out = console()
    for name, has, difference in (
        ("available", view.available, view.available_difference),
        ("reserved", view.reserved, view.reserved_difference),
    ):
        said = "as its entries" if not difference else f"{difference:+,} beside its entries"
        out.print(f"{name}: {has:,}, {said}")
    for stray in view.strays:
        status = stray.status.value if stray.status else "gone"
        out.print(f"run {stray.run_id} is {status}, and keeps reserved: {stray.credits:,}")
    if view.holds:
        out.print(f"All {view.entries:,} entries add up.")
    elif view.strays:
        console(stderr=True).print("./run credits verify --settle settles those of ended runs.")
