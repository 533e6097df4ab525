"""Rotation over a real table, stopped, shared and disturbed."""

import asyncio
from collections.abc import Callable
from uuid import UUID, uuid4

from sqlalchemy import select, text

from app.store.crypto import DataKey, Keyring, Place
from app.store.database import Database
from app.store.keys import DataKeyRow, TenantId, keys_in_use, load_data_key, new_data_key
from app.store.rotation import BATCH, rotate

TENANT = TenantId(uuid4())
OLD, NEW, THIRD = "0b" * 32, "1c" * 32, "2d" * 32
PLACE = Place(table="t", column="c", row="1")
BEFORE, BOTH, AFTER = Keyring.of(OLD), Keyring.of(NEW, [OLD]), Keyring.of(NEW)


async def store(database: Database, keyring: Keyring, count: int) -> dict[UUID, str]:
    """Data keys under the ring's newest key, and what each sealed."""
    made: list[tuple[DataKey, DataKeyRow]] = [new_data_key(keyring, TENANT) for _ in range(count)]
    async with database.begin() as session:
        session.add_all(row for _, row in made)
    return {key.id: key.seal(str(key.id), PLACE) for key, _ in made}


async def opened(database: Database, keyring: Keyring, sealed: dict[UUID, str]) -> int:
    """How many of the values this ring opens, each with its own data key."""
    count = 0
    async with database.begin() as session:
        for key_id, value in sealed.items():
            key = await load_data_key(session, keyring, key_id)
            count += key.open(value, PLACE) == str(key_id)
    return count


async def in_use(database: Database) -> dict[str, int]:
    async with database.begin() as session:
        return await keys_in_use(session)


async def test_all_keys_end_under_the_newest_and_open_what_they_sealed(database: Database) -> None:
    sealed = await store(database, BEFORE, BATCH + 20)
    told: list[tuple[int, int]] = []

    done = await rotate(database, BOTH, tell=lambda done, left: told.append((done, left)))

    assert (done.rewrapped, done.left, done.damaged, done.complete) == (len(sealed), 0, 0, True)
    assert told == [(0, BATCH + 20), (BATCH, 20), (BATCH + 20, 0)]
    assert await in_use(database) == {AFTER.newest: len(sealed)}
    assert await opened(database, AFTER, sealed) == len(sealed)


async def test_a_second_rotation_has_nothing_to_do(database: Database) -> None:
    await store(database, BEFORE, 3)
    await rotate(database, BOTH)
    async with database.begin() as session:
        before = set(await session.scalars(select(DataKeyRow.wrapped)))
    again = await rotate(database, BOTH)
    assert (again.rewrapped, again.complete) == (0, True)
    async with database.begin() as session:
        assert set(await session.scalars(select(DataKeyRow.wrapped))) == before


async def test_what_was_rewrapped_before_a_stop_stays_and_the_next_one_does_the_rest(
    database: Database,
) -> None:
    sealed = await store(database, BEFORE, BATCH * 2)
    started = asyncio.create_task(rotate(database, BOTH))
    await _until(database, lambda used: used.get(AFTER.newest, 0) > 0)
    started.cancel()
    await asyncio.wait((started,))
    between = await in_use(database)
    assert between[AFTER.newest] % BATCH == 0  # whole batches
    assert await opened(database, BOTH, sealed) == len(sealed)  # readable at any point
    assert (await rotate(database, BOTH)).complete
    assert await opened(database, AFTER, sealed) == len(sealed)


async def test_several_at_once_share_the_work(database: Database) -> None:
    sealed = await store(database, BEFORE, BATCH * 4)
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(rotate(database, BOTH)) for _ in range(3)]
    done = [task.result() for task in tasks]
    assert all(each.complete for each in done)
    assert sum(each.rewrapped for each in done) == len(sealed)  # none twice
    assert await opened(database, AFTER, sealed) == len(sealed)


async def test_keys_written_under_the_old_key_meanwhile_are_found(database: Database) -> None:
    sealed = await store(database, BEFORE, BATCH * 2)
    written = asyncio.Event()

    async def write() -> None:
        for _ in range(20):
            sealed.update(await store(database, BEFORE, 2))
            written.set()

    async with asyncio.TaskGroup() as group:
        group.create_task(write())
        await written.wait()
        rotating = group.create_task(rotate(database, BOTH))
    # The last ones may have come after its last look; none of them may have been passed by.
    left = rotating.result().left
    assert (await rotate(database, BOTH)).rewrapped >= left
    assert await in_use(database) == {AFTER.newest: len(sealed)}
    assert await opened(database, AFTER, sealed) == len(sealed)


async def test_a_process_that_goes_on_writing_under_the_old_key_is_told(
    database: Database,
) -> None:
    await store(database, BEFORE, 1)
    async with database.begin() as session:  # whatever is rewrapped, one more is written
        stale = new_data_key(BEFORE, TENANT)[1]
        for statement in (
            f"""CREATE FUNCTION write_more() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
                INSERT INTO data_keys (id, tenant_id, wrapped)
                VALUES (gen_random_uuid(), NEW.tenant_id, '{stale.wrapped}'); RETURN NEW;
                END $$""",  # noqa: S608 - a value of our own
            """CREATE TRIGGER more AFTER UPDATE ON data_keys FOR EACH ROW
               EXECUTE FUNCTION write_more()""",
        ):
            await session.execute(text(statement))
    done = await rotate(database, BOTH, pause_s=0)
    assert not done.complete
    assert done.left >= 1


async def test_a_damaged_row_keeps_no_other_under_the_old_key(database: Database) -> None:
    sealed = await store(database, BEFORE, 5)
    (broken, _), *_ = sealed.items()
    async with database.begin() as session:
        await session.execute(
            text(
                "UPDATE data_keys SET wrapped = overlay(wrapped placing 'AAAA' from 40) WHERE id=:id"
            ),
            {"id": broken},
        )
    done = await rotate(database, BOTH)
    assert (done.rewrapped, done.left, done.damaged) == (4, 1, 1)
    del sealed[broken]
    assert await opened(database, AFTER, sealed) == 4


async def test_a_key_that_is_just_referred_to_anew_is_rewrapped_all_the_same(
    database: Database,
) -> None:
    """A row that names a data key holds a lock on it; that must stop neither of the two."""
    sealed = await store(database, BEFORE, 1)
    (key_id,) = sealed
    async with database.begin() as session:
        await session.execute(
            text("SELECT 1 FROM data_keys WHERE id = :id FOR KEY SHARE"), {"id": key_id}
        )
        done = await rotate(database, BOTH)
    assert done.complete


async def test_two_rotations_to_different_keys_end(
    database: Database,
) -> None:
    sealed = await store(database, BEFORE, BATCH)
    rings = [Keyring.of(NEW, [OLD, THIRD]), Keyring.of(THIRD, [OLD, NEW])]
    async with asyncio.TaskGroup() as group:
        for ring in rings:
            group.create_task(rotate(database, ring, pause_s=0))
    for ring in rings:
        assert await opened(database, ring, sealed) == len(sealed)


async def _until(database: Database, seen: Callable[[dict[str, int]], bool]) -> None:
    async with asyncio.timeout(30):
        while not seen(await in_use(database)):
            await asyncio.sleep(0.005)
