import httpx
import pytest


async def test_a_fresh_install_is_unlimited(client: httpx.AsyncClient) -> None:
    reply = await client.get("/v1/credits")
    assert reply.json() == {"unlimited": True, "available": None, "reserved": 0, "per_file": 1}
    assert (await client.get("/v1/credits/entries")).json() == {"entries": [], "next_cursor": None}
    assert (await client.get("/v1/credits/verification")).json()["holds"]


async def test_what_is_granted_used_and_corrected_stands_in_the_ledger(
    client: httpx.AsyncClient,
) -> None:
    granted = await client.post("/v1/credits/grants", json={"credits": 3, "note": "March"})
    assert (granted.status_code, granted.json()["available"]) == (200, 3)
    await client.post("/v1/resumes", files={"file": ("cv.txt", b"one")})
    corrected = await client.post("/v1/credits/adjustments", json={"credits": -1, "note": "typo"})
    assert (corrected.json()["available"], corrected.json()["reserved"]) == (1, 1)

    first = (await client.get("/v1/credits/entries", params={"limit": 2})).json()
    rest = await client.get(
        "/v1/credits/entries", params={"limit": 2, "cursor": first["next_cursor"]}
    )
    entries = [*first["entries"], *rest.json()["entries"]]
    assert [(entry["kind"], entry["available_delta"]) for entry in entries] == [
        ("adjust", -1),
        ("reserve", -1),
        ("grant", 3),
    ]
    assert rest.json()["next_cursor"] is None
    assert (entries[2]["note"], entries[2]["made_by"]) == ("March", "api")
    assert entries[1]["run_id"]


async def test_a_grant_that_is_sent_again_under_its_key_counts_once(
    client: httpx.AsyncClient,
) -> None:
    headers = {"Idempotency-Key": "invoice-7"}
    for _ in range(2):
        reply = await client.post("/v1/credits/grants", json={"credits": 3}, headers=headers)
        assert reply.json()["available"] == 3
    other = await client.post("/v1/credits/grants", json={"credits": 4}, headers=headers)
    assert (other.status_code, other.json()["code"]) == (409, "IDEMPOTENCY_CONFLICT")


async def test_the_limit_is_lifted_and_what_was_there_is_kept(client: httpx.AsyncClient) -> None:
    await client.post("/v1/credits/grants", json={"credits": 3})
    lifted = await client.put("/v1/credits/unlimited", json={"note": "trial"})
    assert (lifted.json()["unlimited"], lifted.json()["available"]) == (True, None)
    back = await client.post("/v1/credits/grants", json={"credits": 1})
    assert back.json()["available"] == 4


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("grants", {"credits": 0}),
        ("grants", {"credits": -1}),
        ("grants", {"credits": 10**30}),
        ("grants", {"credits": 1.5}),
        ("grants", {"credits": 1, "to": "another tenant"}),
        ("adjustments", {"credits": -1}),
        ("adjustments", {"credits": 0, "note": "nothing"}),
        ("adjustments", {"credits": 1, "note": " "}),
        ("adjustments", {"credits": 1, "note": "\7"}),
        ("adjustments", {"credits": -1, "note": "below zero"}),
    ],
)
async def test_what_makes_no_sense_is_refused_and_changes_nothing(
    client: httpx.AsyncClient, path: str, body: dict[str, object]
) -> None:
    reply = await client.post(f"/v1/credits/{path}", json=body)
    assert (reply.status_code, reply.json()["code"]) == (422, "VALIDATION_ERROR")
    assert (await client.get("/v1/credits/verification")).json()["entries"] == 0


async def test_what_no_database_can_hold_is_left_out_of_a_note(client: httpx.AsyncClient) -> None:
    for path, method in (("grants", "POST"), ("adjustments", "POST"), ("unlimited", "PUT")):
        body = {"note": "a\0b"} | ({} if path == "unlimited" else {"credits": 1})
        reply = await client.request(method, f"/v1/credits/{path}", json=body)
        assert reply.status_code == 200, path
    entries = (await client.get("/v1/credits/entries")).json()["entries"]
    assert [entry["note"] for entry in entries] == ["unlimited: a b", "a b", "a b"]


async def test_a_cursor_that_no_entry_can_have_is_refused(client: httpx.AsyncClient) -> None:
    for cursor, status in ((2**63 - 1, 200), (2**63, 422)):
        reply = await client.get("/v1/credits/entries", params={"cursor": cursor})
        assert reply.status_code == status


async def test_every_route_asks_for_a_key(client: httpx.AsyncClient) -> None:
    del client.headers["Authorization"]
    for method, path in (
        ("GET", ""),
        ("GET", "/entries"),
        ("GET", "/verification"),
        ("POST", "/grants"),
        ("POST", "/adjustments"),
        ("PUT", "/unlimited"),
    ):
        reply = await client.request(method, f"/v1/credits{path}", json={})
        assert reply.status_code == 401
