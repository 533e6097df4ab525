"""Alembic's entry: runs on the connection that `app.store.migrations` hands over."""

from alembic import context

from app.candidates.tables import CandidateRow
from app.coordination.tables import RolloutRow
from app.pipeline.tables import RunRow
from app.store.database import Base
from app.store.keys import TenantRow

# Importing a table of each module fills the metadata.
assert {row.metadata for row in (RunRow, CandidateRow, TenantRow, RolloutRow)} == {Base.metadata}  # noqa: S101

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Base.metadata,
    compare_type=True,
    transaction_per_migration=False,
)
with context.begin_transaction():
    context.run_migrations()
