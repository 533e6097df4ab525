"""Look at candidates, look one up, export one without a name, and erase one."""

import asyncio
import sys
from dataclasses import dataclass
from uuid import UUID

from app.bootstrap import Runtime
from app.candidates import erasure, records
from app.candidates.anonymous import AnonymousProfile, Keep, export
from app.candidates.distinct import tell_apart
from app.candidates.erasure import Erased, Eraser
from app.candidates.lookup import look_up
from app.candidates.views import CandidateList, CandidateView, VersionView, view_candidate
from app.cli.render import console, print_candidate, print_candidates, print_json
from app.cli.running import Exit
from app.cli.serving import connected
from app.cli.tables import moment, plain, print_table, table
from app.jobs.registry import effects
from app.pipeline.effects import carry_out
from app.settings import Settings

_LISTED = 50
_SKILLS_SHOWN = 8
_FROM_STDIN = "-"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sought:
    """Whom to look up; `-` reads a line from stdin, which no history and no process list shows."""

    mail: str | None = None
    phone: str | None = None
    name: str | None = None

    def __bool__(self) -> bool:
        return self != Sought()


class ErasedView(Erased):
    """`files_deleted` is False while the store does not answer; they are deleted when it does."""

    files_deleted: bool


async def show_candidates(
    settings: Settings, sought: Sought, *, as_json: bool, reveal: bool
) -> None:
    """The `candidates` command without an id."""
    told = await asyncio.to_thread(_read, sought)
    async with connected(settings) as runtime, runtime.database.begin() as session:
        if told:
            rows = await look_up(
                session,
                runtime.index,
                runtime.tenant_id,
                mail=told.mail,
                phone=told.phone,
                name=told.name,
            )
        else:
            rows = await records.latest(session, runtime.tenant_id, top_k=_LISTED)
        views = [await view_candidate(session, runtime.keyring, row, reveal=reveal) for row in rows]
    if as_json:
        print_json(CandidateList(candidates=views))
    elif told and not views:
        console().print("Nobody here is known by that.")
    else:
        print_candidates(views)
        _tell_flagged(views)


async def show_candidate(
    settings: Settings,
    candidate_id: UUID,
    *,
    as_json: bool,
    reveal: bool,
    versions: bool,
    sources: bool = False,
) -> None:
    """The `candidates ID` command."""
    async with connected(settings) as runtime, runtime.database.begin() as session:
        row = await erasure.existing(session, runtime.tenant_id, candidate_id)
        view = await view_candidate(session, runtime.keyring, row, reveal=reveal, versions=versions)
    if as_json:
        print_json(view)
        return
    print_candidate(view.model_copy(update={"versions": None}), sources=sources)
    if view.versions is not None:
        _print_versions(view.versions)
    _tell_flagged([view])


async def export_anonymously(
    settings: Settings, candidate_id: UUID, keep: Keep, *, as_json: bool
) -> None:
    """The `candidates ID --anonymous` command."""
    async with connected(settings) as runtime, runtime.database.begin() as session:
        row = await erasure.existing(session, runtime.tenant_id, candidate_id)
        view = await export(session, runtime.keyring, runtime.index, row, keep)
    if as_json:
        print_json(view)
    else:
        _print_anonymous(view)


async def dismiss_duplicate(
    settings: Settings, candidate_id: UUID, *, as_json: bool, reveal: bool
) -> None:
    """The `candidates ID --not-duplicate` command."""
    async with connected(settings) as runtime, runtime.database.begin() as session:
        row = await erasure.existing(session, runtime.tenant_id, candidate_id)
        other_id = row.possible_duplicate_of
        row = await tell_apart(session, runtime.tenant_id, candidate_id)
        view = await view_candidate(session, runtime.keyring, row, reveal=reveal)
    if as_json:
        print_json(view)
    elif other_id is None:
        console().print(
            f"{candidate_id} is not flagged. Where another candidate is flagged as this one, give "
            "the id of that.",
            markup=False,
        )
    else:
        console().print(
            f"{candidate_id} and {other_id} are two persons; later résumés flag them no more.",
            markup=False,
        )


