"""Look at what is there."""

import sys
from uuid import UUID

from pydantic import BaseModel

from app.bootstrap import Runtime
from app.candidates import records as candidates
from app.candidates.search import search
from app.candidates.views import CandidateView, RunView, view_candidate, view_run
from app.cli.render import (
    print_candidate,
    print_candidates,
    print_hits,
    print_json,
    print_run_list,
    print_waterfall,
)
from app.cli.serving import connected
from app.errors import ErrorCode, PermanentError
from app.pipeline import records as runs
from app.resilience.policies import PolicyName
from app.settings import Settings

_LISTED = 50


class RunList(BaseModel):
    runs: list[RunView]


class CandidateList(BaseModel):
    candidates: list[CandidateView]


class HitView(BaseModel):
    """`score` is fused from `keyword` and `meaning`, each from 0 to 1."""

    candidate: CandidateView
    score: float
    keyword: float
    meaning: float
    snippet: str


class HitList(BaseModel):
    """`without_meaning` is the code of why only words were searched, if that was so."""

    query: str
    hits: list[HitView]
    without_meaning: str | None


async def show_runs(
    settings: Settings, run_id: UUID | None, *, as_json: bool, reveal: bool
) -> None:
    """The `runs` command."""
    async with connected(settings) as runtime:
        if run_id is None:
            listed = await _latest_runs(runtime, reveal=reveal)
            if as_json:
                print_json(RunList(runs=listed))
            else:
                print_run_list(listed)
            return
        async with runtime.database.begin() as session:
            run = await runs.find(session, runtime.tenant_id, run_id)
            if run is None:
                raise PermanentError(ErrorCode.NOT_FOUND)
            view = await view_run(
                session, runtime.keyring, run, language=settings.ui.language, reveal=reveal
            )
            attempts = await runs.attempts(session, run_id)
            stages = await runs.stages(session, run_id)
    if as_json:
        print_json(view)
    else:
        print_waterfall(view, attempts, stages)


async def show_candidates(
    settings: Settings, candidate_id: UUID | None, *, as_json: bool, reveal: bool
) -> None:
    """The `candidates` command."""
    async with connected(settings) as runtime, runtime.database.begin() as session:
        if candidate_id is None:
            rows = await candidates.latest(session, runtime.tenant_id, top_k=_LISTED)
        else:
            row = await candidates.find(session, runtime.tenant_id, candidate_id)
            if row is None:
                raise PermanentError(ErrorCode.NOT_FOUND)
            rows = [row]
        views = [await view_candidate(session, runtime.keyring, row, reveal=reveal) for row in rows]
    if candidate_id is not None:
        (print_json if as_json else print_candidate)(views[0])
    elif as_json:
        print_json(CandidateList(candidates=views))
    else:
        print_candidates(views)


async def show_hits(
    settings: Settings, query: str, *, top_k: int, as_json: bool, reveal: bool
) -> None:
    """The `search` command."""
    async with connected(settings) as runtime:
        found = await search(
            runtime.database,
            runtime.tenant_id,
            query,
            embedder=runtime.embedder,
            policy=runtime.policies[PolicyName.QUERY],
            top_k=top_k,
        )
        async with runtime.database.begin() as session:
            rows = await candidates.by_ids(
                session, runtime.tenant_id, [hit.candidate_id for hit in found.hits]
            )
            hits = [
                HitView(
                    candidate=await view_candidate(
                        session, runtime.keyring, rows[hit.candidate_id], reveal=reveal
                    ),
                    score=hit.score,
                    keyword=hit.keyword,
                    meaning=hit.meaning,
                    snippet=hit.snippet,
                )
                for hit in found.hits
                if hit.candidate_id in rows
            ]
    result = HitList(query=query, hits=hits, without_meaning=found.without_meaning)
    if found.without_meaning is not None:
        reason = found.without_meaning.text(settings.ui.language)
        print(f"naru: found by words alone: {reason}", file=sys.stderr)
    if as_json:
        print_json(result)
    else:
        print_hits(result.query, result.hits)


async def _latest_runs(runtime: Runtime, *, reveal: bool) -> list[RunView]:
    language = runtime.settings.ui.language
    async with runtime.database.begin() as session:
        return [
            await view_run(session, runtime.keyring, run, language=language, reveal=reveal)
            for run in await runs.latest(session, runtime.tenant_id, top_k=_LISTED)
        ]
