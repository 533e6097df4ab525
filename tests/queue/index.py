"""The engine's index as Redis holds it, and what must be true of it at any moment."""

from collections import Counter
from dataclasses import dataclass
from typing import Any

QUEUE = "arq:queue"


@dataclass(frozen=True)
class Index:
    """`due` by (class, tenant), `held` by limit key, `rings` the tenants by class."""

    now_ms: int
    queue: dict[str, float]
    entries: dict[str, str]
    deferred: dict[str, float]
    leases: dict[str, float]
    running: Counter[str]
    capped: set[str]
    held_keys: set[str]
    parked: set[str]
    due: dict[tuple[str, str], dict[str, float]]
    held: dict[str, dict[str, float]]
    rings: dict[str, set[str]]
    words: set[str]
    locks: dict[str, str]

    def __eq__(self, other: object) -> bool:
        """But for the time, and words that nobody has heard."""
        assert isinstance(other, Index)
        same: dict[str, object] = {"now_ms": 0, "words": set()}
        return self.__dict__ | same == other.__dict__ | same

    __hash__ = None  # pyright: ignore[reportAssignmentType] - compared, never a key

    @property
    def ids(self) -> set[str]:
        return set(self.queue)

    def check(self, *, ghosts: set[str], paused: bool) -> None:
        """Raise AssertionError for the first thing that is not as it must be.

        `ghosts` have left the queue, which the index has yet to notice.
        """
        self._each_is_in_one_place(ghosts)
        self._scores_agree()
        self._counters_are_right()
        self._what_is_due_can_be_found()
        if not paused:
            self._somebody_is_woken()

    def _each_is_in_one_place(self, ghosts: set[str]) -> None:
        places = Counter(
            job_id
            for place in (self.deferred, self.leases, *self.due.values(), *self.held.values())
            for job_id in place
        )
        assert set(places) == set(self.entries), "the index and its places"
        assert set(places.values()) <= {1}, "in two places"
        assert set(self.entries) - self.ids == ghosts, "in the index but not in the queue"
        strangers = self.ids - set(self.entries)
        assert strangers.isdisjoint(self.leases), "held but not in the index"

    def _scores_agree(self) -> None:
        for job_id, until_ms in self.leases.items():
            assert self.queue.get(job_id, until_ms) == until_ms
            assert job_id in self.locks or until_ms <= self.now_ms
        for (rank, tenant), waiting in self.due.items():
            for job_id in waiting:
                assert self.entries[job_id].startswith(f"{rank}|{tenant}|")
                assert self.queue.get(job_id, 0) <= self.now_ms
        for key, waiting in self.held.items():
            for job_id in waiting:
                assert self.entries[job_id].split("|", 2)[2] == key
        assert set(self.locks) <= set(self.leases)

    def _counters_are_right(self) -> None:
        counted: Counter[str] = Counter()
        for job_id in self.leases:
            _, tenant, key = self.entries[job_id].split("|", 2)
            counted[f"t|{tenant}"] += 1
            if key:
                counted[f"k|{key}"] += 1
        assert self.running == counted

    def _what_is_due_can_be_found(self) -> None:
        waiting = {f"{rank}|{tenant}" for rank, tenant in self.due}
        in_rings = {f"{rank}|{tenant}" for rank, ring in self.rings.items() for tenant in ring}
        assert waiting <= in_rings | self.capped, "due, but no turn comes to it"
        assert in_rings <= waiting, "has a turn, but nothing is due"
        assert in_rings.isdisjoint(self.capped)
        assert self.held_keys == set(self.held)
        coming = {self.entries[each].split("|", 2)[2] for ids in self.due.values() for each in ids}
        for key in self.held_keys:
            assert self.running[f"k|{key}"] > 0 or key in coming, "nobody will let it in"
        for place in self.capped:
            assert self.running[f"t|{place[2:]}"] > 0, "at the limit, but nobody will make room"

    def _somebody_is_woken(self) -> None:
        if "1" in self.rings:
            assert "wake:chat" in self.words
        if {"2", "3"} & set(self.rings):
            assert "wake" in self.words


def read_index(redis: Any) -> Index:
    """All at once, so that nothing moves between two reads."""
    names = [key.decode() for key in redis.keys(f"{QUEUE}:*")]
    due = [name for name in names if name.startswith(f"{QUEUE}:due:")]
    held = [name for name in names if name.startswith(f"{QUEUE}:held:")]
    rings = [name for name in names if name.startswith(f"{QUEUE}:ring:")]
    locked = [key.decode() for key in redis.keys("arq:in-progress:*")]
    with redis.pipeline(transaction=True) as asked:
        asked.time()
        asked.hgetall(f"{QUEUE}:index")
        asked.hgetall(f"{QUEUE}:running")
        asked.smembers(f"{QUEUE}:capped")
        asked.smembers(f"{QUEUE}:held")
        asked.zrange(f"{QUEUE}:parked", 0, -1)
        for name in (QUEUE, f"{QUEUE}:deferred", f"{QUEUE}:leases", *due, *held, *rings):
            asked.zrange(name, 0, -1, withscores=True)
        for name in locked:
            asked.get(name)
        time, entries, running, capped, held_keys, parked, *rest = asked.execute()
    sets: list[dict[str, float]] = [
        {member.decode(): score for member, score in each}
        for each in rest[: 3 + len(due) + len(held) + len(rings)]
    ]
    queue, deferred, leases = sets[:3]
    by_name = dict(zip((*due, *held, *rings), sets[3:], strict=True))
    return Index(
        now_ms=time[0] * 1000 + time[1] // 1000,
        queue=queue,
        entries=_texts(entries),
        deferred=deferred,
        leases=leases,
        running=Counter({name: int(number) for name, number in _texts(running).items()}),
        capped={place.decode() for place in capped},
        held_keys={key.decode() for key in held_keys},
        parked={job_id.decode() for job_id in parked},
        due={_place(name): by_name[name] for name in due},
        held={name.removeprefix(f"{QUEUE}:held:"): by_name[name] for name in held},
        rings={name.removeprefix(f"{QUEUE}:ring:"): set(by_name[name]) for name in rings},
        words={
            name.removeprefix(f"{QUEUE}:") for name in names if name.startswith(f"{QUEUE}:wake")
        },
        locks={
            name.removeprefix("arq:in-progress:"): holder.decode()
            for name, holder in zip(locked, rest[len(sets) :], strict=True)
            if holder is not None
        },
    )


def _place(name: str) -> tuple[str, str]:
    rank, _, tenant = name.removeprefix(f"{QUEUE}:due:").partition(":")
    return rank, tenant


def _texts(found: dict[bytes, bytes]) -> dict[str, str]:
    return {name.decode(): value.decode() for name, value in found.items()}