async def forget(settings: Settings, candidate_id: UUID, *, sure: bool, as_json: bool) -> int:
    """The `forget` command: asks, unless `sure`; returns its exit code."""
    async with connected(settings) as runtime:
        if not sure and not await _confirmed(runtime, candidate_id):
            print("Nothing was erased.", file=sys.stderr)
            return Exit.SOME_FAILED
        eraser = Eraser(
            database=runtime.database,
            producer=runtime.producer,
            events=runtime.events,
            keyring=runtime.keyring,
            tenant_id=runtime.tenant_id,
        )
        done = await eraser.erase(candidate_id)
        if done.run_id is not None:
            # No worker need be running here. Whoever comes first does it.
            await carry_out(runtime.database, effects(runtime), done.run_id)
        async with runtime.database.begin() as session:
            files_left = await erasure.files_left(session, candidate_id)
    view = ErasedView(**done.erased.model_dump(), files_deleted=not files_left)
    if as_json:
        print_json(view)
        return Exit.OK
    console().print(f"Candidate {view.id} is erased; nothing of it can be read any more.")
    if files_left:
        console().print("Its sealed files are deleted as soon as the store answers.")
    return Exit.OK


async def _confirmed(runtime: Runtime, candidate_id: UUID) -> bool:
    async with runtime.database.begin() as session:
        row = await records.find(session, runtime.tenant_id, candidate_id)
        if row is None:
            return True  # erasing says what is the matter
        view = await view_candidate(session, runtime.keyring, row, reveal=False, versions=True)
    shown = f"{view.name or 'a candidate without a name'}, {len(view.versions or ())} version(s)"
    print(
        f"Erase {shown}: profile, files and search entries, for good. Type yes: ",
        end="",
        file=sys.stderr,
        flush=True,
    )
    return (await asyncio.to_thread(sys.stdin.readline)).strip() == "yes"


def _read(sought: Sought) -> Sought:
    def value(given: str | None) -> str | None:
        if given != _FROM_STDIN:
            return given
        return sys.stdin.readline().strip()

    return Sought(mail=value(sought.mail), phone=value(sought.phone), name=value(sought.name))


def _tell_flagged(views: list[CandidateView]) -> None:
    for view in views:
        if view.possible_duplicate_of is not None:
            console().print(
                f"{view.id} may be {view.possible_duplicate_of}: a mail or phone is the same, the "
                "name is not. Compare the two with --reveal; if they are two persons: "
                "--not-duplicate.",
                markup=False,
            )


def _print_versions(versions: list[VersionView]) -> None:
    shown = table("version", "run", "read at", "headline", "skills", "years", "analyst")
    for each in versions:
        more = " …" if len(each.skills) > _SKILLS_SHOWN else ""
        shown.add_row(
            str(each.version),
            str(each.run_id),
            moment(each.created_at),
            plain(each.headline),
            plain(", ".join(each.skills[:_SKILLS_SHOWN]) + more),
            f"{each.years:g}",
            each.analyst,
        )
    console().print()
    print_table(console(), shown)


def _print_anonymous(view: AnonymousProfile) -> None:
    lines: list[tuple[str, str | None]] = [
        ("pseudonym", view.pseudonym),
        ("headline", view.headline),
        ("years", f"{view.years:g}"),
        ("language", view.language),
        ("skills", ", ".join(view.skills)),
    ]
    lines += [
        ("experience", _joined(each.title, each.company, _range(each.start, each.end)))
        for each in view.experience
    ]
    lines += [
        ("education", _joined(each.degree, each.school, _range(each.start, each.end)))
        for each in view.education
    ]
    lines += [("languages", _joined(each.name, each.level)) for each in view.languages]
    lines.append(("summary", view.summary))
    shown = table("", "")
    shown.show_header = False
    for name, value in lines:
        if value:
            shown.add_row(name, plain(value))
    console().print(shown)


def _joined(*parts: str | None) -> str:
    return "  ".join(part for part in parts if part)


def _range(start: str | None, end: str | None) -> str | None:
    return f"{start or ''} – {end or ''}" if start or end else None
