"""A worker, or the scripted provider, as a process of its own that does what it is told.

    worker SETTINGS        start: from now on its loop's lag counts; stop: the figures
    provider               slow SECONDS: each answer takes that long; take: the calls since then

Each command is one JSON object a line, and so is each answer.
"""

import asyncio
import json
import signal
import sys
import threading
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AsyncExitStack
from typing import Any

from app.bootstrap import open_runtime
from app.candidates.prompts.analysis import ResumeAnswer
from app.demo.answers import conform
from app.demo.faults import FaultKind
from app.demo.provider import scripted_provider
from app.jobs import worker
from app.queue.interpreter import settle
from app.queue.worker import Stop
from app.settings import load_settings
from app.telemetry.logs import configure_logs
from bench.loop_lag import lag_of_this_loop
from bench.queue_bars import percentile

_KNOWN = {"emails": ["[EMAIL_1]"], "phones": ["[PHONE_1]"], "skills": ["Python", "Kafka"]}
"""What the model says of each résumé: all of it stands there."""


def main() -> None:
    """Serve until stdin ends, or SIGTERM."""
    configure_logs("ERROR", json=False)
    if sys.argv[1] == "worker":
        asyncio.run(_work(json.loads(sys.argv[2])))
    else:
        asyncio.run(_provide())


async def _work(told: Mapping[str, Any]) -> None:
    stop, ready = Stop(), asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.asked.set)
    lags: list[float] = []

    async with open_runtime(load_settings(**told)) as runtime, AsyncExitStack() as measuring:
        await runtime.embedder.warm()
        settle()

        async def start() -> Mapping[str, Any]:
            nonlocal lags
            lags = await measuring.enter_async_context(lag_of_this_loop())
            return {}

        async def end() -> Mapping[str, Any]:
            await measuring.aclose()
            return {"p50": percentile(lags, 0.5), "p99": percentile(lags, 0.99), "max": max(lags)}

        async with asyncio.TaskGroup() as group:
            serving = group.create_task(worker.serve(runtime, stop, ready=ready))
            await ready.wait()
            _say({})
            group.create_task(_obey({"start": start, "stop": end}, until=serving))


async def _provide() -> None:
    async with scripted_provider() as provider:
        schema = ResumeAnswer.model_json_schema()
        answer = conform(_KNOWN, schema, schema)
        _say({"base_url": provider.base_url})
        forgotten = 0

        async def slow(seconds: float, answers: int) -> Mapping[str, Any]:
            nonlocal forgotten
            provider.clear_faults()
            provider.fail_with(FaultKind.LATENCY, delay_s=seconds)
            provider.replies(*[json.dumps(answer)] * answers)
            forgotten = len(provider.calls)
            return {}

        async def take() -> Mapping[str, Any]:
            return Counter(call.endpoint for call in list(provider.calls)[forgotten:])

        await _obey({"slow": slow, "take": take})


Command = Callable[..., Awaitable[Mapping[str, Any]]]


async def _obey(
    commands: Mapping[str, Command], *, until: "asyncio.Task[None] | None" = None
) -> None:
    lines: asyncio.Queue[str] = asyncio.Queue()
    loop = asyncio.get_running_loop()

    def read() -> None:
        for line in sys.stdin:
            loop.call_soon_threadsafe(lines.put_nowait, line)
        loop.call_soon_threadsafe(lines.put_nowait, "")

    # A thread that nobody waits for: it reads until the driver lets go.
    threading.Thread(target=read, daemon=True).start()
    while until is None or not until.done():
        reading = asyncio.create_task(lines.get())
        await asyncio.wait({reading, until} if until else {reading}, return_when="FIRST_COMPLETED")
        if not reading.done() or not (line := reading.result()):
            reading.cancel()
            return
        asked = json.loads(line)
        _say(await commands[asked.pop("do")](**asked))


def _say(answer: Mapping[str, Any]) -> None:
    sys.stdout.write(json.dumps(answer) + "\n")
    sys.stdout.flush()
