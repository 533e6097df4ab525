"""Search over candidates."""

from fastapi import APIRouter

from app.api.dependencies import Context
from app.candidates.hits import HitList, SearchOrder, find_hits
from app.resilience.policies import PolicyName

router = APIRouter(prefix="/v1/candidates", tags=["candidates"])


# In the body: people search for persons, and addresses end up in the logs of every proxy.
@router.post("/search")
async def search_candidates(
    order: SearchOrder, runtime: Context, *, reveal: bool = False
) -> HitList:
    """The candidates that fit a query best, by words and by meaning, each with why."""
    return await find_hits(
        runtime.database,
        runtime.tenant_id,
        runtime.keyring,
        order,
        embedder=runtime.embedder,
        policy=runtime.policies[PolicyName.QUERY],
        reveal=reveal,
    )
