"""Pictures of pages, by a real Chromium. Pages here are blue where they are shown."""

import asyncio
import io
import re
import shutil
import socket
import tempfile
import threading
import time
from collections.abc import AsyncGenerator, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from app.errors import ErrorCode, PermanentError, RetryableError
from app.messages import Message
from app.providers.browser import Browser, open_browser
from app.settings import InvalidSettings
from app.settings.portfolio import PortfolioSettings
from tests.fakes.browsers import program
from tests.fakes.website import Website, website

CHROMIUM = shutil.which("chromium")
BLUE = (0, 0, 255)

pytestmark = pytest.mark.timeout(180)
needs_chromium = pytest.mark.skipif(CHROMIUM is None, reason="apt install chromium")


@pytest.fixture
async def site() -> AsyncGenerator[Website]:
    async with website() as running:
        yield running


@pytest.fixture(autouse=True)
def scratch(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Where profiles of browsers lie. Not in `tmp_path`: there is a socket in a profile, and the
    path of one is short."""
    with tempfile.TemporaryDirectory(prefix="naru-") as folder:
        monkeypatch.setattr(tempfile, "tempdir", folder)
        yield Path(folder)


def browser(**figures: Any) -> Browser:
    """Time enough for a machine that does other things as well, unless a test says otherwise."""
    settings = PortfolioSettings.model_validate(
        {"sandbox": False, "allow_private": True, "timeout": 120, "load_timeout": 60, **figures}
    )
    return Browser(Path(CHROMIUM or "chromium"), settings)


def faulty(folder: Path, behaviour: str, **figures: Any) -> Browser:
    """A program that is no browser in its place."""
    settings = PortfolioSettings.model_validate(
        {"sandbox": False, "allow_private": True, "timeout": 120, **figures}
    )
    return Browser(program(folder, behaviour), settings)


async def colour_of(picture: bytes) -> tuple[int, ...]:
    shown = await asyncio.to_thread(lambda: Image.open(io.BytesIO(picture)).convert("RGB"))
    assert shown.size == (640, 480)
    colour = shown.getpixel((320, 400))
    assert isinstance(colour, tuple)
    return colour


async def refusal_of(opened: Browser, url: str) -> PermanentError:
    with pytest.raises(PermanentError) as refused:
        await opened.picture(url)
    assert refused.value.code is ErrorCode.VALIDATION_ERROR
    return refused.value


def left_over(scratch: Path) -> list[str]:
    """Processes and files of browsers that ought to be gone, and are not soon."""
    end_s = time.monotonic() + 20
    while (found := _there(scratch)) and time.monotonic() < end_s:
        time.sleep(0.05)  # those that a browser itself has started end after it
    return found


def _there(scratch: Path) -> list[str]:
    found = [str(path) for path in scratch.glob("naru-browser-*")]
    for entry in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if str(scratch).encode() in (line := entry.read_bytes()):
                found.append(line.decode())
        except OSError:
            continue
    return found


@needs_chromium
async def test_a_page_is_shown_and_nothing_of_the_browser_stays(
    site: Website, scratch: Path
) -> None:
    assert await colour_of(await browser().picture(site.url("/"))) == BLUE
    assert await asyncio.to_thread(left_over, scratch) == []


@needs_chromium
async def test_dialogs_and_new_windows_do_not_come(site: Website) -> None:
    assert await colour_of(await browser().picture(site.url("/alerts"))) == BLUE
    assert "/popup" not in site.requests


@needs_chromium
@pytest.mark.parametrize("path", ["/to-metadata", "/to-private", "/by-script"])
async def test_a_page_that_leads_to_an_address_that_is_not_public_is_refused(
    site: Website, path: str
) -> None:
    # Where a script leads away, that the page has loaded is never told.
    error = await refusal_of(browser(load_timeout=10), site.url(path))
    assert error.message is Message.PORTFOLIO_NOT_OPENED
    assert not [path for path in site.requests if path.startswith("/private")]


@needs_chromium
async def test_what_a_page_loads_cannot_come_from_an_address_that_is_not_public(
    site: Website,
) -> None:
    assert await colour_of(await browser().picture(site.url("/peeks"))) == BLUE
    assert "/peeks" in site.requests
    assert not [path for path in site.requests if path.startswith("/private")]


@needs_chromium
async def test_a_page_that_names_slow_hosts_keeps_no_thread_that_others_need(
    site: Website, monkeypatch: pytest.MonkeyPatch
) -> None:
    system, loop = socket.getaddrinfo, asyncio.get_running_loop()
    asked, answer, gave_up = asyncio.Event(), threading.Event(), threading.Event()

    def ask(host: str, *rest: Any, **more: Any) -> Any:
        if not host.endswith(".example.com"):
            return system(host, *rest, **more)
        loop.call_soon_threadsafe(asked.set)
        if not answer.wait(60):
            gave_up.set()
        raise socket.gaierror(socket.EAI_AGAIN, "slow")

    monkeypatch.setattr(socket, "getaddrinfo", ask)
    loop.set_default_executor(ThreadPoolExecutor(1))  # the first look-up in it would take all of it
    images = "".join(f"<img hidden src='http://{n}.example.com/'>" for n in range(64))
    site.pages["/slow"] = f"{site.pages['/'].removesuffix('</body>')}{images}</body>"
    drawing = asyncio.create_task(browser(load_timeout=100).picture(site.url("/slow")))
    await asked.wait()

    assert await asyncio.to_thread(lambda: not gave_up.is_set())

    answer.set()
    assert await colour_of(await drawing) == BLUE


@needs_chromium
async def test_a_redirect_without_end_is_refused(site: Website) -> None:
    error = await refusal_of(browser(), site.url("/loop"))
    assert error.details["cause"] == "ERR_TOO_MANY_REDIRECTS"
    assert len(site.requests) < 50


@needs_chromium
@pytest.mark.parametrize(
    ("path", "cause"), [("/nothing", "HTTP 404"), ("/download", "ERR_ABORTED")]
)
async def test_what_is_no_page_is_refused(site: Website, path: str, cause: str) -> None:
    assert (await refusal_of(browser(), site.url(path))).details["cause"] == cause


@needs_chromium
async def test_a_file_of_this_machine_is_not_shown(site: Website) -> None:
    picture = await browser().picture(site.url("/file"))
    white = await colour_of(picture)
    assert white == (255, 255, 255)


@needs_chromium
@pytest.mark.parametrize("path", ["/endless", "/image"])
async def test_a_page_is_shown_as_far_as_it_may_load(site: Website, path: str) -> None:
    opened = browser(max_page_mib=2, load_timeout=20)
    assert await colour_of(await opened.picture(site.url(path))) == BLUE


@needs_chromium
async def test_a_page_that_does_not_end_is_shown_as_it_is(site: Website) -> None:
    assert await colour_of(await browser(load_timeout=3).picture(site.url("/drips"))) == BLUE


@needs_chromium
async def test_a_page_that_does_not_answer_is_refused(site: Website) -> None:
    error = await refusal_of(browser(load_timeout=1), site.url("/silent"))
    assert error.message is Message.PORTFOLIO_NOT_OPENED


@needs_chromium
async def test_a_page_that_keeps_the_browser_busy_costs_the_browser(
    site: Website, scratch: Path
) -> None:
    error = await refusal_of(browser(load_timeout=1, timeout=10), site.url("/spin"))
    assert (error.message, error.details["cause"]) == (Message.PORTFOLIO_TOO_HEAVY, "time")
    assert await asyncio.to_thread(left_over, scratch) == []


@needs_chromium
async def test_a_page_that_takes_too_much_memory_costs_the_browser(
    site: Website, scratch: Path
) -> None:
    error = await refusal_of(browser(memory_mib=700, load_timeout=100), site.url("/hoard"))
    assert (error.message, error.details["cause"]) == (Message.PORTFOLIO_TOO_HEAVY, "memory")
    assert await asyncio.to_thread(left_over, scratch) == []


@needs_chromium
async def test_who_is_cancelled_leaves_no_browser_behind(site: Website, scratch: Path) -> None:
    waiting = asyncio.create_task(browser().picture(site.url("/silent")))
    while not site.requests:
        await asyncio.sleep(0.05)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert await asyncio.to_thread(left_over, scratch) == []


async def test_a_link_to_a_private_address_costs_no_browser() -> None:
    settings = PortfolioSettings(browser=Path("/nowhere"))
    error = await refusal_of(Browser(Path("/nowhere"), settings), "http://127.0.0.1/")
    assert error.message is Message.URL_NOT_PUBLIC


async def test_a_browser_that_does_not_start_is_to_blame_itself(site: Website) -> None:
    settings = PortfolioSettings(sandbox=False, allow_private=True)
    with pytest.raises(RetryableError) as failed:
        await Browser(Path("/bin/false"), settings).picture(site.url("/"))
    assert failed.value.code is ErrorCode.NETWORK_ERROR
    assert failed.value.message is Message.BROWSER_FAILED


async def test_a_program_that_is_not_there_stops_the_start() -> None:
    with pytest.raises(InvalidSettings, match="apt install chromium"):
        async with open_browser(PortfolioSettings(browser=Path("/nowhere/chromium"))):
            pass
    async with open_browser(PortfolioSettings()) as none:
        assert none is None


@pytest.mark.parametrize(
    "behaviour",
    [
        "ends at the first command",
        "ends in the middle of an answer",
        "closes its answers",
        "answers what is no JSON",
        "answers what is no message",
        "answers without end",
        "refuses every command",
        "ends with the page",
    ],
)
async def test_a_browser_that_fails_on_the_way_is_to_blame_itself_and_is_gone(
    behaviour: str, site: Website, scratch: Path
) -> None:
    opened = faulty(scratch, behaviour)
    with pytest.raises(RetryableError) as failed:
        await opened.picture(site.url("/"))
    assert failed.value.code is ErrorCode.NETWORK_ERROR
    assert failed.value.message is Message.BROWSER_FAILED
    assert await asyncio.to_thread(left_over, scratch) == []


async def test_a_page_that_crashes_is_to_blame_and_not_the_browser(
    site: Website, scratch: Path
) -> None:
    error = await refusal_of(faulty(scratch, "loses the page"), site.url("/"))
    assert error.message is Message.PORTFOLIO_NOT_OPENED
    assert error.details["cause"] == "the page crashed"
    assert await asyncio.to_thread(left_over, scratch) == []


async def test_a_browser_that_says_nothing_is_ended_in_time(site: Website, scratch: Path) -> None:
    error = await refusal_of(faulty(scratch, "says nothing", timeout=0.5), site.url("/"))
    assert (error.message, error.details["cause"]) == (Message.PORTFOLIO_TOO_HEAVY, "time")
    assert await asyncio.to_thread(left_over, scratch) == []


@needs_chromium
async def test_a_check_starts_the_browser_and_tells_what_it_is(scratch: Path) -> None:
    assert re.fullmatch(r"\S+/[\d.]+", await browser(allow_private=False).check())
    assert await asyncio.to_thread(left_over, scratch) == []


@pytest.mark.parametrize(
    ("behaviour", "cause"),
    [
        ("ends at the first command", "ended"),
        ("says nothing", "time"),
        ("refuses every command", "refused"),
        ("loses the page", "the page crashed"),
    ],
)
async def test_a_check_of_a_browser_that_does_not_work_says_why(
    behaviour: str, cause: str, scratch: Path
) -> None:
    opened = faulty(scratch, behaviour, timeout=1 if cause == "time" else 120)
    with pytest.raises(RetryableError) as failed:
        await opened.check()
    assert failed.value.message is Message.BROWSER_FAILED
    assert failed.value.details["cause"] == cause
    assert await asyncio.to_thread(left_over, scratch) == []
