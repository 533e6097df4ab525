"""Run: what a flow is given to execute its stages."""

from collections.abc import Awaitable, Callable, Mapping
from contextlib import nullcontext
from dataclasses import dataclass, field
from functools import partial
from typing import Concatenate, ParamSpec, TypeVar, cast
from uuid import UUID

from pydantic import TypeAdapter
from sqlalchemy.ext.asyncio import AsyncSession

from app.errors import ErrorCode, RetryableError, WorkerError
from app.modelchain import ModelChain
from app.pipeline import fencing, records, stage_records
from app.pipeline.after import After
from app.pipeline.stage import Stage
from app.pipeline.stage_records import ANSWER_VERSION, StageEnd
from app.pipeline.tables import RunId, RunRow, StageStatus
from app.queue.events import StageEvent, Tell, tell_nobody
from app.resilience.clock import Clock
from app.resilience.fallback import NEVER_ABSORBED
from app.resilience.guards import AttemptTimeout
from app.resilience.layers import Status
from app.resilience.policies import FallbackName, Policies
from app.resilience.spending import Purse, Spend
from app.store.crypto import DataKey, Place
from app.store.database import Database
from app.store.keys import TenantId
from app.telemetry.conventions import Attribute, SpanName
from app.telemetry.logs import get_logger
from app.telemetry.metrics import record_stage
from app.telemetry.spans import ActiveSpan, AttributeValue, span

P = ParamSpec("P")
T = TypeVar("T")

log = get_logger(__name__)

_SHOWN_AFTER_S = 1.0
"""A stage that takes longer is seen to be under way; of a shorter one only the end is written."""


