from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection, text

from app.bootstrap import Runtime
from app.coordination import ordering_tables
from app.store.database import Base, Database
from app.store.migrations import is_current, migrate


async def test_the_migrations_make_exactly_the_tables_of_the_code(runtime: Runtime) -> None:
    def differences(connection: Connection) -> list[object]:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        return list(compare_metadata(context, Base.metadata))

    async with runtime.database.engine.connect() as connection:
        assert await connection.run_sync(differences) == []


async def test_every_table_of_a_users_data_has_a_tenant(runtime: Runtime) -> None:
    without = {
        table.name for table in Base.metadata.sorted_tables if "tenant_id" not in table.columns
    }
    assert ordering_tables.OrderedItemRow.metadata is Base.metadata  # what no slice uses yet
    assert without == {
        "tenants",
        "breaker_controls",
        "rollouts",
        "schedules",
    }  # the fleet's, nobody's data
    async with runtime.database.begin() as session:
        tenants = (await session.scalars(text("SELECT name FROM tenants"))).all()
    assert tenants == ["default"]


async def test_migrating_twice_changes_nothing_and_a_changed_schema_is_noticed(
    database: Database,
) -> None:
    assert await is_current(database)
    await migrate(database)
    assert await is_current(database)
    async with database.begin() as session:
        await session.execute(text("UPDATE alembic_version SET version_num = 'older'"))
    assert not await is_current(database)
