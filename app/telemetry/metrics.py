"""One function per thing that is counted or timed.

Labels are names of few values: queues, stages, models, codes, routes; never the id of a run, a
tenant or a person. Before `configure_telemetry` the same calls work and count nothing.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from opentelemetry.metrics import Counter, Histogram, Meter, NoOpMeter
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST

from app.telemetry.conventions import Attribute, Metric

# To 120 s: the conventions end at 10 s, but a résumé with text recognition runs longer.
_WORK_BUCKETS_S = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 30, 60, 120)
_REQUEST_BUCKETS_S = (0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10)
# The GenAI conventions' own, and one more step: a model call may take 120 s.
_MODEL_BUCKETS_S = tuple(0.01 * 2**step for step in range(15))
_TOKEN_BUCKETS = tuple(4**step for step in range(14))

_SYSTEM = {Attribute.MESSAGING_SYSTEM: "arq"}
# Anyone may send any method; those of RFC 9110 and PATCH keep their name, the rest share one.
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_OTHER_METHOD = "_OTHER"


def record_sent(queue: str, *, error_type: str | None = None) -> None:
    """Count a job handed to the queue."""
    labels = {Attribute.MESSAGING_OPERATION_NAME: "send"}
    _state.instruments.sent.add(1, _labels(_SYSTEM, labels, _on(queue), _failed(error_type)))


def record_consumed(queue: str) -> None:
    """Count a job taken from the queue."""
    labels = {Attribute.MESSAGING_OPERATION_NAME: "process"}
    _state.instruments.consumed.add(1, _labels(_SYSTEM, labels, _on(queue)))


def record_process(
    queue: str, function: str, seconds: float, *, outcome: str, error_type: str | None = None
) -> None:
    """Time one attempt of a job. `outcome`: `success`, `retry`, `failed` or `aborted`."""
    labels = {
        Attribute.MESSAGING_OPERATION_NAME: "process",
        Attribute.JOB_FUNCTION: function,
        Attribute.JOB_OUTCOME: outcome,
    }
    _state.instruments.process.record(
        seconds, _labels(_SYSTEM, labels, _on(queue), _failed(error_type))
    )


def record_stage(name: str, status: str, seconds: float, *, error_type: str | None = None) -> None:
    """Time one execution of a stage."""
    labels = {Attribute.STAGE_NAME: name, Attribute.STAGE_STATUS: status}
    _state.instruments.stage.record(seconds, _labels(labels, _failed(error_type)))


def record_retry(function: str, *, error_type: str) -> None:
    """Count a further attempt that a failure made necessary."""
    labels = {Attribute.JOB_FUNCTION: function}
    _state.instruments.retries.add(1, _labels(labels, _failed(error_type)))


def record_run(status: str, *, code: str | None = None) -> None:
    """Count a run that reached its final state."""
    labels = {Attribute.RUN_STATUS: status}
    _state.instruments.runs.add(1, _labels(labels, _failed(code)))


def record_model_call(
    operation: Literal["chat", "embeddings"],
    model: str,
    seconds: float,
    *,
    provider: str,
    error_type: str | None = None,
) -> None:
    """Time one call of a model."""
    labels = _model(operation, model, provider)
    _state.instruments.model_calls.record(seconds, _labels(labels, _failed(error_type)))


def record_tokens(
    operation: Literal["chat", "embeddings"],
    model: str,
    *,
    provider: str,
    input_tokens: int,
    output_tokens: int | None = None,
) -> None:
    """Record what one answer cost, as the provider counted it."""
    labels = _model(operation, model, provider)
    tokens = _state.instruments.tokens
    tokens.record(input_tokens, _labels(labels, {Attribute.GEN_AI_TOKEN_TYPE: "input"}))
    if output_tokens is not None:
        tokens.record(output_tokens, _labels(labels, {Attribute.GEN_AI_TOKEN_TYPE: "output"}))


def record_request(method: str, route: str | None, status: int, seconds: float) -> None:
    """Time a request served. `route` is the template, `/v1/runs/{id}`; None where none matched."""
    labels: dict[str, str | int] = {
        Attribute.HTTP_REQUEST_METHOD: method if method in _METHODS else _OTHER_METHOD,
        Attribute.HTTP_RESPONSE_STATUS_CODE: status,
    }
    if route is not None:
        labels[Attribute.HTTP_ROUTE] = route
    _state.instruments.requests.record(seconds, labels)


def render_prometheus() -> tuple[bytes, str]:
    """Body and content type of an answer to Prometheus; an empty body before configuration."""
    registry = _state.registry
    return (b"" if registry is None else generate_latest(registry)), CONTENT_TYPE_LATEST


@dataclass(frozen=True, slots=True)
class Installed:
    """What counts at the moment."""

    instruments: "_Instruments"
    registry: CollectorRegistry | None


def install(meter: Meter, registry: CollectorRegistry | None) -> Installed:
    """Count with this meter from now on; returns what was before, for `restore`."""
    before = Installed(_state.instruments, _state.registry)
    _state.instruments, _state.registry = _Instruments(meter), registry
    return before


def restore(before: Installed) -> None:
    """Count again as before `install`."""
    _state.instruments, _state.registry = before.instruments, before.registry


class _Instruments:
    def __init__(self, meter: Meter) -> None:
        self.sent = _counter(meter, Metric.SENT_MESSAGES, "{message}", "Jobs handed to the queue.")
        self.consumed = _counter(
            meter, Metric.CONSUMED_MESSAGES, "{message}", "Jobs taken from the queue."
        )
        self.process = _timer(
            meter, Metric.PROCESS_DURATION, "One attempt of a job.", _WORK_BUCKETS_S
        )
        self.stage = _timer(
            meter, Metric.STAGE_DURATION, "One execution of a stage.", _WORK_BUCKETS_S
        )
        self.retries = _counter(
            meter, Metric.JOB_RETRIES, "{retry}", "Attempts that a failure made necessary."
        )
        self.runs = _counter(meter, Metric.RUNS, "{run}", "Runs that reached a final state.")
        self.model_calls = _timer(
            meter, Metric.GEN_AI_OPERATION_DURATION, "One call of a model.", _MODEL_BUCKETS_S
        )
        self.tokens = meter.create_histogram(
            Metric.GEN_AI_TOKEN_USAGE,
            unit="{token}",
            description="Tokens of one answer.",
            explicit_bucket_boundaries_advisory=_TOKEN_BUCKETS,
        )
        self.requests = _timer(
            meter, Metric.HTTP_SERVER_REQUEST_DURATION, "One request served.", _REQUEST_BUCKETS_S
        )


def _counter(meter: Meter, name: Metric, unit: str, description: str) -> Counter:
    return meter.create_counter(name, unit=unit, description=description)


def _timer(meter: Meter, name: Metric, description: str, buckets_s: tuple[float, ...]) -> Histogram:
    return meter.create_histogram(
        name, unit="s", description=description, explicit_bucket_boundaries_advisory=buckets_s
    )


def _labels(*parts: Mapping[Attribute, str]) -> dict[str, str]:
    return {key: value for part in parts for key, value in part.items()}


def _on(queue: str) -> dict[Attribute, str]:
    return {Attribute.MESSAGING_DESTINATION_NAME: queue}


def _failed(error_type: str | None) -> dict[Attribute, str]:
    return {} if error_type is None else {Attribute.ERROR_TYPE: error_type}


def _model(operation: str, model: str, provider: str) -> dict[Attribute, str]:
    return {
        Attribute.GEN_AI_OPERATION_NAME: operation,
        Attribute.GEN_AI_PROVIDER_NAME: provider,
        Attribute.GEN_AI_REQUEST_MODEL: model,
    }


class _State:
    def __init__(self) -> None:
        self.instruments = _Instruments(NoOpMeter("naru"))
        self.registry: CollectorRegistry | None = None


_state = _State()
