"""A drainer in a process of its own, to be stopped and killed.

Its handler says `started SEQ`; then it dies (`die`), or waits for a line on stdin, tries to write
whatever was said to it meanwhile, and tells how that went (`write`).
"""

import asyncio
import os
import signal
import sys

from app.coordination.announcements import Announcements
from app.coordination.ordering import Claim, Drainer, DrainPlan
from app.coordination.ordering_records import Item
from app.errors import RetryableError
from app.settings.groups import DatabaseSettings, RedisSettings
from app.store.database import open_database
from app.store.redis import open_redis
from tests.coordination.notes import note

LEASE_S = 0.6


def say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


async def die(item: Item, claim: Claim) -> None:
    del claim
    say(f"started {item.seq}")
    os.kill(os.getpid(), signal.SIGKILL)


async def write(item: Item, claim: Claim) -> None:
    say(f"started {item.seq}")
    try:
        await asyncio.to_thread(sys.stdin.readline)
        await try_to_write(item, claim)
    except asyncio.CancelledError:
        say("cancelled")
        await try_to_write(item, claim)  # all the same: the worst a handler can do


async def try_to_write(item: Item, claim: Claim) -> None:
    try:
        async with claim.transaction() as session:
            await note(session, item, "overtaken")
    except RetryableError as error:
        say(str(error.code))
        raise
    say("written")


async def serve(database_url: str, redis_url: str, mode: str) -> None:
    handler = {"die": die, "write": write}[mode]
    database_settings = DatabaseSettings.model_validate({"url": database_url})
    redis_settings = RedisSettings.model_validate({"url": redis_url})
    async with open_database(database_settings) as database, open_redis(redis_settings) as pool:
        announcements = Announcements(pool, installation="test", instance="child")
        drainer = Drainer(
            database,
            announcements,
            {"talk": handler},
            holder="child",
            plan=DrainPlan(lease_s=LEASE_S, poll_s=0.1),
        )
        await drainer.serve()


if __name__ == "__main__":
    asyncio.run(serve(*sys.argv[1:]))
