"""Waiting in line for one thing: what the keyed lock and the bulkhead have in common."""

import asyncio
from collections import OrderedDict
from collections.abc import Callable


class Turns:
    """Those who wait, in order of arrival. For the tasks of one loop.

    The thing is handed directly to whoever waits longest: nobody can slip in between. Every step
    between two waits is plain code, so this needs no lock of its own.
    """

    __slots__ = ("_waiting",)

    def __init__(self) -> None:
        # Ordered, and one who gives up leaves from the middle in O(1); a deque would be searched.
        self._waiting: OrderedDict[asyncio.Future[None], None] = OrderedDict()

    def __len__(self) -> int:
        return len(self._waiting)

    def hand_over(self) -> bool:
        """Give it to the next in line; False when nobody waits."""
        while self._waiting:
            turn, _ = self._waiting.popitem(last=False)
            # One that was cancelled in this very tick is still in the line.
            if not turn.done():
                turn.set_result(None)
                return True
        return False

    async def wait(self, until_s: float | None, give_back: Callable[[], None]) -> bool:
        """Whether the turn came before this moment of the loop's clock.

        `give_back` is called when it came in the very moment of giving up or being cancelled.
        """
        turn = asyncio.get_running_loop().create_future()
        self._waiting[turn] = None
        came = False
        try:
            async with asyncio.timeout_at(until_s):
                await turn
            came = True
        except TimeoutError:
            return False  # the future ends in nothing else, so the limit is ours
        finally:
            if not came and not self._leave(turn):
                give_back()
        return came

    def _leave(self, turn: "asyncio.Future[None]") -> bool:
        """Leave the line; False when the turn had come already."""
        if turn.done() and not turn.cancelled():
            return False
        self._waiting.pop(turn, None)
        return True
