"""A model of the engine: what it must answer, whatever is ordered in whatever order."""

import json
import time
from collections import Counter
from typing import Any, NamedTuple

from redis import Redis

from app.queue import scripts
from tests.queue.index import QUEUE, Index, read_index

LONG_MS = 600_000
TINY_MS = 1
MONTH_MS = 30 * 86_400_000
OPTIONS: dict[str, Any] = {
    "shares": {"2": 0.25, "3": 0.05},
    "weights": {},
    "tenant_limit": False,
    "key_limits": {},
}


class Holding(NamedTuple):
    job_id: str
    token: str
    entry: str


def pass_time() -> None:
    """Long enough for what is tiny to be over."""
    time.sleep(0.003)


class Engine:
    """What is known without Redis: who was enqueued, who holds what, how often each was tried."""

    def __init__(self, url: str) -> None:
        self.redis: Any = Redis.from_url(url)  # pyright: ignore[reportUnknownMemberType] - typed loosely
        self.redis.flushdb()
        self.entries: dict[str, str] = {}
        self.unfinished: set[str] = set()
        self.ready_at: dict[str, float] = {}
        self.holdings: list[Holding] = []
        self.current: dict[str, Holding] = {}
        self.tries: Counter[str] = Counter()
        self.ordered_to_abort: set[str] = set()
        self.parked: set[str] = set()
        self.ghosts: set[str] = set()
        self.claims = 0
        self.paused = False

    def call(self, script: scripts.Script, *arguments: scripts.Argument) -> Any:
        return self.redis.eval(script.body, 1, QUEUE, *arguments)

    def index(self) -> Index:
        return read_index(self.redis)

    def enqueue(self, jobs: list[tuple[str, str, str, int]]) -> None:
        arguments: list[scripts.Argument] = [MONTH_MS]
        for rank, tenant, key, wait_ms in jobs:
            job_id, entry = f"j{len(self.entries)}", f"{rank}|{tenant}|{key}"
            arguments += (job_id, "{}", entry, wait_ms, 0, "", 0)
            self.entries[job_id] = entry
            self.unfinished.add(job_id)
            self.ready_at[job_id] = time.monotonic() + wait_ms / 1000
        assert self.call(scripts.ENQUEUE, *arguments) == [b"1"] * len(jobs)
        pass_time()

    def enqueue_again(self, place: int, entry: str) -> None:
        if not self.entries:
            return
        known = sorted(self.ghosts) or list(self.entries)
        job_id = known[place % len(known)]
        if job_id not in self.unfinished:
            self.redis.delete(f"arq:result:{job_id}")
        (answer,) = self.call(scripts.ENQUEUE, MONTH_MS, job_id, "{}", entry, 0, 0, "", 0)
        assert answer == (b"0" if job_id in self.unfinished else b"1")
        if answer == b"1":
            self.entries[job_id] = entry
            self.unfinished.add(job_id)
            self.ready_at[job_id] = 0
            self.tries[job_id] = 0
            self.ordered_to_abort.discard(job_id)

    def elsewhere(self, what: str, place: int) -> None:
        """What others do: arq's own producers, workers and clients, an operator, a worker."""
        waiting = sorted(self.unfinished - set(self.index().locks))
        match what:
            case "enqueue":
                self.enqueue_elsewhere(f"j{len(self.entries)}")
            case "finish" if waiting:
                self.finish_elsewhere(waiting[place % len(waiting)])
            case "abort" if self.entries:
                job_id = list(self.entries)[place % len(self.entries)]
                self.redis.zadd("arq:abort", {job_id: 1})
                if job_id in self.unfinished:
                    self.ordered_to_abort.add(job_id)
            case "pause":
                self.redis.set(f"{QUEUE}:paused", "until somebody says so", px=MONTH_MS)
                self.paused = True
                self.look()
                self.call(scripts.RESUME)
                self.paused = False
            case _:
                pass

    def enqueue_elsewhere(self, job_id: str) -> None:
        self.redis.psetex(f"arq:job:{job_id}", MONTH_MS, "{}")
        self.redis.zadd(QUEUE, {job_id: time.time() * 1000 - 1})
        self.entries[job_id] = "2||"
        self.unfinished.add(job_id)
        self.ready_at[job_id] = 0

    def finish_elsewhere(self, job_id: str) -> None:
        """The index learns of it when it meets the id, or a new job of that id."""
        self.redis.set(f"arq:result:{job_id}", "r", px=LONG_MS)
        self.redis.delete(f"arq:job:{job_id}", f"arq:retry:{job_id}")
        self.redis.zrem("arq:abort", job_id)
        self.redis.zrem(QUEUE, job_id)
        self.ghosts.add(job_id)
        self.end(job_id)

    def lapse(self, chosen: list[int], *, somebody_looks: bool) -> None:
        """Time passes, and nobody has renewed."""
        index = self.index()
        for place in chosen if self.holdings else ():
            job_id = self.holdings[place % len(self.holdings)].job_id
            if job_id in index.leases:
                self.redis.delete(f"arq:in-progress:{job_id}")
                self.redis.zadd(f"{QUEUE}:leases", {job_id: 1})
                self.redis.zadd(QUEUE, {job_id: 1}, xx=True)
        if somebody_looks:
            self.look()

    def claim(
        self,
        want: int,
        express: int,
        tenant_limit: int | None,
        key_limit: int | None,
        weight: float,
        lease_ms: int,
    ) -> None:
        self.claims += 1
        self.redis.delete(f"{QUEUE}:wake", f"{QUEUE}:wake:chat")  # who looks has heard
        token = f"w:{self.claims}"
        options = OPTIONS | {
            "weights": {"a": weight},
            "tenant_limit": tenant_limit or False,
            "key_limits": {"k": key_limit} if key_limit else {},
        }
        jobs, wait_ms, more, aborts = self.call(
            scripts.CLAIM, want, express, lease_ms, token, json.dumps(options)
        )
        index = self.index()
        now_s = time.monotonic()
        claimed = [
            Holding(job_id.decode(), token, entry.decode()) for job_id, _, _, entry, _ in jobs
        ]
        for holding, (_, payload, job_try, _, _) in zip(claimed, jobs, strict=True):
            self.tries[holding.job_id] += 1
            assert payload == b"{}"
            assert job_try == self.tries[holding.job_id]
            assert holding.job_id in self.unfinished
            assert holding.job_id not in self.ordered_to_abort
            assert holding.entry == self.entries[holding.job_id]
            assert self.ready_at[holding.job_id] <= now_s
            self.current[holding.job_id] = holding
        self.holdings += claimed
        self.limits_hold(index, claimed, tenant_limit, key_limit)
        self.nothing_is_left_lying(index, claimed, want, express)
        self.who_is_let_in_lets_in(index, claimed, want, key_limit)
        assert (more == 1) == (any(index.rings.values()) and not self.paused)
        assert wait_ms == -1 or bool(index.deferred or index.leases)
        for raw in aborts:
            assert raw.decode() in self.ordered_to_abort
            self.cancel_waiting(raw.decode())
        if lease_ms == TINY_MS:
            pass_time()

    def limits_hold(
        self,
        index: Index,
        claimed: list[Holding],
        tenant_limit: int | None,
        key_limit: int | None,
    ) -> None:
        for holding in claimed:
            _, tenant, key = holding.entry.split("|")
            if tenant_limit:
                assert index.running[f"t|{tenant}"] <= tenant_limit
            if key_limit and key == "k":
                assert index.running["k|k"] <= key_limit

    def who_is_let_in_lets_in(
        self, index: Index, claimed: list[Holding], want: int, key_limit: int | None
    ) -> None:
        """Where a limit was raised, nobody waits for the next heartbeat."""
        started = {each.entry.split("|")[2] for each in claimed if each.entry[0] != "1"}
        if len(claimed) < want:
            coming = any(
                self.entries[each].endswith("k") for ids in index.due.values() for each in ids
            )
            assert "k" not in started or key_limit or coming or "k" not in index.held

    def look(self) -> None:
        """A claim of a worker without limits."""
        self.claim(2, 1, None, None, 1, LONG_MS)

    def nothing_is_left_lying(
        self, index: Index, claimed: list[Holding], want: int, express: int
    ) -> None:
        """Who asks for more than there is gets all that may start."""
        others = [each for each in claimed if each.entry[0] != "1"]
        assert len(claimed) <= want + express
        assert len(others) <= want
        if self.paused:
            assert not claimed
        elif len(claimed) < want:
            assert not any(index.rings.values())
        elif len(claimed) < want + express:
            assert not index.rings.get("1")

    def finish(self, place: int, what: str, wait_ms: int) -> None:
        """By whoever ever held a lease: it may be another's by now."""
        if self.holdings:
            self.tell(self.holdings.pop(place % len(self.holdings)), what, wait_ms)

    def tell(self, holding: Holding, what: str, wait_ms: int = 0) -> None:
        job_id = holding.job_id
        before = self.index()
        holder = before.locks.get(job_id)
        is_ours = (
            holder == holding.token if holder else job_id in before.leases and job_id in before.ids
        )
        letter = "{}" if what == "dead" else ""
        verb, result = ("done", "r") if what in {"done", "dead"} else (what, "")
        ms = {"done": LONG_MS, "back": 0}.get(verb, wait_ms)
        lost = self.call(scripts.FINISH, MONTH_MS, job_id, holding.token, verb, result, ms, letter)
        assert lost == ([] if is_ours else [job_id.encode()])
        if not is_ours:
            assert self.index() == before
            return
        self.current.pop(job_id, None)
        self.somebody_is_let_in(before, self.entries[job_id].split("|")[2])
        if verb == "done":
            self.end(job_id)
        else:
            (self.parked.add if verb == "park" else self.parked.discard)(job_id)
            self.ready_at[job_id] = time.monotonic() + ms / 1000
            if verb in {"back", "park"}:
                self.tries[job_id] = max(self.tries[job_id] - 1, 0)
        pass_time()

    def somebody_is_let_in(self, before: Index, key: str) -> None:
        """Whoever ends a lease makes room for one that waited for its limit key."""
        if waited := before.held.get(key):
            assert len(self.index().held.get(key, ())) < len(waited)

    def cancel(self, place: int, *, is_known: bool) -> None:
        known = list(self.entries) if is_known else []
        job_id = known[place % len(known)] if known else "nobody"
        is_held = job_id in self.index().locks
        if job_id not in self.unfinished:
            self.redis.zadd("arq:abort", {job_id: 1})
        answer = self.call(scripts.CANCEL, job_id, "cancelled", LONG_MS)
        if job_id not in self.unfinished:
            assert answer == b"unknown"
            assert self.redis.zscore("arq:abort", job_id) is None
        elif is_held:
            assert answer == b"told"
            self.ordered_to_abort.add(job_id)
        else:
            assert answer == b"cancelled"
            self.end(job_id)

    def cancel_waiting(self, job_id: str) -> None:
        """What a worker does with an order that it finds."""
        if job_id not in self.index().locks:
            assert self.call(scripts.CANCEL, job_id, "cancelled", LONG_MS) == b"cancelled"
            self.end(job_id)

    def end(self, job_id: str) -> None:
        self.unfinished.discard(job_id)
        self.parked.discard(job_id)
        self.ordered_to_abort.discard(job_id)
        self.current.pop(job_id, None)
        self.tries[job_id] = 0

    def beat(self, chosen: list[int], rank: int) -> None:
        """Of a worker that runs some of what was ever held."""
        held = {
            (holding := self.holdings[place % len(self.holdings)]).job_id: holding
            for place in chosen
            if self.holdings
        }
        arguments = [
            part for each in held.values() for part in (each.job_id, each.token, each.entry)
        ]
        before = self.index()
        locks = before.locks
        lost, missing = self.call(scripts.HEARTBEAT, LONG_MS, "naru:worker:w", "{}", *arguments)
        after = self.index()
        assert after.capped == set()
        for key, waited in before.held.items():
            assert len(after.held.get(key, ())) < len(waited)
        self.call(scripts.ADOPT, rank, 1_000)
        refused = {job_id.decode() for job_id in lost}
        assert missing == []
        for job_id, holding in held.items():
            holder = locks.get(job_id)
            if holder and holder != holding.token:
                assert job_id in refused
            elif holder:
                assert job_id not in refused
            elif job_id not in refused:
                # Nobody else had it: taken again, wherever it waited.
                assert job_id in self.unfinished
                self.current[job_id] = holding
                self.ready_at[job_id] = 0  # what it waited for is over
        self.holdings = [
            each
            for each in self.holdings
            if held.get(each.job_id) != each or each.job_id not in refused
        ]

    def the_index_tells_the_truth(self) -> None:
        index = self.index()
        self.ghosts &= set(index.entries)
        self.ghosts -= self.unfinished
        assert index.ids == self.unfinished
        assert index.parked - self.ghosts == self.parked
        index.check(ghosts=self.ghosts, paused=self.paused)

    def drain(self) -> None:
        """In the end all that is left can be drained, and nothing is left of it."""
        for holding in self.holdings:
            if self.current.get(holding.job_id) != holding:
                self.tell(holding, "done")
        for _ in range(50):
            if not self.unfinished:
                break
            for job_id in sorted(self.unfinished):
                if self.ready_at[job_id] > time.monotonic() + 1:
                    self.cancel_waiting(job_id)
            self.beat([], 0)
            self.claim(1_000, 0, None, None, 1, LONG_MS)
            for holding in list(self.current.values()):
                self.tell(holding, "done")
        assert self.unfinished == set()
        for job_id in sorted(self.ghosts):  # those that wait for a time are met when it comes
            self.redis.delete(f"arq:result:{job_id}")
            self.call(scripts.ENQUEUE, MONTH_MS, job_id, "{}", "2||", 0, 0, "", 0)
            self.call(scripts.CANCEL, job_id, "cancelled", LONG_MS)
        self.claim(0, 0, None, None, 1, LONG_MS)
        stay = [key.decode() for key in self.redis.scan_iter() if self.redis.pttl(key) == -1]
        assert stay == []
        assert self.redis.exists(QUEUE, f"{QUEUE}:index", f"{QUEUE}:leases") == 0
        self.redis.close()
