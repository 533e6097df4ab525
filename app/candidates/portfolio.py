"""The portfolio that a résumé links, as a picture of its page.

Which link that is: a page of the person's own. Profiles at networks, code hosts and job boards are
not, since they look alike for everybody, mostly behind a login; a repository or a page that such a
host publishes for somebody (`name.github.io`) is. Files are not pages. Of several, a link that calls
itself a portfolio is taken, then one at a host for portfolios, then the first.
"""

import asyncio
import re
from collections.abc import Iterable
from functools import partial
from urllib.parse import SplitResult, unquote, urlsplit
from uuid import UUID

from app.candidates.originals import Owner
from app.candidates.profile import Profile
from app.candidates.thumbnails import portfolio_key
from app.candidates.tools import ResumeTools
from app.errors import ErrorCode
from app.pipeline.run import Run
from app.pipeline.stage import stage
from app.providers.browser import Browser
from app.resilience.policies import PolicyName
from app.store.crypto import Place

_PROFILES = frozenset(
    """
    linkedin.com facebook.com fb.com instagram.com twitter.com x.com threads.net threads.com t.me
    youtube.com youtu.be tiktok.com discord.gg discord.com open.kakao.com pf.kakao.com wa.me line.me
    github.com gitlab.com bitbucket.org gist.github.com stackoverflow.com leetcode.com hackerrank.com
    acmicpc.net solved.ac programmers.co.kr kaggle.com huggingface.co scholar.google.com orcid.org
    researchgate.net wanted.co.kr rallit.com jobkorea.co.kr saramin.co.kr jumpit.co.kr
    rocketpunch.com remember.co.kr indeed.com glassdoor.com xing.com
    """.split()  # noqa: SIM905 - a table to read, not code
)
"""Hosts where a link is an account. A repository is no account: its path has two parts."""

_REPOSITORIES = frozenset({"github.com", "gitlab.com", "bitbucket.org"})

_PORTFOLIO_HOSTS = frozenset(
    """
    behance.net dribbble.com notion.site notion.so github.io gitlab.io adobe.com artstation.com
    carbonmade.com cargo.site figma.com framer.website framer.ai myportfolio.com netlify.app oopy.io
    pages.dev readymag.com super.site vercel.app webflow.io wixsite.com
    """.split()  # noqa: SIM905 - a table to read, not code
)

_FILE = re.compile(
    r"\.(?:pdf|docx?|hwpx?|odt|rtf|pptx?|key|xlsx?|zip|7z|rar|gz|png|jpe?g|gif|webp|mp4|mov|apk|exe)$",
    re.IGNORECASE,
)
_CALLS_ITSELF = re.compile(r"portfolio|포트폴리오|포폴", re.IGNORECASE)
_SCHEME = re.compile(r"[a-z][a-z0-9+.-]*:", re.IGNORECASE)


def portfolio_of(links: Iterable[str]) -> str | None:
    """The link to take a picture of, as http or https; None where no link is a portfolio."""
    urls = [url for link in links if (url := _as_url(link)) and _is_portfolio(urlsplit(url))]
    return min(urls, key=_rank, default=None)  # the first of the best: min is stable


def _as_url(link: str) -> str | None:
    link = link.strip()
    if not _SCHEME.match(link) or re.match(r"[^/]*:\d", link):  # a host, perhaps with its port
        link = f"https://{link}"
    try:
        parts = urlsplit(link)
        usable = parts.scheme.lower() in {"http", "https"} and "." in (parts.hostname or "")
    except ValueError:
        return None
    return link if usable else None


def _is_portfolio(parts: SplitResult) -> bool:
    host, path = _host(parts), parts.path.strip("/")
    if _FILE.search(path):
        return False
    if _stands_under(host, _REPOSITORIES):
        return "/" in path and not host.startswith("gist.")
    return not _stands_under(host, _PROFILES)


def _rank(url: str) -> int:
    parts = urlsplit(url)
    if _CALLS_ITSELF.search(unquote(url)):
        return 0
    if _stands_under(_host(parts), _PORTFOLIO_HOSTS):
        return 1
    return 3 if _stands_under(_host(parts), _REPOSITORIES) else 2


def _host(parts: SplitResult) -> str:
    return (parts.hostname or "").removeprefix("www.")


def _stands_under(host: str, known: frozenset[str]) -> bool:
    """Whether it is one of them, or a name below one."""
    labels = host.split(".")
    return any(".".join(labels[at:]) in known for at in range(len(labels)))


async def portfolio(run: Run, profile: Profile, tools: ResumeTools) -> str | None:
    """The key of the portfolio's picture in the store; None where nobody asked for one.

    It is asked for when a browser is configured and the résumé links a portfolio; only then can
    it be missing (VISUAL_PARTIAL).
    """
    if tools.browser is None:
        return None
    url = portfolio_of(profile.links)
    if url is None:
        await run.skip(draw_portfolio.name)
        return None
    return await run.want(draw_portfolio, url, run, tools, tools.browser)


@stage("portfolio", policy=PolicyName.BROWSER, partial=ErrorCode.VISUAL_PARTIAL)
async def draw_portfolio(url: str, owner: Owner, tools: ResumeTools, browser: Browser) -> str:
    """A picture of the page in the store, sealed under the key of its run; returns its key."""
    picture = await browser.picture(url)
    key = portfolio_key(owner.tenant_id, owner.id)
    sealed = await asyncio.to_thread(owner.key.seal_bytes, picture, portfolio_place(owner.id))
    await tools.storage.execute(partial(tools.blobs.put, key, sealed))
    return key


def portfolio_place(run_id: UUID) -> Place:
    return Place(table="candidate_versions", column="portfolio", row=str(run_id))
