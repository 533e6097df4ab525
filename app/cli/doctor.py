"""What this machine and these settings have, and what to do about the rest."""

import asyncio
import sys
from collections.abc import Awaitable, Callable
from enum import StrEnum
from typing import cast

from pydantic import BaseModel
from sqlalchemy import text

from app.bootstrap import Runtime
from app.cli.outages import sentence
from app.cli.render import console, print_json
from app.cli.serving import connected
from app.documents.fence import has_network
from app.documents.ocr import ocr_available
from app.documents.reader import open_reader
from app.embedded import owner
from app.errors import WorkerError
from app.modelchain import open_model_chain
from app.providers.browser import open_browser
from app.providers.embedders import open_embedder
from app.settings import InvalidSettings, Settings
from app.settings.secrets import hide_users, validate_encryption_key
from app.store.keyfile import key_path
from app.store.keys import keys_in_use
from app.store.redis import RedisPool, check_server


class State(StrEnum):
    OK = "ok"
    WARNING = "warning"
    FAILED = "failed"


class Check(BaseModel):
    """`message` says what was found; where it is not ok, what to do."""

    name: str
    state: State
    message: str


class Diagnosis(BaseModel):
    checks: list[Check]

    @property
    def exit_code(self) -> int:
        return int(any(check.state is State.FAILED for check in self.checks))


_MARKS = {State.OK: "✓", State.WARNING: "!", State.FAILED: "✗"}
_BROWSER_TROUBLE = {
    "start": "cannot be started",
    "ended": "ends by itself",
    "time": "does not draw an empty page within PORTFOLIO__TIMEOUT ({portfolio.timeout:g} s)",
    "memory": "needs more than PORTFOLIO__MEMORY_MIB ({portfolio.memory_mib}) for an empty page",
}
"""By the cause that the error names."""
_COLORS = {State.OK: "green", State.WARNING: "yellow", State.FAILED: "red"}


async def run_doctor(settings: Settings, *, as_json: bool) -> int:
    """The `doctor` command; 1 when something is broken, 0 when the rest is only advice."""
    checks = [
        Check(name="python", state=State.OK, message=sys.version.split()[0]),
        await _parsers(settings),
        await _ocr(),
        await _browser(settings),
        await _model(settings),
        await _embedding(settings),
        _key(settings),
        await asyncio.to_thread(_data_folder, settings),
    ]
    try:
        async with connected(settings) as runtime:
            for name, check in (
                ("database", _database),
                ("data keys", _data_keys),
                ("redis", _redis),
                ("storage", _storage),
                ("worker", _worker),
            ):
                checks.append(await _checked(name, check, runtime))
    except InvalidSettings as error:
        checks += [Check(name="settings", state=State.FAILED, message=line) for line in error.lines]
    except WorkerError as error:
        checks.append(_failed("servers", error, settings))
    diagnosis = Diagnosis(checks=checks)
    if as_json:
        print_json(diagnosis)
    else:
        out = console()
        for check in checks:
            mark = f"[{_COLORS[check.state]}]{_MARKS[check.state]}[/]"
            out.print(mark, f"{check.name:<12}", check.message, markup=True, soft_wrap=True)
    return diagnosis.exit_code


async def _checked(
    name: str, check: Callable[[Runtime], Awaitable[Check]], runtime: Runtime
) -> Check:
    try:
        return await check(runtime)
    except WorkerError as error:
        return _failed(name, error, runtime.settings)


def _failed(name: str, error: WorkerError, settings: Settings) -> Check:
    message = f"{error.code}: {sentence(error, settings)}"
    return Check(name=name, state=State.FAILED, message=message)


async def _parsers(settings: Settings) -> Check:
    try:
        async with open_reader(settings.extract.model_copy(update={"processes": 1})) as reader:
            open_to_all = await reader.compute(has_network, "127.0.0.1")
    except WorkerError as error:
        message = f"A parser process cannot do its work: {error} {error.details}"
        return Check(name="parsers", state=State.FAILED, message=message)
    if open_to_all:
        message = "They start, but this kernel does not keep them from the network: it has no seccomp filters, or none for this processor."
        return Check(name="parsers", state=State.WARNING, message=message)
    return Check(name="parsers", state=State.OK, message="start, without a network")


async def _ocr() -> Check:
    if await ocr_available():
        return Check(name="ocr", state=State.OK, message="tesseract with Korean and English")
    return Check(
        name="ocr",
        state=State.WARNING,
        message="Scans cannot be read. Install: apt-get install tesseract-ocr tesseract-ocr-kor",
    )


async def _browser(settings: Settings) -> Check:
    program = settings.portfolio.browser
    try:
        async with open_browser(settings.portfolio) as browser:
            if browser is None:
                message = "none; portfolios are not drawn (set PORTFOLIO__BROWSER to a Chromium)"
                return Check(name="browser", state=State.OK, message=message)
            message = f"{await browser.check()} at {program} draws pages"
            return Check(name="browser", state=State.OK, message=message)
    except InvalidSettings as error:
        return Check(name="browser", state=State.FAILED, message=" ".join(error.lines))
    except WorkerError as error:
        trouble = _BROWSER_TROUBLE.get(str(error.details.get("cause")), "does not work")
        message = f"{program} {trouble.format(portfolio=settings.portfolio)}."
        switches = "--headless"
        if settings.portfolio.sandbox:
            message += (
                " Where a container forbids its sandbox, PORTFOLIO__SANDBOX=false gives it up."
            )
        else:
            switches += " --no-sandbox"
        message += f" To see what it says: {program} {switches} --dump-dom about:blank"
        return Check(name="browser", state=State.FAILED, message=message)


