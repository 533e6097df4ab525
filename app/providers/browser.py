"""A picture of a web page that a stranger names, by a Chromium that lives for this one page.

The page is hostile. Every connection goes through a proxy of ours that judges its address
(`forwarding`); the browser itself can look up no name. It has a profile of its own that is deleted,
takes no download, shows no dialog, and is killed when it needs more time or memory than it may.
"""

import asyncio
import base64
import os
import shutil
import signal
import sys
import tempfile
from collections.abc import AsyncGenerator, Coroutine, Iterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

from app.errors import ErrorCode, PermanentError, RetryableError
from app.messages import Message
from app.providers import browser_launch
from app.providers.addresses import Lookup, resolve_public, system_lookup
from app.providers.devtools import GONE, Devtools, Refused, browser_failed, open_pipes
from app.providers.forwarding import ForwardProxy, forward_proxy
from app.settings import InvalidSettings
from app.settings.portfolio import PortfolioSettings

_WIDTH, _HEIGHT = 1_280, 960
_SCALE = 0.5
_MIB = 1024 * 1024
_LOOK_EVERY_S = 0.2
_SCRIPT_HEAP_MIB = 256
_FIRST_ERROR_STATUS = 400

_SWITCHES = (
    "--headless",
    "--remote-debugging-pipe",
    "--no-first-run",
    "--no-default-browser-check",
    "--disable-extensions",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-default-apps",
    "--disable-domain-reliability",
    "--disable-sync",
    "--disable-breakpad",
    "--disable-crash-reporter",
    "--disable-gpu",
    "--disable-notifications",
    "--disable-dev-shm-usage",  # small in containers, and full of it a page crashes
    "--deny-permission-prompts",
    "--block-new-web-contents",
    "--hide-scrollbars",
    "--mute-audio",
    "--no-pings",
    "--disk-cache-size=1",
    f"--js-flags=--max-old-space-size={_SCRIPT_HEAP_MIB}",
    # What does not go through a proxy of HTTP would pass by the judgement of addresses.
    "--disable-quic",
    "--force-webrtc-ip-handling-policy=disable_non_proxied_udp",
    "--webrtc-ip-handling-policy=disable_non_proxied_udp",
    "--proxy-bypass-list=<-loopback>",
    "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1",
)

_BEFORE_EVERY_PAGE = """
for (const name of ['alert', 'confirm', 'prompt', 'print', 'open']) {
  try { Object.defineProperty(window, name, {value: () => null}) } catch (error) {}
}
for (const name of ['RTCPeerConnection', 'webkitRTCPeerConnection', 'WebTransport', 'WebSocket']) {
  delete window[name]
}
delete Navigator.prototype.serviceWorker
"""


