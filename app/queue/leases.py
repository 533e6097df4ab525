"""The heartbeat: one call per worker renews all of its leases and says that it lives."""

import asyncio
import json
import os
import socket
from collections.abc import Iterable, Sequence
from typing import Protocol

from arq.constants import job_key_prefix
from redis.exceptions import RedisError

from app.errors import RetryableError
from app.queue import scripts
from app.queue.delivery import Delivery
from app.queue.producer import WORKER_KEY, Producer
from app.queue.watchdog import Watchdog
from app.settings.queue import QueueSettings
from app.store.failures import redis_errors
from app.telemetry.logs import get_logger
from app.telemetry.version import service_version

log = get_logger(__name__)

RENEWALS_PER_LEASE = 3
_ADOPT_AT_ONCE = 1_000


class Holder(Protocol):
    """A worker, as its leases see it."""

    worker_id: str
    watchdog: Watchdog

    @property
    def slots(self) -> int: ...
    @property
    def slots_used(self) -> int: ...
    def held(self) -> Sequence[Delivery]: ...
    def lose(self, job_id: str) -> None: ...


class Leases:
    """Renews what a worker holds, three times a lease."""

    def __init__(self, producer: Producer, settings: QueueSettings, holder: Holder) -> None:
        self._producer = producer
        self._queue = producer.queue_name
        self._lease_s = settings.lease
        self._holder = holder
        self._key = f"{WORKER_KEY}{self._queue}:{holder.worker_id}"
        self._rank = 0
        self._doubted: set[Delivery] = set()

    async def keep(self) -> None:
        """Until cancelled. Redis may come and go: what lapsed meanwhile is taken again."""
        while True:
            try:
                await self.renew()
            except (RedisError, OSError) as error:
                log.warning("leases_not_renewed", error_type=type(error).__name__)
                await asyncio.sleep(min(1.0, self._lease_s / RENEWALS_PER_LEASE))
                continue
            await asyncio.sleep(self._lease_s / RENEWALS_PER_LEASE)

    async def renew(self) -> None:
        """One beat."""
        held = {each.job_id: each for each in self._holder.held()}
        (lost, missing), self._rank = await scripts.run(
            self._producer,
            self._queue,
            self._call(held.values()),
            scripts.Call(scripts.ADOPT, (self._rank, _ADOPT_AT_ONCE)),
        )
        self._give_up({held[job_id.decode()] for job_id in lost})
        if missing:
            await self._restore({held[job_id.decode()] for job_id in missing})

    def _call(self, deliveries: Iterable[Delivery]) -> scripts.Call:
        arguments: list[scripts.Argument] = [int(self._lease_s * 1000), self._key, self._report()]
        for each in deliveries:
            arguments += (each.job_id, each.token, each.entry)
        return scripts.Call(scripts.HEARTBEAT, arguments)

    async def _restore(self, missing: set[Delivery]) -> None:
        """Redis lost its keys: put back payload and lease at once.

        A lease without its payload would be a dead letter for whoever takes over after us, and a
        payload without its lease would keep its id from being put in again.
        """
        held = missing & set(self._holder.held())  # what ended while Redis answered is not put back
        call = self._call(held)
        async with self._producer.pipeline(transaction=True) as pipe:
            for each in held:
                key = f"{job_key_prefix}{each.job_id}"
                pipe.set(key, each.payload, px=self._producer.expires_extra_ms, nx=True)
            # Known to the server, which has just run it.
            pipe.execute_command(  # pyright: ignore[reportUnknownMemberType] - typed loosely
                "EVALSHA", call.script.sha, 1, self._queue, *call.arguments
            )
            await pipe.execute()

    def _give_up(self, lost: set[Delivery]) -> None:
        """Lose what was found in other hands twice in a row.

        After an outage, whoever looks first has the lease; one that finds the run itself held in
        PostgreSQL puts it back at once.
        """
        held = set(self._holder.held())  # what ended while Redis answered has nothing to lose
        for delivery in lost & self._doubted & held:
            self._holder.lose(delivery.job_id)
        self._doubted = lost

    async def withdraw(self) -> None:
        """The worker takes no more jobs; without Redis its report expires with the lease."""
        try:
            with redis_errors():
                await self._producer.delete(self._key)
        except RetryableError as error:
            log.warning("worker_not_withdrawn", code=error.code)

    def _report(self) -> str:
        return json.dumps(
            {
                "host": socket.gethostname(),
                "pid": os.getpid(),
                "version": service_version(),
                "slots": self._holder.slots,
                "used": self._holder.slots_used,
                "lease_s": self._lease_s,
                "loop_lag_ms": round(self._holder.watchdog.worst_lag_s() * 1000, 1),
            }
        )
