"""Jobs that died: seen, run again, forgotten."""

import asyncio
import hashlib
from collections.abc import Awaitable
from typing import Any

import pytest

from app.errors import ErrorCode, PermanentError
from app.queue import scripts
from app.queue.deadletters import DeadLetters, Retried
from app.queue.envelope import NewJob, Priority
from app.queue.producer import Producer
from app.store.redis import RedisPool
from tests.queue.fleet import HOUR_S, Workshop, job, keys_of, patient, until, working
from tests.queue.letters import LETTER, a_job, bury, every_page, kill, letters_of


@pytest.fixture
def letters(producer: Producer) -> DeadLetters:
    return letters_of(producer)


async def all_end(producer: Producer, *functions: Any) -> None:
    """Wait until the queue is empty: all jobs have ended, one way or the other."""

    async def is_empty() -> bool:
        return not await producer.zcard(producer.queue_name)

    async with working(producer, *functions):
        await until(is_empty)


async def test_a_job_that_fails_for_good_is_kept_with_all_that_an_operator_asks(
    producer: Producer, letters: DeadLetters
) -> None:
    async def embed(ctx: dict[Any, Any], run_id: str, **named: object) -> None:
        del ctx, run_id, named
        raise PermanentError(ErrorCode.INVALID_FILE)

    sent = NewJob(
        function="embed",
        args=("run-1",),
        kwargs={"attempt": 3, "of": ["a@b.example", {"k": None}]},
        job_id="run-1:3",
        priority=Priority.CHAT,
        tenant="acme",
        limit_key="model:m",
    )
    await producer.enqueue(sent)
    await all_end(producer, job(embed, "embed"))

    (shown,) = (await letters.page()).letters
    assert (shown.id, shown.function, shown.code, shown.tries) == (
        "run-1:3", "embed", "INVALID_FILE", 1,
    )  # fmt: skip
    assert (shown.tenant, shown.priority, shown.limit_key) == ("acme", Priority.CHAT, "model:m")
    assert shown.text == str(PermanentError(ErrorCode.INVALID_FILE))
    assert shown.error_type == "PermanentError"
    details = await letters.get("run-1:3")
    assert details.args == ("run-1",)
    # What is no id is told by its length alone: it may be a name.
    assert details.kwargs == {"attempt": 3, "of": ["(11 characters)", {"k": None}]}
    assert details.died_at == shown.died_at
    assert details.enqueued_at is not None


async def test_what_cannot_be_read_is_told_by_size_and_hash(
    producer: Producer, letters: DeadLetters
) -> None:
    raw = b"\x80\x04 Hong Gildong, 010-1234-5678"
    await producer.set("arq:job:odd", raw)
    await producer.zadd(producer.queue_name, {"odd": 1})
    await all_end(producer, Workshop().carry)

    shown = await letters.get("odd")
    assert (shown.function, shown.args, shown.kwargs) == (None, None, None)
    assert shown.payload_bytes == len(raw)
    assert shown.payload_sha256 == hashlib.sha256(raw).hexdigest()
    assert "Hong" not in shown.model_dump_json()
    assert "cannot be decoded" in shown.text


async def test_a_job_that_does_not_even_begin_names_the_trace_that_sent_it(
    producer: Producer, letters: DeadLetters
) -> None:
    sent = NewJob(function="nobody", job_id="j", traceparent=f"00-{'a' * 32}-{'b' * 16}-01")
    await producer.enqueue(sent)
    await all_end(producer, Workshop().carry)
    shown = await letters.get("j")
    assert (shown.function, shown.trace_id) == ("nobody", "a" * 32)
    assert "no worker has this function" in shown.text


@pytest.mark.parametrize("written", ["", "not json", "[]", '{"code": "CODE_OF_TOMORROW"}'])
async def test_a_letter_of_another_version_is_listed_too(
    producer: Producer, letters: DeadLetters, written: str
) -> None:
    await bury(producer, "odd", letter=written, entry="none of ours")
    (shown,) = (await letters.page()).letters
    assert (shown.id, shown.tenant, shown.priority) == ("odd", "", Priority.INGESTION)
    assert shown.code == ("CODE_OF_TOMORROW" if "CODE" in written else "WORKER_ERROR")
    assert await letters.retry("odd") is Retried.QUEUED


