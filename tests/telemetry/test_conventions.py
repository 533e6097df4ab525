"""Our names against the published lists."""

from importlib import import_module

import pytest

from app.telemetry.conventions import Attribute, EventName, Metric, SpanName

# Loaded by name: the package has no types for its unstable half.
_LISTS = "opentelemetry.semconv._incubating"
ATTRIBUTE_LISTS = tuple(
    import_module(f"{_LISTS}.attributes.{group}_attributes")
    for group in (
        *("deployment", "error", "exception", "gen_ai", "http", "messaging"),
        *("server", "service", "url"),
    )
)
METRIC_LISTS = tuple(
    import_module(name)
    for name in (
        f"{_LISTS}.metrics.gen_ai_metrics",
        f"{_LISTS}.metrics.messaging_metrics",
        "opentelemetry.semconv.metrics.http_metrics",
    )
)

PUBLISHED_ATTRIBUTES = {
    value for module in ATTRIBUTE_LISTS for value in vars(module).values() if isinstance(value, str)
}
PUBLISHED_METRICS = {
    value for module in METRIC_LISTS for value in vars(module).values() if isinstance(value, str)
}


@pytest.mark.parametrize("name", [name for name in Attribute if not name.startswith("naru.")])
def test_an_attribute_outside_our_prefix_is_a_published_one(name: Attribute) -> None:
    assert name.value in PUBLISHED_ATTRIBUTES


@pytest.mark.parametrize("name", [name for name in Metric if not name.startswith("naru.")])
def test_a_metric_outside_our_prefix_is_a_published_one(name: Metric) -> None:
    assert name.value in PUBLISHED_METRICS


def test_spans_are_named_as_the_messaging_and_model_conventions_say() -> None:
    lists = (
        import_module(f"{_LISTS}.attributes.messaging_attributes").MessagingOperationTypeValues,
        import_module(f"{_LISTS}.attributes.gen_ai_attributes").GenAiOperationNameValues,
    )
    operations = {operation.value for published in lists for operation in published}

    unpublished = {name.value for name in SpanName} - operations

    assert unpublished == {"stage", "call", "http"}


def test_events_of_our_own_carry_our_prefix() -> None:
    assert {name.value for name in EventName if not name.startswith("naru.")} == {"exception"}
