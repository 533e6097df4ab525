"""Dead letters over HTTP."""

from collections.abc import AsyncGenerator
from dataclasses import dataclass
from urllib.parse import quote
from uuid import UUID, uuid4

import httpx
import pytest

from app.api import dead_letters
from app.queue.deadletters import DeadLetters
from app.queue.producer import Producer
from app.settings import Settings, load_settings
from tests.api.served import served
from tests.queue.fleet import patient, redis_pool
from tests.queue.letters import kill, letters_of

TENANT = uuid4()
PATH = "/v1/dead-letters"


@dataclass(frozen=True, slots=True)
class Served:
    """What the routes take from the runtime."""

    settings: Settings
    dead_letters: DeadLetters
    tenant_id: UUID


@pytest.fixture
async def producer(redis_url: str) -> AsyncGenerator[Producer]:
    async with redis_pool(redis_url) as pool:
        yield Producer(pool, patient())


@pytest.fixture
def letters(producer: Producer) -> DeadLetters:
    return letters_of(producer)


@pytest.fixture
async def client(letters: DeadLetters) -> AsyncGenerator[httpx.AsyncClient]:
    runtime = Served(load_settings(), letters, TENANT)
    async with served(runtime, dead_letters.router) as opened:
        yield opened


async def test_a_key_is_needed(client: httpx.AsyncClient) -> None:
    del client.headers["Authorization"]
    for method, path in (("GET", ""), ("GET", "/x"), ("POST", "/x/retry"), ("DELETE", "/x")):
        assert (await client.request(method, f"{PATH}{path}")).status_code == 401


async def test_letters_are_listed_page_by_page(
    client: httpx.AsyncClient, letters: DeadLetters
) -> None:
    await kill(letters, "1", "2", "3", tenant=str(TENANT))
    first = (await client.get(PATH, params={"limit": 2})).json()
    assert [letter["id"] for letter in first["letters"]] == ["3", "2"]
    assert (first["letters"][0]["code"], first["letters"][0]["priority"]) == ("LLM_TIMEOUT", "bulk")
    params = {"limit": 2, "cursor": first["next_cursor"]}
    rest = (await client.get(PATH, params=params)).json()
    assert [letter["id"] for letter in rest["letters"]] == ["1"]
    assert rest["next_cursor"] is None


async def test_letters_of_another_tenant_are_not_there(
    client: httpx.AsyncClient, letters: DeadLetters
) -> None:
    await kill(letters, "theirs", tenant=str(uuid4()))
    await kill(letters, "of-none", tenant="")
    listed = (await client.get(PATH)).json()["letters"]
    assert [letter["id"] for letter in listed] == ["of-none"]
    for method, path in (("GET", ""), ("POST", "/retry"), ("DELETE", "")):
        reply = await client.request(method, f"{PATH}/theirs{path}")
        assert (reply.status_code, reply.json()["code"]) == (404, "NOT_FOUND")
    assert (await letters.get("theirs")).id == "theirs"


@pytest.mark.parametrize("letter_id", ["run-1:3", "a/b", "a/retry", "ü x?"])
async def test_a_letter_is_shown_retried_and_purged_by_whatever_id_it_has(
    client: httpx.AsyncClient, letters: DeadLetters, producer: Producer, letter_id: str
) -> None:
    path = f"{PATH}/{quote(letter_id, safe='')}"
    await kill(letters, letter_id, tenant=str(TENANT))
    shown = (await client.get(path)).json()
    assert (shown["id"], shown["function"], shown["tries"]) == (letter_id, "embed", 5)
    assert len(shown["payload_sha256"]) == 64

    reply = await client.post(f"{path}/retry")
    assert (reply.status_code, reply.json()) == (200, {"id": letter_id, "outcome": "queued"})
    assert await producer.zscore(producer.queue_name, letter_id) is not None
    assert (await client.post(f"{path}/retry")).json()["outcome"] == "there"

    await producer.cancel(letter_id)
    await kill(letters, letter_id, tenant=str(TENANT))
    assert (await client.delete(path)).status_code == 204
    assert (await client.delete(path)).status_code == 404


async def test_an_unknown_letter_is_told_in_the_readers_language(
    client: httpx.AsyncClient,
) -> None:
    reply = await client.get(f"{PATH}/nobody", headers={"Accept-Language": "ko"})
    assert reply.status_code == 404
    assert "데드 레터" in reply.json()["detail"]


@pytest.mark.parametrize("params", [{"limit": "0"}, {"limit": "201"}, {"cursor": "nonsense"}])
async def test_a_wrong_question_is_refused(
    client: httpx.AsyncClient, params: dict[str, str]
) -> None:
    reply = await client.get(PATH, params=params)
    assert (reply.status_code, reply.json()["code"]) == (422, "VALIDATION_ERROR")
