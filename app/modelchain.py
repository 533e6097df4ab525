"""The models in their order (R18): the first that answers, whole or as a stream that may start over.

Each model has a policy of its own: its tries, circuit, slots and rates. The chain goes on to the
next one when a model has failed for good.
"""

from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

from pydantic import BaseModel

from app.errors import ErrorCode, WorkerError
from app.providers.llm import Answer, Llm, Undelivered, open_llm
from app.resilience.deadline import LEAST_ATTEMPT_S, remaining_s
from app.resilience.fallback import NEVER_ABSORBED
from app.resilience.guards import TOKENS
from app.resilience.layers import Metering, Usage
from app.resilience.policies import PolicyName, make_policy
from app.resilience.policy import Policy
from app.settings import Settings
from app.settings.groups import LlmSettings
from app.telemetry.conventions import Attribute, EventName
from app.telemetry.logs import get_logger
from app.telemetry.spans import AttributeValue, current_span

log = get_logger(__name__)

T = TypeVar("T")

BYTES_PER_TOKEN = 3
"""UTF-8 bytes of a prompt that are reckoned as one token.

Measured with OpenAI's o200k tokens: 2.9 to 3.5 in the Korean sample résumés, 3.7 to 4.6 in the
English ones and the prompt. By characters it would be 1.5 to 4.6, and Korean counted at half.
"""

