"""Pictures of candidates."""

from uuid import UUID

from fastapi import APIRouter, Response

from app.api.dependencies import Context
from app.candidates.pictures import PictureOf, open_picture
from app.resilience.policies import PolicyName

router = APIRouter(prefix="/v1/candidates", tags=["candidates"])


@router.get(
    "/{candidate_id}/pictures/{of}",
    response_class=Response,
    responses={200: {"content": {"image/png": {}}}},
)
async def show_picture(candidate_id: UUID, of: PictureOf, runtime: Context) -> Response:
    """A PNG of the first page of the newest résumé, or of the portfolio that it links.

    Both show the person; 404 where there is none, 410 once the candidate is erased.
    """
    picture = await open_picture(
        runtime.database,
        runtime.blobs,
        runtime.policies[PolicyName.STORAGE],
        runtime.keyring,
        runtime.tenant_id,
        candidate_id,
        of=of,
    )
    return Response(picture, media_type="image/png")
