"""Jobs that died, for tests of what becomes of them."""

from collections.abc import Sequence

from app.errors import ErrorCode
from app.queue import scripts
from app.queue.deadletters import DeadLetters, Letter
from app.queue.envelope import NewJob, Priority
from app.queue.producer import Producer
from app.settings.queue import QueueSettings

LETTER = Letter(
    function="embed",
    code=ErrorCode.LLM_TIMEOUT,
    error_type="RetryableError",
    text="The model did not answer in time. It is tried again.",
    tries=5,
    trace_id="a" * 32,
)


def a_job(job_id: str, *args: object, tenant: str = "acme", function: str = "embed") -> NewJob:
    return NewJob(
        function=function,
        args=args,
        job_id=job_id,
        priority=Priority.BULK,
        tenant=tenant,
        limit_key="model:m",
    )


async def kill(letters: DeadLetters, *ids: str, tenant: str = "acme") -> None:
    """Have these jobs dead, the last one newest."""
    for job_id in ids:
        await letters.add(a_job(job_id, job_id, tenant=tenant), LETTER)


async def bury(
    producer: Producer,
    job_id: str | bytes,
    *,
    payload: bytes = b"{}",
    entry: str = "2||",
    letter: str | None = None,
) -> None:
    """A letter with any content at all."""
    written = LETTER.model_dump_json() if letter is None else letter
    await scripts.run(
        producer,
        producer.queue_name,
        scripts.Call(scripts.BURY, (job_id, payload, entry, written, 60_000)),
    )


async def every_page(
    letters: DeadLetters, *, top_k: int, tenant: str | None = None
) -> list[Sequence[str]]:
    """The ids of all pages."""
    pages: list[Sequence[str]] = []
    cursor: str | None = None
    while True:
        page = await letters.page(top_k=top_k, cursor=cursor, tenant=tenant)
        pages.append([letter.id for letter in page.letters])
        cursor = page.next_cursor
        if cursor is None:
            return pages


def letters_of(producer: Producer, **changes: object) -> DeadLetters:
    return DeadLetters(producer, QueueSettings.model_validate(changes))
