"""One function per thing that is counted or timed.

Labels are names of few values: queues, stages, models, codes, routes; never the id of a run, a
tenant or a person. Before `configure_telemetry` the same calls work and count nothing.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal, NamedTuple

from opentelemetry.metrics import (
    CallbackOptions,
    Counter,
    Histogram,
    Meter,
    NoOpMeter,
    Observation,
)
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST

from app.telemetry import gauges
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


class BreakerState(NamedTuple):
    """One series of the gauge: 1 for a state that the breaker is in, else 0."""

    breaker: str
    state: str
    value: Literal[0, 1]


def record_sent(queue: str, *, count: int = 1) -> None:
    """Count jobs handed to the queue."""
    labels = {Attribute.MESSAGING_OPERATION_NAME: "send"}
    _state.instruments.sent.add(count, _labels(_SYSTEM, labels, _on(queue)))


def record_consumed(queue: str, count: int) -> None:
    """Count jobs taken from the queue."""
    _state.instruments.consumed.add(count, _consumed_labels(queue))


def record_queue_wait(queue: str, priority: str, seconds: float) -> None:
    """Time how long a job was due before it began."""
    _state.instruments.wait.record(seconds, _wait_labels(queue, priority))


def record_process(
    queue: str, function: str, seconds: float, *, outcome: str, error_type: str | None = None
) -> None:
    """Time one attempt of a job. `outcome`: `success`, `retry`, `failed` or `aborted`."""
    _state.instruments.process.record(
        seconds, _process_labels(queue, function, outcome, error_type)
    )


def record_stage(name: str, status: str, seconds: float, *, error_type: str | None = None) -> None:
    """Time one execution of a stage."""
    labels = {Attribute.STAGE_NAME: name, Attribute.STAGE_STATUS: status}
    _state.instruments.stage.record(seconds, _labels(labels, _failed(error_type)))


def record_call(
    dependency: str,
    outcome: str,
    seconds: float,
    *,
    retries: int = 0,
    error_type: str | None = None,
) -> None:
    """Time one logical call of a dependency, its retries and fallbacks included.

    `outcome`: `success`, `fallback`, `failure`, `rejected` (here, before it was called) or
    `cancelled`.
    """
    instruments = _state.instruments
    instruments.calls.record(seconds, _call_labels(dependency, outcome, error_type))
    if retries:
        instruments.call_retries.add(retries, _call_labels(dependency, outcome, None))


def record_transition(breaker: str, from_state: str, to_state: str, cause: str) -> None:
    """Count a change of a circuit breaker's state."""
    labels = {
        Attribute.BREAKER_NAME: breaker,
        Attribute.BREAKER_FROM: from_state,
        Attribute.BREAKER_TO: to_state,
        Attribute.BREAKER_REASON: cause,
    }
    _state.instruments.transitions.add(1, _labels(labels))


def observe_breakers(states: Callable[[], Iterable[BreakerState]]) -> Callable[[], None]:
    """Ask `states` whenever the gauge is read; returns what ends that.

    It is asked in the exporter's thread, so it must be safe there and must not wait. Registered
    once, it is asked before, during and after any `configure_telemetry`.
    """
    _state.breakers = (*_state.breakers, states)

    def end() -> None:
        _state.breakers = tuple(other for other in _state.breakers if other is not states)

    return end


def record_ordered(topic: str, outcome: str) -> None:
    """Count a message that was handled in order; `outcome` is `done`, `died` or a code."""
    labels = {Attribute.ORDERED_TOPIC: topic, Attribute.ORDERED_OUTCOME: outcome}
    _state.instruments.ordered.add(1, _labels(labels))


def record_retry(function: str, *, error_type: str) -> None:
    """Count a further attempt that a failure made necessary."""
    labels = {Attribute.JOB_FUNCTION: function}
    _state.instruments.retries.add(1, _labels(labels, _failed(error_type)))


def record_dead_letter(queue: str, code: str) -> None:
    """Count a job that died and is kept."""
    _state.instruments.dead_letters.add(1, _labels(_on(queue), _failed(code)))


