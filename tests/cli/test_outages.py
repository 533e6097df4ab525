"""Which server is away, and by what setting it is named."""

import pytest
from pydantic import SecretStr

from app.cli.outages import sentence
from app.errors import ErrorCode, RetryableError
from app.messages import Language, Message
from app.settings import Settings

REDIS_AWAY = RetryableError(ErrorCode.NETWORK_ERROR, details={"service": "redis"})


@pytest.mark.parametrize(
    ("error", "group", "given", "address", "setting"),
    [
        (
            RetryableError(ErrorCode.DB_CONNECTION),
            *("database", {"url": SecretStr("postgresql://user:secret@db.example:5433/naru")}),
            *("PostgreSQL at db.example:5433", "DATABASE__URL"),
        ),
        (
            RetryableError(ErrorCode.DB_CONNECTION),
            *("database", {"url": SecretStr("postgresql://user:secret@/naru?host=/run/pg")}),
            *("PostgreSQL at /run/pg", "DATABASE__URL"),
        ),
        (
            RetryableError(ErrorCode.DB_CONNECTION),
            *("database", {"url": None}, "PostgreSQL at ", "DATA__FOLDER"),
        ),
        (
            REDIS_AWAY,
            *("redis", {"url": SecretStr("rediss://:secret@cache.example:6379/0")}),
            *("Redis at cache.example:6379", "REDIS__URL"),
        ),
        (
            REDIS_AWAY,
            *("redis", {"url": SecretStr("unix:///run/redis.sock?password=secret")}),
            *("Redis at /run/redis.sock", "REDIS__URL"),
        ),
        (
            REDIS_AWAY,
            *("redis", {"url": SecretStr("redis://mymaster"), "sentinels": "one:26379,two"}),
            *("Redis at one:26379,two", "REDIS__SENTINELS"),
        ),
        (REDIS_AWAY, *("redis", {"url": None}, "Valkey at ", "DATA__FOLDER")),
        (
            RetryableError(ErrorCode.STORAGE_ERROR),
            *("storage", {"s3_endpoint": "http://user:secret@s3.example"}),
            *("storage at http://********@s3.example", "STORAGE__S3_ENDPOINT"),
        ),
        (
            RetryableError(ErrorCode.STORAGE_ERROR),
            *("storage", {"url": "s3://bucket/prefix"}, "at s3://bucket/prefix", "STORAGE__URL"),
        ),
    ],
)
def test_a_server_that_is_away_is_named_with_its_setting_and_without_secrets(
    error: RetryableError,
    group: str,
    given: dict[str, object],
    address: str,
    setting: str,
    settings: Settings,
) -> None:
    changed = getattr(settings, group).model_copy(update=given)
    said = sentence(error, settings.model_copy(update={group: changed}))
    assert address in said
    assert setting in said
    assert "secret" not in said
    assert "tried again" not in said


def test_what_is_said_of_other_failures_stays_in_the_language_of_the_settings(
    settings: Settings,
) -> None:
    korean = settings.ui.model_copy(update={"language": Language.KOREAN})
    given = settings.model_copy(update={"ui": korean})
    lingering = RetryableError(
        ErrorCode.DB_CONNECTION,
        Message.EMBEDDED_SERVER_FAILED,
        details={"server": "valkey", "log": "valkey.log"},
    )
    assert sentence(lingering, given) == lingering.text(Language.KOREAN)
    timeout = RetryableError(ErrorCode.LLM_TIMEOUT)
    assert sentence(timeout, given) == timeout.text(Language.KOREAN)
    assert "DATABASE__URL" in sentence(RetryableError(ErrorCode.DB_CONNECTION), given)
