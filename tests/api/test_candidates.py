"""Candidates over HTTP."""

import asyncio

import httpx
import pytest

from app.bootstrap import Runtime
from tests.flows.conftest import working
from tests.flows.persons import MAIL, PHONE, resume

pytestmark = pytest.mark.timeout(120)

NOBODY = "00000000-0000-4000-8000-000000000000"


async def send(client: httpx.AsyncClient, content: bytes, **form: str) -> httpx.Response:
    return await client.post("/v1/resumes", files={"file": ("cv.txt", content)}, data=form)


async def ended(client: httpx.AsyncClient, reply: httpx.Response) -> dict[str, str]:
    async with asyncio.timeout(60):
        while True:
            run = (await client.get(reply.json()["status_url"])).json()
            if run["status"] not in ("queued", "running"):
                return run
            await asyncio.sleep(0.05)


async def test_the_same_bytes_answer_200_with_their_run_and_force_accepts_them(
    client: httpx.AsyncClient, runtime: Runtime
) -> None:
    first = await send(client, resume())
    waiting = await send(client, resume())
    async with working(runtime):
        await ended(client, first)
        done = await send(client, resume())
        forced = await send(client, resume(), force="true")
        run = await ended(client, forced)
    assert [each.status_code for each in (first, waiting, done, forced)] == [202, 200, 200, 202]
    assert waiting.json() == {**first.json(), "status": "queued"}
    assert done.json() == {**first.json(), "status": "succeeded"}
    assert forced.json()["run_id"] != first.json()["run_id"]
    assert run["candidate_version"] == 2


async def test_a_person_is_looked_up_by_a_body_shown_exported_and_erased(
    client: httpx.AsyncClient, runtime: Runtime
) -> None:
    async with working(runtime):
        await ended(client, await send(client, resume(skills="Python, Kafka")))
        run = await ended(client, await send(client, resume(skills="Go, Redis")))
        at = f"/v1/candidates/{run['candidate_id']}"

        found = await client.post("/v1/candidates/lookup", json={"mail": MAIL, "phone": PHONE})
        (person,) = found.json()["candidates"]
        assert (person["id"], person["name"]) == (run["candidate_id"], "윤**")
        assert "gaon" not in found.text
        nobody = await client.post("/v1/candidates/lookup", json={"name": "한나라"})
        assert nobody.json() == {"candidates": []}

        shown = (await client.get(at, params={"versions": "true", "reveal": "true"})).json()
        assert [each["version"] for each in shown["versions"]] == [2, 1]
        assert shown["versions"][1]["profile"]["skills"] == ["Python", "Kafka"]
        exported = await client.get(f"{at}/anonymous")
        assert exported.json()["skills"] == ["Go", "Redis"]
        for value in ("윤", "gaon", "2101", person["id"]):
            assert value not in exported.text

        erased = await client.delete(at)
        assert (erased.status_code, erased.json()["id"]) == (200, person["id"])
        assert (await client.delete(at)).json() == erased.json()
    for path in (at, f"{at}/anonymous"):
        gone = await client.get(path)
        assert (gone.status_code, gone.json()["code"]) == (410, "ERASED")
    again = await client.post("/v1/candidates/lookup", json={"mail": MAIL})
    assert again.json() == {"candidates": []}
    kept = (await client.get(f"/v1/runs/{run['id']}", params={"reveal": "true"})).json()
    assert (kept["status"], kept["profile"], kept["file"]) == ("succeeded", None, None)


async def test_two_persons_who_share_a_contact_are_told_apart(
    client: httpx.AsyncClient, runtime: Runtime
) -> None:
    async with working(runtime):
        one = await ended(client, await send(client, resume("윤가온")))
        two = await ended(client, await send(client, resume("윤가람")))
    at = f"/v1/candidates/{two['candidate_id']}"
    assert (await client.get(at)).json()["possible_duplicate_of"] == one["candidate_id"]

    first = await client.post(f"{at}/not-duplicate")
    again = await client.post(f"{at}/not-duplicate")

    assert (first.status_code, first.json()["possible_duplicate_of"]) == (200, None)
    assert again.json() == first.json() == (await client.get(at)).json()
    assert first.json()["name"] == "윤**"
    await client.delete(at)
    assert (await client.post(f"{at}/not-duplicate")).json()["code"] == "ERASED"


@pytest.mark.parametrize(
    "body", [{}, {"mail": " "}, {"phone": "?"}, {"email": MAIL}, {"name": "x" * 999}]
)
async def test_a_look_up_that_makes_no_sense_is_a_problem(
    body: dict[str, str], client: httpx.AsyncClient
) -> None:
    reply = await client.post("/v1/candidates/lookup", json=body)
    assert (reply.status_code, reply.json()["code"]) == (422, "VALIDATION_ERROR")
    assert MAIL not in reply.text


async def test_who_is_not_there_is_not_found_by_any_way(client: httpx.AsyncClient) -> None:
    for method, path in (
        ("GET", f"/v1/candidates/{NOBODY}"),
        ("GET", f"/v1/candidates/{NOBODY}/anonymous"),
        ("POST", f"/v1/candidates/{NOBODY}/not-duplicate"),
        ("DELETE", f"/v1/candidates/{NOBODY}"),
    ):
        assert (await client.request(method, path)).status_code == 404


async def test_every_way_asks_for_a_key(client: httpx.AsyncClient) -> None:
    del client.headers["Authorization"]
    for method, path in (
        ("POST", "/v1/candidates/lookup"),
        ("GET", f"/v1/candidates/{NOBODY}/anonymous"),
        ("POST", f"/v1/candidates/{NOBODY}/not-duplicate"),
        ("DELETE", f"/v1/candidates/{NOBODY}"),
    ):
        assert (await client.request(method, path)).status_code == 401
