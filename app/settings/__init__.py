"""Settings: read once at start, frozen, handed down as values.

Sources, strongest first: keyword arguments, environment, `.env` in the clone, the flat names of the older
worker, defaults. Nothing else in the project reads the environment.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic.fields import FieldInfo
from pydantic_settings import (
    BaseSettings,
    DotEnvSettingsSource,
    EnvSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    SettingsError,
)

from app.settings.credits import CreditsSettings
from app.settings.groups import (
    ApiSettings,
    ChunkSettings,
    DatabaseSettings,
    DataSettings,
    EmbeddingSettings,
    Environment,
    ExtractSettings,
    HttpUrl,
    LogLevel,
    RedisSettings,
    RetentionSettings,
    RetrySettings,
    StorageSettings,
    TelemetrySettings,
    UiSettings,
)
from app.settings.llm import LlmSettings
from app.settings.portfolio import PortfolioSettings
from app.settings.queue import QueueSettings
from app.settings.resilience import BreakersSettings, PoliciesSettings
from app.settings.secrets import validate_encryption_key
from app.settings.webhooks import WebhookSettings

__all__ = ["InvalidSettings", "Settings", "deprecations", "load_settings"]

FLAT_NAMES: Mapping[str, tuple[str, str]] = {
    "WEBHOOK_MAX_RETRIES": ("retry", "webhook_max"),
    "WEBHOOK_TIMEOUT_SECONDS": ("retry", "webhook_timeout"),
    "WEBHOOK_RETRY_DELAY_SECONDS": ("retry", "webhook_retry_delay"),
    "STORAGE_MAX_RETRIES": ("retry", "storage_max"),
    "STORAGE_TIMEOUT_SECONDS": ("retry", "storage_timeout"),
    "LLM_MAX_RETRIES": ("retry", "llm_max"),
    "LLM_TIMEOUT_SECONDS": ("retry", "llm_timeout"),
    "LLM_CONNECT_TIMEOUT_SECONDS": ("retry", "llm_connect_timeout"),
    "EMBEDDING_MAX_RETRIES": ("retry", "embedding_max"),
    "EMBEDDING_TIMEOUT_SECONDS": ("retry", "embedding_timeout"),
    "EMBEDDING_RETRY_BASE_WAIT": ("retry", "embedding_base_wait"),
    "EMBEDDING_RETRY_MAX_WAIT": ("retry", "embedding_max_wait"),
    "CHUNK_MAX_STRUCTURED_CHARS": ("chunk", "max_structured_chars"),
    "CHUNK_MAX_RAW_FULL_CHARS": ("chunk", "max_raw_full_chars"),
    "CHUNK_RAW_SECTION_SIZE": ("chunk", "section_size"),
    "CHUNK_RAW_SECTION_OVERLAP": ("chunk", "section_overlap"),
    "CHUNK_KOREAN_THRESHOLD": ("chunk", "korean_threshold"),
    "CHUNK_KOREAN_SIZE": ("chunk", "korean_size"),
    "CHUNK_KOREAN_OVERLAP": ("chunk", "korean_overlap"),
}
"""The older worker's names that are still read, with the group and field that replaced them."""


class InvalidSettings(Exception):  # noqa: N818 - reads as what it reports
    """The settings do not hold; `lines` has one sentence per wrong field, without its value."""

    def __init__(self, lines: list[str]) -> None:
        self.lines = lines
        super().__init__("\n".join(lines))


class _FlatNames(PydanticBaseSettingsSource):
    """`sources` are where flat names may stand, the strongest last."""

    def __init__(
        self, settings_cls: type[BaseSettings], *sources: PydanticBaseSettingsSource
    ) -> None:
        super().__init__(settings_cls)
        self.values = _flat_values(*sources)

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:
        del field
        return None, field_name, False

    def __call__(self) -> dict[str, Any]:
        groups: dict[str, Any] = {}
        for flat, value in self.values.items():
            group, field = FLAT_NAMES[flat]
            groups.setdefault(group, {})[field] = value
        return groups


def _flat_values(*sources: PydanticBaseSettingsSource) -> dict[str, str]:
    given: dict[str, str | None] = {}
    for source in sources:
        if isinstance(source, EnvSettingsSource):  # that of `.env` is one too
            given.update(source.env_vars)  # in lower case
    return {flat: value for flat in FLAT_NAMES if (value := given.get(flat.lower())) is not None}


