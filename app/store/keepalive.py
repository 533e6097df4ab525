"""How soon the kernel ends a TCP connection whose other side has vanished."""

import socket
from collections.abc import Mapping

KEEPALIVE: Mapping[int, int] = {
    option: value
    for name, value in (
        ("TCP_KEEPIDLE", 15),
        ("TCP_KEEPINTVL", 5),
        ("TCP_KEEPCNT", 3),
        ("TCP_USER_TIMEOUT", 30_000),  # milliseconds; the only one that looks at what was sent
    )
    if (option := getattr(socket, name, None)) is not None
}
"""Half a minute. Options of IPPROTO_TCP, as far as this system has them; SO_KEEPALIVE goes with
them."""
