"""What must hold once a storm is over, asked of PostgreSQL, of Redis and of the world outside."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from sqlalchemy import func, select, text

from app.pipeline.tables import AttemptRow, CheckpointRow, EffectRow, RunRow, RunStatus
from app.store.database import Database
from tests.torture import journal
from tests.torture.flow import OWING, ROW, WEBHOOK
from tests.torture.servers import KillableRedis
from tests.torture.sink import Sink

STANDING = ("arq:job:", "arq:in-progress:", "arq:retry:", "naru:worker:")
"""Of jobs that wait or run, and of workers that live. Payloads and counts of tries have a TTL, but
a month long: what is left of them keeps its id from being used."""


GIVEN_UP = (
    "run_crashed", "run_gave_up", "job_failed", "job_dead", "delivery_crashed", "hook_failed",
)  # fmt: skip
"""Events of the log that no blow may lead to."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """`faults`: a line for each thing that must not be; run ids begin those that are of a run."""

    faults: list[str]
    figures: str


async def verify_runs(database: Database, sink: Sink, run_ids: Sequence[UUID]) -> Outcome:
    """Look at all that the runs have left."""
    faults: list[str] = []
    entries = await journal.read(database)
    async with database.begin() as session:
        runs = {run.id: run for run in await session.scalars(select(RunRow))}
        attempts: dict[UUID, list[AttemptRow]] = defaultdict(list)
        for row in await session.scalars(select(AttemptRow).order_by(AttemptRow.attempt)):
            attempts[row.run_id].append(row)
        effects: dict[UUID, list[EffectRow]] = defaultdict(list)
        for effect in await session.scalars(select(EffectRow)):
            effects[effect.run_id].append(effect)
        commits: dict[UUID, list[tuple[str, str]]] = defaultdict(list)
        for run_id, stage, answer in await session.execute(
            text("SELECT run_id, stage, answer FROM torture_commits")
        ):
            commits[run_id].append((stage, answer))
        written = Counter(
            await session.scalars(text("SELECT idempotency_key FROM torture_effects"))
        )
        kept = await session.scalar(
            select(func.count())
            .select_from(CheckpointRow)
            .join(RunRow, RunRow.id == CheckpointRow.run_id)
            .where(RunRow.status != RunStatus.PARTIAL)
        )
    for run_id in run_ids:
        run = runs[run_id]
        found = [
            *journal.faults(entries[run_id]),
            *_of_end(run),
            *_of_attempts(run, attempts[run_id]),
            *_of_commits(commits[run_id]),
            *_of_effects(run, effects[run_id]),
        ]
        faults += [f"{run_id}: {fault}" for fault in found]
    if kept:
        faults.append(f"{kept} checkpoints are kept of runs that need none")
    faults += _of_the_world(
        {key for each in effects.values() for key in _keys(each)}, written, sink
    )
    return Outcome(faults, _figures(list(runs.values()), effects, sink))


def _of_end(run: RunRow) -> Iterator[str]:
    refused = run.status == RunStatus.FAILED and run.code in OWING
    if run.status not in (RunStatus.SUCCEEDED, RunStatus.PARTIAL) and not refused:
        yield f"ended {run.status} with {run.code} {run.details} after {run.tries} tries"


def _of_attempts(run: RunRow, rows: Sequence[AttemptRow]) -> Iterator[str]:
    if (numbers := [row.attempt for row in rows]) != list(range(1, run.attempt + 1)):
        yield f"attempts are {numbers}, the last one {run.attempt}"
    for row in rows:
        if row.ended_at is None:
            yield f"attempt {row.attempt} never ended"


def _of_commits(rows: Sequence[tuple[str, str]]) -> Iterator[str]:
    if sorted(stage for stage, _ in rows) != ["first", "second"]:
        yield f"committed {rows}"
    elif len({answer for _, answer in rows}) != 1:
        yield f"an answer was used before it was saved: {rows}"


def _of_effects(run: RunRow, rows: Sequence[EffectRow]) -> Iterator[str]:
    owed = [ROW, WEBHOOK] if run.code in OWING else []
    if sorted(row.kind for row in rows) != owed:
        yield f"owed {owed} and has {[row.kind for row in rows]}"
    for row in rows:
        if row.done_at is None:
            yield f"{row.kind} was not done in {row.tries} tries"


def _of_the_world(keys: set[str], written: Counter[str], sink: Sink) -> Iterator[str]:
    if written != Counter(key for key in keys if key.startswith(ROW)):
        yield "the rows that effects have written are not those that were owed, once each"
    if set(sink.hooks) != {key for key in keys if key.startswith(WEBHOOK)}:
        yield "webhooks came with keys that were not owed, or some never came"
    for key, bodies in sink.hooks.items():
        if len(set(bodies)) != 1:
            yield f"{key} came with several bodies"


def _keys(rows: Sequence[EffectRow]) -> Iterator[str]:
    return (row.idempotency_key for row in rows)


def _figures(runs: Sequence[RunRow], effects: dict[UUID, list[EffectRow]], sink: Sink) -> str:
    states = Counter(run.status for run in runs)
    hooks = sum(map(len, sink.hooks.values()))
    return (
        f"{len(runs)} runs in {sum(run.attempt for run in runs)} attempts "
        f"(at most {max((run.attempt for run in runs), default=0)}), "
        f"{', '.join(f'{number} {state}' for state, number in sorted(states.items()))}; "
        f"{sum(map(len, effects.values()))} effects, {hooks} webhooks for {len(sink.hooks)} keys, "
        f"{sink.asked} questions"
    )


def of_the_logs(folder: Path) -> list[str]:
    """A line for each thing that a worker took for a bug, or gave up."""
    lines = [
        line
        for log in sorted(folder.glob("*.log"))
        for line in log.read_text(errors="replace").splitlines()
    ]
    return [line for line in lines if any(f'"event": "{event}"' in line for event in GIVEN_UP)]


async def left_in_redis(redis: KillableRedis, queue: str, *, workers_gone: bool) -> list[str]:
    """A line for each key that should not be there, or not for ever."""
    faults: list[str] = []
    for key, (kind, ttl_ms) in sorted((await redis.keys()).items()):
        ours = key == queue or (key.startswith(f"{queue}:") and ttl_ms == -1)
        standing = key.startswith(STANDING if workers_gone else STANDING[:-1])
        if ours or standing or ttl_ms == -1:
            faults.append(f"{key} ({kind}, TTL {ttl_ms} ms)")
    return faults
