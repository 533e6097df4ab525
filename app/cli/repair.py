"""Repair partial runs, and vectors of other models."""

from uuid import UUID

from pydantic import BaseModel

from app.candidates.repair import Repairs
from app.candidates.views import sentence
from app.cli.ingest import follow, some_worker
from app.cli.render import Progress, console, print_json
from app.cli.running import Exit
from app.cli.serving import connected
from app.pipeline import records
from app.pipeline.tables import RunStatus
from app.settings import Settings

_GOOD = (RunStatus.SUCCEEDED, RunStatus.PARTIAL)


class RepairView(BaseModel):
    """`run_id` is the run that repairs, `repaired_run_id` the one it was for.

    `repaired` are the stages that were done again, `lacking` the codes of what failed again;
    `candidates` counts those that got new vectors.
    """

    run_id: UUID
    repaired_run_id: UUID | None
    status: RunStatus
    code: str | None
    message: str | None
    repaired: list[str]
    lacking: list[str]
    candidates: int | None


class RepairReport(BaseModel):
    """What `repair --json` prints."""

    repairs: list[RepairView]

    @property
    def exit_code(self) -> Exit:
        """1 when something is still lacking."""
        whole = all(each.status is RunStatus.SUCCEEDED for each in self.repairs)
        return Exit.OK if whole else Exit.SOME_FAILED


async def run_repair(
    settings: Settings, run_id: UUID | None, *, embeddings: bool, as_json: bool
) -> Exit:
    """The `repair` command; without an id and `embeddings`, every partial run."""
    async with connected(settings) as runtime, some_worker(runtime):
        repairs: Repairs = runtime.repairs
        if run_id is not None:
            asked = [(await repairs.ask(run_id)).run.id]
        elif embeddings:
            asked = [run.id for run in await repairs.ask_embeddings(runtime.embedder.model)]
        else:
            asked = [each.run.id for each in await repairs.ask_all()]
        with Progress(visible=not as_json) as progress:
            for each in asked:
                progress.add(each, str(each))
            await follow(runtime, asked, progress, once=False)
        async with runtime.database.begin() as session:
            found = [await records.find(session, runtime.tenant_id, each) for each in asked]
    report = RepairReport(
        repairs=[
            RepairView(
                run_id=run.id,
                repaired_run_id=run.input.get("run_id"),
                status=RunStatus(run.status),
                code=run.code,
                message=sentence(run, settings.ui.language),
                repaired=(run.result or {}).get("repaired", []),
                lacking=run.partial_codes,
                candidates=(run.result or {}).get("candidates"),
            )
            for run in found
            if run is not None
        ]
    )
    if as_json:
        print_json(report)
    else:
        _print(report, embeddings=embeddings)
    return report.exit_code


def _print(report: RepairReport, *, embeddings: bool) -> None:
    if not report.repairs:
        nothing = "No vectors are of another model." if embeddings else "No run can be repaired."
        console().print(nothing)
    elif embeddings:
        count = sum(each.candidates or 0 for each in report.repairs)
        failed = sum(each.status not in _GOOD for each in report.repairs)
        console().print(f"{count} candidates have new vectors; {failed} runs failed.")
    else:
        for each in report.repairs:
            console().print(_line(each), markup=False)


def _line(repair: RepairView) -> str:
    done = f"repaired: {', '.join(repair.repaired)}" if repair.repaired else "nothing repaired"
    lacking = f"; still {', '.join(repair.lacking)}" if repair.lacking else ""
    told = f" {repair.message}" if repair.message else ""
    return f"{repair.repaired_run_id}  {done}{lacking}.{told}"
