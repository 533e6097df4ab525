"""What the URL of Redis and the addresses of its sentinels may say.

No fault quotes the URL: it may hold a password, also where it is written wrongly.
"""

from urllib.parse import SplitResult, parse_qs, unquote, urlsplit

SCHEMES = ("redis://", "rediss://", "unix://")
SENTINEL_PORT = 26_379
OPTIONS = frozenset({"db", "username", "password", "client_name"})
"""What may follow the question mark; the rest of redis-py's options are settings of their own."""


def check_url(url: str) -> None:
    """Raise ValueError with what to write instead, also for what redis-py would pass over."""
    if not url.startswith(SCHEMES):
        raise ValueError("must start with redis://, rediss:// or unix://")
    parts = _parts(url)
    options = parse_qs(parts.query, keep_blank_values=True)
    if options.keys() - OPTIONS:
        raise ValueError(
            f"has other options than {', '.join(sorted(OPTIONS))}; "
            "time limits, connections and TLS are settings of their own"
        )
    number = options["db"][0] if "db" in options else ""
    if parts.scheme == "unix":
        if parts.netloc.rpartition("@")[2] or not parts.path:
            raise ValueError("needs an absolute path, as in unix:///run/redis.sock")
    elif parts.path.strip("/"):
        number = number or parts.path.strip("/")
    if number and not number.isdecimal():
        raise ValueError("names a database that is no number; 0 is the first one")


def _parts(url: str) -> SplitResult:
    try:
        parts = urlsplit(url)
        readable = parts.port != 0 and "#" not in url
    except ValueError:  # a port that is no number, or a bracket too few
        pass
    else:
        if readable:
            return parts
    raise ValueError(
        "is no URL; in a user name or password, write / ? # : @ as %2F %3F %23 %3A %40"
    )


def master_name(url: str) -> str:
    """Give the master's name: the host of the URL once there are sentinels, in its own spelling.

    Raises ValueError where the URL names a server instead.
    """
    parts = urlsplit(url)
    name = unquote(parts.netloc.rpartition("@")[2])
    if parts.scheme not in {"redis", "rediss"} or not name or ":" in name:
        raise ValueError(
            "with sentinels, url holds the name of their master in place of a server's address, "
            "without a port: redis://user:password@mymaster/0"
        )
    return name


def sentinel_addresses(listed: str) -> tuple[tuple[str, int], ...]:
    """`host:port, host` → hosts and ports. Raises ValueError for what is no address."""
    return tuple(_address(one.strip()) for one in listed.split(",") if one.strip())


def _address(written: str) -> tuple[str, int]:
    try:
        parts = urlsplit(f"//{written}")
        host, port = parts.hostname, parts.port
    except ValueError:
        host = port = None
    else:
        if parts.netloc != written or "@" in written:
            host = None
    if not host:
        raise ValueError("must be host:port, separated by commas; the port may be left out")
    return host, port or SENTINEL_PORT
