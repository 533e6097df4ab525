"""Both stores keep bytes alike; a bucket's faults become codes after one try."""

import asyncio
import os
from datetime import timedelta
from pathlib import Path

import pytest

from app.errors import ErrorCode, PermanentError, RetryableError, WorkerError
from app.providers.blobs import CLOCK_PREFIX, Blobs, open_blobs
from app.settings import InvalidSettings
from app.settings.groups import StorageSettings
from tests.fakes.s3 import FaultyProxy, ProxyFault


@pytest.mark.parametrize("key", ["a", "originals/tenant/run", "inbox/홍길동 이력서 (최종) #2.pdf"])
async def test_bytes_come_back_as_they_were_put(blobs: Blobs, key: str) -> None:
    data = bytes(range(256)) * 100

    await blobs.put(key, data)

    assert await blobs.get(key) == data


async def test_what_is_put_in_a_folder_is_on_the_disk_before_put_returns(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written: list[str] = []
    fsync = os.fsync

    def watched(descriptor: int) -> None:
        fsync(descriptor)
        written.append(str(Path(f"/proc/self/fd/{descriptor}").readlink()))

    monkeypatch.setattr(os, "fsync", watched)
    async with open_blobs(StorageSettings(), tmp_path) as folder:
        await folder.put("originals/tenant/100%~ 이력서.pdf", b"data")

    tenant = tmp_path / "originals" / "tenant"
    # The bytes, then the names that lead to them.
    expected = [tenant / "100%~ 이력서.pdf", tenant, tenant.parent, tmp_path]
    assert written == [str(path) for path in expected]


async def test_an_empty_object_is_an_object(blobs: Blobs) -> None:
    await blobs.put("empty", b"")

    assert await blobs.get("empty") == b""


async def test_a_second_put_replaces_the_first(blobs: Blobs) -> None:
    await blobs.put("key", b"first and longer")
    await blobs.put("key", b"second")

    assert await blobs.get("key") == b"second"


async def test_a_large_object_is_one_object(blobs: Blobs) -> None:
    data = b"0123456789abcdef" * 500_000  # above the size from which uploads come in parts

    await blobs.put("large", data)

    assert await blobs.get("large") == data


async def test_a_missing_object_is_permanent_and_says_what_to_do(blobs: Blobs) -> None:
    with pytest.raises(PermanentError) as caught:
        await blobs.get("nothing/here")

    assert caught.value.code is ErrorCode.NOT_FOUND
    assert "storage holds no such file" in str(caught.value)


async def test_deleting_twice_is_no_error(blobs: Blobs) -> None:
    await blobs.put("key", b"data")
    await blobs.delete("key")
    await blobs.delete("key")

    with pytest.raises(PermanentError):
        await blobs.get("key")


async def test_an_object_above_the_limit_is_refused(blobs: Blobs) -> None:
    await blobs.put("key", bytes(3 * 1024 * 1024))

    with pytest.raises(PermanentError) as caught:
        await blobs.get("key", max_bytes=2 * 1024 * 1024)

    assert caught.value.code is ErrorCode.INVALID_FILE
    assert caught.value.details == {"size_mib": 3.0, "limit_mib": "2"}
    assert len(await blobs.get("key", max_bytes=3 * 1024 * 1024)) == 3 * 1024 * 1024


@pytest.mark.parametrize(
    "key",
    [
        "",
        "/etc/passwd",
        "../secret",
        "a/../../b",
        "a//b",
        "a/",
        "./a",
        "a\\b",
        "a\nb",
        "a#1",
        "긴" * 400,
    ],
)
async def test_a_key_that_leads_astray_is_refused_by_every_call(blobs: Blobs, key: str) -> None:
    for call in (blobs.put(key, b"data"), blobs.get(key), blobs.delete(key)):
        with pytest.raises(PermanentError) as caught:
            await call
        assert caught.value.code is ErrorCode.VALIDATION_ERROR


async def test_a_reader_sees_a_whole_file_while_it_is_replaced(tmp_path: Path) -> None:
    versions = [b"a" * 2_000_000, b"b" * 2_000_000]
    async with open_blobs(StorageSettings.model_validate({}), tmp_path) as blobs:
        await blobs.put("key", versions[0])

        async with asyncio.TaskGroup() as group:
            for number in range(6):
                group.create_task(blobs.put("key", versions[number % 2]))
            reading = [group.create_task(blobs.get("key")) for _ in range(12)]

    assert all(task.result() in versions for task in reading)
    left = await asyncio.to_thread(lambda: [path.name for path in tmp_path.iterdir()])
    assert left == ["key"]


async def test_a_link_in_a_folder_leads_to_nothing(tmp_path: Path) -> None:
    secret = tmp_path / "elsewhere" / "secret.txt"
    secret.parent.mkdir()
    secret.write_text("not for the inbox")
    async with open_blobs(StorageSettings(), tmp_path / "blobs") as blobs:
        await blobs.put("inbox/a.txt", b"data")
        inbox = tmp_path / "blobs" / "inbox"
        (inbox / "file").symlink_to(secret)
        (inbox / "folder").symlink_to(secret.parent)

        for key in ("inbox/file", "inbox/folder/secret.txt"):
            with pytest.raises(PermanentError) as caught:
                await blobs.get(key)
            assert caught.value.code is ErrorCode.NOT_FOUND
            await blobs.delete(key)

    assert secret.exists()
    assert not (inbox / "file").is_symlink()


async def test_what_is_no_file_in_a_folder_is_no_object(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "folder").mkdir()
    async with open_blobs(StorageSettings(), tmp_path) as blobs:
        for key in ("pipe", "folder"):
            with pytest.raises(PermanentError) as caught:
                await blobs.get(key)
            assert caught.value.code is ErrorCode.NOT_FOUND


async def test_a_folder_that_is_made_is_closed_to_others(tmp_path: Path) -> None:
    folder = tmp_path / "data" / "blobs"
    async with open_blobs(StorageSettings.model_validate({}), folder) as blobs:
        await blobs.put("deep/key", b"data")

    assert folder.stat().st_mode & 0o777 == 0o700
    assert (folder / "deep" / "key").read_bytes() == b"data"


async def test_a_folder_of_the_settings_takes_the_place_of_the_default(tmp_path: Path) -> None:
    settings = StorageSettings.model_validate({"url": str(tmp_path / "other")})
    async with open_blobs(settings, tmp_path / "default") as blobs:
        await blobs.put("key", b"data")

    assert (tmp_path / "other" / "key").exists()
    assert not (tmp_path / "default").exists()


async def test_a_folder_in_the_way_of_a_key_is_a_storage_error(tmp_path: Path) -> None:
    async with open_blobs(StorageSettings.model_validate({}), tmp_path) as blobs:
        await blobs.put("a/b", b"data")
        with pytest.raises(RetryableError) as caught:
            await blobs.put("a", b"data")

    assert caught.value.code is ErrorCode.STORAGE_ERROR
    assert str(tmp_path) not in f"{caught.value} {caught.value.details}"


@pytest.mark.parametrize("url", ["gs://bucket/x", "s3://", "https://example.com/bucket"])
async def test_another_kind_of_store_is_refused_at_start(url: str, tmp_path: Path) -> None:
    with pytest.raises(InvalidSettings, match="STORAGE__URL"):
        async with open_blobs(StorageSettings.model_validate({"url": url}), tmp_path):
            pass


async def test_a_folder_that_cannot_be_made_is_refused_at_start(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(InvalidSettings, match="STORAGE__URL: cannot be made a folder"):
        async with open_blobs(StorageSettings.model_validate({}), tmp_path / "file" / "below"):
            pass


async def test_keys_lie_under_the_prefix_of_the_url(
    bucket: StorageSettings, faulty_bucket: StorageSettings, faulty_s3: FaultyProxy, tmp_path: Path
) -> None:
    async with open_blobs(faulty_bucket, tmp_path) as blobs:
        await blobs.put("key", b"data")

    assert bucket.url is not None
    name = bucket.url.split("/")[2]
    assert faulty_s3.requests == [f"PUT /{name}/some/prefix/key"]


@pytest.mark.parametrize("fault", ProxyFault)
async def test_a_failing_bucket_is_a_storage_error_after_one_try(
    faulty_bucket: StorageSettings, faulty_s3: FaultyProxy, tmp_path: Path, fault: ProxyFault
) -> None:
    timeout_s = 0.3 if fault is ProxyFault.HANG else 20
    async with open_blobs(faulty_bucket, tmp_path, timeout_s=timeout_s) as blobs:
        for call in (blobs.put("key", b"data"), blobs.get("key"), blobs.delete("key")):
            faulty_s3.fail(fault, times=1)
            faulty_s3.requests.clear()

            with pytest.raises(RetryableError) as caught:
                await call

            assert caught.value.code is ErrorCode.STORAGE_ERROR
            assert len(faulty_s3.requests) == 1


async def test_a_bucket_that_works_again_is_used_again(
    faulty_bucket: StorageSettings, faulty_s3: FaultyProxy, tmp_path: Path
) -> None:
    async with open_blobs(faulty_bucket, tmp_path) as blobs:
        faulty_s3.fail(ProxyFault.ERROR_500, times=2)
        for _ in range(2):
            with pytest.raises(RetryableError):
                await blobs.put("key", b"data")

        await blobs.put("key", b"data")
        assert await blobs.get("key") == b"data"


async def test_a_bucket_that_is_gone_is_no_missing_file(
    bucket: StorageSettings, tmp_path: Path
) -> None:
    gone = bucket.model_copy(update={"url": "s3://naru-is-not-there"})
    async with open_blobs(gone, tmp_path) as blobs:
        for call in (blobs.put("key", b"data"), blobs.get("key")):
            with pytest.raises(WorkerError) as caught:
                await call
            assert caught.value.code is ErrorCode.STORAGE_ERROR


async def test_a_server_that_is_not_there_is_a_storage_error(tmp_path: Path) -> None:
    settings = StorageSettings.model_validate(
        {"url": "s3://bucket-name", "s3_endpoint": "http://127.0.0.1:9"}
    )
    settings = settings.model_copy(update={"s3_access_key_id": None})
    async with open_blobs(settings, tmp_path, timeout_s=2) as blobs:
        with pytest.raises(RetryableError) as caught:
            await blobs.get("key")

    assert caught.value.code is ErrorCode.STORAGE_ERROR


async def test_a_listing_gives_all_below_a_folder_in_pages_and_nothing_beside_it(
    blobs: Blobs,
) -> None:
    keys = {f"originals/tenant/{number}" for number in range(5)}
    for key in (*keys, "originals/tenant-2/x", "originals/tenant2", "other/y"):
        await blobs.put(key, b"data")

    pages = [page async for page in blobs.pages("originals/tenant", page_size=2)]

    assert [one.key for page in pages for one in page if one.key not in keys] == []
    assert {one.key for page in pages for one in page} == keys
    assert max(len(page) for page in pages) <= 2
    assert [page async for page in blobs.pages("nothing/here")] == []


async def test_the_clock_is_the_stores_own_and_leaves_nothing(blobs: Blobs) -> None:
    await blobs.put("folder/before", b"data")
    now = await blobs.now()
    (put,) = [one async for page in blobs.pages("folder") for one in page]
    assert timedelta() <= now - put.modified_at < timedelta(minutes=1)
    listed = [one async for page in blobs.pages(CLOCK_PREFIX) for one in page]
    assert listed == []


async def test_a_store_that_is_away_cannot_be_listed(
    faulty_bucket: StorageSettings, faulty_s3: FaultyProxy, tmp_path: Path
) -> None:
    async with open_blobs(faulty_bucket, tmp_path, timeout_s=0.5) as blobs:
        for fault in ProxyFault:
            faulty_s3.fail(fault)
            with pytest.raises(RetryableError) as caught:
                await anext(blobs.pages("originals"))
            assert caught.value.code is ErrorCode.STORAGE_ERROR
            with pytest.raises(RetryableError):
                await blobs.now()