async def test_pages_hold_each_letter_once_the_newest_first(
    producer: Producer, letters: DeadLetters
) -> None:
    await kill(letters, *(f"job-{number}" for number in range(7)))
    # Told in one call, these died at the same millisecond; their order is that of their bytes.
    tied = ["a-b", "aZ", "a", "B", "aa", "가", "é"]
    calls = [
        scripts.Call(scripts.BURY, (job_id, b"{}", "2||", LETTER.model_dump_json(), 60_000))
        for job_id in tied
    ]
    await scripts.run(producer, producer.queue_name, *calls)
    at = 4_000_000_000_000
    await producer.zadd(f"{producer.queue_name}:dead", dict.fromkeys(tied, at))

    in_order = sorted(tied, key=str.encode, reverse=True) + [f"job-{n}" for n in range(6, -1, -1)]
    for top_k in (1, 2, 3, 5, 14, 15):
        pages = await every_page(letters, top_k=top_k)
        assert [each for page in pages for each in page] == in_order
        assert {len(page) for page in pages[:-1]} <= {top_k}
        assert pages[-1]


async def test_the_list_lets_go_of_letters_whose_time_is_over_with_the_next_one(
    producer: Producer, letters: DeadLetters
) -> None:
    await producer.zadd(f"{producer.queue_name}:dead", {"old": 1})
    await kill(letters, "new")
    assert await producer.zcard(f"{producer.queue_name}:dead") == 1


async def test_a_page_goes_on_after_the_letter_that_ended_the_last_one_was_purged(
    letters: DeadLetters,
) -> None:
    await kill(letters, "1", "2", "3", "4")
    page = await letters.page(top_k=2)
    await letters.purge("3")
    await kill(letters, "5")
    rest = await letters.page(top_k=2, cursor=page.next_cursor)
    assert [letter.id for letter in rest.letters] == ["2", "1"]
    assert rest.next_cursor is None


@pytest.mark.parametrize("cursor", ["x", "!!", "MTI=", "🙂", "eDp5", "2aM6eA=="])
async def test_a_cursor_of_nobody_is_refused(letters: DeadLetters, cursor: str) -> None:
    with pytest.raises(PermanentError) as raised:
        await letters.page(cursor=cursor)
    assert raised.value.code is ErrorCode.VALIDATION_ERROR
    assert "cursor" in str(raised.value.details["reason"])


async def test_a_tenant_sees_its_own_and_those_of_none(letters: DeadLetters) -> None:
    await kill(letters, *(f"other-{number}" for number in range(250)), tenant="other")
    await kill(letters, "ours")
    await kill(letters, "of-none", tenant="")
    (seen,) = await every_page(letters, top_k=5, tenant="acme")
    assert set(seen) == {"of-none", "ours"}
    assert sum(map(len, await every_page(letters, top_k=100))) == 252
    orders: list[Awaitable[object]] = [
        letters.get("other-1", tenant="acme"),
        letters.retry("other-1", tenant="acme"),
        letters.purge("other-1", tenant="acme"),
    ]
    for order in orders:
        with pytest.raises(PermanentError, match="no dead letter of this id"):
            await order
    assert (await letters.get("other-1")).tenant == "other"


async def test_a_letter_past_2000_of_others_is_found(
    producer: Producer, letters: DeadLetters
) -> None:
    await kill(letters, "ours")
    call = scripts.Call(
        scripts.BURY, ("other", b"{}", "2|other|", LETTER.model_dump_json(), 60_000)
    )
    many = [
        scripts.Call(call.script, (f"other-{number}", *call.arguments[1:]))
        for number in range(2_100)
    ]
    await scripts.run(producer, producer.queue_name, *many)
    assert await every_page(letters, top_k=5, tenant="acme") == [["ours"]]


async def test_a_retried_job_has_its_id_place_and_all_its_tries_again(
    producer: Producer, letters: DeadLetters
) -> None:
    async def embed(ctx: dict[Any, Any], run_id: str) -> None:
        del ctx, run_id
        raise ZeroDivisionError

    await producer.enqueue(a_job("j", "run-1"))
    await all_end(producer, job(embed, "embed"))
    assert await producer.job("j").result_info() is not None

    await producer.set("arq:retry:j", 4)  # left behind by whoever had it last
    assert await letters.retry("j") is Retried.QUEUED
    assert not await producer.exists(f"{producer.queue_name}:dead")
    entry = await producer.hget(f"{producer.queue_name}:index", "j")  # pyright: ignore[reportGeneralTypeIssues, reportUnknownVariableType] - typed loosely
    assert entry == b"3|acme|model:m"
    # Nothing is left that says it has ended.
    assert await producer.job("j").result_info() is None

    shop = Workshop()
    async with working(producer, job(shop.carry, "embed")):
        context = await shop.next_call()
        assert (context["job_id"], context["job_try"]) == ("j", 1)
        shop.leave.set()
        assert await producer.result("j", within_s=20) == "of j"
    assert await keys_of(producer, with_ttl=False) == set()


