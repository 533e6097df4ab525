"""One span and at most two measurements for a logical call; what happened inside it are events."""

import pytest
from opentelemetry.sdk.metrics.export import (
    HistogramDataPoint,
    InMemoryMetricReader,
    NumberDataPoint,
)

from app.errors import RetryableError
from app.resilience.breaker_config import BreakerConfig
from app.resilience.guards import CircuitBreaker
from app.resilience.policy import Policy
from app.resilience.retry import Retry
from app.telemetry import spans
from app.telemetry.conventions import Metric, SpanName
from app.telemetry.spans import RecordedSpan
from tests.resilience.calls import ATTEMPT, Failing, network_error, whole


def points(reader: InMemoryMetricReader) -> dict[str, list[dict[str, object]]]:
    """Labels of every measurement so far, by instrument."""
    data = reader.get_metrics_data()
    found: dict[str, list[dict[str, object]]] = {}
    for resource in data.resource_metrics if data else ():
        for scope in resource.scope_metrics:
            for metric in scope.metrics:
                for point in metric.data.data_points:
                    assert isinstance(point, HistogramDataPoint | NumberDataPoint)
                    found.setdefault(metric.name, []).append(dict(point.attributes or {}))
    return found


async def test_a_call_is_one_span_with_its_tries_as_events(traced: list[RecordedSpan]) -> None:
    policy = Policy(
        "model",
        Retry(tries=3),
        CircuitBreaker(name="model", config=BreakerConfig(minimum_calls=2, failure_percent=60)),
        ATTEMPT,
    )
    assert await policy.execute(Failing(network_error())) == "answer"
    (call,) = traced
    assert call.name == "call model"
    assert call.attributes == {"naru.call.outcome": "success", "naru.call.tries": 2}
    assert [event.name for event in call.events] == ["naru.retry.scheduled"]

    with pytest.raises(RetryableError):
        await policy.execute(Failing(*[network_error()] * 3))
    (_, failed) = traced
    assert outcome(failed) == "rejected"
    assert failed.attributes["error.type"] == "CIRCUIT_OPEN"
    changes = [event for event in failed.events if event.name == "naru.breaker.state_change"]
    assert [change.attributes["naru.breaker.to"] for change in changes] == ["open"]


def outcome(span: RecordedSpan) -> object:
    return span.attributes["naru.call.outcome"]


async def test_a_stage_that_is_its_own_span_gets_no_second_one(
    traced: list[RecordedSpan],
) -> None:
    policy = Policy("quiet", ATTEMPT, traced=False)
    with spans.span(SpanName.STAGE, "fetch"):
        await policy.execute(Failing())
    (stage,) = traced
    assert (stage.name, outcome(stage)) == ("stage fetch", "success")


async def test_a_call_takes_at_most_two_measurements_and_no_session_is_in_them(
    measured: InMemoryMetricReader,
) -> None:
    async def rules(error: Exception) -> str:
        return type(error).__name__

    policy = whole("dependency")
    await policy.execute(Failing(network_error()), key="session-77", fallbacks={"rules": rules})
    assert points(measured) == {
        Metric.CALL_DURATION: [{"naru.dependency": "dependency", "naru.call.outcome": "success"}],
        Metric.CALL_RETRIES: [{"naru.dependency": "dependency", "naru.call.outcome": "success"}],
    }


async def test_each_way_to_end_has_its_own_outcome(measured: InMemoryMetricReader) -> None:
    async def rules(error: Exception) -> str:
        return type(error).__name__

    policy = whole("ends", tries=1)
    await policy.execute(Failing(), fallbacks={"rules": rules})
    await policy.execute(Failing(network_error()), fallbacks={"rules": rules})
    plain = Policy("ends", ATTEMPT)
    for error in (network_error(), ZeroDivisionError()):
        with pytest.raises(type(error)):
            await plain.execute(Failing(error))
    labels = points(measured)[Metric.CALL_DURATION]
    assert {(label["naru.call.outcome"], label.get("error.type")) for label in labels} == {
        ("success", None),
        ("fallback", "NETWORK_ERROR"),
        ("failure", "NETWORK_ERROR"),
        ("failure", "WORKER_ERROR"),
    }
