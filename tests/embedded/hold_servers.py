"""A process that owns or joins the servers of a data folder until its standard input ends.

    python hold_servers.py FOLDER

Prints one JSON line once the servers answer: its pid and the URLs.
"""

import asyncio
import json
import os
import sys
from pathlib import Path

from app.embedded import embedded_servers
from app.settings import load_settings
from app.settings.groups import DatabaseSettings, DataSettings, RedisSettings


async def hold(folder: Path) -> None:
    settings = load_settings(
        data=DataSettings(folder=folder),
        database=DatabaseSettings.model_validate({}),
        redis=RedisSettings.model_validate({}),
    )
    async with embedded_servers(settings) as ready:
        assert ready.database.url
        assert ready.redis.url
        urls = [ready.database.url.get_secret_value(), ready.redis.url.get_secret_value()]
        sys.stdout.write(json.dumps({"pid": os.getpid(), "uid": os.geteuid(), "urls": urls}) + "\n")
        sys.stdout.flush()
        await asyncio.to_thread(sys.stdin.read)


asyncio.run(hold(Path(sys.argv[1])))
