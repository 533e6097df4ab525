"""The commands about persons; see `candidates` for what they do."""

from functools import partial
from typing import Annotated
from uuid import UUID

import typer

from app.cli.running import AsJson, Reveal, run_quietly


def _no_blank(sought: str | None) -> str | None:
    if sought is not None and not sought.strip():
        raise typer.BadParameter("say whom to look up")
    return sought


def candidates(  # noqa: PLR0913 - each is an option of the command
    candidate_id: Annotated[UUID | None, typer.Argument(metavar="[ID]")] = None,
    *,
    mail: Annotated[
        str | None, typer.Option(help="Look up by mail; - reads it from stdin.", callback=_no_blank)
    ] = None,
    phone: Annotated[
        str | None, typer.Option(help="Look up by phone; - reads it.", callback=_no_blank)
    ] = None,
    name: Annotated[
        str | None, typer.Option(help="Look up by name; - reads it.", callback=_no_blank)
    ] = None,
    versions: Annotated[
        bool, typer.Option("--versions", help="With an id: what each résumé of the person said.")
    ] = False,
    sources: Annotated[
        bool, typer.Option("--sources", help="With --reveal: where in the document it stands.")
    ] = False,
    anonymous: Annotated[
        bool, typer.Option("--anonymous", help="With an id: without what says who it is.")
    ] = False,
    keep_employers: Annotated[
        bool, typer.Option("--keep-employers", help="With --anonymous: names of employers.")
    ] = False,
    keep_schools: Annotated[
        bool, typer.Option("--keep-schools", help="With --anonymous: names of schools.")
    ] = False,
    not_duplicate: Annotated[
        bool,
        typer.Option("--not-duplicate", help="With an id: it is not the one it is flagged as."),
    ] = False,
    as_json: AsJson = False,
    reveal: Reveal = False,
) -> None:
    """List the latest candidates, look one up, or show one."""
    from app.candidates.anonymous import Keep
    from app.cli.candidates import (
        Sought,
        dismiss_duplicate,
        export_anonymously,
        show_candidate,
        show_candidates,
    )

    sought = Sought(mail=mail, phone=phone, name=name)
    if (keep_employers or keep_schools) and not anonymous:
        raise typer.BadParameter("--keep-employers and --keep-schools go with --anonymous")
    if sources and (candidate_id is None or not reveal):
        raise typer.BadParameter("--sources shows values: it needs an id and --reveal")
    if candidate_id is None:
        if versions or anonymous or not_duplicate:
            raise typer.BadParameter(
                "--versions, --anonymous and --not-duplicate need an id; see ./run candidates"
            )
        command = partial(show_candidates, sought=sought, as_json=as_json, reveal=reveal)
    elif sought:
        raise typer.BadParameter("give an id, or what to look up, not both")
    elif not_duplicate:
        if anonymous or versions or sources:
            raise typer.BadParameter("--not-duplicate decides; look at the candidate without it")
        command = partial(
            dismiss_duplicate, candidate_id=candidate_id, as_json=as_json, reveal=reveal
        )
    elif anonymous:
        if reveal or versions:
            raise typer.BadParameter("--anonymous shows neither names nor versions")
        keep = Keep(employers=keep_employers, schools=keep_schools)
        command = partial(export_anonymously, candidate_id=candidate_id, keep=keep, as_json=as_json)
    else:
        command = partial(
            show_candidate,
            candidate_id=candidate_id,
            as_json=as_json,
            reveal=reveal,
            versions=versions,
            sources=sources,
        )
    run_quietly(command)


def forget(
    candidate_id: Annotated[UUID, typer.Argument(metavar="ID")],
    *,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    as_json: AsJson = False,
) -> None:
    """Erase a candidate for good: all versions, keys, files and search entries."""
    from app.cli.candidates import forget as run_forget

    run_quietly(partial(run_forget, candidate_id=candidate_id, sure=yes, as_json=as_json))
