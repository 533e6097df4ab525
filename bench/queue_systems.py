"""What is compared, and what an adapter to it offers.

Read in both environments: the standard library alone.
"""

from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager, AbstractContextManager, nullcontext
from dataclasses import dataclass
from enum import Enum
from importlib import import_module
from typing import Any, Protocol

from bench.queue_jobs import Body


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """What one process of a system is told. `endpoint`: of the OTLP sink; `database`: its URL."""

    port: int
    endpoint: str
    concurrency: int = 100
    lease_s: float = 15
    database: str = ""

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"


class Adapter(Protocol):
    """One system in one process: a worker, or a producer while `opened` lasts."""

    def recorded(self) -> AbstractContextManager[object]:
        """Send spans to the sink while the block lasts, all of them by its end."""
        ...

    async def work(self, jobs: Mapping[str, Body]) -> None:
        """Run jobs until the process is told to end."""
        ...

    def opened(self) -> AbstractAsyncContextManager[object]:
        """Connect as a producer."""
        ...

    async def enqueue(self, job: str, arguments: Mapping[str, Any]) -> str:
        """Enqueue one job; returns its id."""
        ...

    async def enqueue_many(self, job: str, count: int, arguments: Mapping[str, Any]) -> None:
        """Enqueue so many in the quickest way that its documentation shows."""
        ...


class Untraced:
    """What an adapter says that records nothing."""

    def recorded(self) -> AbstractContextManager[object]:
        return nullcontext()


class Environment(Enum):
    """Whose packages a process runs with. arq needs an older redis-py than its peers."""

    OURS = ".venv"
    PEERS = ".venv-bench/queue"


@dataclass(frozen=True, slots=True, kw_only=True)
class System:
    """One column of the tables. `adapter` is `module:class`.

    `peer`: the fastest of these sets the bars; `traced`: its spans are counted; `bulk`: it has a
    call for many jobs; `cancels`: it can be asked to; `recovers`: within the bound of the bench;
    `rows`: it keeps a row in PostgreSQL for each job.
    `most_jobs` and `most_distant_jobs` bound the no-op runs that would take minutes.
    """

    name: str
    adapter: str
    environment: Environment
    packages: tuple[str, ...]
    peer: bool = True
    traced: bool = False
    bulk: bool = False
    cancels: bool = False
    recovers: bool = False
    rows: bool = False
    most_concurrency: int = 1_000_000
    most_jobs: int = 2_500
    most_distant_jobs: int = 1_000


_ARQ = ("arq", "redis")
OURS = System(
    name="naru",
    adapter="bench.queue_ours:Ours",
    environment=Environment.OURS,
    packages=_ARQ,
    peer=False,
    traced=True,
    bulk=True,
    cancels=True,
    recovers=True,
    most_jobs=5_000,
    most_distant_jobs=5_000,
)
SYSTEMS: tuple[System, ...] = (
    System(
        name="arq",
        adapter="bench.queue_arq:AsInstalled",
        environment=Environment.OURS,
        packages=_ARQ,
        most_concurrency=10,
        most_jobs=1_000,
        most_distant_jobs=200,
    ),
    System(
        name="arq-tuned",
        adapter="bench.queue_arq:Tuned",
        environment=Environment.OURS,
        packages=_ARQ,
        most_distant_jobs=200,
    ),
    System(
        name="saq",
        adapter="bench.queue_peers:Saq",
        environment=Environment.PEERS,
        packages=("saq", "redis"),
        recovers=True,
    ),
    System(
        name="taskiq",
        adapter="bench.queue_peers:Taskiq",
        environment=Environment.PEERS,
        packages=("taskiq", "taskiq-redis", "redis"),
        recovers=True,
    ),
    System(
        name="streaq",
        adapter="bench.queue_peers:Streaq",
        environment=Environment.PEERS,
        packages=("streaq", "coredis"),
        bulk=True,
        recovers=True,
    ),
    OURS,
    System(
        name="naru-untraced",
        adapter="bench.queue_ours:OursUntraced",
        environment=Environment.OURS,
        packages=_ARQ,
        peer=False,
        bulk=True,
        most_jobs=5_000,
        most_distant_jobs=5_000,
    ),
    System(
        name="naru-rows",
        adapter="bench.queue_rows:OursWithRows",
        environment=Environment.OURS,
        packages=(*_ARQ, "sqlalchemy", "asyncpg"),
        peer=False,
        traced=True,
        rows=True,
        bulk=True,
    ),
)


def adapter(name: str, place: Place) -> Adapter:
    """The adapter `module:class`. Peers are missing where types are checked."""
    module, _, kind = name.partition(":")
    return getattr(import_module(module), kind)(place)
