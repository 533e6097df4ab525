"""The encryption key, and what of a URL may be shown: the one place for each (R14)."""

import re

ENCRYPTION_KEY_HEX_CHARS = 64
_STRICT_ENVIRONMENTS = ("production", "staging")
_HOW_TO = "Generate one with: openssl rand -hex 32"
_USER_OF_URL = re.compile(r"(?<=://)[^/?#\s]*@")


def validate_encryption_key(key: str | None, env: str) -> str | None:
    """Check the key for an environment (`development`, `test`, `staging`, `production`).

    Returns None when the key is good; in development, the warning to print once when it is
    missing or malformed. Raises ValueError in production and staging instead.
    """
    fault = _fault(key, env)
    if fault is None:
        return None
    if env in _STRICT_ENVIRONMENTS:
        raise ValueError(f"{fault}. {_HOW_TO}")
    return (
        f"ENCRYPTION_KEY is not set or invalid in {env} ({fault}). "
        f"A key of its own in the data folder is used. {_HOW_TO}"
    )


def hide_users(text: str) -> str:
    """The text with asterisks for user name and password of every URL in it."""
    return _USER_OF_URL.sub("********@", text)


def _fault(key: str | None, env: str) -> str | None:
    if not key:
        return f"ENCRYPTION_KEY is required in {env}"
    if len(key) != ENCRYPTION_KEY_HEX_CHARS:
        return f"ENCRYPTION_KEY must be 64 hex characters (got {len(key)})"
    if not re.fullmatch(r"[0-9a-fA-F]+", key):
        return "ENCRYPTION_KEY must contain only hexadecimal characters [0-9a-fA-F]"
    return None
