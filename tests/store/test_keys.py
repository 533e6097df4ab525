"""Which keys are needed: asked at every start."""

from uuid import uuid4

from sqlalchemy import text

from app.store.crypto import Keyring
from app.store.database import Database
from app.store.keys import (
    DataKeyRow,
    TenantId,
    keys_in_use,
    missing_keys,
    new_data_key,
    wrapping_keys,
)

TENANT = TenantId(uuid4())
RINGS = [Keyring.of(byte * 32) for byte in ("0b", "1c", "2d")]


async def store(database: Database, keyring: Keyring, count: int) -> None:
    async with database.begin() as session:
        session.add_all(new_data_key(keyring, TENANT)[1] for _ in range(count))


async def test_every_key_that_wraps_something_is_found_and_counted(database: Database) -> None:
    async with database.begin() as session:
        assert await wrapping_keys(session) == frozenset()
    for number, ring in enumerate(RINGS, start=1):
        await store(database, ring, number)
    async with database.begin() as session:
        assert await wrapping_keys(session) == {ring.newest for ring in RINGS}
        assert await keys_in_use(session) == {
            ring.newest: number for number, ring in enumerate(RINGS, start=1)
        }


async def test_the_start_asks_an_index_and_not_every_row(database: Database) -> None:
    await store(database, RINGS[0], 300)
    await store(database, RINGS[1], 300)
    async with database.begin() as session:
        await session.execute(text("SET LOCAL enable_seqscan = off"))  # 600 rows are too few
        plan = "\n".join(
            await session.scalars(
                text("EXPLAIN SELECT min(wrapped_with) FROM data_keys WHERE wrapped_with > 'a'")
            )
        )
    assert "ix_data_keys_wrapped_with" in plan
    assert "Limit" in plan  # the first entry alone


def test_a_key_is_missing_when_the_ring_lacks_it_and_a_damaged_row_names_none() -> None:
    both = Keyring.of("1c" * 32, ["0b" * 32])
    assert missing_keys(both, [ring.newest for ring in RINGS]) == [RINGS[2].newest]
    assert missing_keys(both, ["", "no key", both.newest]) == []


async def test_the_column_follows_what_is_stored(database: Database) -> None:
    await store(database, RINGS[0], 1)
    async with database.begin() as session:
        row = (await session.execute(text("SELECT id, wrapped FROM data_keys"))).one()
        fresh = Keyring.of("1c" * 32, ["0b" * 32]).rewrap(row.id, row.wrapped)
        (await session.get_one(DataKeyRow, row.id)).wrapped = fresh
    async with database.begin() as session:
        assert await wrapping_keys(session) == {RINGS[1].newest}
