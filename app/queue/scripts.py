"""The Lua scripts: what must happen at once in Redis happens in one of them.

Each is `lua/common.lua` and its own file. All keys are computed from the queue's name, so that
Redis Cluster is out (docs/adr/0011-arqs-keys-and-no-cluster.md).
"""

import hashlib
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from importlib.resources import files
from typing import Any, cast

from redis.asyncio import Redis
from redis.exceptions import NoScriptError, ResponseError

from app.store.redis_pool import PooledConnection

Argument = str | bytes | int | float

_SILENT_S = 5.0
"""A server that says nothing for this much longer than it was asked to wait has gone."""


@dataclass(frozen=True, slots=True)
class Script:
    """A script as Redis is told it, and the hash that it knows it by."""

    body: str
    sha: str


@dataclass(frozen=True, slots=True)
class Call:
    """One call of a script, for a queue."""

    script: Script
    arguments: Sequence[Argument]


def _script(name: str) -> Script:
    folder = files("app.queue") / "lua"
    body = "\n".join((folder / f"{part}.lua").read_text("utf-8") for part in ("common", name))
    return Script(body, hashlib.sha1(body.encode(), usedforsecurity=False).hexdigest())


ENQUEUE = _script("enqueue")
CLAIM = _script("claim")
FINISH = _script("finish")
HEARTBEAT = _script("heartbeat")
CANCEL = _script("cancel")
ADOPT = _script("adopt")
DEPTH = _script("depth")
BURY = _script("bury")
LETTERS = _script("letters")
RETRY = _script("retry")
DROP = _script("drop")
PURGE = _script("purge")
RESUME = _script("resume")


async def run(redis: Redis, queue: str, *calls: Call) -> list[Any]:
    """Run scripts one after the other, in one round trip; their answers.

    Not one transaction: each script is atomic by itself. Raises what redis raises; then each of
    them may have run.
    """
    if len(calls) == 1:  # nearly always, and a pipeline costs as much again
        return [await _run_one(redis, queue, calls[0])]
    async with redis.pipeline(transaction=False) as pipe:
        for call in calls:
            pipe.execute_command(  # pyright: ignore[reportUnknownMemberType] - typed loosely
                "EVALSHA", call.script.sha, 1, queue, *call.arguments
            )
        answers: list[Any] = await pipe.execute(raise_on_error=False)
    for position, answer in enumerate(answers):
        if isinstance(answer, NoScriptError):
            answers[position] = await _run_one(redis, queue, calls[position])
        elif isinstance(answer, ResponseError):
            raise answer
    return answers


async def _run_one(redis: Redis, queue: str, call: Call) -> Any:
    send = cast("Callable[..., Awaitable[Any]]", redis.execute_command)
    try:
        return await send("EVALSHA", call.script.sha, 1, queue, *call.arguments)
    except NoScriptError:  # a fresh server
        return await send("EVAL", call.script.body, 1, queue, *call.arguments)


async def run_when_told(
    redis: Redis, queue: str, lists: Sequence[str], *, within_s: float, call: Call
) -> Any:
    """Run a script once one of these lists holds something, or `within_s` later; its answer.

    Both are sent at once, so no round trip lies between them. Raises what redis raises; then the
    script may have run, as when this is cancelled.
    """
    pool: Any = redis.connection_pool
    connection = await pool.get_connection("BLPOP")
    all_read = False
    try:
        if isinstance(connection, PooledConnection):
            connection.return_slot()  # it listens, and is not one of those that carry commands
        await connection.send_packed_command(
            connection.pack_commands(
                [
                    ("BLPOP", *lists, within_s),
                    ("EVALSHA", call.script.sha, 1, queue, *call.arguments),
                ]
            )
        )
        await connection.read_response(timeout=within_s + _SILENT_S)
        try:
            answer = await connection.read_response()
        except NoScriptError:
            (answer,) = await run(redis, queue, call)
        all_read = True
        return answer
    finally:
        if not all_read:  # what comes next would be read by somebody else
            await connection.disconnect(nowait=True)
        await pool.release(connection)
