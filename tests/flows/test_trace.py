"""One trace from the request to the last stage, joined across the queue (R34)."""

from uuid import UUID

import httpx
import pytest

from app.api.app import create_app
from app.bootstrap import Runtime, api_keys
from app.demo.samples import SAMPLES
from app.telemetry import configure_telemetry
from app.telemetry.conventions import Attribute
from tests.fakes.collector import Collector
from tests.flows.conftest import EndedRuns, working

pytestmark = [pytest.mark.flow, pytest.mark.timeout(60)]

SAMPLE = next(sample for sample in SAMPLES if sample.file == "ko-one-column.pdf")


async def test_request_job_and_stages_are_one_trace_without_anything_personal(
    runtime: Runtime, collector: Collector, ended: EndedRuns
) -> None:
    settings = runtime.settings.model_copy(
        update={"otel_exporter_otlp_endpoint": collector.endpoint}
    )
    (key,) = api_keys(settings)
    # Leaving the block sends what is left; it may, since nothing else runs on this loop then.
    with configure_telemetry(settings, role="up"):
        transport = httpx.ASGITransport(create_app(runtime))
        async with (
            httpx.AsyncClient(transport=transport, base_url="http://naru") as client,
            working(runtime),
        ):
            reply = await client.post(
                "/v1/resumes",
                files={"file": (f"{SAMPLE.name}.pdf", SAMPLE.path.read_bytes())},
                headers={"Authorization": f"Bearer {key}"},
            )
            (run,) = await ended([UUID(reply.json()["run_id"])])
    assert run.status == "succeeded"

    request = collector.spans["POST /v1/resumes"].raw
    # Beside it, the worker may have begun what the clock asks for, in traces of their own.
    in_trace = [span for span in collector.received if span.raw.trace_id == request.trace_id]
    of_run = [
        each for each in collector.received if each.attributes.get(Attribute.RUN_ID) == str(run.id)
    ]
    assert of_run
    assert all(span in in_trace for span in of_run)
    spans = {span.raw.name: span.raw for span in in_trace}
    by_id = {span.raw.span_id: span.raw for span in in_trace}
    process = by_id[spans["stage fetch"].parent_span_id]
    sent = by_id[process.parent_span_id]
    stages = {name for name in spans if name.startswith("stage ")}
    assert (process.name, sent.name) == ("process arq:queue", "send arq:queue")
    assert sent.parent_span_id == request.span_id
    assert process.parent_span_id == sent.span_id
    assert [link.span_id for link in process.links] == [sent.span_id]
    assert stages == {
        "stage fetch", "stage extract", "stage identity", "stage analyze", "stage protect",
        "stage chunk", "stage embed", "stage thumbnail", "stage save",
    }  # fmt: skip
    assert all(spans[name].parent_span_id == process.span_id for name in stages)
    assert spans["embeddings naru-scripted-1"].parent_span_id == spans["stage embed"].span_id

    everything = b"".join(collector.bodies)
    for canary in (SAMPLE.name, *SAMPLE.emails, *SAMPLE.phones, SAMPLE.phrase):
        assert str(canary).encode() not in everything
