import asyncio
from app.queue.envelope import NewJob, Priority
from tests.queue.fleet import *


async def test_spin(producer):
    shop = Workshop()
    await producer.enqueue_many([NewJob(function="job", job_id=str(n)) for n in range(20)])
    async with working(producer, shop.carry, settings=patient(concurrency=5)) as w:
        for _ in range(5):
            await shop.started()
        before = w.worker._claims
        await asyncio.sleep(1)
        print("claims in 1s full with backlog", w.worker._claims - before)
        assert w.worker._claims - before < 10


async def test_deferred(producer):
    shop = Workshop()
    async with working(producer, shop.carry) as w:
        await asyncio.sleep(0.3)
        await producer.enqueue(NewJob(function="job", wait_s=0.2, job_id="x"))
        async with asyncio.timeout(2):
            assert await shop.started() == "x"


async def test_abort_loop(producer):
    shop = Workshop()
    await producer.enqueue(NewJob(function="job", job_id="x"))
    await producer.zadd("arq:abort", {"x": 1})
    async with working(producer, shop.carry) as w:
        await asyncio.sleep(1)
        print("claims", w.worker._claims)
        assert w.worker._claims < 10


class Odd(BaseException):
    pass


async def test_odd(producer):
    n = 0

    async def carry(ctx):
        nonlocal n
        n += 1
        raise Odd

    await producer.enqueue(NewJob(function="job", job_id="x"))
    async with working(producer, carry) as w:
        await asyncio.sleep(1)
        print("runs", n)
        assert n < 10


async def test_poison(producer):
    await producer.set(
        "arq:job:x", b'{"f":"job","a":[],"k":{},"t":null,"et":1e400}'.replace(b"1e400", b"9" * 400)
    )
    await producer.zadd("arq:queue", {"x": 1})

    async def carry(ctx):
        pass

    async with working(producer, carry) as w:
        await asyncio.sleep(1)
        print("claims", w.worker._claims)
        assert w.worker._claims < 10
