"""What the doors use of webhooks."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from app.providers.addresses import Lookup
from app.providers.http import open_http
from app.queue.producer import Producer
from app.resilience.clock import Clock
from app.resilience.policies import PolicyName, make_policy
from app.resilience.policy import Policy
from app.settings import Settings
from app.store.crypto import Keyring
from app.store.database import Database
from app.webhooks.courier import Courier
from app.webhooks.endpoints import Endpoints
from app.webhooks.outbox import Outbox


@dataclass(frozen=True, slots=True, kw_only=True)
class Webhooks:
    """Whom to tell, what is to be told, and who carries it."""

    endpoints: Endpoints
    outbox: Outbox
    courier: Courier


@asynccontextmanager
async def open_webhooks(
    settings: Settings,
    *,
    database: Database,
    producer: Producer,
    keyring: Keyring,
    clock: Clock,
    lookup: Lookup | None = None,
) -> AsyncGenerator[Webhooks]:
    """Hold the client that calls the endpoints; each host is the dependency `webhook:<host>`."""

    def policy_of(host: str) -> Policy:
        return make_policy(PolicyName.WEBHOOK, settings, dependency=f"webhook:{host}")

    retry = settings.retry
    async with open_http(
        timeout_s=retry.webhook_timeout, allow_private=settings.webhook.allow_private, lookup=lookup
    ) as http:
        yield Webhooks(
            endpoints=Endpoints(
                database=database,
                keyring=keyring,
                http=http,
                clock=clock,
                max_endpoints=settings.webhook.max_endpoints,
                rotation_hours=settings.webhook.rotation_hours,
            ),
            outbox=Outbox(
                database=database,
                producer=producer,
                keyring=keyring,
                clock=clock,
                run_deadline_s=settings.queue.run_deadline,
            ),
            courier=Courier(
                database=database,
                keyring=keyring,
                http=http,
                clock=clock,
                max_tries=retry.webhook_max,
                policy_of=policy_of,
            ),
        )
