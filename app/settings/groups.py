"""The groups of settings. Environment: `GROUP__FIELD`, for example `RETRY__LLM_TIMEOUT=180`.

A field's description is its line in docs/settings.md; a test keeps the two together.
"""

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Self
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    SecretStr,
    field_validator,
    model_validator,
)
from pydantic_settings import NoDecode

from app.messages import Language
from app.settings.redis_urls import check_url, master_name, sentinel_addresses

Seconds = Annotated[float, Field(gt=0, le=86_400, allow_inf_nan=False)]
Tries = Annotated[int, Field(ge=1, le=20)]
Count = Annotated[int, Field(ge=1)]
Days = Annotated[int, Field(ge=0, le=36_500)]


def _can_be_called(url: str) -> str:
    try:
        parts = urlsplit(url)
        called = parts.scheme in {"http", "https"} and parts.hostname and parts.port != 0
    except ValueError:  # a port that is no number, or a bracket too few
        called = False
    if not called:
        raise ValueError("must start with http:// or https:// and name a host")
    return url


HttpUrl = Annotated[str, AfterValidator(_can_be_called)]
"""As it is written; pydantic's own type would add a slash at its end."""


class Group(BaseModel):
    """Frozen; a name that does not exist is an error, so that a typing mistake is not ignored."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class UiSettings(Group):
    language: Language = Field(
        default=Language.ENGLISH, description="Language of messages for people: `en` or `ko`."
    )


class DataSettings(Group):
    folder: Path = Field(
        default=Path(".naru"),
        description="Everything the embedded servers, keys and local blobs keep; one folder.",
    )


class DatabaseSettings(Group):
    url: SecretStr | None = Field(
        default=None,
        description="PostgreSQL ≥ 15 with pgvector and pg_trgm, `postgresql://user:pw@host/db`. "
        "Not set: the embedded PostgreSQL.",
    )
    pool_size: Count = Field(default=20, description="Connections that a process opens at most.")
    connect_timeout: Seconds = Field(default=10, description="Seconds to wait for a connection.")

    @field_validator("url")
    @classmethod
    def _is_postgresql(cls, url: SecretStr | None) -> SecretStr | None:
        schemes = ("postgresql://", "postgres://", "postgresql+asyncpg://")
        # Not `if url`: an empty secret is false, and would pass.
        if url is not None and not url.get_secret_value().startswith(schemes):
            raise ValueError("must start with postgresql://")
        return url


class TlsVerification(StrEnum):
    """What of a server's certificate is verified."""

    FULL = "full"
    CA = "ca"
    NONE = "none"


class RedisSettings(Group):
    url: SecretStr | None = Field(
        default=None,
        description="Redis ≥ 6.2 or Valkey: `redis://user:password@host:6379/0`, `rediss://…` for "
        "TLS, `unix:///path`. With sentinels, the host is the name of their master. Not set: the "
        "embedded Valkey.",
    )
    sentinels: str | None = Field(
        default=None, description="Sentinels that know the master: `host:26379,host:26379`."
    )
    sentinel_username: str | None = Field(default=None, description="User at the sentinels.")
    sentinel_password: SecretStr | None = Field(
        default=None, description="Password at the sentinels."
    )
    ca_file: Path | None = Field(
        default=None,
        description="Certificates (PEM) of the CAs that are trusted. Not set: those of the system.",
    )
    cert_file: Path | None = Field(
        default=None, description="Our own certificate (PEM), where the server asks for one."
    )
    key_file: Path | None = Field(default=None, description="Its private key (PEM, no passphrase).")
    tls_verify: TlsVerification = Field(
        default=TlsVerification.FULL,
        description="`full`: the server's certificate and its host name; `ca`: only by whom it is "
        "signed; `none`: nothing, so anybody can pose as the server.",
    )
    max_connections: Count = Field(
        default=50, description="Most connections of one process; further commands wait for one."
    )
    connect_timeout: Seconds = Field(default=5, description="Seconds to wait for a connection.")
    timeout: Seconds = Field(default=10, description="Seconds to wait for an answer.")

    @field_validator("url")
    @classmethod
    def _is_redis(cls, url: SecretStr | None) -> SecretStr | None:
        if url is not None:
            check_url(url.get_secret_value())
        return url

    @field_validator("sentinels")
    @classmethod
    def _are_addresses(cls, sentinels: str | None) -> str | None:
        return sentinels if sentinels and sentinel_addresses(sentinels) else None

    @model_validator(mode="after")
    def _fit_together(self) -> Self:
        url = self.url.get_secret_value() if self.url else ""
        if self.sentinels:
            master_name(url)
        elif self.sentinel_username or self.sentinel_password:
            raise ValueError("sentinel_username and sentinel_password need sentinels")
        if self.sentinel_username and not self.sentinel_password:
            raise ValueError("sentinel_username needs sentinel_password")
        if (self.cert_file is None) != (self.key_file is None):
            raise ValueError("cert_file and key_file belong together")
        tls = self.ca_file or self.cert_file or self.tls_verify is not TlsVerification.FULL
        if tls and not url.startswith("rediss://"):
            raise ValueError("ca_file, cert_file and tls_verify need a url with rediss://")
        return self


