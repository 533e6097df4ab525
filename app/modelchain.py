"""Several models as one. (First sketch, to be replaced whole.)"""

from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import partial
from typing import Any, TypeVar

from app.providers.llm import Answer, Llm, open_llm
from app.resilience.policies import PolicyName, make_policy
from app.resilience.policy import Policy
from app.settings import Settings

T = TypeVar("T")


class Model:
    def __init__(self, llm: Llm, policy: Policy) -> None:
        self.llm, self.policy, self.name = llm, policy, policy.name

    async def ask(self, *, spent: int = 0, **question: Any) -> Answer:
        return await self.policy.execute(partial(self.llm.ask, **question), spent=spent)


class ModelChain:
    def __init__(self, *models: Model) -> None:
        self.models = models

    async def first(self, work: Callable[[Model], Awaitable[T]]) -> T:
        return await work(self.models[0])


@asynccontextmanager
async def open_model_chain(settings: Settings) -> AsyncGenerator[ModelChain | None]:
    async with open_llm(settings.llm, settings.retry) as llm:
        if llm is None:
            yield None
            return
        policy = make_policy(PolicyName.LLM, settings, dependency=f"llm:{llm.model}")
        yield ModelChain(Model(llm, policy))
