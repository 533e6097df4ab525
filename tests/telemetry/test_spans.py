"""Spans as a collector receives them."""

import asyncio

import pytest
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from app.errors import ErrorCode, PermanentError
from app.settings import Settings, load_settings
from app.telemetry import configure_telemetry
from app.telemetry.conventions import Attribute, EventName, SpanName
from app.telemetry.spans import (
    SpanKind,
    current_span,
    current_trace_id,
    current_traceparent,
    span,
)
from tests.fakes.collector import Collector

REMOTE = f"00-{'a' * 32}-{'b' * 16}-01"
CANARY = "gildong.canary@example.com"


@pytest.fixture
def settings(collector: Collector) -> Settings:
    return load_settings(otel_exporter_otlp_endpoint=collector.endpoint)


def test_a_span_carries_its_name_kind_and_attributes(
    collector: Collector, settings: Settings
) -> None:
    with (
        configure_telemetry(settings, role="worker"),
        span(
            SpanName.CHAT,
            "gpt-5-mini",
            kind=SpanKind.CLIENT,
            attributes={Attribute.GEN_AI_RESPONSE_FINISH_REASONS: ["stop"]},
        ) as active,
    ):
        active.set(Attribute.GEN_AI_USAGE_INPUT_TOKENS, 12)
        active.event(EventName.RETRY_SCHEDULED, {Attribute.RETRY_DELAY: 1.5})

    sent = collector.spans["chat gpt-5-mini"]
    assert sent.raw.kind == Span.SPAN_KIND_CLIENT
    assert sent.raw.status.code == Status.STATUS_CODE_UNSET
    assert sent.attributes == {
        "gen_ai.response.finish_reasons": ["stop"],
        "gen_ai.usage.input_tokens": 12,
    }
    assert [event.name for event in sent.raw.events] == ["naru.retry.scheduled"]
    assert not sent.raw.parent_span_id


@pytest.mark.parametrize(
    ("name", "target", "title"),
    [
        (SpanName.STAGE, "embed", "stage embed"),
        (SpanName.STAGE, "", "stage"),
        (SpanName.HTTP, "POST /v1/resumes", "POST /v1/resumes"),
    ],
)
def test_a_span_is_named_by_operation_and_target(
    collector: Collector, settings: Settings, name: SpanName, target: str, title: str
) -> None:
    with configure_telemetry(settings, role="api"), span(name, target):
        pass

    assert set(collector.spans) == {title}


def test_a_span_can_get_its_name_when_the_route_is_known(
    collector: Collector, settings: Settings
) -> None:
    with configure_telemetry(settings, role="api"), span(SpanName.HTTP, "GET") as active:
        active.rename("GET /v1/runs/{id}")

    assert set(collector.spans) == {"GET /v1/runs/{id}"}


def test_two_processes_share_one_trace_through_a_traceparent(
    collector: Collector, settings: Settings
) -> None:
    with (
        configure_telemetry(settings, role="api"),
        span(SpanName.HTTP, "POST /v1/resumes", kind=SpanKind.SERVER),
        span(SpanName.SEND, "arq:queue", kind=SpanKind.PRODUCER) as sending,
    ):
        carried = sending.traceparent
        assert carried == current_traceparent()

    with (
        configure_telemetry(settings, role="worker"),
        span(SpanName.PROCESS, "arq:queue", kind=SpanKind.CONSUMER, parent=carried, link=carried),
        span(SpanName.STAGE, "extract"),
    ):
        pass

    request, send, process, stage = (
        collector.spans[name]
        for name in ("POST /v1/resumes", "send arq:queue", "process arq:queue", "stage extract")
    )
    assert len({one.raw.trace_id for one in (request, send, process, stage)}) == 1
    assert send.raw.parent_span_id == request.raw.span_id
    assert process.raw.parent_span_id == send.raw.span_id
    assert stage.raw.parent_span_id == process.raw.span_id
    assert [linked.span_id for linked in process.raw.links] == [send.raw.span_id]
    assert (request.service, process.service) == ("naru-api", "naru-worker")
    assert (send.raw.kind, process.raw.kind) == (
        Span.SPAN_KIND_PRODUCER,
        Span.SPAN_KIND_CONSUMER,
    )


def test_a_link_without_parent_starts_a_trace_of_its_own(
    collector: Collector, settings: Settings
) -> None:
    with configure_telemetry(settings, role="worker"), span(SpanName.PROCESS, "q", link=REMOTE):
        pass

    sent = collector.spans["process q"]
    assert sent.raw.trace_id.hex() != "a" * 32
    assert [linked.trace_id.hex() for linked in sent.raw.links] == ["a" * 32]


