"""The settings of the models that answer in words. Environment: `LLM__FIELD`."""

import json
from decimal import Decimal
from typing import Annotated, Self

from pydantic import (
    Field,
    SecretStr,
    ValidationError,
    ValidatorFunctionWrapHandler,
    field_validator,
    model_validator,
)
from pydantic_settings import NoDecode

from app.settings.groups import Count, Group, HttpUrl, Tries

Price = Annotated[Decimal, Field(ge=0, le=1_000_000, max_digits=13, decimal_places=6)]
"""For a million tokens, in the currency that all prices share. Decimal: money is never a float."""


class ModelSettings(Group):
    """A further model of the chain. What it leaves out is that of the first model.

    A key is taken over only with the base URL: one vendor's key is not sent to another. Prices are
    never taken over: another model has other ones.
    """

    base_url: HttpUrl | None = None
    api_key: SecretStr | None = None
    model: str = Field(min_length=1)
    input_price: Price | None = None
    output_price: Price | None = None

    @model_validator(mode="after")
    def _has_both_prices(self) -> Self:
        _check_prices(self.input_price, self.output_price)
        return self


class LlmSettings(Group):
    base_url: HttpUrl | None = Field(
        default=None,
        description="Base URL of an OpenAI-compatible API. Not set: the rule-based analyst works "
        "alone, and no text goes to a model for analysis.",
    )
    api_key: SecretStr | None = Field(default=None, description="Key of that API.")
    model: str = Field(default="gpt-5-mini", description="Model that analyses résumés.")
    fallbacks: Annotated[tuple[ModelSettings, ...], NoDecode] = Field(
        default=(),
        description="Models that are asked when it fails, in their order, as a JSON list: "
        '`[{"base_url": "https://…/v1", "api_key": "…", "model": "…"}]`. Without `base_url`: at the '
        "same server, with the same key. `input_price` and `output_price` are its own.",
    )
    max_output_tokens: Count = Field(default=4_000, description="Longest answer that is asked for.")
    parse_tries: Tries = Field(
        default=2, description="Answers asked for before the rules take over."
    )
    input_price: Price | None = Field(
        default=None,
        description="What a million tokens of a question cost, in a currency of your choice: "
        "`0.25`. Not set: the model's tokens are counted and cost nothing.",
    )
    output_price: Price | None = Field(
        default=None, description="What a million tokens of an answer cost, in the same currency."
    )
    max_run_tokens: Count | None = Field(
        default=200_000,
        description="Most tokens of one run, questions and answers together. A call that might "
        "go beyond is not made, and the rules take over. Empty: no limit.",
    )
    max_run_cost: Annotated[Decimal, Field(gt=0, le=1_000_000)] | None = Field(
        default=None,
        description="Most that one run may cost, in the currency of the prices, alike: `0.05`. "
        "Every model needs its prices then.",
    )

    @field_validator("max_run_tokens", "max_run_cost", "input_price", "output_price", mode="before")
    @classmethod
    def _empty_is_none(cls, given: object) -> object:
        return None if given == "" else given

    @field_validator("fallbacks", mode="wrap")
    @classmethod
    def _models(
        cls, given: object, handler: ValidatorFunctionWrapHandler
    ) -> tuple[ModelSettings, ...]:
        """One line for all of its faults, without the values: they may be keys."""
        try:
            checked: tuple[ModelSettings, ...] = handler(_json(given))
        except ValidationError as error:
            faults = error.errors(include_input=False, include_url=False, include_context=False)
            raise ValueError(
                "; ".join(_fault(fault["loc"], fault["msg"]) for fault in faults)
            ) from None
        return checked

    @model_validator(mode="after")
    def _follow_a_first_model(self) -> Self:
        if self.fallbacks and self.base_url is None:
            raise ValueError("fallbacks follow a first model; set LLM__BASE_URL")
        return self

    @model_validator(mode="after")
    def _know_what_a_run_costs(self) -> Self:
        _check_prices(self.input_price, self.output_price)
        if self.max_run_cost is not None:
            unknown = [each.model for each in self.chain() if each.input_price is None]
            if unknown:
                raise ValueError(f"max_run_cost needs the prices of {', '.join(unknown)}")
        return self

    def chain(self) -> tuple[Self, ...]:
        """Each model in its order, the first included, as settings of its own; none: no model."""
        if self.base_url is None:
            return ()
        first = self.model_copy(update={"fallbacks": ()})
        return (first, *(first.model_copy(update=self._changes(each)) for each in self.fallbacks))

    def _changes(self, model: ModelSettings) -> dict[str, object]:
        own = model.model_dump()
        if model.base_url in {None, self.base_url}:
            own |= {"base_url": self.base_url, "api_key": model.api_key or self.api_key}
        return own


def _check_prices(input_price: Decimal | None, output_price: Decimal | None) -> None:
    if (input_price is None) != (output_price is None):
        raise ValueError("input_price and output_price belong together")


def _json(given: object) -> object:
    if not isinstance(given, str):
        return given
    if not given.strip():
        return ()
    try:
        return json.loads(given)
    except ValueError:
        raise ValueError("must be a JSON list of models") from None


def _fault(location: tuple[int | str, ...], message: str) -> str:
    if not location:
        return "must be a JSON list of models"
    fields = "".join(f"{field}: " for field in location[1:])
    return f"model {int(location[0]) + 1}: {fields}{message.removeprefix('Value error, ')}"
