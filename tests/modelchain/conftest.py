"""Two models, each at a scripted provider of its own."""

from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import pytest

from app.demo.provider import ScriptedProvider, scripted_provider
from app.errors import ErrorCode
from app.modelchain import Model, ModelChain, open_model_chain
from app.resilience.guards import AttemptTimeout, Slots
from app.resilience.policy import Policy
from app.resilience.retry import Retry
from app.settings import Settings
from app.settings.groups import Environment, RetrySettings
from app.settings.llm import LlmSettings
from app.settings.resilience import BreakerSettings, BreakersSettings
from tests.modelchain.listening import Listener

Open = Callable[..., AbstractAsyncContextManager[ModelChain]]


@pytest.fixture
async def second() -> AsyncIterator[ScriptedProvider]:
    """The server of the second model; that of the first is `provider`."""
    async with scripted_provider() as running:
        yield running


@pytest.fixture
def settings(provider: ScriptedProvider, second: ScriptedProvider) -> Settings:
    """One try for each model; a circuit opens at its second failure."""
    return Settings(
        env=Environment.TEST,
        llm=LlmSettings.model_validate(
            {
                "base_url": provider.base_url,
                "api_key": "first-key",
                "model": "first",
                "fallbacks": [{"base_url": second.base_url, "model": "second"}],
            }
        ),
        retry=RetrySettings(llm_max=1, llm_timeout=20),
        breakers=BreakersSettings(llm=BreakerSettings(minimum_calls=2)),
    )


@pytest.fixture
def opened(settings: Settings) -> Open:
    """Opens the chain of the settings, with other figures in the policy of each model."""

    @asynccontextmanager
    async def open_with(
        *, retry: RetrySettings = settings.retry, **figures: object
    ) -> AsyncGenerator[ModelChain]:
        llm = settings.policies.llm.model_copy(update=figures)
        policies = settings.policies.model_copy(update={"llm": llm})
        changed = settings.model_copy(update={"policies": policies, "retry": retry})
        async with open_model_chain(changed) as chain:
            assert chain is not None
            yield chain

    return open_with


@pytest.fixture
async def chain(opened: Open) -> AsyncIterator[ModelChain]:
    async with opened() as models:
        yield models


@pytest.fixture
async def patient(chain: ModelChain) -> ModelChain:
    """The same models with two tries each, hardly any wait between them, and no circuit."""
    return ModelChain(
        [
            Model(
                llm=model.llm,
                policy=Policy(
                    model.llm.model,
                    Retry(tries=2, base_wait_s=0.001, max_wait_s=0.01),
                    Slots(slots=4, queue=4),
                    AttemptTimeout(timeout_s=20, code=ErrorCode.LLM_TIMEOUT),
                ),
            )
            for model in chain.models
        ]
    )


@pytest.fixture
def listener() -> Listener:
    return Listener()
