"""The objects that clients put into the store: with the files of an erased person, they go too."""

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.bootstrap import Runtime
from app.candidates import object_keys
from app.pipeline.effects import EffectHandler
from app.resilience.policies import PolicyName


def erasing_objects(runtime: Runtime, erase: EffectHandler) -> EffectHandler:
    """Before `erase` deletes the rows that name them: the objects of all of its runs."""

    async def find(session: AsyncSession, payload: dict[str, Any]) -> list[str]:
        run_ids = [UUID(run_id) for run_id in payload["run_ids"]]
        return await object_keys.of_files(session, runtime.keyring, run_ids)

    return _after_objects(runtime, find, erase)


def discarding_objects(runtime: Runtime, discard: EffectHandler) -> EffectHandler:
    """Before `discard` destroys the key of a run whose person was erased: its object."""

    async def find(session: AsyncSession, payload: dict[str, Any]) -> list[str]:
        return await object_keys.of_refused(session, runtime.keyring, UUID(payload["run_id"]))

    return _after_objects(runtime, find, discard)


def _after_objects(
    runtime: Runtime,
    find: Callable[[AsyncSession, dict[str, Any]], Awaitable[list[str]]],
    handler: EffectHandler,
) -> EffectHandler:
    async def handle(payload: dict[str, Any], key: str) -> None:
        storage = runtime.policies[PolicyName.STORAGE]
        async with runtime.database.begin() as session:
            found = await find(session, payload)
        for object_key in found:
            await storage.execute(partial(runtime.blobs.delete, object_key))
        await handler(payload, key)

    return handle
