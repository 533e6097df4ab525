"""The settings of the queue. Environment: `QUEUE__FIELD`."""

import json
from typing import Annotated, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import Field, field_validator, model_validator
from pydantic_settings import NoDecode

from app.settings.groups import Count, Group, Seconds, Tries

Weight = Annotated[float, Field(gt=0, le=1_000, allow_inf_nan=False)]


class QueueSettings(Group):
    name: str = Field(default="arq:queue", min_length=1, description="Redis key of the queue.")
    concurrency: Count = Field(default=10, description="Runs one worker carries at the same time.")
    saving: Count = Field(
        default=1,
        description="Résumés that one worker masks, cuts and saves at the same time, the others in "
        "turn; more where the database is far away.",
    )
    chat_slots: int = Field(
        default=2, ge=0, description="Slots of a worker beside those, which only chat may use."
    )
    ingestion_share: float = Field(
        default=0.25,
        ge=0.01,
        le=0.9,
        description="Share of the starts that waiting ingestion gets at least; chat goes first.",
    )
    bulk_share: float = Field(
        default=0.05,
        ge=0.01,
        le=0.9,
        description="Share of the starts that waiting bulk work gets at least.",
    )
    tenant_limit: Count | None = Field(
        default=None, description="Most jobs of one tenant in flight in the whole fleet."
    )
    tenant_weights: Annotated[dict[str, Weight], NoDecode] = Field(
        default_factory=dict,
        description='Weights of tenants in their round robin as JSON, `{"<tenant id>": 2}`; '
        "1 for the others.",
    )
    key_limits: Annotated[dict[str, Count], NoDecode] = Field(
        default_factory=dict,
        description="Most jobs in flight in the whole fleet by key as JSON; a résumé that a model "
        'analyses has the key `model:<name>`: `{"model:gpt-5-mini": 20}`.',
    )
    poll_every: Seconds = Field(
        default=0.5,
        description="Seconds between looks for jobs that came without a word, as from arq's own "
        "producers.",
    )
    lease: Seconds = Field(
        default=15, description="Seconds after which the run of a dead worker is started again."
    )
    reconcile_every: Seconds = Field(
        default=5, description="Seconds between two looks for runs that Redis lost."
    )
    max_attempts: Tries = Field(
        default=5, description="Attempts of one run before it fails for good."
    )
    retry_base_wait: Seconds = Field(
        default=5, description="First wait in seconds before a run again."
    )
    retry_max_wait: Seconds = Field(
        default=600, description="Longest wait in seconds before a run again."
    )
    run_timeout: Seconds = Field(default=600, description="Seconds for one attempt of a run.")
    run_deadline: Seconds = Field(
        default=86_400,
        description="Seconds after its acceptance in which a run must end, retries included.",
    )
    drain_timeout: Seconds = Field(
        default=20,
        description="Seconds a stopping worker lets its runs finish before it hands them back.",
    )
    keep_result: Seconds = Field(
        default=3_600, description="Seconds that the result of a job is kept in Redis."
    )
    max_payload_kib: Count = Field(
        default=64, le=1_024, description="Largest job in KiB; it holds ids, not documents."
    )
    dead_letters_days: Annotated[int, Field(ge=1, le=3_650)] = Field(
        default=30, description="Days that dead letters are kept in Redis."
    )
    blocked_after: Seconds = Field(
        default=2, description="Seconds after which a blocked event loop is reported."
    )
    timezone: str = Field(default="UTC", description="Time zone of schedules, an IANA name.")

    @field_validator("tenant_weights", "key_limits", mode="before")
    @classmethod
    def _json_object(cls, given: object) -> object:
        if not isinstance(given, str):
            return given
        try:
            return json.loads(given or "{}")
        except ValueError:
            raise ValueError("must be a JSON object") from None

    @field_validator("timezone")
    @classmethod
    def _is_zone(cls, name: str) -> str:
        try:
            ZoneInfo(name)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            raise ValueError("is no time zone; give an IANA name such as Asia/Seoul") from None
        return name

    @model_validator(mode="after")
    def _chat_goes_first(self) -> Self:
        if self.ingestion_share + self.bulk_share > 1:
            raise ValueError("ingestion_share and bulk_share must not exceed 1 together")
        return self