History = Sequence[Mapping[str, str]]
"""Earlier turns as `role` and `content`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Delta:
    """A further piece of the answer."""

    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Restart:
    """The answer begins anew, from `model`: all pieces before are void."""

    model: str


Emit = Callable[[Delta | Restart], Awaitable[None]]


class Relay:
    """Hands on one answer, attempt by attempt, to whoever listens.

    The first piece of an attempt follows a Restart when an earlier one had said something.
    """

    def __init__(self, emit: Emit) -> None:
        self._emit = emit
        self._speaker: object | None = None

    def attempt(self, model: str) -> Callable[[str], Awaitable[None]]:
        """What a new attempt of this model says its pieces to."""
        mine = object()

        async def say(text: str) -> None:
            if self._speaker not in {None, mine}:
                await self._emit(Restart(model=model))
            self._speaker = mine
            await self._emit(Delta(text=text))

        return say

    async def end(self, model: str, answer: Answer) -> None:
        """Void what was said when the answer is an empty one: it began with no piece."""
        if self._speaker is not None and not answer.text:
            await self._emit(Restart(model=model))


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """One model, always called under its policy."""

    llm: Llm
    policy: Policy

    @property
    def name(self) -> str:
        """The dependency: what its breaker, slots, spans and metrics are named by."""
        return self.policy.name

    async def ask(
        self,
        *,
        system: str,
        user: str,
        schema: type[BaseModel],
        schema_name: str,
        history: History = (),
        spent: int = 0,
    ) -> Answer:
        """`Llm.ask`, retried and limited. `spent`: tries that earlier attempts of the job made.

        Raises what `Llm.ask` raises, and CIRCUIT_OPEN, BULKHEAD_FULL, RATE_LIMITED or
        DEADLINE_EXCEEDED.
        """
        call = partial(
            self.llm.ask,
            system=system,
            user=user,
            schema=schema,
            schema_name=schema_name,
            history=history,
        )
        metering = self._metering(system, user, history)
        return await self.policy.execute(call, metering=metering, spent=spent)

    async def stream(
        self,
        relay: Relay,
        *,
        system: str,
        user: str,
        history: History = (),
        spent: int = 0,
    ) -> Answer:
        """`Llm.stream`, as `ask`; every try is an attempt of the relay."""

        async def attempt() -> Answer:
            say = relay.attempt(self.name)
            return await self.llm.stream(system=system, user=user, history=history, emit=say)

        metering = self._metering(system, user, history)
        return await self.policy.execute(attempt, metering=metering, spent=spent)

    def _metering(self, system: str, user: str, history: History) -> Metering[Answer]:
        texts = (system, user, *(turn.get("content", "") for turn in history))
        prompt = sum(len(text.encode()) for text in texts) / BYTES_PER_TOKEN
        # As vendors count it before they answer: what was asked, and all that may be answered.
        estimate = {TOKENS: prompt + self.llm.max_output_tokens}
        return Metering(estimate=estimate, usage_of=_usage_of)


class ModelChain:
    """The models in the order in which they are asked; at least one."""

    def __init__(self, models: Sequence[Model]) -> None:
        if not models:
            raise ValueError("a chain needs at least one model")
        self.models = tuple(models)

    async def first(self, work: Callable[[Model], Awaitable[T]]) -> T:
        """Do `work` with the first model; when that fails with a code, with the next one.

        When all fail, or no time is left, the first model's error is raised. LEASE_LOST, CANCELLED
        and WORKER_ERROR are about the run, and end it at once; so does DEADLINE_EXCEEDED. Foreign
        exceptions and cancellation pass through.
        """
        failed: list[WorkerError] = []
        for model, following in zip(self.models, (*self.models[1:], None), strict=True):
            try:
                return await work(model)
            except WorkerError as error:
                if error.code in NEVER_ABSORBED:
                    raise
                log.warning("model_failed", model=model.name, code=error.code)
                failed.append(error)
                if following is None or error.code is ErrorCode.DEADLINE_EXCEEDED or _time_is_up():
                    break
                told: dict[str, AttributeValue] = {
                    Attribute.FALLBACK_FROM: model.name,
                    Attribute.FALLBACK_TO: following.name,
                    Attribute.ERROR_TYPE: error.code.value,
                }
                current_span().event(EventName.FALLBACK, told)
        raise failed[0]

    async def stream(
        self,
        *,
        system: str,
        user: str,
        history: History = (),
        emit: Emit,
        spent: int = 0,
    ) -> Answer:
        """Ask for plain text and hand it on as it comes; errors as those of `first`.

        An attempt that fails after its first piece is followed by another, of the same model or the
        next one, whose first piece comes after one Restart. The pieces after the last Restart are
        the answer's text. When all fail, what was said stays without an end. What `emit` raises
        ends the stream and is raised as it is.
        """
        relay = Relay(emit)
        answered_by = ""

        async def work(model: Model) -> Answer:
            nonlocal answered_by
            answer = await model.stream(
                relay, system=system, user=user, history=history, spent=spent
            )
            answered_by = model.name
            return answer

        try:
            answer = await self.first(work)
        except Undelivered as undelivered:
            raise undelivered.reason from None
        await relay.end(answered_by, answer)
        return answer


@asynccontextmanager
async def open_model_chain(
    settings: Settings, *, shadow: bool = False
) -> AsyncGenerator[ModelChain | None]:
    """Hold the models that the settings name; None when they name none: no text leaves then.

    Each is the dependency `llm:<model>`; a further one of the same model `llm:<model>#2`. A chain
    that only runs beside another one to be compared (`shadow`) has dependencies of its own, so that
    it takes nothing from the other and opens none of its circuits.
    """
    chain = settings.llm.chain()
    if not chain:
        yield None
        return
    async with AsyncExitStack() as stack:
        models: list[Model] = []
        for name, each in _named(chain, "shadow:llm" if shadow else "llm"):
            llm = await stack.enter_async_context(open_llm(each, settings.retry))
            policy = make_policy(PolicyName.LLM, settings, dependency=name)
            models.append(Model(llm=llm, policy=policy))
        yield ModelChain(models)


def dependencies(settings: Settings) -> tuple[str, ...]:
    """The names of the models' breakers, in the order in which they are asked."""
    return tuple(name for name, _ in _named(settings.llm.chain(), "llm"))


def _named(chain: Sequence[LlmSettings], prefix: str) -> Iterator[tuple[str, LlmSettings]]:
    taken: set[str] = set()
    for each in chain:
        name = plain = f"{prefix}:{each.model}"
        number = 1
        while name in taken:
            number += 1
            name = f"{plain}#{number}"
        taken.add(name)
        yield name, each


def _time_is_up() -> bool:
    left_s = remaining_s()
    return left_s is not None and left_s < LEAST_ATTEMPT_S


def _usage_of(answer: Answer) -> Usage:
    tokens = answer.input_tokens + answer.output_tokens
    # A server that counts nothing is charged as estimated.
    return Usage(cost={TOKENS: tokens} if tokens else {}, remaining=answer.remaining)