def record_run(status: str, *, code: str | None = None) -> None:
    """Count a run that reached its final state."""
    labels = {Attribute.RUN_STATUS: status}
    _state.instruments.runs.add(1, _labels(labels, _failed(code)))


def record_webhook(status: str, *, code: str | None = None) -> None:
    """Count a delivery that was settled; `status` is `delivered` or `failed`."""
    labels = {Attribute.WEBHOOK_STATUS: status}
    _state.instruments.webhooks.add(1, _labels(labels, _failed(code)))


def record_refused_value(field: str, *, count: int = 1) -> None:
    """Count values of a model's answer that its document does not hold, by field."""
    _state.instruments.refused.add(count, _labels({Attribute.FIELD: field}))


def record_withheld(count: int) -> None:
    """Count sentences of a document that give orders to a machine."""
    _state.instruments.withheld.add(count)


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


def record_cost(model: str, micros: int) -> None:
    """Count what answers of a model cost, in millionths of the currency of the prices."""
    _state.instruments.cost.add(micros, _labels({Attribute.GEN_AI_REQUEST_MODEL: model}))


def record_comparison(rollout: str, result: str) -> None:
    """Count how a new code path did beside the old one; `result` is a `rollout.Result`."""
    labels = {Attribute.ROLLOUT_NAME: rollout, Attribute.ROLLOUT_RESULT: result}
    _state.instruments.comparisons.add(1, _labels(labels))


def record_switch(rollout: str, cause: Literal["operator", "guard"]) -> None:
    """Count a change of a rollout's extent, in the process that decided it."""
    labels = {Attribute.ROLLOUT_NAME: rollout, Attribute.ROLLOUT_CAUSE: cause}
    _state.instruments.switches.add(1, _labels(labels))


def record_request(method: str, route: str | None, status: int, seconds: float) -> None:
    """Time a request served. `route` is the template, `/v1/runs/{id}`; None where none matched."""
    labels: dict[str, str | int] = {
        Attribute.HTTP_REQUEST_METHOD: method if method in _METHODS else _OTHER_METHOD,
        Attribute.HTTP_RESPONSE_STATUS_CODE: status,
    }
    if route is not None:
        labels[Attribute.HTTP_ROUTE] = route
    _state.instruments.requests.record(seconds, labels)


