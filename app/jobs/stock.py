"""For arq's own command: `arq app.jobs.worker.WorkerSettings`.

It builds arq's own worker, so the same functions run, safe through the fence in PostgreSQL, only
slower and without fairness, leases and quick cancellation. `./run worker` has those.
"""

import asyncio
import math
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from arq.connections import RedisSettings
from arq.constants import job_key_prefix
from arq.worker import Function

from app.bootstrap import open_runtime
from app.jobs import worker
from app.jobs.execution import Execution
from app.pipeline.delivery import EFFECTS_FUNCTION, RUN_FUNCTION
from app.queue.delivery import Ended, processing
from app.queue.envelope import Envelope, decode, encode, unseal
from app.settings import InvalidSettings, Settings, load_settings
from app.settings.groups import TlsVerification
from app.settings.redis_urls import master_name, sentinel_addresses
from app.telemetry import configure_telemetry
from app.telemetry.conventions import Attribute
from app.telemetry.logs import configure_logs, get_logger
from app.telemetry.spans import current_span

log = get_logger(__name__)

_BACKGROUND = "background"
_EXECUTION = "execution"


def worker_settings() -> type:
    """The class that arq's command reads. Raises InvalidSettings."""
    settings = load_settings()
    if settings.redis.url is None or settings.database.url is None:
        raise InvalidSettings(
            [
                (
                    "arq's own command needs REDIS__URL and DATABASE__URL. "
                    "With the embedded servers, use: ./run worker"
                )
            ]
        )
    queue = settings.queue
    options: dict[str, Any] = {
        "functions": _functions(),
        "on_startup": _start(settings),
        "on_shutdown": _end,
        "redis_settings": _redis(settings),
        "queue_name": queue.name,
        "max_jobs": queue.concurrency,
        "job_timeout": worker.stock_timeout_s(queue),
        "keep_result": queue.keep_result,
        "job_serializer": encode,
        "job_deserializer": decode,
        # Without it arq cancels at once, and leaves claims behind that nobody works on.
        "job_completion_wait": int(queue.drain_timeout),
        "allow_abort_jobs": True,
        "log_results": False,
    }
    return type("WorkerSettings", (), options)


def _redis(settings: Settings) -> RedisSettings:
    """Our settings as arq's own: what arq cannot do is refused, not left out."""
    redis = settings.redis
    url = redis.url.get_secret_value() if redis.url else ""
    if redis.sentinel_password or redis.tls_verify is not TlsVerification.FULL:
        raise InvalidSettings(
            [
                (
                    "arq's own command knows no REDIS__SENTINEL_PASSWORD and no "
                    "REDIS__TLS_VERIFY. Use: ./run worker"
                )
            ]
        )
    found = RedisSettings.from_dsn(url)
    return replace(
        found,
        host=sentinel_addresses(redis.sentinels) if redis.sentinels else found.host,
        sentinel=redis.sentinels is not None,
        sentinel_master=master_name(url) if redis.sentinels else found.sentinel_master,
        ssl_ca_certs=_text(redis.ca_file),
        ssl_certfile=_text(redis.cert_file),
        ssl_keyfile=_text(redis.key_file),
        ssl_check_hostname=found.ssl,
        max_connections=redis.max_connections,
        conn_timeout=math.ceil(redis.connect_timeout),
    )


def _text(path: Path | None) -> str | None:
    return str(path) if path else None


def _start(settings: Settings) -> Callable[[dict[Any, Any]], Awaitable[None]]:
    async def start(ctx: dict[Any, Any]) -> None:
        # Not before: arq's command configures its own logger once it has read WorkerSettings.
        configure_logs(settings.log_level, json=settings.env.deployed)
        ready: asyncio.Future[Execution] = asyncio.get_running_loop().create_future()
        stop = asyncio.Event()
        serving = asyncio.create_task(_serve(settings, ready, stop))
        await asyncio.wait((serving, ready), return_when=asyncio.FIRST_COMPLETED)
        if serving.done():
            serving.result()  # why it could not start
        ctx[_BACKGROUND] = (serving, stop)
        ctx[_EXECUTION] = await ready
        log.warning("stock_worker", hint="arq's own worker: slow, unfair; use: ./run worker")

    return start


async def _serve(
    settings: Settings, ready: "asyncio.Future[Execution]", stop: asyncio.Event
) -> None:
    """Everything that lasts, in one task: arq starts and ends a worker in two."""
    with configure_telemetry(settings, role="worker"):
        async with open_runtime(settings) as runtime, worker.attended(runtime) as execution:
            ready.set_result(execution)
            await stop.wait()


async def _end(ctx: dict[Any, Any]) -> None:
    serving, stop = ctx[_BACKGROUND]
    stop.set()
    await serving


def _functions() -> list[Function]:
    async def run(ctx: dict[Any, Any], **carried: Any) -> Any:
        execution: Execution = ctx[_EXECUTION]
        return await _observed(ctx, RUN_FUNCTION, execution.run(ctx, **carried))

    async def effects(ctx: dict[Any, Any], **carried: Any) -> Any:
        execution: Execution = ctx[_EXECUTION]
        return await _observed(ctx, EFFECTS_FUNCTION, execution.effects(ctx, **carried))

    return worker.functions(run, effects)


async def _observed(ctx: dict[Any, Any], function: str, work: Awaitable[Ended]) -> Any:
    """Inside its span, as our own worker has it; a failure is raised, as arq wants it."""
    payload = await ctx["redis"].get(f"{job_key_prefix}{ctx['job_id']}")
    envelope: Envelope | None = unseal(payload) if payload else None
    attributes = {
        Attribute.MESSAGING_MESSAGE_ID.value: ctx["job_id"],
        Attribute.JOB_FUNCTION.value: function,
    }
    with processing(ctx["redis"].default_queue_name, envelope, dict(attributes)):
        ended = await work
        current_span().set(Attribute.JOB_OUTCOME, ended.outcome)
    if ended.error is not None:
        raise ended.error
    return ended.value