class _Ready(BaseModel):
    """What a model is asked for: the shortest answer that shows key, name and quota to be good."""

    ready: bool


async def _model(settings: Settings) -> Check:
    chain = settings.llm.chain()
    places = [hide_users(f"{one.model} at {one.base_url}") for one in chain]
    silent: list[str] = []
    async with open_model_chain(settings) as models:
        if models is None:
            message = "none; the rule-based analyst works alone (set LLM__BASE_URL to add one)"
            return Check(name="model", state=State.OK, message=message)
        for place, model in zip(places, models.models, strict=True):
            try:
                await model.llm.ask(
                    system="Answer in JSON.", user="Ready?", schema=_Ready, schema_name="ready"
                )
            except WorkerError as error:
                silent.append(_unanswered(place, error, settings, setting="LLM__BASE_URL"))
    if silent:
        return Check(name="model", state=State.FAILED, message=" ".join(silent))
    return Check(name="model", state=State.OK, message=f"{', then '.join(places)}: answered")


async def _embedding(settings: Settings) -> Check:
    group = settings.embedding
    place = "local model, 512 dimensions"
    if group.base_url:
        place = hide_users(f"{group.model} at {group.base_url}")
    try:
        async with open_embedder(group, settings.retry) as embedder:
            await embedder.embed(["ready"])
    except InvalidSettings as error:
        return Check(name="embedding", state=State.FAILED, message=" ".join(error.lines))
    except WorkerError as error:
        message = _unanswered(place, error, settings, setting="EMBEDDING__BASE_URL")
        return Check(name="embedding", state=State.FAILED, message=message)
    return Check(name="embedding", state=State.OK, message=f"{place}: answered")


def _unanswered(place: str, error: WorkerError, settings: Settings, *, setting: str) -> str:
    # The sentence of a retryable code says that it is tried again; nothing is here.
    why = f"check that it runs, and {setting}."
    if not error.code.retryable:
        why = sentence(error, settings)
    return f"{place} does not answer: {error.code}: {why}"


def _key(settings: Settings) -> Check:
    key = settings.encryption_key
    warning = validate_encryption_key(key.get_secret_value() if key else None, settings.env)
    if warning is None:
        return Check(name="key", state=State.OK, message="ENCRYPTION_KEY is set")
    message = (
        f"The development key lies beside the data ({key_path(settings.data.folder)}): whoever "
        f"copies the folder can read it. Set ENCRYPTION_KEY before real data comes in. {warning}"
    )
    return Check(name="key", state=State.WARNING, message=message)


def _data_folder(settings: Settings) -> Check:
    folder = settings.data.folder.resolve()
    pid = owner(folder)
    served = "its servers run for this command" if pid is None else f"process {pid} serves it"
    return Check(name="data", state=State.OK, message=f"{folder}; {served}")


async def _database(runtime: Runtime) -> Check:
    async with runtime.database.begin() as session:
        version = await session.scalar(text("SHOW server_version"))
        vector = await session.scalar(
            text("SELECT extversion FROM pg_extension WHERE extname = 'vector'")
        )
        # 0 with a C locale: then no Korean word is ever found by its letters.
        korean = await session.scalar(text("SELECT similarity('파이썬', '파이썬')"))
    if not korean:
        return Check(
            name="database",
            state=State.FAILED,
            message="pg_trgm does not see Korean letters; create the database with C.UTF-8",
        )
    return Check(
        name="database", state=State.OK, message=f"PostgreSQL {version}, pgvector {vector}"
    )


async def _data_keys(runtime: Runtime) -> Check:
    """One that is missing has stopped the start before this."""
    async with runtime.database.begin() as session:
        in_use = await keys_in_use(session)
    newest, *older = runtime.keyring.ids
    left = sum(count for key_id, count in in_use.items() if key_id != newest)
    if left:
        return Check(
            name="data keys",
            state=State.WARNING,
            message=f"{left:,} are under an older key, which must stay. To change that: "
            "./run keys rotate",
        )
    message = f"all {in_use.get(newest, 0):,} under key {newest}"
    if older:
        message += f"; {', '.join(older)} may be removed from the previous keys"
    return Check(name="data keys", state=State.OK, message=message)


async def _redis(runtime: Runtime) -> Check:
    try:
        server = await check_server(cast("RedisPool", runtime.producer.connection_pool))
    except InvalidSettings as error:
        return Check(name="redis", state=State.FAILED, message=" ".join(error.lines))
    if server.loses_jobs:
        return Check(
            name="redis",
            state=State.WARNING,
            message=f"{server.version} deletes keys when its memory is full (maxmemory-policy "
            f"{server.eviction}), jobs among them. Set maxmemory-policy noeviction.",
        )
    return Check(name="redis", state=State.OK, message=server.version)


async def _storage(runtime: Runtime) -> Check:
    await runtime.blobs.now()  # writes an object, and deletes it
    settings = runtime.settings
    place = settings.storage.url or str(settings.data.folder / "blobs")
    return Check(name="storage", state=State.OK, message=f"{place} can be written and read")


async def _worker(runtime: Runtime) -> Check:
    if await runtime.producer.has_worker():
        return Check(name="worker", state=State.OK, message="at least one is alive")
    return Check(
        name="worker",
        state=State.WARNING,
        message="None is alive; `./run up` or `./run worker` starts one.",
    )
