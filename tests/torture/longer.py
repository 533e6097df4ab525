"""Storm after storm, each with a seed of its own, then ten thousand runs in one worker.

    ./run torture --minutes 10 [--seed SEED] [--no-soak]

Exit code 1 as soon as one thing is not as it must be: it is told with the seed and all that was
done. The soak comes after the minutes and takes some more.
"""

import argparse
import asyncio
import sys
import tempfile
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from secrets import randbelow

from sqlalchemy import make_url, text
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from app.embedded import embedded_servers
from app.settings import Settings, load_settings
from app.settings.groups import DatabaseSettings, DataSettings, RedisSettings
from app.store.database import open_database
from app.store.migrations import migrate
from app.telemetry.logs import configure_logs
from tests.torture.flow import TINY
from tests.torture.memory import rss_kib
from tests.torture.scene import lease_of, open_scene, quick_queue

RUNS, FOR_S = 500, 45
SOAK_FIRST, SOAK_ALL, MAY_GROW = 1_000, 10_000, 1.1


async def main(minutes: float, seed: int | None, *, soak: bool) -> None:
    until_s = time.monotonic() + 60 * minutes
    with tempfile.TemporaryDirectory(prefix="naru-torture-") as name:
        folder = Path(name)
        ours = DatabaseSettings(), RedisSettings(), DataSettings(folder=folder / "servers")
        settings = load_settings(database=ours[0], redis=ours[1], data=ours[2])
        async with embedded_servers(settings) as found:
            async with open_database(found.database) as database:
                await migrate(database)
            storms = 0
            while not storms or time.monotonic() < until_s:
                this = seed or 1 + randbelow(1_000_000)
                seed, storms = None, storms + 1
                await storm(found, folder / f"storm{storms}", this)
            if soak:
                await soak_runs(found, folder / "soak")


async def storm(found: Settings, folder: Path, seed: int) -> None:
    """One storm, told in one line."""
    began_s = time.monotonic()
    queue = quick_queue(lease_of(seed))
    async with new_database(found) as url, open_scene(folder, url, queue, seed=seed) as scene:
        figures = await scene.rage(runs=RUNS, for_s=FOR_S)
    say(f"seed {seed}: {time.monotonic() - began_s:.0f} s; {figures}")


async def soak_runs(found: Settings, folder: Path) -> None:
    """Runs with a row each, through one worker."""
    queue = quick_queue(15)
    async with new_database(found) as url, open_scene(folder, url, queue, seed=1) as scene:
        worker = await scene.at_workers.start()
        await worker.settled.wait()
        sizes: list[int] = []
        for numbers in (range(SOAK_FIRST), range(SOAK_FIRST, SOAK_ALL)):
            began_s = time.monotonic()
            await scene.accept(numbers, **{TINY: True})
            await scene.all_ended()
            assert not await scene.open_runs(), "runs did not end"
            sizes.append(await asyncio.to_thread(rss_kib, worker.pid))
            rate = len(numbers) / (time.monotonic() - began_s)
            say(f"soak: {sizes[-1]} KiB after {numbers.stop} runs, {rate:.0f} runs/s")
    assert sizes[1] <= MAY_GROW * sizes[0], f"grew from {sizes[0]} to {sizes[1]} KiB"


@asynccontextmanager
async def new_database(found: Settings) -> AsyncGenerator[str]:
    """A copy of the migrated one, which nobody is connected to."""
    assert found.database.url is not None
    template = make_url(found.database.url.get_secret_value())
    name = f"storm_{time.monotonic_ns()}"
    engine = create_async_engine(
        template.set(drivername="postgresql+asyncpg", database="postgres"),
        isolation_level="AUTOCOMMIT",
        poolclass=NullPool,
    )
    async with engine.connect() as connection:
        await connection.execute(text(f"CREATE DATABASE {name} TEMPLATE {template.database}"))
    yield template.set(database=name).render_as_string(hide_password=False)
    async with engine.connect() as connection:
        await connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
    await engine.dispose()


def say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def arguments() -> argparse.Namespace:
    summary = (__doc__ or "").partition("\n")[0]
    parser = argparse.ArgumentParser(prog="./run torture", description=summary)
    parser.add_argument("--minutes", type=float, default=10, help="how long storms follow another")
    parser.add_argument("--seed", type=int, help="of the first storm, to see it again")
    parser.add_argument("--no-soak", action="store_true", help="leave out the 10,000 runs")
    return parser.parse_args()


if __name__ == "__main__":
    asked = arguments()
    configure_logs("ERROR", json=False)
    try:
        asyncio.run(main(asked.minutes, asked.seed, soak=not asked.no_soak))
    except AssertionError as fault:
        say(str(fault))
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)
