"""The language model: any OpenAI-compatible server. One attempt per call, errors already mapped."""

import json
import re
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from enum import IntEnum
from functools import cache
from types import TracebackType
from typing import Any, cast

import openai
from openai.types import CompletionUsage
from openai.types.chat import ChatCompletion, ChatCompletionChunk, ChatCompletionMessageParam
from openai.types.chat.chat_completion_chunk import ChoiceDelta
from openai.types.chat.completion_create_params import ResponseFormat
from pydantic import BaseModel

from app.providers.answers import Answer, Undelivered
from app.providers.endpoints import Endpoint, open_endpoint
from app.providers.failures import Provider, Trouble, failure
from app.settings.groups import RetrySettings
from app.settings.llm import LlmSettings
from app.telemetry.conventions import Attribute
from app.telemetry.logs import get_logger
from app.telemetry.spans import ActiveSpan, AttributeValue

log = get_logger(__name__)


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

    @property
    def max_output_tokens(self) -> int:
        """The longest answer that is asked for."""
        return self._max_output_tokens

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
                    raw = await self._endpoint.client.chat.completions.with_raw_response.create(
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
                    return self._answer(raw.parse(), raw.headers, active)

    async def stream(
        self,
        *,
        system: str,
        user: str,
        history: Sequence[Mapping[str, str]] = (),
        emit: Callable[[str], Awaitable[None]],
    ) -> Answer:
        """Ask once for plain text, and hand each piece of it to `emit` as it comes.

        The pieces together are the answer's text. A stream that breaks, or ends without a reason, is
        NETWORK_ERROR, not a short answer: `emit` has heard a part then. Raises what `ask` raises, and
        Undelivered when `emit` fails. The time limit is that of a whole answer, `emit` included.
        """
        told: dict[str, AttributeValue] = {
            Attribute.GEN_AI_OUTPUT_TYPE: "text",
            Attribute.GEN_AI_REQUEST_MAX_TOKENS: self._max_output_tokens,
        }
        completions = self._endpoint.client.chat.completions.with_streaming_response
        async with (
            self._endpoint.calling("chat", told) as active,
            completions.create(
                model=self.model,
                messages=_messages(system, history, user),
                max_completion_tokens=self._max_output_tokens,
                stream=True,
                stream_options={"include_usage": True},
            ) as response,
        ):
            heard = _Heard()
            async for chunk in await response.parse():
                if text := heard.text_of(chunk):
                    with _Delivery():
                        await emit(text)
            if not heard.finish_reason:
                raise failure(Provider.LLM, Trouble.GARBLED, {"cause": "no finish reason"})
            return self._finish(active, heard, response.headers)

    def _answer(self, reply: object, headers: Mapping[str, str], active: ActiveSpan) -> Answer:
        # Behind a wrong base URL the client hands out whatever came, a page of text for example.
        choices = reply.choices if isinstance(reply, ChatCompletion) else None
        if not isinstance(reply, ChatCompletion) or not choices:
            raise failure(Provider.LLM, Trouble.GARBLED, {"cause": "no choices"})
        choice = choices[0]
        heard = _Heard(
            pieces=[choice.message.content or ""],
            finish_reason=choice.finish_reason,
            refused=bool(choice.message.refusal),
            model=reply.model,
            reply_id=reply.id,
            usage=reply.usage,
        )
        return self._finish(active, heard, headers)

    def _finish(self, active: ActiveSpan, heard: "_Heard", headers: Mapping[str, str]) -> Answer:
        usage = heard.usage
        answer = Answer(
            text="".join(heard.pieces),
            model=heard.model or self.model,
            input_tokens=usage.prompt_tokens if usage else 0,
            output_tokens=usage.completion_tokens if usage else 0,
            finish_reason="refusal" if heard.refused else heard.finish_reason,
            remaining=dict(_remaining(headers)),
        )
        active.set(Attribute.GEN_AI_RESPONSE_MODEL, answer.model)
        active.set(Attribute.GEN_AI_RESPONSE_ID, heard.reply_id)
        active.set(Attribute.GEN_AI_RESPONSE_FINISH_REASONS, [answer.finish_reason])
        if usage:
            active.set(Attribute.GEN_AI_USAGE_INPUT_TOKENS, answer.input_tokens)
            active.set(Attribute.GEN_AI_USAGE_OUTPUT_TOKENS, answer.output_tokens)
            self._endpoint.count_tokens(
                "chat", input_tokens=answer.input_tokens, output_tokens=answer.output_tokens
            )
        return answer


@dataclass(slots=True, kw_only=True)
class _Heard:
    """What came of an answer so far."""

    pieces: list[str] = field(default_factory=list[str])
    finish_reason: str = ""
    refused: bool = False
    model: str = ""
    reply_id: str = ""
    usage: CompletionUsage | None = None

    def text_of(self, chunk: object) -> str:
        """Take in one part of a stream; returns the text in it."""
        if not isinstance(chunk, ChatCompletionChunk):
            raise failure(Provider.LLM, Trouble.GARBLED, {"cause": "not a chunk"})
        self.model = chunk.model or self.model
        self.reply_id = chunk.id or self.reply_id
        # It comes last, in a chunk without choices.
        self.usage = chunk.usage or self.usage
        if not chunk.choices:
            return ""
        choice = chunk.choices[0]
        self.finish_reason = choice.finish_reason or self.finish_reason
        # The client does not check what it hands out: some servers leave it out at the end.
        delta = cast("ChoiceDelta | None", choice.delta)
        if delta is None:
            return ""
        self.refused = self.refused or bool(delta.refusal)
        text = delta.content or ""
        self.pieces.append(text)
        return text


class _Delivery:
    """Keeps apart what `emit` raises: a time-out of the listener is none of the model's."""

    def __enter__(self) -> None: ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        stack: TracebackType | None,
    ) -> None:
        if isinstance(error, Exception):
            raise Undelivered(error) from error


