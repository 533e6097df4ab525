"""The commands `repair` and `picture`; what they do is imported when they run."""

from functools import partial
from pathlib import Path
from typing import Annotated
from uuid import UUID

import typer

from app.cli.running import AsJson, run_quietly


def picture(
    candidate_id: Annotated[UUID, typer.Argument(metavar="ID")],
    path: Annotated[Path, typer.Argument(help="Where the PNG goes.", writable=True)],
    *,
    portfolio: Annotated[
        bool, typer.Option("--portfolio", help="Of the portfolio, not of the first page.")
    ] = False,
) -> None:
    """Write a picture of a candidate to a file."""
    from app.cli.picture import run_picture

    run_quietly(partial(run_picture, candidate_id=candidate_id, path=path, portfolio=portfolio))


def repair(
    run_id: Annotated[UUID | None, typer.Argument(metavar="[RUN]")] = None,
    *,
    every: Annotated[bool, typer.Option("--all", help="Every partial run.")] = False,
    embeddings: Annotated[
        bool,
        typer.Option("--embeddings", help="Vectors of another model than the settings name."),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Do again what partial runs lack: vectors, pictures."""
    from app.cli.repair import run_repair

    if (run_id is not None) + every + embeddings != 1:
        raise typer.BadParameter("give the id of a run, or --all, or --embeddings")
    run_quietly(partial(run_repair, run_id=run_id, embeddings=embeddings, as_json=as_json))
