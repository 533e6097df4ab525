"""Searching over HTTP: what is found, what is masked, and what is refused."""

import json
from uuid import uuid4

import httpx
import pytest
from sqlalchemy import update

from app.bootstrap import Runtime
from app.candidates.profile import Profile
from app.candidates.protection import profile_place
from app.candidates.tables import CandidateRow
from app.store.keys import new_data_key
from tests.candidates.people import People, Person


@pytest.fixture
async def people(runtime: Runtime) -> People:
    """One nurse and one baker, with sealed profiles."""
    saved = People(runtime.database, runtime.tenant_id)
    await saved.save(
        nurse=Person(text="[NAME_1]\nICU nurse with ventilators", skills=("CRRT",), years=9),
        baker=Person(text="Sourdough baker", years=3, language="ko"),
    )
    for name, candidate_id in saved.ids.items():
        key, row = new_data_key(runtime.keyring, runtime.tenant_id)
        profile = Profile(name=f"Gaon {name.title()}", emails=(f"{name}@example.com",))
        sealed = key.seal(profile.model_dump_json(), profile_place(candidate_id))
        async with runtime.database.begin() as session:
            session.add(row)
            await session.flush()
            await session.execute(
                update(CandidateRow)
                .where(CandidateRow.id == candidate_id)
                .values(profile_sealed=sealed, data_key_id=key.id)
            )
    return saved


async def test_a_candidate_is_found_with_reasons_and_without_its_name(
    client: httpx.AsyncClient, people: People
) -> None:
    reply = await client.post(
        "/v1/candidates/search",
        json={"query": "nurse CRRT", "all_skills": ["crrt"], "min_years": 5},
    )
    assert reply.status_code == 200, reply.text
    body = reply.json()
    (hit,) = body["hits"]
    assert hit["candidate"]["id"] == str(people.ids["nurse"])
    assert "nurse" in hit["words"]
    assert "ICU nurse" in hit["snippet"]
    assert 0 < hit["score"] <= 1
    assert "Gaon" not in json.dumps(body)
    assert "example.com" not in json.dumps(body)

    revealed = await client.post("/v1/candidates/search?reveal=true", json={"query": "nurse"})
    assert revealed.json()["hits"][0]["candidate"]["name"] == "Gaon Nurse"


@pytest.mark.parametrize(
    "query", ["을 를", "😀", "", "'; DROP TABLE candidates; --", "\x00", "가" * 10_000]
)
@pytest.mark.usefixtures("people")
async def test_no_query_is_an_error(client: httpx.AsyncClient, query: str) -> None:
    body = json.dumps({"query": query}).encode()
    reply = await client.post(
        "/v1/candidates/search", content=body, headers={"content-type": "application/json"}
    )
    assert reply.status_code == 200, reply.text
    if not query.strip("을를 😀"):
        assert reply.json()["hits"] == []


@pytest.mark.parametrize(
    "order",
    [
        {},
        {"query": "x", "top_k": 0},
        {"query": "x", "min_years": 5, "max_years": 1},
        {"query": "x", "created_since": "tomorrow"},
        {"query": "x", "skills": ["C"]},
    ],
)
async def test_what_makes_no_sense_is_a_validation_error(
    client: httpx.AsyncClient, order: dict[str, object]
) -> None:
    reply = await client.post("/v1/candidates/search", json=order)
    assert reply.status_code == 422
    assert reply.json()["code"] == "VALIDATION_ERROR"


async def test_a_candidate_whose_key_is_gone_is_no_hit(
    client: httpx.AsyncClient, people: People, runtime: Runtime
) -> None:
    async with runtime.database.begin() as session:
        await session.execute(
            update(CandidateRow)
            .where(CandidateRow.id == people.ids["nurse"])
            .values(data_key_id=None)
        )
    reply = await client.post("/v1/candidates/search", json={"query": "nurse baker"})
    assert [hit["candidate"]["id"] for hit in reply.json()["hits"]] == [str(people.ids["baker"])]


async def test_a_search_needs_a_key(client: httpx.AsyncClient) -> None:
    reply = await client.post(
        "/v1/candidates/search",
        json={"query": str(uuid4())},
        headers={"Authorization": "Bearer wrong"},
    )
    assert reply.status_code == 401
