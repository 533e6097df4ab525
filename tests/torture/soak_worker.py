"""A worker of jobs that do nothing, in a process of its own.

    python -m tests.torture.soak_worker REDIS_URL

Prints a line once it takes jobs; ends when standard input does.
"""

import asyncio
import sys
from typing import Any

from arq.worker import func

from app.queue.producer import Producer
from app.queue.worker import QueueWorker, Stop
from app.settings.groups import RedisSettings
from app.settings.queue import QueueSettings
from app.store.redis import open_redis


async def nothing(ctx: dict[Any, Any], number: int) -> int:
    del ctx
    return number


async def main() -> None:
    settings = QueueSettings(lease=2, concurrency=50)
    redis = RedisSettings.model_validate({"url": sys.argv[1]})
    async with open_redis(redis) as pool, asyncio.TaskGroup() as group:
        worker = QueueWorker(
            Producer(pool, settings), [func(nothing, name="nothing")], settings=settings
        )
        stop, ready = Stop(), asyncio.Event()
        serving = group.create_task(worker.serve(stop, ready=ready))
        await ready.wait()
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        await asyncio.to_thread(sys.stdin.read)
        stop.asked.set()
        await serving


asyncio.run(main())
