"""An OTLP/HTTP collector that counts spans by name.

A process of its own, so that it takes no time of the worker's loop.
"""

import json
import sys
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

TRACES = "/v1/traces"
TAKE = "/take"


class _Sink(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    bodies: list[bytes] = []  # noqa: RUF012 - of the process: a handler lives for one connection

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.path == TRACES:
            # Read later: the measurement is still running.
            self.bodies.append(body)
        self._answer(b"")

    def do_GET(self) -> None:
        taken = [self.bodies.pop() for _ in range(len(self.bodies))]
        self._answer(json.dumps(_count(taken)).encode())

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - as its base names it
        del format, args

    def _answer(self, body: bytes) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def main() -> None:
    """`PORT`: collect until the process is ended."""
    server = ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), _Sink)
    sys.stdout.write('{"listening": true}\n')
    sys.stdout.flush()
    server.serve_forever()


def _count(bodies: list[bytes]) -> dict[str, int]:
    names: Counter[str] = Counter()
    for body in bodies:
        request = ExportTraceServiceRequest.FromString(body)
        for resource in request.resource_spans:
            for scope in resource.scope_spans:
                names.update(span.name for span in scope.spans)
    return names