class Browser:
    """Starts a browser for each picture. Callers limit how many there are at once."""

    def __init__(self, program: Path, settings: PortfolioSettings) -> None:
        self._program = program
        self._settings = settings

    async def picture(self, url: str) -> bytes:
        """A PNG of what the page shows above the fold; of what is there, where a limit cut it off.

        Raises VALIDATION_ERROR for a page that must not or cannot be shown, which says nothing of
        the browser, and NETWORK_ERROR when that does not start or ends.
        """
        settings = self._settings
        with system_lookup() as lookup:  # for this page alone: slow hosts of it hold up no other
            # First: a link that must not be opened costs no browser.
            await resolve_public(url, allow_private=settings.allow_private, lookup=lookup)
            try:
                async with self._opened(lookup) as (_, page):
                    return await page.shown(url)
            except TimeoutError:
                raise _too_heavy("time", "TIMEOUT") from None

    async def check(self) -> str:
        """Start it and draw an empty page; returns its name and version.

        Raises NETWORK_ERROR when that does not work within the time for one picture.
        """
        try:
            with system_lookup() as lookup:
                async with self._opened(lookup) as (devtools, page):
                    await page.shown("about:blank")
                    return str((await devtools.call("Browser.getVersion"))["product"])
        except TimeoutError:
            raise browser_failed("time") from None
        except Refused:
            raise browser_failed("refused") from None
        except PermanentError as error:  # of an empty page: it is the browser's fault
            raise browser_failed(str(error.details["cause"])) from None

    @asynccontextmanager
    async def _opened(self, lookup: Lookup) -> AsyncGenerator[tuple[Devtools, "_Page"]]:
        """A browser with an empty page, for as long as one picture may take."""
        settings = self._settings
        async with (
            asyncio.timeout(settings.timeout),
            forward_proxy(
                max_bytes=int(settings.max_page_mib * _MIB),
                allow_private=settings.allow_private,
                lookup=lookup,
            ) as proxy,
            self._started(proxy) as devtools,
        ):
            yield devtools, _Page(devtools, load_timeout_s=settings.load_timeout)

    @asynccontextmanager
    async def _started(self, proxy: ForwardProxy) -> AsyncGenerator[Devtools]:
        folder = await asyncio.to_thread(tempfile.mkdtemp, prefix="naru-browser-")
        try:
            async with self._process(proxy, folder) as (process, devtools):
                memory = _Memory(process.pid, limit_bytes=self._settings.memory_mib * _MIB)
                try:
                    async with _beside(devtools.listen(), memory.watch()):
                        yield devtools
                except RetryableError:
                    if memory.overrun:  # then it was we who ended it
                        raise _too_heavy("memory", "MEMORY_MIB") from None
                    raise
        finally:
            await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)

    @asynccontextmanager
    async def _process(
        self, proxy: ForwardProxy, folder: str
    ) -> AsyncGenerator[tuple[asyncio.subprocess.Process, Devtools]]:
        """The browser in a session of its own, by which all of its processes are known."""
        commands_out, commands_in = os.pipe()
        answers_out, answers_in = os.pipe()
        devtools = await open_pipes(commands_in, answers_out)
        try:
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-I", "-S", browser_launch.__file__, str(os.getpid())),
                *(str(commands_out), str(answers_in), str(self._program), *_SWITCHES),
                *([] if self._settings.sandbox else ["--no-sandbox"]),
                f"--user-data-dir={folder}",
                f"--proxy-server=http://127.0.0.1:{proxy.port}",
                "about:blank",
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.DEVNULL,
                stderr=asyncio.subprocess.DEVNULL,  # it names the pages that it opens
                pass_fds=(commands_out, answers_in),
                start_new_session=True,
                env={"HOME": folder, "PATH": os.defpath, "TMPDIR": folder, "LANG": "C.UTF-8"},
            )
        except OSError:
            devtools.close()
            raise browser_failed("start") from None
        finally:
            os.close(commands_out)
            os.close(answers_in)
        try:
            yield process, devtools
        finally:
            _kill(process.pid)
            await process.wait()
            devtools.close()


class _Page:
    """One page in a context of its own."""

    def __init__(self, devtools: Devtools, *, load_timeout_s: float) -> None:
        self._devtools = devtools
        self._load_timeout_s = load_timeout_s
        self._session = ""
        self._frame = ""
        self._status = 0
        self._broken = False
        self._crashed = False
        self._quiet: set[str] = set()
        self._told = asyncio.Event()

    async def shown(self, url: str) -> bytes:
        """Open it, wait until it is quiet, and take its picture."""
        try:
            await self._open()
        except Refused:  # nothing of the page was there yet
            raise browser_failed("refused") from None
        try:
            await self._navigate(url)
            self._check()
            answer = await self._call(
                "Page.captureScreenshot",
                format="png",
                clip={"x": 0, "y": 0, "width": _WIDTH, "height": _HEIGHT, "scale": _SCALE},
            )
        except Refused:
            raise _not_opened("the page crashed") from None
        self._check()  # a page may lead elsewhere after it has loaded
        return await asyncio.to_thread(base64.b64decode, answer["data"])

    async def _open(self) -> None:
        call = self._devtools.call
        context = (await call("Target.createBrowserContext"))["browserContextId"]
        await call("Browser.setDownloadBehavior", behavior="deny", browserContextId=context)
        target = await call(
            "Target.createTarget",
            url="about:blank",
            browserContextId=context,
            width=_WIDTH,
            height=_HEIGHT,
        )
        attached = await call("Target.attachToTarget", targetId=target["targetId"], flatten=True)
        self._session = attached["sessionId"]
        self._devtools.on("Page.javascriptDialogOpening", self._dismiss)
        self._devtools.on("Page.lifecycleEvent", self._lived)
        self._devtools.on("Inspector.targetCrashed", self._ended)
        self._devtools.on(GONE, self._ended)
        self._devtools.on("Page.frameNavigated", self._navigated)
        self._devtools.on("Network.responseReceived", self._answered)
        for name in ("Page.enable", "Network.enable", "Inspector.enable"):
            await self._call(name)
        self._frame = (await self._call("Page.getFrameTree"))["frameTree"]["frame"]["id"]
        await self._call("Network.setBypassServiceWorker", bypass=True)
        await self._call("Page.addScriptToEvaluateOnNewDocument", source=_BEFORE_EVERY_PAGE)
        await self._call("Page.setLifecycleEventsEnabled", enabled=True)

    async def _navigate(self, url: str) -> None:
        """Until the network is quiet, or for as long as a page may load."""
        answer: dict[str, Any] = {}
        try:
            async with asyncio.timeout(self._load_timeout_s):
                answer = await self._call("Page.navigate", url=url)
                if error := answer.get("errorText"):
                    raise _not_opened(str(error).removeprefix("net::"))
                while answer["loaderId"] not in self._quiet:
                    self._told.clear()
                    await self._told.wait()
                    self._devtools.check()
                    if self._crashed:
                        raise Refused
        except TimeoutError:
            if not answer:
                raise _not_opened("no answer in time") from None
            self._devtools.tell("Page.stopLoading", self._session)

    def _check(self) -> None:
        if self._status >= _FIRST_ERROR_STATUS:
            raise _not_opened(f"HTTP {self._status}")
        if self._broken:
            raise _not_opened("it leads to a page that cannot be opened")

    async def _call(self, method: str, **parameters: object) -> dict[str, Any]:
        return await self._devtools.call(method, self._session, **parameters)

    def _dismiss(self, told: dict[str, Any]) -> None:
        del told
        self._devtools.tell("Page.handleJavaScriptDialog", self._session, accept=False)

    def _lived(self, told: dict[str, Any]) -> None:
        if told["name"] == "networkAlmostIdle" and told["frameId"] == self._frame:
            self._quiet.add(told["loaderId"])
            self._told.set()

    def _ended(self, told: dict[str, Any]) -> None:
        del told
        self._crashed = True
        self._told.set()
        self._devtools.refuse()

    def _navigated(self, told: dict[str, Any]) -> None:
        frame = told["frame"]
        if "parentId" not in frame:
            self._broken = "unreachableUrl" in frame

    def _answered(self, told: dict[str, Any]) -> None:
        # The document of the page itself, not of a frame in it.
        if told.get("type") == "Document" and told.get("frameId") == self._frame:
            self._status = told["response"]["status"]