@dataclass(slots=True, kw_only=True, eq=False)
class Run:
    """One attempt of a run, at work. Safe for concurrent stages of one flow.

    Every result is saved, encrypted, before the flow sees it. A stage that an earlier attempt
    finished is not executed again: its saved result is returned. A commit after the fence was
    raised fails with LEASE_LOST. `spent` are the tries per stage that earlier attempts made; `tell`
    is called when a stage begins, and once PostgreSQL knows that it has ended.
    """

    row: RunRow
    key: DataKey
    database: Database
    policies: Policies
    clock: Clock
    saved: dict[tuple[str, str, int], str]
    spent: Mapping[str, int] = field(default_factory=dict[str, int])
    partial_codes: list[ErrorCode] = field(default_factory=list[ErrorCode])
    tell: Tell = tell_nobody
    _purse: Purse | None = field(default=None, init=False)

    @property
    def id(self) -> RunId:
        return RunId(self.row.id)

    @property
    def tenant_id(self) -> TenantId:
        return TenantId(self.row.tenant_id)

    async def need(self, stage: Stage[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """The stage's result; its error ends or postpones the run."""
        if (sealed := self.saved.get((stage.name, "", stage.version))) is not None:
            return self._open(stage.result, sealed, stage.name, "")
        return await self._execute(
            stage,
            partial(stage.call, *args, **kwargs),
            {
                name: partial(fallback, *args, **kwargs)
                for name, fallback in stage.fallbacks.items()
            },
        )

    async def want(self, stage: Stage[P, T], *args: P.args, **kwargs: P.kwargs) -> T | None:
        """The stage's result, or None: its partial code is then recorded and the run goes on."""
        try:
            return await self.need(stage, *args, **kwargs)
        except WorkerError as error:
            if stage.partial is None or error.code in NEVER_ABSORBED:
                raise
            if stage.partial not in self.partial_codes:
                self.partial_codes.append(stage.partial)
            return None

    async def commit(
        self,
        stage: Stage[Concatenate[AsyncSession, P], T],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> T:
        """A stage that writes: what it does with its session commits together with its checkpoint.

        So it happens once, whatever dies when. Of the stage's policy, the time limit of one attempt
        holds: what is cut off then may have committed, so that is DB_CONNECTION, and a later attempt
        finds out.
        """
        if (sealed := self.saved.get((stage.name, "", stage.version))) is not None:
            return self._open(stage.result, sealed, stage.name, "")

        limit = self.policies[stage.policy].layer(AttemptTimeout)

        async def write() -> T:
            async with self.database.begin(within_s=limit and limit.timeout_s) as session:
                await fencing.hold(session, self.id, self.row.attempt)
                result = await stage.call(session, *args, **kwargs)
                sealed = self._seal(stage.result, result, stage.name, "")
                how = self._end(stage, began_s, StageStatus.SUCCEEDED, sealed=sealed)
                await stage_records.end_stage(session, self.row, how)
            self._tell(stage.name, StageStatus.SUCCEEDED)
            return result

        began_s = self.clock.monotonic()
        return await self._measured(stage, write, began_s)

    async def skip(self, name: str) -> None:
        """Record that a stage does not apply to this run."""
        async with self.database.autocommit() as connection:
            how = StageEnd(name=name, status=StageStatus.SKIPPED)
            await stage_records.end_stage(connection, self.row, how)
        self._tell(name, StageStatus.SKIPPED)

    async def once(
        self, stage: str, item: str, result: TypeAdapter[T], call: Callable[[], Awaitable[T]]
    ) -> T:
        """Save an answer that costs money before it is used; a later attempt gets the saved one.

        `item` tells the answers of one stage apart, for example by a hash of the prompt. What was
        paid from the purse for it is saved with it: both are there, or neither.
        """
        if (sealed := self.saved.get((stage, item, ANSWER_VERSION))) is not None:
            return self._open(result, sealed, stage, item)
        answer = await call()
        sealed = self._seal(result, answer, stage, item)
        with self._purse.saving() if self._purse else nullcontext(()) as paid:
            async with self.database.autocommit() as connection:
                await stage_records.save_answer(connection, self.row, stage, item, sealed, paid)
        self.saved[stage, item, ANSWER_VERSION] = sealed
        return answer

    async def purse(self, models: ModelChain) -> Purse:
        """What all attempts of the run have spent on models, and what it may still spend.

        There is one for all stages of an attempt.
        """
        if self._purse is None:
            bills: list[records.Bill] = []
            if self.row.attempt > 1:
                async with self.database.autocommit() as connection:
                    bills = await records.bills(connection, self.id)
            # Another stage may have asked in the meantime, and spent.
            if self._purse is None:
                self._purse = models.purse(sum((bill.spend for bill in bills), start=Spend()))
        return self._purse

    async def _execute(
        self,
        stage: Stage[P, T],
        call: Callable[[], Awaitable[T]],
        fallbacks: Mapping[FallbackName, Callable[[], Awaitable[T]]],
    ) -> T:
        policy = self.policies[stage.policy]
        tries = 0

        async def counted() -> T:
            nonlocal tries
            tries += 1
            return await call()

        def answering(
            fallback: Callable[[], Awaitable[T]],
        ) -> Callable[[WorkerError], Awaitable[T]]:
            return lambda _: fallback()

        async def work() -> T:
            outcome = await policy.outcome(
                counted,
                fallbacks={name: answering(fallback) for name, fallback in fallbacks.items()},
                spent=self.spent.get(stage.name, 0),
            )
            if outcome.status is Status.FAILED and outcome.error is not None:
                raise outcome.error  # `need` and `want` decide what becomes of it
            result = cast(T, outcome.value)
            status = StageStatus(outcome.status)
            sealed = self._seal(stage.result, result, stage.name, "")
            # Why it fell back, if it did: an operator asks.
            code = outcome.error.code if outcome.error else None
            how = self._end(stage, began_s, status, sealed=sealed, tries=tries, code=code)
            async with self.database.autocommit() as connection:
                await stage_records.end_stage(connection, self.row, how)
            self._tell(stage.name, status, code)
            return result

        began_s = self.clock.monotonic()
        return await self._measured(stage, work, began_s, lambda: tries)

    async def _measured(
        self,
        stage: Stage[..., T],
        work: Callable[[], Awaitable[T]],
        began_s: float,
        tries: Callable[[], int] = lambda: 1,
    ) -> T:
        attributes: dict[str, AttributeValue] = {
            Attribute.STAGE_NAME: stage.name,
            Attribute.STAGE_ATTEMPT: self.row.attempt,
        }
        status: str = StageStatus.SUCCEEDED
        with span(SpanName.STAGE, stage.name, attributes=attributes) as active:
            begun = After(_SHOWN_AFTER_S, partial(self._show, stage.name, began_s))
            self._tell(stage.name, StageStatus.RUNNING)
            try:
                return await work()
            except WorkerError as error:
                status = StageStatus.FAILED
                await self._fail(stage, error, began_s, _tries(error, tries()), active)
                raise
            finally:
                record_stage(stage.name, status, self.clock.monotonic() - began_s)
                await begun.settled()

    async def _show(self, name: str, began_s: float) -> None:
        """Let others see that the stage is under way: not needed to carry it through."""
        try:
            async with self.database.autocommit() as connection:
                ago_s = self.clock.monotonic() - began_s
                await stage_records.start_stage(connection, self.row, name, ago_s=ago_s)
        except RetryableError as error:
            log.warning("stage_not_shown", stage=name, code=error.code)

    async def _fail(
        self,
        stage: Stage[..., T],
        error: WorkerError,
        began_s: float,
        tries: int,
        active: ActiveSpan,
    ) -> None:
        active.fail(error.code)
        log.warning("stage_failed", stage=stage.name, code=error.code, tries=tries)
        if error.code in (ErrorCode.LEASE_LOST, ErrorCode.DB_CONNECTION):
            return  # nothing of this attempt can be written any more
        absorbed = stage.partial is not None and error.code not in NEVER_ABSORBED
        status = StageStatus.PARTIAL if absorbed else StageStatus.FAILED
        how = self._end(stage, began_s, status, code=error.code, tries=tries)
        async with self.database.autocommit() as connection:
            await stage_records.end_stage(connection, self.row, how)
        self._tell(stage.name, status, error.code)

    def _tell(self, stage: str, status: StageStatus, code: ErrorCode | None = None) -> None:
        told = StageEvent(stage=stage, status=status, attempt=self.row.attempt, code=code)
        self.tell(self.id, told)

    def _end(
        self,
        stage: Stage[..., T],
        began_s: float,
        status: StageStatus,
        *,
        sealed: str | None = None,
        tries: int = 1,
        code: ErrorCode | None = None,
    ) -> StageEnd:
        return StageEnd(
            name=stage.name,
            status=status,
            ago_s=self.clock.monotonic() - began_s,
            code=code,
            tries=tries,
            version=stage.version,
            sealed=sealed,
        )

    # On the loop: a page of text takes 50 µs, and to change threads takes longer.
    def _seal(self, adapter: TypeAdapter[T], value: T, stage: str, item: str) -> str:
        return self.key.seal(adapter.dump_json(value).decode(), self._place(stage, item))

    def _open(self, adapter: TypeAdapter[T], sealed: str, stage: str, item: str) -> T:
        return adapter.validate_json(self.key.open(sealed, self._place(stage, item)))

    def _place(self, stage: str, item: str) -> Place:
        return Place(table="checkpoints", column="value", row=f"{self.id}/{stage}/{item}")


def _tries(error: WorkerError, counted: int) -> int:
    """How often the dependency was called; a policy inside the stage may have tried again."""
    told = error.details.get("tries")
    return max(counted, told) if isinstance(told, int) else counted


def private_place(run_id: UUID) -> Place:
    """Where the personal part of a failure's details is sealed to."""
    return Place(table="runs", column="private", row=str(run_id))
