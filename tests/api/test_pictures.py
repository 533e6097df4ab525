"""Pictures of candidates over HTTP, from an upload on."""

import io

import httpx
import pytest
from PIL import Image

from app.bootstrap import Runtime
from app.demo.samples import SAMPLES
from app.messages import Message
from tests.api.test_candidates import NOBODY, ended
from tests.flows.conftest import working
from tests.flows.persons import resume

pytestmark = pytest.mark.timeout(120)

PDF = next(sample for sample in SAMPLES if sample.file == "ko-one-column.pdf")


async def test_the_first_page_of_an_upload_is_seen_until_the_person_is_erased(
    client: httpx.AsyncClient, runtime: Runtime
) -> None:
    async with working(runtime):
        file = {"file": ("cv.pdf", PDF.path.read_bytes())}
        run = await ended(client, await client.post("/v1/resumes", files=file))
        at = f"/v1/candidates/{run['candidate_id']}/pictures"

        shown = await client.get(f"{at}/first-page")
        assert shown.status_code == 200
        assert shown.headers["content-type"] == "image/png"
        assert shown.headers["cache-control"] == "no-store"
        page = Image.open(io.BytesIO(shown.content))
        assert page.format == "PNG"
        assert page.height > page.width > 100
        assert len(page.convert("L").getcolors(256) or ()) > 2  # something is written on it

        none = await client.get(f"{at}/portfolio")
        assert (none.status_code, none.json()["code"]) == (404, "NOT_FOUND")
        unknown = await client.get(f"{at}/selfie")
        assert (unknown.status_code, unknown.json()["code"]) == (422, "VALIDATION_ERROR")

        assert (await client.delete(f"/v1/candidates/{run['candidate_id']}")).status_code == 200
    erased = await client.get(f"{at}/first-page")
    assert (erased.status_code, erased.json()["code"]) == (410, "ERASED")


async def test_a_file_without_pages_has_no_picture(
    client: httpx.AsyncClient, runtime: Runtime
) -> None:
    async with working(runtime):
        sent = await client.post("/v1/resumes", files={"file": ("cv.txt", resume())})
        run = await ended(client, sent)
    for of in ("first-page", "portfolio"):
        none = await client.get(f"/v1/candidates/{run['candidate_id']}/pictures/{of}")
        assert (none.status_code, none.json()["code"]) == (404, "NOT_FOUND")
        assert none.json()["detail"] == Message.NO_PICTURE.english


async def test_nobody_sees_a_picture_without_a_key(client: httpx.AsyncClient) -> None:
    path = f"/v1/candidates/{NOBODY}/pictures/first-page"
    assert (await client.get(path)).status_code == 404
    del client.headers["Authorization"]
    assert (await client.get(path)).status_code == 401
