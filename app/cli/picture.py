"""Write a picture of a candidate to a file."""

import asyncio
from pathlib import Path
from uuid import UUID

import typer

from app.candidates.pictures import PictureOf, open_picture
from app.cli.render import console
from app.cli.serving import connected
from app.resilience.policies import PolicyName
from app.settings import Settings


async def run_picture(
    settings: Settings, candidate_id: UUID, path: Path, *, portfolio: bool
) -> None:
    """The `picture` command."""
    async with connected(settings) as runtime:
        picture = await open_picture(
            runtime.database,
            runtime.blobs,
            runtime.policies[PolicyName.STORAGE],
            runtime.keyring,
            runtime.tenant_id,
            candidate_id,
            of=PictureOf.PORTFOLIO if portfolio else PictureOf.FIRST_PAGE,
        )
    try:
        await asyncio.to_thread(path.write_bytes, picture)
    except OSError as error:
        raise typer.BadParameter(
            f"{path} cannot be written: {error.strerror}", param_hint="PATH"
        ) from None
    console().print(f"{path} shows the candidate; nothing in it is masked.", markup=False)
