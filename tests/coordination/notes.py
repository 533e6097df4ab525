"""What handlers of tests write: one row per message, in a table that nobody else knows."""

from collections.abc import Sequence

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from app.coordination.ordering_records import Item
from app.store.database import Database


async def make_notes(database: Database) -> None:
    async with database.begin() as session:
        await session.execute(
            text("CREATE TABLE notes (n bigserial PRIMARY KEY, key text, seq bigint, by text)")
        )


async def note(session: AsyncSession, item: Item, by: str) -> None:
    await session.execute(
        text("INSERT INTO notes (key, seq, by) VALUES (:key, :seq, :by)"),
        {"key": item.line.key, "seq": item.seq, "by": by},
    )


async def noted(database: Database, key: str) -> Sequence[tuple[int, str]]:
    async with database.begin() as session:
        found = await session.execute(
            text("SELECT seq, by FROM notes WHERE key = :key ORDER BY n"), {"key": key}
        )
        return [(seq, by) for seq, by in found]