class StorageSettings(Group):
    url: str | None = Field(
        default=None,
        min_length=1,
        description="Where originals and thumbnails lie: `s3://bucket/prefix` or a folder. "
        "Not set: `blobs/` in the data folder.",
    )
    s3_endpoint: HttpUrl | None = Field(
        default=None, description="Endpoint of an S3-compatible server."
    )
    s3_region: str = Field(default="us-east-1", description="Region of the bucket.")
    s3_access_key_id: SecretStr | None = Field(
        default=None, description="Access key of the bucket."
    )
    s3_secret_access_key: SecretStr | None = Field(
        default=None, description="Secret key of the bucket."
    )


class EmbeddingSettings(Group):
    base_url: HttpUrl | None = Field(
        default=None,
        description="Base URL of an OpenAI-compatible `/embeddings`, which gets masked pieces of "
        "résumés and the words of searches. Not set: the local model.",
    )
    api_key: SecretStr | None = Field(default=None, description="Key of that API.")
    model: str = Field(default="text-embedding-3-small", description="Model asked for there.")
    batch_size: Count = Field(default=64, description="Texts in one call.")


class RetrySettings(Group):
    """Names are fixed by R13; every time is in seconds."""

    webhook_max: Tries = Field(default=3, description="Tries for one webhook.")
    webhook_timeout: Seconds = Field(default=10, description="Seconds for one try.")
    webhook_retry_delay: Seconds = Field(default=1, description="First wait in seconds; it grows.")
    storage_max: Tries = Field(default=3, description="Tries to read or write a file in storage.")
    storage_timeout: Seconds = Field(default=30, description="Seconds for one try.")
    llm_max: Tries = Field(default=2, description="Tries for one model call.")
    llm_timeout: Seconds = Field(default=120, description="Seconds for one answer.")
    llm_connect_timeout: Seconds = Field(default=10, description="Seconds to connect to the model.")
    embedding_max: Tries = Field(default=3, description="Tries for one embedding call.")
    embedding_timeout: Seconds = Field(default=60, description="Seconds for one try.")
    embedding_base_wait: Seconds = Field(
        default=1, description="First wait in seconds; it doubles."
    )
    embedding_max_wait: Seconds = Field(default=10, description="Longest wait in seconds.")

    @model_validator(mode="after")
    def _waits_grow(self) -> Self:
        if self.embedding_max_wait < self.embedding_base_wait:
            raise ValueError("embedding_max_wait must be at least embedding_base_wait")
        return self


class ChunkSettings(Group):
    """Names and values are fixed by R8; every size is in characters."""

    max_structured_chars: Count = Field(default=2_000, description="Longest structured chunk.")
    max_raw_full_chars: Count = Field(default=8_000, description="Longest whole-text chunk.")
    section_size: Count = Field(default=1_500, description="Raw section.")
    section_overlap: int = Field(default=300, ge=0, description="Overlap of raw sections.")
    korean_threshold: float = Field(
        default=0.5, ge=0, le=1, description="Share of Hangul from which the Korean sizes apply."
    )
    korean_size: Count = Field(default=2_000, description="Raw section of a Korean text.")
    korean_overlap: int = Field(default=500, ge=0, description="Overlap in a Korean text.")

    @model_validator(mode="after")
    def _sections_advance(self) -> Self:
        if self.section_overlap >= self.section_size or self.korean_overlap >= self.korean_size:
            raise ValueError("an overlap must be smaller than its section")
        return self


