"""The language model: any OpenAI-compatible server. One attempt per call, errors already mapped."""

import json
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from enum import IntEnum
from typing import Any, cast

import openai
from openai.types.chat import ChatCompletion, ChatCompletionMessageParam
from openai.types.chat.completion_create_params import ResponseFormat
from pydantic import BaseModel

from app.providers.endpoints import Endpoint, open_endpoint
from app.providers.failures import Provider, Trouble, failure
from app.settings.groups import LlmSettings, RetrySettings
from app.telemetry.conventions import Attribute
from app.telemetry.logs import get_logger
from app.telemetry.spans import ActiveSpan, AttributeValue

log = get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What the model said. `model` is the one that answered, as the server names it.

    `text` is "" where the model refused or was cut off before its first word; `finish_reason` is
    the server's (`stop`, `length`, `content_filter`, …), or `refusal`.
    """

    text: str
    model: str
    input_tokens: int
    output_tokens: int
    finish_reason: str


class _Form(IntEnum):
    """How the answer's shape is asked for, the best first."""

    STRICT_SCHEMA = 1
    SCHEMA = 2
    """The schema as it is: strict mode knows fewer keywords and no free-form mappings."""
    JSON = 3
    """`json_object`, with the schema in the prompt: for servers that know no schemas."""


class Llm:
    """One model at one base URL."""

    def __init__(self, endpoint: Endpoint, *, max_output_tokens: int) -> None:
        self._endpoint = endpoint
        self._max_output_tokens = max_output_tokens
        self._forms: dict[type[BaseModel], _Form] = {}

    @property
    def model(self) -> str:
        """The model that is asked for."""
        return self._endpoint.model

    async def ask(
        self,
        *,
        system: str,
        user: str,
        schema: type[BaseModel],
        schema_name: str,
        history: Sequence[Mapping[str, str]] = (),
    ) -> Answer:
        """Ask once; `history` (`role`, `content`) stands between `system` and `user`.

        The answer is asked for as JSON of `schema` but not checked: that is the parser's work, which
        asks again with its error. A server that refuses the form of the question is asked in the
        next simpler one, at once and from then on; it has generated nothing by then. Raises
        LLM_TIMEOUT, LLM_RATE_LIMIT, NETWORK_ERROR, QUOTA_EXCEEDED, or VALIDATION_ERROR where the
        settings are wrong.
        """
        told: dict[str, AttributeValue] = {
            Attribute.GEN_AI_OUTPUT_TYPE: "json",
            Attribute.GEN_AI_REQUEST_MAX_TOKENS: self._max_output_tokens,
        }
        form = self._forms.get(schema) or _first_form(schema)
        async with self._endpoint.calling("chat", told) as active:
            while True:
                prompt = _with_schema(system, schema) if form is _Form.JSON else system
                try:
                    reply = await self._endpoint.client.chat.completions.create(
                        model=self.model,
                        messages=_messages(prompt, history, user),
                        response_format=_response_format(form, schema, schema_name),
                        max_completion_tokens=self._max_output_tokens,
                    )
                except openai.BadRequestError as error:
                    if form is _Form.JSON or not _refuses_form(error):
                        raise
                    log.info("answer_form_refused", model=self.model, form=form.name.lower())
                    form = self._forms[schema] = _Form(form + 1)
                else:
                    return self._answer(reply, active)

    def _answer(self, reply: object, active: ActiveSpan) -> Answer:
        # Behind a wrong base URL the client hands out whatever came, a page of text for example.
        choices = reply.choices if isinstance(reply, ChatCompletion) else None
        if not isinstance(reply, ChatCompletion) or not choices:
            raise failure(Provider.LLM, Trouble.GARBLED, {"cause": "no choices"})
        choice, usage = choices[0], reply.usage
        answer = Answer(
            text=choice.message.content or "",
            model=reply.model or self.model,
            input_tokens=usage.prompt_tokens if usage else 0,
            output_tokens=usage.completion_tokens if usage else 0,
            finish_reason="refusal" if choice.message.refusal else choice.finish_reason,
        )
        active.set(Attribute.GEN_AI_RESPONSE_MODEL, answer.model)
        active.set(Attribute.GEN_AI_RESPONSE_ID, reply.id)
        active.set(Attribute.GEN_AI_RESPONSE_FINISH_REASONS, [answer.finish_reason])
        if usage:
            active.set(Attribute.GEN_AI_USAGE_INPUT_TOKENS, answer.input_tokens)
            active.set(Attribute.GEN_AI_USAGE_OUTPUT_TOKENS, answer.output_tokens)
            self._endpoint.count_tokens(
                "chat", input_tokens=answer.input_tokens, output_tokens=answer.output_tokens
            )
        return answer


@asynccontextmanager
async def open_llm(settings: LlmSettings, retry: RetrySettings) -> AsyncGenerator[Llm | None]:
    """Hold the model that the settings name; None when they name none: no text leaves then."""
    if settings.base_url is None:
        yield None
        return
    async with open_endpoint(
        settings.base_url,
        api_key=settings.api_key,
        model=settings.model,
        timeout_s=retry.llm_timeout,
        connect_timeout_s=retry.llm_connect_timeout,
    ) as endpoint:
        yield Llm(endpoint, max_output_tokens=settings.max_output_tokens)


def _messages(
    system: str, history: Sequence[Mapping[str, str]], user: str
) -> list[ChatCompletionMessageParam]:
    turns = [{"role": "system", "content": system}, *history, {"role": "user", "content": user}]
    return cast("list[ChatCompletionMessageParam]", [dict(turn) for turn in turns])


def _response_format(form: _Form, schema: type[BaseModel], name: str) -> ResponseFormat:
    if form is _Form.JSON:
        return {"type": "json_object"}
    strict = form is _Form.STRICT_SCHEMA
    plain = schema.model_json_schema()
    described = cast("dict[str, object]", _strict(plain)) if strict else plain
    return {
        "type": "json_schema",
        "json_schema": {"name": name, "schema": described, "strict": strict},
    }


def _with_schema(system: str, schema: type[BaseModel]) -> str:
    described = json.dumps(schema.model_json_schema(), ensure_ascii=False)
    return f"{system}\n\nAnswer with one JSON object that fits this JSON Schema:\n{described}"


def _refuses_form(error: openai.BadRequestError) -> bool:
    return "response_format" in f"{error.param} {error.message}"


def _first_form(schema: type[BaseModel]) -> _Form:
    return _Form.STRICT_SCHEMA if _fits_strict(schema.model_json_schema()) else _Form.SCHEMA


def _fits_strict(node: Any) -> bool:
    """Whether strict mode can say this JSON Schema: it knows no mapping with free keys."""
    match node:
        case {"type": "object"} if "properties" not in node:
            return False
        case dict():
            return all(_fits_strict(value) for value in cast("dict[str, Any]", node).values())
        case list():
            return all(_fits_strict(item) for item in cast("list[Any]", node))
        case _:
            return True


def _strict(node: Any) -> Any:
    """Apply strict mode's rules: every property is required, no other allowed, no defaults."""
    if isinstance(node, list):
        return [_strict(item) for item in cast("list[Any]", node)]
    if not isinstance(node, dict):
        return node
    changed: dict[str, Any] = {}
    for key, value in cast("dict[str, Any]", node).items():
        if key in {"properties", "$defs"}:  # its keys are names, not keywords
            changed[key] = {name: _strict(inner) for name, inner in value.items()}
        elif key != "default":
            changed[key] = _strict(value)
    if "properties" in changed:
        changed["required"] = list(changed["properties"])
        changed["additionalProperties"] = False
    return changed