class Settings(BaseSettings):
    """Every setting of the service. Secrets print as asterisks."""

    model_config = SettingsConfigDict(
        env_nested_delimiter="__",
        nested_model_default_partial_update=True,
        env_file=Path(__file__).parents[2] / ".env",  # of the clone, wherever it is called from
        extra="ignore",
        frozen=True,
        hide_input_in_errors=True,
    )

    env: Environment = Field(
        default=Environment.DEVELOPMENT,
        description="`development`, `test`, `staging` or `production`.",
    )
    log_level: LogLevel = Field(
        default=LogLevel.INFO, description="Least severe level that is logged."
    )
    encryption_key: SecretStr | None = Field(
        default=None,
        description="64 hex characters that wrap every data key: `openssl rand -hex 32`.",
    )
    encryption_previous_keys: tuple[SecretStr, ...] = Field(
        default=(), description="Older keys, still read, as a JSON list; the newest one writes."
    )
    otel_exporter_otlp_endpoint: HttpUrl | None = Field(
        default=None,
        description="OTLP/HTTP collector; spans and metrics are sent there when it is set.",
    )

    ui: UiSettings = Field(default_factory=UiSettings)
    data: DataSettings = Field(default_factory=DataSettings)
    database: DatabaseSettings = Field(default_factory=DatabaseSettings)
    redis: RedisSettings = Field(default_factory=RedisSettings)
    storage: StorageSettings = Field(default_factory=StorageSettings)
    llm: LlmSettings = Field(default_factory=LlmSettings)
    embedding: EmbeddingSettings = Field(default_factory=EmbeddingSettings)
    retry: RetrySettings = Field(default_factory=RetrySettings)
    # Values, not factories: only so does a group keep the rest of its row when one field is set.
    policies: PoliciesSettings = Field(default=PoliciesSettings())
    breakers: BreakersSettings = Field(default=BreakersSettings())
    chunk: ChunkSettings = Field(default_factory=ChunkSettings)
    extract: ExtractSettings = Field(default_factory=ExtractSettings)
    portfolio: PortfolioSettings = Field(default_factory=PortfolioSettings)
    queue: QueueSettings = Field(default_factory=QueueSettings)
    api: ApiSettings = Field(default_factory=ApiSettings)
    credits: CreditsSettings = Field(default_factory=CreditsSettings)
    retention: RetentionSettings = Field(default_factory=RetentionSettings)
    webhook: WebhookSettings = Field(default_factory=WebhookSettings)
    telemetry: TelemetrySettings = Field(default_factory=TelemetrySettings)

    @field_validator("log_level", mode="before")
    @classmethod
    def _upper(cls, level: object) -> object:
        return level.upper() if isinstance(level, str) else level

    @field_validator("otel_exporter_otlp_endpoint", mode="before")
    @classmethod
    def _empty_is_unset(cls, endpoint: object) -> object:
        return endpoint or None  # as OpenTelemetry has it for its variables

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Put the flat names below every other source."""
        del file_secret_settings
        flat_names = _FlatNames(settings_cls, dotenv_settings, env_settings)
        return init_settings, env_settings, dotenv_settings, flat_names


def load_settings(**overrides: object) -> Settings:
    """Read the settings. Raises InvalidSettings with one line per wrong field."""
    try:
        settings = Settings(**overrides)  # pyright: ignore[reportArgumentType] - checked by pydantic
        key = settings.encryption_key
        validate_encryption_key(key.get_secret_value() if key else None, settings.env)
        for previous in settings.encryption_previous_keys:
            validate_encryption_key(previous.get_secret_value(), Environment.PRODUCTION)
    except ValidationError as error:
        raise InvalidSettings(
            [_line(fault["loc"], fault["msg"]) for fault in error.errors()]
        ) from None
    except (SettingsError, ValueError) as error:
        raise InvalidSettings([str(error)]) from None
    return settings


def deprecations() -> list[str]:
    """One line for each flat name of the older worker that is still set."""
    still_set = _flat_values(DotEnvSettingsSource(Settings), EnvSettingsSource(Settings))
    return [
        f"{flat} is deprecated; set {group.upper()}__{field.upper()} instead"
        for flat, (group, field) in FLAT_NAMES.items()
        if flat in still_set
    ]


def _line(location: tuple[int | str, ...], message: str) -> str:
    name = "__".join(str(part).upper() for part in location if isinstance(part, str))
    return f"{name or 'settings'}: {message.removeprefix('Value error, ')}"