@asynccontextmanager
async def open_llm(settings: LlmSettings, retry: RetrySettings) -> AsyncGenerator[Llm]:
    """Hold the one model that the settings name first."""
    if settings.base_url is None:
        raise ValueError("LLM__BASE_URL is not set: there is no model to open")
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


@cache
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
    described = _schema_text(schema)
    return f"{system}\n\nAnswer with one JSON object that fits this JSON Schema:\n{described}"


@cache
def _schema_text(schema: type[BaseModel]) -> str:
    return json.dumps(schema.model_json_schema(), ensure_ascii=False)


def _refuses_form(error: openai.BadRequestError) -> bool:
    return "response_format" in f"{error.param} {error.message}"


@cache
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


# Bounds keep out what is no span of time: a date in seconds since 1970 would block for decades.
_UNITS_LEFT = re.compile(r"\d{1,12}(?:\.\d{1,9})?", re.ASCII)
_TIME = re.compile(r"(\d{1,9}(?:\.\d{1,9})?)(ms|[dhms])", re.ASCII)
_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3_600.0, "d": 86_400.0}
_LONGEST_RESET_S = 7 * 86_400.0


def _remaining(headers: Mapping[str, str]) -> Iterator[tuple[str, tuple[float, float]]]:
    """Units left and seconds until full again, per dimension; what cannot be read is left out."""
    for dimension in ("requests", "tokens"):
        left = headers.get(f"x-ratelimit-remaining-{dimension}", "")
        reset_s = _seconds(headers.get(f"x-ratelimit-reset-{dimension}", ""))
        if _UNITS_LEFT.fullmatch(left) and reset_s is not None:
            yield dimension, (float(left), reset_s)


def _seconds(text: str) -> float | None:
    """Read `6m0s`, `1.5s`, `120ms` and plain seconds; None for anything else."""
    if _UNITS_LEFT.fullmatch(text):
        seconds = float(text)
    else:
        parts = _TIME.findall(text)
        if not parts or "".join(number + unit for number, unit in parts) != text:
            return None
        seconds = sum(float(number) * _SECONDS[unit] for number, unit in parts)
    return seconds if seconds <= _LONGEST_RESET_S else None
