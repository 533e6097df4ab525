"""The models in their order (R18): the first that answers, whole or as a stream that may start over.

Each model has a policy of its own: its tries, circuit, slots and rates. The chain goes on to the
next one when a model has failed for good, or would cost more than the run may still spend.
"""

import json
from collections.abc import (
    AsyncGenerator,
    Awaitable,
    Callable,
    Generator,
    Iterator,
    Mapping,
    Sequence,
)
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cache, partial
from typing import TYPE_CHECKING, TypeVar

from pydantic import BaseModel

from app.errors import ErrorCode, WorkerError
from app.providers.answers import Answer, Undelivered
from app.resilience.deadline import LEAST_ATTEMPT_S, remaining_s
from app.resilience.fallback import NEVER_ABSORBED
from app.resilience.guards import TOKENS
from app.resilience.layers import Metering, Usage
from app.resilience.policies import PolicyName, make_policy
from app.resilience.policy import Policy
from app.resilience.spending import MICROS, Caps, Price, Purse, Spend
from app.settings import Settings
from app.settings.llm import LlmSettings
from app.telemetry.conventions import Attribute, EventName
from app.telemetry.logs import get_logger
from app.telemetry.metrics import record_call, record_cost
from app.telemetry.spans import AttributeValue, current_span

if TYPE_CHECKING:
    from app.providers.llm import Llm

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

    llm: "Llm"
    policy: Policy
    price: Price = field(default_factory=Price)

    @property
    def name(self) -> str:
        """The dependency: what its breaker, slots, spans and metrics are named by."""
        return self.policy.name

    async def ask(  # noqa: PLR0913 - the question, and on whose account it is asked
        self,
        *,
        system: str,
        user: str,
        schema: type[BaseModel],
        schema_name: str,
        history: History = (),
        spent: int = 0,
        purse: Purse | None = None,
    ) -> Answer:
        """`Llm.ask`, retried and limited. `spent`: tries that earlier attempts of the job made.

        The answer is paid from the `purse`, of which its estimate is held back meanwhile. Raises what
        `Llm.ask` raises, and CIRCUIT_OPEN, BULKHEAD_FULL, RATE_LIMITED, DEADLINE_EXCEEDED or
        SPEND_CAP.
        """
        call = partial(
            self.llm.ask,
            system=system,
            user=user,
            schema=schema,
            schema_name=schema_name,
            history=history,
        )
        prompt = _tokens(system, user, history)
        # The schema goes along with the question, and counts.
        whole = prompt + _schema_bytes(schema) / BYTES_PER_TOKEN
        with self._within(purse, whole):
            return await self.policy.execute(
                partial(self._paid, call, purse, whole),
                metering=self._metering(prompt),
                spent=spent,
            )

    async def stream(
        self,
        relay: Relay,
        *,
        system: str,
        user: str,
        history: History = (),
        spent: int = 0,
        purse: Purse | None = None,
    ) -> Answer:
        """`Llm.stream`, as `ask`; every try is an attempt of the relay."""

        async def attempt() -> Answer:
            say = relay.attempt(self.name)
            return await self.llm.stream(system=system, user=user, history=history, emit=say)

        prompt = _tokens(system, user, history)
        with self._within(purse, prompt):
            return await self.policy.execute(
                partial(self._paid, attempt, purse, prompt),
                metering=self._metering(prompt),
                spent=spent,
            )

    @contextmanager
    def _within(self, purse: Purse | None, prompt: float) -> Generator[None]:
        """Hold back what the call may cost. A refusal is none of the model's: no breaker hears it."""
        with ExitStack() as held:
            if purse is not None:
                try:
                    held.enter_context(
                        purse.holding(self.price.of(prompt, self.llm.max_output_tokens))
                    )
                except WorkerError as error:
                    record_call(self.name, "rejected", 0, error_type=error.code.value)
                    raise
            yield

    async def _paid(
        self, call: Callable[[], Awaitable[Answer]], purse: Purse | None, prompt: float
    ) -> Answer:
        """One try; its answer is paid as soon as it is there, whatever becomes of it."""
        answer = await call()
        if answer.input_tokens + answer.output_tokens:
            spend = self.price.of(answer.input_tokens, answer.output_tokens)
        else:  # a server that counts nothing
            spend = self.price.of(prompt, len(answer.text.encode()) / BYTES_PER_TOKEN)
        if purse is not None:
            purse.pay(self.llm.model, spend)
        if spend.cost_micros:
            current_span().set(Attribute.MODEL_COST, spend.cost_micros)
            record_cost(self.llm.model, spend.cost_micros)
        return answer

    def _metering(self, prompt: float) -> Metering[Answer]:
        # As vendors count it before they answer: what was asked, and all that may be answered.
        estimate = {TOKENS: prompt + self.llm.max_output_tokens}
        return Metering(estimate=estimate, usage_of=_usage_of)


class ModelChain:
    """The models in the order in which they are asked; at least one."""

    def __init__(self, models: Sequence[Model], caps: Caps | None = None) -> None:
        if not models:
            raise ValueError("a chain needs at least one model")
        self.models = tuple(models)
        self._caps = caps or Caps()

    def purse(self, spent: Spend) -> Purse:
        """What one run may still spend on these models after it has `spent` so much."""
        return Purse(self._caps, spent)

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
        purse: Purse | None = None,
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
                relay, system=system, user=user, history=history, spent=spent, purse=purse
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
    """Hold the models that the settings name; None when they name none.

    Each is the dependency `llm:<model>`; a further one of the same model `llm:<model>#2`. A chain
    that only runs beside another one to be compared (`shadow`) has dependencies of its own, so that
    it takes nothing from the other and opens none of its circuits.
    """
    chain = settings.llm.chain()
    if not chain:
        yield None
        return
    from app.providers.llm import open_llm  # noqa: PLC0415 - see `app.providers.answers`

    async with AsyncExitStack() as stack:
        models: list[Model] = []
        for name, each in _named(chain, "shadow:llm" if shadow else "llm"):
            llm = await stack.enter_async_context(open_llm(each, settings.retry))
            policy = make_policy(PolicyName.LLM, settings, dependency=name)
            models.append(Model(llm=llm, policy=policy, price=_price(each)))
        yield ModelChain(models, _caps(settings.llm))


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


def _price(settings: LlmSettings) -> Price:
    return Price(
        for_input=settings.input_price or Decimal(0), for_output=settings.output_price or Decimal(0)
    )


def _caps(settings: LlmSettings) -> Caps:
    cost = settings.max_run_cost
    return Caps(
        tokens=settings.max_run_tokens, cost_micros=None if cost is None else int(cost * MICROS)
    )


def _tokens(system: str, user: str, history: History) -> float:
    """What a prompt is reckoned as."""
    texts = (system, user, *(turn.get("content", "") for turn in history))
    return sum(len(text.encode()) for text in texts) / BYTES_PER_TOKEN


@cache
def _schema_bytes(schema: type[BaseModel]) -> int:
    return len(json.dumps(schema.model_json_schema()).encode())


def _time_is_up() -> bool:
    left_s = remaining_s()
    return left_s is not None and left_s < LEAST_ATTEMPT_S


def _usage_of(answer: Answer) -> Usage:
    tokens = answer.input_tokens + answer.output_tokens
    # A server that counts nothing is charged as estimated.
    return Usage(cost={TOKENS: tokens} if tokens else {}, remaining=answer.remaining)
