"""What one run spends on models, and the caps that keep the next call from being made."""

import math
from collections.abc import Generator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from decimal import ROUND_CEILING, Decimal
from enum import StrEnum
from uuid import UUID, uuid4

from app.errors import ErrorCode, PermanentError
from app.messages import Message

MICROS = 1_000_000
"""Micro-units in one unit of the currency."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Spend:
    """Tokens and their cost, in millionths of a currency's unit: sums of it never drift."""

    input_tokens: int = 0
    output_tokens: int = 0
    cost_micros: int = 0

    @property
    def tokens(self) -> int:
        return self.input_tokens + self.output_tokens

    def __add__(self, other: "Spend") -> "Spend":
        return Spend(
            input_tokens=self.input_tokens + other.input_tokens,
            output_tokens=self.output_tokens + other.output_tokens,
            cost_micros=self.cost_micros + other.cost_micros,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Price:
    """What one model takes for a million tokens, in units of the currency."""

    for_input: Decimal = Decimal(0)
    for_output: Decimal = Decimal(0)

    def of(self, input_tokens: float, output_tokens: float) -> Spend:
        """What so many tokens cost, rounded up to whole ones and to a micro-unit."""
        asked, answered = math.ceil(input_tokens), math.ceil(output_tokens)
        # A unit for a million tokens is a micro-unit for one.
        cost = asked * self.for_input + answered * self.for_output
        return Spend(
            input_tokens=asked,
            output_tokens=answered,
            cost_micros=int(cost.to_integral_value(ROUND_CEILING)),
        )


class Cap(StrEnum):
    """What of a run's spend is limited."""

    TOKENS = "tokens"
    COST = "cost"


@dataclass(frozen=True, slots=True, kw_only=True)
class Caps:
    """The most that one run may spend; None: no limit."""

    tokens: int | None = None
    cost_micros: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Payment:
    """One answered call. By its id it is counted once, also when a commit's answer was lost."""

    id: UUID = field(default_factory=uuid4)
    model: str
    spend: Spend


class Purse:
    """What one run has spent, by all of its attempts, and may still spend.

    All of its calls share one, also those that are made at the same time.
    """

    def __init__(self, caps: Caps, spent: Spend) -> None:
        self._caps = caps
        self._held: list[Spend] = []
        self._unsaved: list[Payment] = []
        self.spent = spent

    @contextmanager
    def holding(self, estimate: Spend) -> Generator[None]:
        """Keep an estimate back while a call is under way.

        Raises SPEND_CAP when it does not fit beside what is spent and held: the call must not be
        made.
        """
        self._check(estimate)
        self._held.append(estimate)
        try:
            yield
        finally:
            self._held.remove(estimate)

    def pay(self, model: str, spend: Spend) -> None:
        """Take an answered call out of the purse; more than was held for it is paid, too."""
        self.spent += spend
        self._unsaved.append(Payment(model=model, spend=spend))

    @contextmanager
    def saving(self) -> Generator[Sequence[Payment]]:
        """The payments that nobody has saved yet; those of a block that fails are left for the next.

        A block has them alone: of two at the same time, one gets a payment.
        """
        payments, self._unsaved = self._unsaved, []
        with ExitStack() as unless_saved:
            unless_saved.callback(lambda: self._unsaved.extend(payments))
            yield tuple(payments)
            unless_saved.pop_all()

    def _check(self, estimate: Spend) -> None:
        held = sum(self._held, start=Spend())
        would = self.spent + held + estimate
        for cap, spent, needed, limit in (
            (Cap.TOKENS, (self.spent + held).tokens, would.tokens, self._caps.tokens),
            (
                Cap.COST,
                (self.spent + held).cost_micros,
                would.cost_micros,
                self._caps.cost_micros,
            ),
        ):
            if limit is not None and needed > limit:
                raise PermanentError(
                    ErrorCode.SPEND_CAP,
                    _SENTENCES[cap],
                    details={
                        "cap": cap.value,
                        "spent": _shown(cap, spent),
                        "next": _shown(cap, needed - spent),
                        "limit": _shown(cap, limit),
                    },
                )


_SENTENCES = {Cap.TOKENS: Message.RUN_TOKENS_SPENT, Cap.COST: Message.RUN_COST_SPENT}


def units(micros: int) -> str:
    """Micro-units as units of the currency: `0.001234`."""
    return f"{Decimal(micros) / MICROS:.6f}"


def _shown(cap: Cap, amount: int) -> int | str:
    return units(amount) if cap is Cap.COST else amount
