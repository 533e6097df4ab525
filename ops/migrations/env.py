"""Alembic's entry: runs on the connection that `app.store.migrations` hands over."""

from alembic import context

import app.candidates.tables
import app.pipeline.tables
import app.store.keys  # noqa: F401 - the imports fill the metadata
from app.store.database import Base

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Base.metadata,
    compare_type=True,
    transaction_per_migration=False,
)
with context.begin_transaction():
    context.run_migrations()
