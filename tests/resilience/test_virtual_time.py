import asyncio
import time


async def test_an_hour_passes_at_once_and_timers_keep_their_order() -> None:
    loop = asyncio.get_running_loop()
    ended: list[int] = []
    began_s, began_for_people_s = loop.time(), time.perf_counter()

    async def wait(seconds: int) -> None:
        await asyncio.sleep(seconds)
        ended.append(seconds)

    async with asyncio.TaskGroup() as group:
        for seconds in (3_600, 60, 1):
            group.create_task(wait(seconds))
    assert ended == [1, 60, 3_600]
    assert loop.time() - began_s >= 3_600
    assert time.perf_counter() - began_for_people_s < 5
