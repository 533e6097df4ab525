"""The demo: our own résumés through the whole pipeline, and an address to look at."""

import asyncio
import os
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

from pydantic import SecretStr

from app.bootstrap import Runtime, api_keys
from app.cli.chaos import reachable
from app.cli.ingest import Found, Report, ingest, some_worker
from app.cli.listening import api_server, listen, url_of
from app.cli.render import Progress, print_json, print_runs
from app.cli.serving import connected, stop_signals, unless_stopped
from app.demo.provider import scripted_provider
from app.demo.samples import SAMPLES, Sample
from app.demo.wire import MODEL
from app.documents.ocr import ocr_available
from app.embedded import owner
from app.errors import ErrorCode
from app.pipeline.tables import RunStatus
from app.settings import InvalidSettings, Settings
from app.settings.llm import LlmSettings

_SCRIPTED_TIMEOUT_S = 10
"""It answers within milliseconds. One that `./run chaos` makes hang shall be given up while it is."""


async def run_demo(
    settings: Settings, *, once: bool, as_json: bool, port: int | None, scripted: bool
) -> int:
    """The `demo` command; returns 0 when every sample ended as it should."""
    running = await asyncio.to_thread(owner, settings.data.folder)
    if settings.database.url is None and running not in (None, os.getpid()):
        raise InvalidSettings(
            [
                (
                    f"Naru is already running here (process {running}). Stop it, "
                    "or use it: ./run ingest PATH"
                )
            ]
        )
    with stop_signals() as stop:
        async with (
            _analyst(settings, scripted=scripted) as chosen,
            connected(chosen, migrate_first=True) as runtime,
        ):
            listening = listen(chosen, port)
            async with api_server(runtime, listening), some_worker(runtime, at_once=stop.at_once):
                ingesting = _ingest_samples(runtime, visible=not as_json)
                report = await unless_stopped(stop.asked, ingesting)
                if report is None:
                    return 130
                url = None if once else url_of(listening)
                await _tell(runtime, report, url, as_json=as_json)
                if not once:
                    print(f"Serving at {url_of(listening)}; Ctrl-C stops it.", file=sys.stderr)
                    await stop.asked.wait()
    faults = await unexpected(report)
    for fault in faults:
        print(f"naru: {fault}", file=sys.stderr)
    return int(bool(faults))


async def unexpected(report: Report) -> list[str]:
    """One line for each sample that did not end as it should on this machine."""
    expected = {sample.path: sample for sample in SAMPLES}
    faults: list[str] = []
    for view in report.runs:
        sample = expected[Path(view.file or "")]
        status, code = await _expected(sample)
        if (view.status, view.code) != (status, code):
            faults.append(
                f"{sample.path.name} ended as {view.status} {view.code or ''}, "
                f"expected {status} {code or ''}"
            )
    return faults


async def _expected(sample: Sample) -> tuple[RunStatus, ErrorCode | None]:
    if sample.needs_ocr and not await ocr_available():
        return RunStatus.FAILED, ErrorCode.OCR_UNAVAILABLE
    return RunStatus(sample.status), sample.code


async def _ingest_samples(runtime: Runtime, *, visible: bool) -> Report:
    found = Found([sample.path for sample in SAMPLES], [], [])
    progress = Progress(visible=visible)
    return await ingest(runtime, found, reveal=True, once=False, progress=progress)


async def _tell(runtime: Runtime, report: Report, url: str | None, *, as_json: bool) -> None:
    """The table, and what to do next; `url` is None where nothing is served any more."""
    if as_json:
        print_json(report)
        return
    print_runs(report.runs, skipped=report.skipped, reveal=True)
    lines = ['Search     ./run search "파이썬 백엔드"', "One run    ./run runs ID"]
    if url is not None:
        (key, *_) = await asyncio.to_thread(api_keys, runtime.settings)
        if runtime.settings.api.keys:
            key = "as set in API__KEYS"
        lines = [
            f"API docs   {url}/docs     (sign in with any user name and the key as password)",
            f"Metrics    {url}/metrics",
            f"API key    {key}",
            f'Upload     curl -H "Authorization: Bearer $KEY" -F file=@resume.pdf {url}/v1/resumes',
            *lines,
        ]
    print("\n".join(("", *lines)))


@asynccontextmanager
async def _analyst(settings: Settings, *, scripted: bool) -> AsyncGenerator[Settings]:
    if not scripted:
        yield settings
        return
    async with scripted_provider() as provider:
        llm = LlmSettings(base_url=provider.base_url, api_key=SecretStr("scripted"), model=MODEL)
        timeout_s = min(settings.retry.llm_timeout, _SCRIPTED_TIMEOUT_S)
        retry = settings.retry.model_copy(update={"llm_timeout": timeout_s})
        async with reachable(settings, provider.base_url):
            yield settings.model_copy(update={"llm": llm, "retry": retry})