class ExtractSettings(Group):
    max_file_mib: float = Field(default=20, gt=0, le=1024, description="Largest file in MiB.")
    max_pages: Count = Field(default=50, description="Most pages of one file.")
    max_chars: Count = Field(default=200_000, description="Characters after which reading stops.")
    max_megapixels: Count = Field(default=40, description="Largest picture in megapixels.")
    max_unpacked_mib: Count = Field(
        default=100, description="Most MiB that a packed file may unfold to."
    )
    max_unpacked_ratio: Count = Field(
        default=200, description="Most times its size it may unfold to."
    )
    max_zip_entries: Count = Field(default=2_000, description="Most entries of a packed file.")
    timeout: Seconds = Field(
        default=30, description="Seconds for one file without text recognition."
    )
    ocr_page_timeout: Seconds = Field(
        default=15, description="Seconds of text recognition for one page."
    )
    ocr_max_pages: Count = Field(
        default=10, description="Most pages of a scan that are recognised."
    )
    memory_mib: Count = Field(
        default=2_048, description="Address space of one parser process in MiB."
    )
    processes: Count = Field(default=2, description="Parser processes of one worker.")
    files_per_process: Count = Field(
        default=200, description="Files after which a parser process is replaced."
    )

    @property
    def max_file_bytes(self) -> int:
        return int(self.max_file_mib * 1024 * 1024)


class ApiSettings(Group):
    host: str = Field(default="127.0.0.1", description="Address to listen on; loopback by default.")
    port: int = Field(
        default=8000, ge=0, le=65_535, description="Port to listen on; 0: any free one."
    )
    keys: Annotated[tuple[SecretStr, ...], NoDecode] = Field(
        default=(),
        description="Accepted API keys, separated by commas, 20 characters or more each. "
        "Not set in development: one is made in the data folder.",
    )
    body_timeout: Seconds = Field(
        default=30,
        description="Seconds to wait for the next piece of a request's body: REQUEST_TIMEOUT then.",
    )

    @field_validator("keys", mode="before")
    @classmethod
    def _split(cls, keys: object) -> object:
        if isinstance(keys, str):
            return tuple(key.strip() for key in keys.split(",") if key.strip())
        return keys

    @field_validator("keys")
    @classmethod
    def _long_enough(cls, keys: tuple[SecretStr, ...]) -> tuple[SecretStr, ...]:
        if any(len(key.get_secret_value()) < MIN_API_KEY_CHARS for key in keys):
            raise ValueError(f"each key needs at least {MIN_API_KEY_CHARS} characters")
        return keys


MIN_API_KEY_CHARS = 20


class RetentionSettings(Group):
    """Days count from the end of the run; 0: until the next pass, which comes once a day."""

    checkpoints_days: Days = Field(
        default=7,
        description="Days that the checkpoints of partial and failed runs are kept for a retry; "
        "the text of the file is among them.",
    )
    failed_uploads_days: Days = Field(
        default=30,
        description="Days that the originals of failed and cancelled runs are kept that made no "
        "candidate. Refused files are deleted at once.",
    )
    run_details_days: Days = Field(
        default=90,
        description="Days that the personal part of an ended run is kept: the name of its file, "
        "names in its error, and its `Idempotency-Key`, which is free again then.",
    )
    originals_days: Days | None = Field(
        default=None,
        description="Days that the originals of candidates are kept. Not set: as long as the "
        "candidate.",
    )
    raw_text_days: Days | None = Field(
        default=None,
        description="Days that the text of a résumé is kept beside the profile: the masked pieces "
        "that are searched. Not set: as long as the candidate.",
    )
    pictures_days: Days | None = Field(
        default=None,
        description="Days that pictures of first pages and portfolios are kept. Not set: as long "
        "as the candidate.",
    )
    inbox_days: Days | None = Field(
        default=None,
        description="Days that objects which clients put under `inbox/` lie there, unsealed as "
        "they came. Not set: until the client takes them away.",
    )


class TelemetrySettings(Group):
    service_name: str = Field(
        default="naru",
        description="First part of `service.name` of traces and metrics; what the process does "
        "follows: `naru-api`, `naru-worker`, `naru-up`, `naru-cli`.",
    )


class Environment(StrEnum):
    DEVELOPMENT = "development"
    TEST = "test"
    STAGING = "staging"
    PRODUCTION = "production"

    @property
    def deployed(self) -> bool:
        """No secret is made up for it, and its logs are JSON."""
        return self in (Environment.STAGING, Environment.PRODUCTION)


class LogLevel(StrEnum):
    DEBUG = "DEBUG"
    INFO = "INFO"
    WARNING = "WARNING"
    ERROR = "ERROR"
    CRITICAL = "CRITICAL"