class _Memory:
    """Kills a session of processes that takes more memory than it may."""

    def __init__(self, session: int, *, limit_bytes: int) -> None:
        self._session = session
        self._limit_bytes = limit_bytes
        self.overrun = False

    async def watch(self) -> None:
        """Look, for ever."""
        while not self.overrun:
            await asyncio.sleep(_LOOK_EVERY_S)
            if await asyncio.to_thread(_used_bytes, self._session) > self._limit_bytes:
                self.overrun = True
                _kill(self._session)


def _used_bytes(session: int) -> int:
    """What the processes of a session have for themselves; 0 where there is no `/proc`."""
    return sum(_private_bytes(Path("/proc"), session))


def _private_bytes(proc: Path, session: int) -> Iterator[int]:
    for entry in proc.glob("[0-9]*"):
        with suppress(OSError, ValueError, IndexError):  # it may end at any moment
            # After the name, which may hold anything: state, parent, group, session.
            if int((entry / "stat").read_text().rpartition(")")[2].split()[3]) == session:
                _, resident, shared, *_ = (entry / "statm").read_text().split()
                yield (int(resident) - int(shared)) * os.sysconf("SC_PAGE_SIZE")


def _kill(session: int) -> None:
    with suppress(ProcessLookupError):
        os.killpg(session, signal.SIGKILL)


@asynccontextmanager
async def _beside(*work: Coroutine[Any, Any, None]) -> AsyncGenerator[None]:
    """Carry these on while the block lasts."""
    tasks = [asyncio.create_task(each) for each in work]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)


def _not_opened(cause: str) -> PermanentError:
    return PermanentError(
        ErrorCode.VALIDATION_ERROR, Message.PORTFOLIO_NOT_OPENED, details={"cause": cause}
    )


def _too_heavy(cause: str, setting: str) -> PermanentError:
    return PermanentError(
        ErrorCode.VALIDATION_ERROR,
        Message.PORTFOLIO_TOO_HEAVY,
        details={"cause": cause, "setting": setting},
    )


@asynccontextmanager
async def open_browser(settings: PortfolioSettings) -> AsyncGenerator[Browser | None]:
    """The browser that the settings name; None when they name none.

    Raises InvalidSettings when there is no such program, or its sandbox cannot work.
    """
    if settings.browser is None:
        yield None
        return
    found = await asyncio.to_thread(shutil.which, settings.browser)
    if found is None:
        raise InvalidSettings(
            [
                f"PORTFOLIO__BROWSER: {settings.browser} is no program. On Debian: apt install chromium"
            ]
        )
    if settings.sandbox and os.geteuid() == 0:
        raise InvalidSettings(
            [
                (
                    "PORTFOLIO__SANDBOX: Chromium's sandbox does not work for root. Run the worker "
                    "as another user, or set it to false, which trusts every page more."
                )
            ]
        )
    yield Browser(Path(found), settings)
