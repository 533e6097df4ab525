"""One command to Valkey over a socket: neither the driver nor a producer shares a client's traps.

Read in both environments: the standard library alone.
"""

import re
import socket
from dataclasses import dataclass
from statistics import median
from time import perf_counter

_LIMIT_S = 5
_PINGS = 40


@dataclass(frozen=True, slots=True)
class Counts:
    """What a server has done: `reads` from clients, which are their round trips, and commands.

    A command inside a script counts as one more.
    """

    reads: int
    commands: int

    def since(self, before: "Counts") -> "Counts":
        return Counts(self.reads - before.reads, self.commands - before.commands)


def command(port: int, *words: str) -> str:
    """What the server answers, as text."""
    with socket.create_connection(("127.0.0.1", port), _LIMIT_S) as connection:
        connection.sendall((" ".join(words) + "\r\n").encode())
        with connection.makefile("rb") as answer:
            line = answer.readline().decode().rstrip()
            return answer.read(int(line[1:])).decode() if line.startswith("$") else line


def counts(port: int) -> Counts:
    """What the server has done so far; asking is counted too, as one read and two commands."""
    stats = command(port, "INFO", "stats")
    calls = re.findall(r"calls=(\d+)", command(port, "INFO", "commandstats"))
    reads = re.search(r"total_reads_processed:(\d+)", stats)
    assert reads is not None
    return Counts(int(reads[1]), sum(int(count) for count in calls))


def round_trip_ms(port: int) -> float:
    """Median time of a PING."""
    taken: list[float] = []
    with socket.create_connection(("127.0.0.1", port), _LIMIT_S) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for _ in range(_PINGS):
            began_s = perf_counter()
            connection.sendall(b"PING\r\n")
            connection.recv(64)
            taken.append((perf_counter() - began_s) * 1_000)
    return median(taken)
