"""What a command says of a failure: it tries nothing again, and its reader can repair settings."""

from urllib.parse import parse_qs, urlsplit

from app.errors import ErrorCode, WorkerError
from app.messages import Message
from app.settings import Settings
from app.settings.secrets import hide_users


def sentence(error: WorkerError, settings: Settings) -> str:
    """In the language of the settings; of a server that is away: which one, and what names it."""
    language = settings.ui.language
    server = _server_of(error, settings)
    if error.message is not None or server is None:
        return error.text(language)
    name, address, setting = server
    told: dict[str, object] = {"server": name, "address": address, "setting": setting}
    return Message.SERVER_UNREACHABLE.text(language, told)


def _server_of(error: WorkerError, settings: Settings) -> tuple[str, str, str] | None:
    """Name, address and setting of the server that an error is about."""
    folder = str(settings.data.folder)
    match error.code:
        case ErrorCode.DB_CONNECTION:
            if settings.database.url is None:
                return "PostgreSQL", folder, "DATA__FOLDER"
            return "PostgreSQL", _host(settings.database.url.get_secret_value()), "DATABASE__URL"
        case ErrorCode.NETWORK_ERROR if error.details.get("service") == "redis":
            if settings.redis.sentinels:
                return "Redis", settings.redis.sentinels, "REDIS__SENTINELS"
            if settings.redis.url is None:
                return "Valkey", folder, "DATA__FOLDER"
            return "Redis", _host(settings.redis.url.get_secret_value()), "REDIS__URL"
        case ErrorCode.STORAGE_ERROR:
            if settings.storage.s3_endpoint:
                address = hide_users(settings.storage.s3_endpoint)
                return "The file storage", address, "STORAGE__S3_ENDPOINT"
            return "The file storage", settings.storage.url or f"{folder}/blobs", "STORAGE__URL"
        case _:
            return None


def _host(url: str) -> str:
    """Host and port of a URL without its user, or the path of its socket."""
    parts = urlsplit(url)
    return parts.netloc.rpartition("@")[2] or parse_qs(parts.query).get("host", [parts.path])[0]
