"""A TCP proxy on loopback that holds back what it passes on: a network between worker and server."""

import asyncio
import selectors
import sys
from collections import deque


def main() -> None:
    """`PORT TARGET DELAY_MS`: listen on the first, pass on to the second, so late in each direction."""
    port, target, delay_ms = int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3])
    # select() waits for microseconds, epoll for whole milliseconds: the delay would double.
    with asyncio.Runner(
        loop_factory=lambda: asyncio.SelectorEventLoop(selectors.SelectSelector())
    ) as runner:
        runner.run(_serve(port, target, delay_ms / 1_000))


async def _serve(port: int, target: int, delay_s: float) -> None:
    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        far_reader, far_writer = await asyncio.open_connection("127.0.0.1", target)
        async with asyncio.TaskGroup() as ways:
            ways.create_task(_pass_on(reader, far_writer, delay_s))
            ways.create_task(_pass_on(far_reader, writer, delay_s))

    server = await asyncio.start_server(accept, "127.0.0.1", port)
    sys.stdout.write('{"listening": true}\n')
    sys.stdout.flush()
    async with server:
        await server.serve_forever()


async def _pass_on(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, delay_s: float
) -> None:
    """In order, each piece `delay_s` after it came; what is under way does not hold up the next."""
    loop = asyncio.get_running_loop()
    pieces: deque[bytes] = deque()

    def deliver() -> None:
        writer.write(pieces.popleft())

    try:
        while piece := await reader.read(65_536):
            pieces.append(piece)
            loop.call_later(delay_s, deliver)
    except ConnectionError:
        pass  # a worker was killed
    finally:
        loop.call_later(delay_s, writer.close)
