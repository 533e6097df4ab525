"""Look at a schedule once, in a process whose clock is off.

    python wrong_clock.py DATABASE_URL TENANT_ID HOURS

Prints the time that this process believes in and how many runs it started, as one JSON line.
"""

import asyncio
import datetime as dt
import json
import sys
import time
from uuid import UUID

off_by = dt.timedelta(hours=float(sys.argv[3]))
right_time = time.time


class WrongDatetime(dt.datetime):
    @classmethod
    def now(cls, tz: dt.tzinfo | None = None) -> "WrongDatetime":
        return super().now(tz) + off_by


# Before anything of ours, or of the libraries, takes them from where they are.
time.time = lambda: right_time() + off_by.total_seconds()
dt.datetime = WrongDatetime

from app.pipeline.schedules import Schedule, Scheduler  # noqa: E402
from app.pipeline.tables import RunRow  # noqa: E402
from app.settings.groups import DatabaseSettings  # noqa: E402
from app.store.crypto import Keyring  # noqa: E402
from app.store.database import open_database  # noqa: E402
from app.store.keys import TenantId  # noqa: E402


async def look() -> None:
    started: list[RunRow] = []

    async def deliver(run: RunRow) -> None:
        started.append(run)

    async with open_database(DatabaseSettings.model_validate({"url": sys.argv[1]})) as database:
        await Scheduler(
            database=database,
            keyring=Keyring.of("5e" * 32),
            tenant_id=TenantId(UUID(sys.argv[2])),
            schedules=(Schedule(name="daily", flow="test", cron="30 2 * * *"),),
            timezone="UTC",
            run_deadline_s=60,
            deliver=deliver,
        ).look()
    now = dt.datetime.now(dt.UTC).timestamp()
    sys.stdout.write(json.dumps({"now": [now, time.time()], "started": len(started)}) + "\n")


asyncio.run(look())