def counting() -> bool:
    """Whether anything is counted at all."""
    return _state.instruments.on


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
        self.on = not isinstance(meter, NoOpMeter)
        self.sent = _counter(meter, Metric.SENT_MESSAGES, "{message}", "Jobs handed to the queue.")
        self.consumed = _counter(
            meter, Metric.CONSUMED_MESSAGES, "{message}", "Jobs taken from the queue."
        )
        self.wait = _timer(
            meter, Metric.QUEUE_WAIT, "How long a job was due before it began.", _WORK_BUCKETS_S
        )
        self.process = _timer(
            meter, Metric.PROCESS_DURATION, "One attempt of a job.", _WORK_BUCKETS_S
        )
        self.stage = _timer(
            meter, Metric.STAGE_DURATION, "One execution of a stage.", _WORK_BUCKETS_S
        )
        self.calls = _timer(
            meter,
            Metric.CALL_DURATION,
            "One logical call of a dependency, retries included.",
            _WORK_BUCKETS_S,
        )
        self.call_retries = _counter(
            meter, Metric.CALL_RETRIES, "{retry}", "Tries of a dependency after the first."
        )
        self.transitions = _counter(
            meter, Metric.BREAKER_TRANSITIONS, "{transition}", "Changes of a breaker's state."
        )
        meter.create_observable_gauge(
            Metric.BREAKER_STATE,
            callbacks=[_observed_breakers],
            unit="{breaker}",
            description="1 for the state that a circuit breaker is in, 0 for each other state.",
        )
        self.ordered = _counter(
            meter, Metric.ORDERED_MESSAGES, "{message}", "Messages that were handled in order."
        )
        self.retries = _counter(
            meter, Metric.JOB_RETRIES, "{retry}", "Attempts that a failure made necessary."
        )
        self.dead_letters = _counter(
            meter, Metric.QUEUE_DEAD_LETTERS, "{message}", "Jobs that died and are kept."
        )
        gauges.create(meter)
        self.runs = _counter(meter, Metric.RUNS, "{run}", "Runs that reached a final state.")
        self.webhooks = _counter(
            meter, Metric.WEBHOOK_DELIVERIES, "{delivery}", "Webhook deliveries that were settled."
        )
        self.refused = _counter(
            meter, Metric.ANALYSIS_REFUSED, "{value}", "Values that a model invented; dropped."
        )
        told = "Orders to a machine in documents; cut out."
        self.withheld = _counter(meter, Metric.ANALYSIS_WITHHELD, "{sentence}", told)
        self.comparisons = _counter(
            meter, Metric.ROLLOUT_COMPARISONS, "{comparison}", "New code paths beside old ones."
        )
        self.switches = _counter(
            meter, Metric.ROLLOUT_SWITCHES, "{switch}", "Changes of a rollout's extent."
        )
        self.model_calls = _timer(
            meter, Metric.GEN_AI_OPERATION_DURATION, "One call of a model.", _MODEL_BUCKETS_S
        )
        self.tokens = meter.create_histogram(
            Metric.GEN_AI_TOKEN_USAGE,
            unit="{token}",
            description="Tokens of one answer.",
            explicit_bucket_boundaries_advisory=_TOKEN_BUCKETS,
        )
        self.cost = _counter(meter, Metric.MODEL_COST, "{micro_unit}", "Cost of answers.")
        self.requests = _timer(
            meter, Metric.HTTP_SERVER_REQUEST_DURATION, "One request served.", _REQUEST_BUCKETS_S
        )


def _counter(meter: Meter, name: Metric, unit: str, description: str) -> Counter:
    return meter.create_counter(name, unit=unit, description=description)


def _timer(meter: Meter, name: Metric, description: str, buckets_s: tuple[float, ...]) -> Histogram:
    return meter.create_histogram(
        name, unit="s", description=description, explicit_bucket_boundaries_advisory=buckets_s
    )


def _observed_breakers(options: CallbackOptions) -> Iterable[Observation]:
    del options
    for states in _state.breakers:
        for breaker, state, value in states():
            labels = {Attribute.BREAKER_NAME: breaker, Attribute.BREAKER_STATE: state}
            yield Observation(value, _labels(labels))


def _labels(*parts: Mapping[Attribute, str]) -> dict[str, str]:
    return {key: value for part in parts for key, value in part.items()}


@lru_cache(maxsize=1_000)
def _call_labels(dependency: str, outcome: str, error_type: str | None) -> Mapping[str, str]:
    # Kept: every call has one of few sets of labels, and making one costs as much as counting.
    labels = {Attribute.DEPENDENCY: dependency, Attribute.CALL_OUTCOME: outcome}
    return _labels(labels, _failed(error_type))


@lru_cache(maxsize=100)
def _consumed_labels(queue: str) -> Mapping[str, str]:
    return _labels(_SYSTEM, {Attribute.MESSAGING_OPERATION_NAME: "process"}, _on(queue))


@lru_cache(maxsize=100)
def _wait_labels(queue: str, priority: str) -> Mapping[str, str]:
    return _labels(_on(queue), {Attribute.JOB_PRIORITY: priority})


@lru_cache(maxsize=1_000)
def _process_labels(
    queue: str, function: str, outcome: str, error_type: str | None
) -> Mapping[str, str]:
    labels = {
        Attribute.MESSAGING_OPERATION_NAME: "process",
        Attribute.JOB_FUNCTION: function,
        Attribute.JOB_OUTCOME: outcome,
    }
    return _labels(_SYSTEM, labels, _on(queue), _failed(error_type))


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
        # Not among the instruments: they come and go with `configure_telemetry`.
        self.breakers: tuple[Callable[[], Iterable[BreakerState]], ...] = ()


_state = _State()
