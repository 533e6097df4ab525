"""What a watched queue and its workers show as metrics."""

import asyncio
import threading
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from prometheus_client.parser import text_string_to_metric_families

from app.errors import ErrorCode, PermanentError
from app.queue import inspection
from app.queue.envelope import NewJob
from app.queue.producer import Producer
from app.settings import load_settings
from app.telemetry import configure_telemetry
from app.telemetry.metrics import render_prometheus
from tests.fakes.wire import Wire
from tests.queue.fleet import Workshop, job, patient, redis_pool, until, working
from tests.queue.letters import kill, letters_of

HANGS_S = 20
GAUGES = {"queue_jobs", "queue_oldest_age_seconds", "queue_workers", "queue_paused", "worker_slots"}


def scraped() -> dict[str, float]:
    """`name label-value label-value`, of our own metrics and of one queue."""
    families = text_string_to_metric_families(render_prometheus()[0].decode())
    samples = [sample for family in families for sample in family.samples]
    return {
        " ".join([sample.name, *(value for _, value in sorted(sample.labels.items()) if value)])
        .removeprefix("naru_")
        .replace(" arq:queue", ""): sample.value
        for sample in samples
        if sample.name.startswith("naru_")
    }


async def test_a_watched_queue_and_its_worker_can_be_scraped(producer: Producer) -> None:
    shop = Workshop()
    with configure_telemetry(load_settings(), role="up"):
        assert scraped() == {}
        async with working(producer, job(shop.carry)):
            await producer.enqueue(NewJob(function="job", tenant="a"))
            await shop.started()
            await producer.enqueue_many([NewJob(function="job", wait_s=600) for _ in range(3)])
            await kill(letters_of(producer), "x")
            watching = asyncio.create_task(inspection.watch(producer, every_s=0.01))

            async def is_shown() -> bool:
                return scraped().get("queue_jobs deferred") == 3

            await until(is_shown)
            seen = scraped()
            assert seen.pop("loop_lag_seconds") >= 0
            gauges = {name: value for name, value in seen.items() if name.split()[0] in GAUGES}
            assert gauges == {
                "queue_jobs bulk due": 0,
                "queue_jobs chat due": 0,
                "queue_jobs ingestion due": 0,
                "queue_jobs held": 0,
                "queue_jobs deferred": 3,
                "queue_jobs running": 1,
                "queue_jobs dead": 1,
                "queue_jobs parked": 0,
                "queue_oldest_age_seconds bulk due": 0,
                "queue_oldest_age_seconds bulk held": 0,
                "queue_oldest_age_seconds chat due": 0,
                "queue_oldest_age_seconds chat held": 0,
                "queue_oldest_age_seconds ingestion due": 0,
                "queue_oldest_age_seconds ingestion held": 0,
                "queue_workers": 1,
                "queue_paused": 0,
                "worker_slots used": 1,
                "worker_slots total": 10,
            }
            assert seen["queue_dead_letters_total LLM_TIMEOUT"] == 1
            watching.cancel()
        # Who has ended shows nothing any more, rather than what it saw last.
        assert not any(name.split()[0] in GAUGES for name in scraped())


async def test_a_blocked_loop_is_shown_while_it_lasts_and_for_a_while_after(
    producer: Producer,
) -> None:
    shown: list[float] = []

    def look() -> None:
        while not shown or shown[-1] < 0.3:
            shown.append(scraped()["loop_lag_seconds"])

    async def blocks(ctx: dict[Any, Any]) -> None:
        del ctx
        looking = threading.Thread(target=look)
        looking.start()
        looking.join(HANGS_S)

    with configure_telemetry(load_settings(), role="up"):
        async with working(producer, job(blocks)):
            await producer.enqueue(NewJob(function="job", job_id="j"))
            await producer.result("j", within_s=HANGS_S)
            assert shown[-1] >= 0.3
            assert scraped()["loop_lag_seconds"] >= 0.3


async def test_while_redis_is_away_no_old_figures_are_shown(redis_url: str) -> None:
    wire = Wire(Path(unquote(urlsplit(redis_url).path)))
    await wire.mend()
    url = f"redis://127.0.0.1:{wire.port}/{redis_url.partition('?db=')[2]}"

    async def is_shown() -> bool:
        return "queue_paused" in scraped()

    async def is_hidden() -> bool:
        return not await is_shown()

    with configure_telemetry(load_settings(), role="up"):
        async with redis_pool(url) as pool:
            watching = asyncio.create_task(
                inspection.watch(Producer(pool, patient()), every_s=0.01)
            )
            await until(is_shown)
            await wire.cut()
            await until(is_hidden)
            await wire.mend()
            await until(is_shown)
            watching.cancel()
    await wire.cut()


async def test_a_job_that_dies_in_a_worker_is_counted(producer: Producer) -> None:
    async def fails(ctx: dict[Any, Any]) -> None:
        del ctx
        raise PermanentError(ErrorCode.INVALID_FILE)

    with configure_telemetry(load_settings(), role="up"):
        async with working(producer, job(fails)):
            await producer.enqueue(NewJob(function="job"))

            async def is_counted() -> bool:
                return scraped().get("queue_dead_letters_total INVALID_FILE") == 1

            await until(is_counted)
