"""A tenant with an account, and runs that hold some of it."""

from uuid import UUID, uuid4

import pytest

from app.credits import ledger
from app.credits.ledger import Balance
from app.credits.verification import verify
from app.store.database import Database
from app.store.keys import TenantId


@pytest.fixture
def tenant_id() -> TenantId:
    return TenantId(uuid4())


class Account:
    """One tenant's credits, each change in a transaction of its own."""

    def __init__(self, database: Database, tenant_id: TenantId) -> None:
        self.database = database
        self.tenant_id = tenant_id

    async def grant(self, credit_count: int, *, key: str | None = None) -> Balance:
        async with self.database.begin() as session:
            return await ledger.grant(
                session,
                self.tenant_id,
                credit_count,
                note="",
                made_by="test",
                idempotency_key=key,
            )

    async def adjust(self, credit_count: int) -> Balance:
        async with self.database.begin() as session:
            return await ledger.adjust(
                session, self.tenant_id, credit_count, note="", made_by="test"
            )

    async def reserve(self, run_id: UUID, *, attempt: int = 0, credit_count: int = 1) -> bool:
        async with self.database.begin() as session:
            return await ledger.reserve(
                session, self.tenant_id, run_id, attempt=attempt, credit_count=credit_count
            )

    async def settle(self, run_id: UUID, *, attempt: int = 1, used: bool) -> int:
        async with self.database.begin() as session:
            return await ledger.settle(session, run_id, attempt=attempt, used=used)

    async def left(self) -> tuple[int, int]:
        """Available and reserved; the ledger must add up to them."""
        async with self.database.begin() as session:
            now = await ledger.balance(session, self.tenant_id)
            verified = await verify(session, self.tenant_id)
        assert (verified.available_difference, verified.reserved_difference) == (0, 0)
        return now.available, now.reserved


@pytest.fixture
def account(database: Database, tenant_id: TenantId) -> Account:
    return Account(database, tenant_id)
