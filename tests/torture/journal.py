"""What PostgreSQL itself saw of every run, whoever wrote it, and whether that was right.

Triggers write down each begin, commit and end in the order in which the row of the run was locked:
a begin locks it against commits, so the numbers of an attempt that was overtaken are lower than
those of its successor, unless the fence failed.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import text

from app.pipeline.tables import RunStatus
from app.store.database import Database

_FINAL = {status.value for status in RunStatus if status.final}

_SCHEMA = (
    """CREATE TABLE torture_commits (
        place bigserial PRIMARY KEY, run_id uuid NOT NULL, stage text NOT NULL,
        attempt bigint NOT NULL, answer text NOT NULL)""",
    "CREATE TABLE torture_effects (idempotency_key text PRIMARY KEY, run_id uuid NOT NULL)",
    """CREATE TABLE torture_journal (
        place bigserial PRIMARY KEY, run_id uuid NOT NULL, what text NOT NULL,
        attempt bigint NOT NULL, status text)""",
    """CREATE FUNCTION torture_run() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        IF TG_OP = 'INSERT' OR (OLD.status, OLD.attempt) IS DISTINCT FROM (NEW.status, NEW.attempt)
        THEN INSERT INTO torture_journal (run_id, what, attempt, status)
            VALUES (NEW.id, 'run', NEW.attempt, NEW.status);
        END IF;
        RETURN NULL; END $$""",
    """CREATE FUNCTION torture_write() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        INSERT INTO torture_journal (run_id, what, attempt)
            VALUES (NEW.run_id, TG_TABLE_NAME, NEW.attempt);
        RETURN NULL; END $$""",
    """CREATE TRIGGER torture_run AFTER INSERT OR UPDATE ON runs
        FOR EACH ROW EXECUTE FUNCTION torture_run()""",
    *(
        f"""CREATE TRIGGER torture_write AFTER {events} ON {table}
            FOR EACH ROW EXECUTE FUNCTION torture_write()"""
        for table, events in (
            ("checkpoints", "INSERT OR UPDATE"),
            ("run_stages", "INSERT"),  # an end comes late where the attempt itself has ended
            ("torture_commits", "INSERT"),
        )
    ),
)


async def install(database: Database) -> None:
    """Into a migrated database, before the first run."""
    async with database.begin() as session:
        for statement in _SCHEMA:
            await session.execute(text(statement))


@dataclass(frozen=True, slots=True)
class Entry:
    what: str
    attempt: int
    status: str | None


async def read(database: Database) -> dict[UUID, list[Entry]]:
    """The entries of each run, in the order in which they happened."""
    entries: dict[UUID, list[Entry]] = defaultdict(list)
    async with database.begin() as session:
        rows = await session.execute(
            text("SELECT run_id, what, attempt, status FROM torture_journal ORDER BY place")
        )
        for run_id, what, attempt, status in rows:
            entries[run_id].append(Entry(what, attempt, status))
    return entries


def faults(entries: Sequence[Entry]) -> Iterator[str]:
    """What must not have happened to one run."""
    attempt, status = 0, "none"
    for entry in entries:
        if entry.what != "run":
            if (entry.attempt, RunStatus.RUNNING) != (attempt, status):
                yield f"{entry.what} of attempt {entry.attempt} while {status} at {attempt}"
            continue
        match status, entry.status:
            case ("none", RunStatus.QUEUED) if entry.attempt == 0:
                pass
            case (RunStatus.QUEUED, RunStatus.RUNNING) if entry.attempt == attempt + 1:
                pass
            case (RunStatus.RUNNING, RunStatus.QUEUED) if entry.attempt == attempt:
                pass
            case (RunStatus.RUNNING, ended) if entry.attempt == attempt and ended in _FINAL:
                pass
            case _:
                yield f"{status} at {attempt} became {entry.status} at {entry.attempt}"
        attempt, status = entry.attempt, entry.status or "none"
    if status not in _FINAL:
        yield f"still {status} at attempt {attempt}"
