import pytest

from app.bootstrap import Runtime
from app.candidates.records import file_of
from app.candidates.views import file_name, mask_name, view_run
from app.messages import Language
from app.pipeline.acceptance import accept, new_run
from app.pipeline.tables import RunRow, RunStatus, StageRow, StageStatus
from app.queue.envelope import Priority


@pytest.mark.parametrize(
    ("name", "masked"),
    [("김서연", "김**"), ("Jane Exampleton", "J***"), ("A", "A"), ("", ""), (None, None)],
)
def test_a_name_is_masked_to_its_first_letter(name: str | None, masked: str | None) -> None:
    assert mask_name(name) == masked


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("Jane Exampleton.PDF", "*.PDF"),
        ("이력서.윤가온 010-1234-5678", "*"),
        ("resume.jane", "*"),
        ("이력서", "*"),
    ],
)
async def test_of_a_file_name_only_the_ending_of_a_document_is_shown(
    runtime: Runtime, name: str, shown: str
) -> None:
    accepted = await runtime.intake.accept(name, b"one")
    async with runtime.database.begin() as session:
        run = await session.get_one(RunRow, accepted.run_id)
        file = await file_of(session, run.id)
        assert await file_name(session, runtime.keyring, run, file, reveal=False) == shown
        assert await file_name(session, runtime.keyring, run, file, reveal=True) == name


async def test_a_code_of_a_later_version_is_shown_without_a_sentence(runtime: Runtime) -> None:
    """While a new version is rolled out, or after it was taken back."""
    ended = new_run(runtime.keyring, runtime.tenant_id, "test", priority=Priority.BULK)
    ended.run.status, ended.run.code = RunStatus.FAILED, "CODE_TO_COME"
    async with runtime.database.begin() as session:
        await accept(session, ended, deadline_s=600)
        session.add(
            StageRow(
                run_id=ended.run.id,
                tenant_id=runtime.tenant_id,
                name="extract",
                attempt=1,
                status=StageStatus.FAILED,
                code="CODE_TO_COME",
            )
        )
        await session.flush()
        view = await view_run(
            session, runtime.keyring, ended.run, language=Language.ENGLISH, reveal=False
        )
    assert (view.code, view.message) == ("CODE_TO_COME", None)
    assert [(stage.code, stage.message) for stage in view.stages] == [("CODE_TO_COME", None)]
