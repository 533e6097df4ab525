"""A search as the doors ask for it and show it: one shape for the API and for `--json`."""

from datetime import UTC, date, datetime, time, timedelta
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy.ext.asyncio import AsyncSession

from app.candidates import records
from app.candidates.search import Found, Hit, search
from app.candidates.search_records import Filters
from app.candidates.views import CandidateView, view_candidate
from app.errors import ErrorCode, PermanentError
from app.messages import Language, Message
from app.providers.embedders import Embedder
from app.resilience.policy import Policy
from app.store.crypto import Keyring
from app.store.database import Database
from app.store.keys import TenantId

MAX_TOP_K = 100

_DAY = timedelta(days=1)

_Skills = Annotated[
    tuple[Annotated[str, Field(min_length=1, max_length=100)], ...], Field(max_length=20)
]
_Years = Annotated[float, Field(ge=0, le=100)]


class SearchOrder(BaseModel):
    """What is looked for. Days are those of UTC, and count whole at both ends."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    query: Annotated[str, Field(max_length=20_000)]
    top_k: Annotated[int, Field(ge=1, le=MAX_TOP_K)] = 10
    all_skills: _Skills = ()
    any_skills: _Skills = ()
    min_years: _Years | None = None
    max_years: _Years | None = None
    language: Language | None = None
    created_since: date | None = None
    created_until: date | None = None

    def filters(self) -> Filters:
        """Raises VALIDATION_ERROR for a range that nobody can be in."""
        for low, high in (
            (self.min_years, self.max_years),
            (self.created_since, self.created_until),
        ):
            if low is not None and high is not None and low > high:  # pyright: ignore[reportOperatorIssue] - two of a kind
                raise PermanentError(
                    ErrorCode.VALIDATION_ERROR,
                    Message.SEARCH_RANGE_EMPTY,
                    details={"low": str(low), "high": str(high)},
                )
        return Filters(
            all_skills=self.all_skills,
            any_skills=self.any_skills,
            min_years=self.min_years,
            max_years=self.max_years,
            language=self.language,
            created_since=self.created_since and _midnight(self.created_since),
            created_before=self.created_until and _end(self.created_until),
        )


class HitView(BaseModel):
    """`score` is made of `keyword` and `meaning`; all are from 0 to 1.

    `words` are those of the query that were found, `skills` those of the candidate that it names;
    `snippet` is text around them, with personal data masked.
    """

    candidate: CandidateView
    score: float
    keyword: float
    meaning: float
    words: list[str]
    skills: list[str]
    snippet: str


class HitList(BaseModel):
    """The best first. `without_meaning` is the code of why only words were searched, if so."""

    query: str
    hits: list[HitView]
    without_meaning: ErrorCode | None


async def find_hits(  # noqa: PLR0913 - what a runtime has, and an order
    database: Database,
    tenant_id: TenantId,
    keyring: Keyring,
    order: SearchOrder,
    *,
    embedder: Embedder,
    policy: Policy,
    reveal: bool,
) -> HitList:
    """Search, and open the profiles of those found; names and contacts only for `reveal`."""
    found = await search(
        database,
        tenant_id,
        order.query,
        embedder=embedder,
        policy=policy,
        top_k=order.top_k,
        filters=order.filters(),
    )
    async with database.begin() as session:
        hits = await _views(session, tenant_id, keyring, found, reveal=reveal)
    return HitList(query=order.query, hits=hits, without_meaning=found.without_meaning)


async def _views(
    session: AsyncSession, tenant_id: TenantId, keyring: Keyring, found: Found, *, reveal: bool
) -> list[HitView]:
    rows = await records.by_ids(session, tenant_id, [hit.candidate_id for hit in found.hits])
    return [
        _view(hit, await view_candidate(session, keyring, rows[hit.candidate_id], reveal=reveal))
        for hit in found.hits
        # Erased since it was found, or unreadable while it is being erased.
        if hit.candidate_id in rows and rows[hit.candidate_id].data_key_id is not None
    ]


def _view(hit: Hit, candidate: CandidateView) -> HitView:
    return HitView(
        candidate=candidate,
        score=hit.score,
        keyword=hit.keyword,
        meaning=hit.meaning,
        words=list(hit.words),
        skills=list(hit.skills),
        snippet=hit.snippet,
    )


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), tzinfo=UTC)


def _end(day: date) -> datetime:
    """The next midnight; the last day that there is has none, and ends as it begins."""
    return _midnight(min(day, date.max - _DAY) + _DAY)
