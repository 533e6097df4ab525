"""One process's worth of draining, and a look at its lines."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from uuid import UUID, uuid4

from sqlalchemy import select

from app.coordination.announcements import Announcements
from app.coordination.ordering import Claim, Drainer, DrainPlan, Handler
from app.coordination.ordering_records import Item, Line, accept
from app.coordination.ordering_tables import OrderedItemRow
from app.settings.groups import RedisSettings
from app.store.database import Database
from app.store.redis import open_redis
from tests.coordination.notes import note

TENANT = UUID("00000000-0000-4000-8000-000000000001")
QUICK = DrainPlan(poll_s=0.05, lease_s=5, base_wait_s=0.05, max_wait_s=0.2)
PATIENT = DrainPlan(poll_s=60, lease_s=60)
NO_REDIS = "redis://127.0.0.1:1/0"


def line(key: str = "k") -> Line:
    return Line(topic="talk", tenant_id=TENANT, key=key)


async def put(database: Database, *keys: str, time_limit_s: float = 60) -> list[int]:
    async with database.begin() as session:
        return [
            await accept(session, line(key), {"id": key}, time_limit_s=time_limit_s) for key in keys
        ]


@asynccontextmanager
async def draining(
    database: Database, redis_url: str, handler: Handler, plan: DrainPlan = QUICK
) -> AsyncGenerator[Drainer]:
    """One process's worth of draining, inside this one."""
    async with open_redis(RedisSettings.model_validate({"url": redis_url})) as pool:
        announcements = Announcements(pool, installation="test", instance=str(uuid4()))
        drainer = Drainer(database, announcements, {"talk": handler}, holder="test", plan=plan)
        async with asyncio.TaskGroup() as group:  # if one dies of a bug, the test does
            tasks = [group.create_task(announcements.serve()), group.create_task(drainer.serve())]
            try:
                yield drainer
            finally:
                for task in tasks:
                    task.cancel()


async def rows(database: Database, key: str = "k") -> list[OrderedItemRow]:
    async with database.begin() as session:
        found = await session.scalars(
            select(OrderedItemRow).where(OrderedItemRow.key == key).order_by(OrderedItemRow.seq)
        )
        return [*found]


async def ended(database: Database, *keys: str, limit_s: float = 20) -> dict[str, list[str]]:
    """Wait until nothing waits in these lines; states, or codes where there is one."""
    wanted = keys or ("k",)
    async with asyncio.timeout(limit_s):
        while True:
            async with database.begin() as session:
                found = await session.execute(
                    select(OrderedItemRow.key, OrderedItemRow.state, OrderedItemRow.code)
                    .where(OrderedItemRow.key.in_(wanted))
                    .order_by(OrderedItemRow.seq)
                )
            ends: dict[str, list[str]] = {key: [] for key in wanted}
            for key, state, code in found:
                ends[key].append(code if code and state in ("failed", "expired") else state)
            if not any("waiting" in states for states in ends.values()):
                return ends
            await asyncio.sleep(0.05)


async def writes(item: Item, claim: Claim) -> None:
    async with claim.transaction() as session:
        await note(session, item, "us")