async def test_a_retry_wakes_a_worker_at_once(producer: Producer, letters: DeadLetters) -> None:
    await kill(letters, "j")
    shop = Workshop()
    shop.leave.set()
    # Neither its looks nor its heartbeat can be what moves it.
    settings = patient(lease=HOUR_S)
    async with working(producer, job(shop.carry, "embed"), settings=settings):
        await letters.retry("j")
        assert await shop.started() == "j"


async def test_two_operators_at_once_make_one_job(producer: Producer, letters: DeadLetters) -> None:
    await kill(letters, "j")
    async with asyncio.TaskGroup() as group:
        orders = [group.create_task(letters.retry("j")) for _ in range(10)]
    answers = [order.result() for order in orders]
    assert answers.count(Retried.QUEUED) == 1
    assert answers.count(Retried.THERE) == 9
    assert await producer.zcard(producer.queue_name) == 1


async def test_a_letter_stays_while_a_later_job_of_its_id_waits(
    producer: Producer, letters: DeadLetters
) -> None:
    await kill(letters, "j")
    await producer.enqueue(a_job("j", "later"))
    before = await producer.payload("j")
    assert await letters.retry("j") is Retried.THERE
    assert await producer.payload("j") == before
    assert len((await letters.page()).letters) == 1


async def test_without_its_payload_a_job_cannot_run_again(
    producer: Producer, letters: DeadLetters
) -> None:
    await bury(producer, "j", payload=b"")
    with pytest.raises(PermanentError, match="Purge the letter"):
        await letters.retry("j")
    total = await letters.retry_all()
    assert (total.queued, total.refused) == (0, 1)
    assert len((await letters.page()).letters) == 1


async def test_an_id_that_nobody_knows_is_refused(letters: DeadLetters) -> None:
    orders: list[Awaitable[object]] = [
        letters.get("nobody"),
        letters.retry("nobody"),
        letters.purge("nobody"),
    ]
    for order in orders:
        with pytest.raises(PermanentError, match=r"dead ls") as raised:
            await order
        assert raised.value.code is ErrorCode.NOT_FOUND


async def test_all_are_retried_and_all_are_purged(producer: Producer, letters: DeadLetters) -> None:
    await kill(letters, *(f"job-{number}" for number in range(450)))
    total = await letters.retry_all()
    assert (total.queued, total.there, total.refused) == (450, 0, 0)
    assert await producer.zcard(producer.queue_name) == 450
    await kill(letters, "a", "b")
    assert await letters.purge_all(older_than_s=3_600) == 0
    assert await letters.purge_all() == 2
    assert await letters.purge_all() == 0
    assert (await letters.page()).letters == ()


async def test_only_old_ones_are_purged_when_that_is_asked(
    producer: Producer, letters: DeadLetters
) -> None:
    await kill(letters, "old", "new")
    now_s, _ = await producer.time()  # pyright: ignore[reportUnknownMemberType] - typed loosely
    await producer.zadd(f"{producer.queue_name}:dead", {"old": (now_s - 7_200) * 1000})
    assert await letters.purge_all(older_than_s=3_600) == 1
    assert [letter.id for letter in (await letters.page()).letters] == ["new"]


async def test_an_expired_letter_is_neither_listed_nor_counted(
    producer: Producer, letters: DeadLetters
) -> None:
    await kill(letters, "expired", "kept")
    await producer.delete(f"{producer.queue_name}:dead:expired")
    assert [letter.id for letter in (await letters.page()).letters] == ["kept"]
    assert await producer.zcard(f"{producer.queue_name}:dead") == 1


async def test_letters_behind_many_expired_ones_are_found(
    producer: Producer, letters: DeadLetters
) -> None:
    await kill(letters, *(f"{number:03}" for number in range(160)))
    await producer.delete(*(f"{producer.queue_name}:dead:{number:03}" for number in range(5, 155)))
    (page,) = await every_page(letters, top_k=20)
    assert list(page) == ["159", "158", "157", "156", "155", "004", "003", "002", "001", "000"]


async def test_every_key_of_dead_letters_expires_by_itself(
    producer: Producer, letters: DeadLetters
) -> None:
    await kill(letters, "j")
    assert await keys_of(producer) == {"arq:queue:dead", "arq:queue:dead:j"}
    assert await keys_of(producer, with_ttl=False) == set()


async def test_a_job_without_an_id_is_no_dead_letter(letters: DeadLetters) -> None:
    with pytest.raises(ValueError, match="goes by the id"):
        await letters.add(NewJob(function="run"), LETTER)


async def test_another_queue_has_letters_of_its_own(pool: RedisPool, producer: Producer) -> None:
    other = Producer(pool, patient(name="other"))
    await kill(letters_of(producer), "j")
    assert (await letters_of(other).page()).letters == ()
