"""The `search` command."""

import sys

from app.candidates.hits import SearchOrder, find_hits
from app.cli.render import print_hits, print_json
from app.cli.serving import connected
from app.messages import Message
from app.resilience.policies import PolicyName
from app.settings import Settings


async def show_hits(settings: Settings, order: SearchOrder, *, as_json: bool, reveal: bool) -> None:
    """Search and show; says on stderr when the query could not be embedded."""
    async with connected(settings) as runtime:
        found = await find_hits(
            runtime.database,
            runtime.tenant_id,
            runtime.keyring,
            order,
            embedder=runtime.embedder,
            policy=runtime.policies[PolicyName.QUERY],
            reveal=reveal,
        )
    if found.without_meaning is not None:
        language, code = settings.ui.language, found.without_meaning
        said = Message.SEARCH_BY_WORDS_ALONE.text(language, {"code": code})
        print(f"naru: {said}", file=sys.stderr)
    if as_json:
        print_json(found)
    else:
        print_hits(found.query, found.hits)
