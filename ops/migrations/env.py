"""Alembic's entry: runs on the connection that `app.store.migrations` hands over."""

from alembic import context

from app.candidates.tables import CandidateRow
from app.coordination.ordering_tables import OrderedItemRow
from app.coordination.tables import RolloutRow
from app.credits.tables import EntryRow
from app.pipeline.tables import RunRow
from app.store.database import Base
from app.store.keys import TenantRow

# Importing a table of each module fills the metadata.
_ROWS = (RunRow, CandidateRow, TenantRow, RolloutRow, OrderedItemRow, EntryRow)
assert {row.metadata for row in _ROWS} == {Base.metadata}  # noqa: S101

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Base.metadata,
    compare_type=True,
    transaction_per_migration=False,
)
with context.begin_transaction():
    context.run_migrations()