@pytest.mark.parametrize(
    "traceparent",
    [
        "",
        "garbage",
        "한글",
        "00-0-0-01",
        "00-" + "a" * 600,
        f"00-{'0' * 32}-{'b' * 16}-01",
        f"ff-{'a' * 32}-{'b' * 16}-01",
    ],
)
def test_an_unreadable_traceparent_is_ignored(
    collector: Collector, settings: Settings, traceparent: str
) -> None:
    with (
        configure_telemetry(settings, role="worker"),
        span(SpanName.PROCESS, "q", parent=REMOTE),
        span(SpanName.STAGE, "extract", parent=traceparent, link=traceparent),
    ):
        pass

    stage = collector.spans["stage extract"]
    assert stage.raw.parent_span_id == collector.spans["process q"].raw.span_id
    assert not stage.raw.links


def test_a_named_failure_marks_the_span_with_its_code(
    collector: Collector, settings: Settings
) -> None:
    with (
        configure_telemetry(settings, role="worker"),
        pytest.raises(PermanentError),
        span(SpanName.STAGE, "extract"),
    ):
        raise PermanentError(ErrorCode.INVALID_FILE)

    sent = collector.spans["stage extract"]
    assert sent.attributes["error.type"] == "INVALID_FILE"
    assert sent.raw.status.code == Status.STATUS_CODE_ERROR


def test_a_foreign_failure_leaves_its_class_and_none_of_its_text(
    collector: Collector, settings: Settings
) -> None:
    with (
        configure_telemetry(settings, role="worker"),
        pytest.raises(LookupError),
        span(SpanName.STAGE, "extract"),
    ):
        raise LookupError(CANARY) from ValueError(CANARY)

    sent = collector.spans["stage extract"]
    assert sent.attributes["error.type"] == "LookupError"
    assert sent.raw.status.message == ""
    (event,) = sent.raw.events
    assert {pair.key: pair.value.string_value for pair in event.attributes} == {
        "exception.type": "LookupError"
    }
    assert not any(CANARY.encode() in body for body in collector.bodies)


def test_a_failure_can_be_told_without_an_exception(
    collector: Collector, settings: Settings
) -> None:
    with configure_telemetry(settings, role="worker"), span(SpanName.CHAT, "m"):
        current_span().fail("circuit_open")

    sent = collector.spans["chat m"]
    assert sent.attributes["error.type"] == "circuit_open"
    assert sent.raw.status.code == Status.STATUS_CODE_ERROR


async def test_a_cancelled_task_is_no_failure(collector: Collector, settings: Settings) -> None:
    started = asyncio.Event()

    async def work() -> None:
        with span(SpanName.STAGE, "embed"):
            started.set()
            await asyncio.Event().wait()

    with configure_telemetry(settings, role="worker"):
        task = asyncio.create_task(work())
        await started.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    sent = collector.spans["stage embed"]
    assert sent.raw.status.code == Status.STATUS_CODE_UNSET
    assert "error.type" not in sent.attributes


async def test_stages_side_by_side_stand_below_the_same_span(
    collector: Collector, settings: Settings
) -> None:
    async def stage(name: str) -> None:
        with span(SpanName.STAGE, name):
            await asyncio.sleep(0)

    with (
        configure_telemetry(settings, role="worker"),
        span(SpanName.PROCESS, "q", parent=REMOTE) as process,
    ):
        async with asyncio.TaskGroup() as group:
            group.create_task(stage("thumbnail"))
            group.create_task(stage("embed"))
        assert current_traceparent() == process.traceparent

    parent = collector.spans["process q"].raw.span_id
    assert collector.spans["stage thumbnail"].raw.parent_span_id == parent
    assert collector.spans["stage embed"].raw.parent_span_id == parent


def test_without_configuration_spans_record_nothing_and_hand_a_parent_on() -> None:
    with span(SpanName.STAGE, "extract") as alone:
        assert alone.traceparent is None
        assert current_traceparent() is None
        assert current_trace_id() is None

    with span(SpanName.PROCESS, "q", parent=REMOTE) as carried:
        carried.set(Attribute.JOB_ATTEMPT, 1)
        assert carried.traceparent == REMOTE


def test_every_kind_has_its_own_value_on_the_wire(collector: Collector, settings: Settings) -> None:
    with configure_telemetry(settings, role="up"):
        for kind in SpanKind:
            with span(SpanName.STAGE, kind.name, kind=kind):
                pass

    assert {
        name.removeprefix("stage "): Span.SpanKind.Name(sent.raw.kind)
        for name, sent in collector.spans.items()
    } == {kind.name: f"SPAN_KIND_{kind.name}" for kind in SpanKind}
