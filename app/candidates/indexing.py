"""Candidates whose words were indexed by other rules, or never, are indexed again."""

from typing import Final

from app.candidates import indexing_records as records
from app.candidates.morphemes import rules_name
from app.pipeline.stage import stage
from app.resilience.clock import Clock
from app.resilience.policies import PolicyName
from app.store.database import Database

_CANDIDATES: Final = 20
"""In one transaction: a second, or some with a dictionary."""
_LONGEST_S: Final = 30.0
"""Half of what a stage may take. The next run goes on."""


@stage("index_words", policy=PolicyName.LOCAL)
async def index_words(database: Database, clock: Clock) -> int:
    """How many were indexed; safe to run again, and beside others.

    Until its turn has come, a candidate is found by what is indexed of it, or by meaning.
    """
    until_s = clock.monotonic() + _LONGEST_S
    indexed = done = 0
    while clock.monotonic() < until_s:
        async with database.begin() as session:
            behind = await records.lock_behind(session, rules_name(), at_most=_CANDIDATES)
            for candidate in behind:
                chunks = await records.live_chunks(session, candidate)
                words = await records.words_of(candidate.tenant_id, chunks, candidate.skills)
                await records.put_words(session, candidate.tenant_id, candidate.id, words)
            done = len(behind)
        indexed += done
        if done < _CANDIDATES:
            break
    return indexed
