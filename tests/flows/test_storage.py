"""Originals in S3, through a server that fails."""

import pytest

from app.bootstrap import Runtime, open_runtime
from app.demo.samples import SAMPLES
from app.errors import PermanentError
from app.messages import Message
from app.pipeline import records
from app.pipeline.tables import RunRow
from app.settings import Settings
from app.settings.groups import RetrySettings, StorageSettings
from tests.fakes.s3 import FaultyProxy, ProxyFault
from tests.flows.conftest import EndedRuns, working

pytestmark = [pytest.mark.flow, pytest.mark.timeout(90)]

SAMPLE = next(sample for sample in SAMPLES if sample.file == "ko-plain.txt")


@pytest.fixture
def in_s3(settings: Settings, faulty_bucket: StorageSettings) -> Settings:
    """Originals lie in a bucket behind the faulty proxy; a try may take half a second."""
    retry = RetrySettings(storage_timeout=0.5, embedding_base_wait=0.01, embedding_max_wait=0.05)
    queue = settings.queue.model_copy(update={"max_attempts": 2})
    return settings.model_copy(update={"storage": faulty_bucket, "retry": retry, "queue": queue})


async def result_of(runtime: Runtime, run: RunRow) -> None:
    """Wait until the queue has the end of the run's job too."""
    with pytest.raises(PermanentError):
        await runtime.producer.result(f"{run.id}:{run.attempt}", within_s=30)


@pytest.mark.parametrize("fault", ProxyFault)
async def test_a_store_that_fails_twice_costs_two_tries_of_one_stage(
    fault: ProxyFault, in_s3: Settings, faulty_s3: FaultyProxy, ended: EndedRuns
) -> None:
    async with open_runtime(in_s3) as runtime:
        accepted = await runtime.intake.accept(SAMPLE.file, SAMPLE.path.read_bytes())
        faulty_s3.fail(fault, times=2)
        async with working(runtime):
            (run,) = await ended([accepted.run_id])
        async with runtime.database.begin() as session:
            stages = {row.name: row for row in await records.stages(session, run.id)}
    assert (run.status, run.attempt) == ("succeeded", 1)
    assert (stages["fetch"].status, stages["fetch"].tries) == ("succeeded", 3)


async def test_a_store_that_stays_away_ends_the_run_with_its_code_after_all_tries(
    in_s3: Settings, faulty_s3: FaultyProxy, ended: EndedRuns
) -> None:
    async with open_runtime(in_s3) as runtime:
        accepted = await runtime.intake.accept(SAMPLE.file, SAMPLE.path.read_bytes())
        stored = len(faulty_s3.requests)
        faulty_s3.fail(ProxyFault.ERROR_500)
        async with working(runtime):
            (run,) = await ended([accepted.run_id])
    assert (run.status, run.code, run.attempt) == ("failed", "STORAGE_ERROR", 2)
    # Three tries in the first attempt and one in the second: tries do not multiply.
    assert len(faulty_s3.requests) - stored == 4


async def test_an_object_that_a_client_put_into_the_inbox_is_taken_over_sealed(
    in_s3: Settings, ended: EndedRuns
) -> None:
    async with open_runtime(in_s3) as runtime:
        await runtime.blobs.put("inbox/cv.txt", SAMPLE.path.read_bytes())
        accepted = await runtime.intake.accept_object("inbox/cv.txt")
        async with working(runtime):
            (run,) = await ended([accepted.run_id])
        sealed = await runtime.blobs.get(f"originals/{runtime.tenant_id}/{run.id}")
    assert run.status == "succeeded"
    assert SAMPLE.path.read_bytes()[:20] not in sealed


async def test_an_object_that_is_not_there_is_the_clients_mistake_and_no_dead_job(
    in_s3: Settings, ended: EndedRuns
) -> None:
    async with open_runtime(in_s3) as runtime:
        accepted = await runtime.intake.accept_object("inbox/nothing.pdf")
        async with working(runtime):
            (run,) = await ended([accepted.run_id])
            await result_of(runtime, run)
        letters = (await runtime.dead_letters.page(top_k=10)).letters
    assert (run.status, run.code, run.tries) == ("failed", "INVALID_FILE", 1)
    assert run.message == Message.STORED_FILE_MISSING.name
    assert letters == ()


async def test_an_original_that_we_have_lost_is_a_dead_job(
    in_s3: Settings, ended: EndedRuns
) -> None:
    async with open_runtime(in_s3) as runtime:
        accepted = await runtime.intake.accept(SAMPLE.file, SAMPLE.path.read_bytes())
        await runtime.blobs.delete(f"originals/{runtime.tenant_id}/{accepted.run_id}")
        async with working(runtime):
            (run,) = await ended([accepted.run_id])
            await result_of(runtime, run)
        letters = (await runtime.dead_letters.page(top_k=10)).letters
    assert (run.status, run.code) == ("failed", "NOT_FOUND")
    assert [letter.code for letter in letters] == ["NOT_FOUND"]
