"""The uploaded file: its bytes, and the lines that it is read as."""

import asyncio
from typing import Protocol
from uuid import UUID

from app.candidates import object_keys
from app.candidates.intake import original_place
from app.candidates.tables import FileRow
from app.candidates.tools import ResumeTools
from app.documents.blocks import Document
from app.documents.reader import Reader
from app.errors import ErrorCode, PermanentError
from app.pipeline.stage import stage
from app.resilience.policies import PolicyName
from app.store.crypto import DataKey
from app.store.keys import TenantId


class Owner(Protocol):
    """The run that a file belongs to: its id is in the places of what its key seals."""

    @property
    def id(self) -> UUID: ...
    @property
    def tenant_id(self) -> TenantId: ...
    @property
    def key(self) -> DataKey: ...


class Original:
    """The file's bytes, read from the store at most once per attempt."""

    def __init__(self, file: FileRow, run: Owner, tools: ResumeTools) -> None:
        self._file = file
        self._run = run
        self._tools = tools
        self._data: bytes | None = None
        self._reading = asyncio.Lock()

    async def read(self) -> bytes:
        """The plain bytes. Raises STORAGE_ERROR."""
        async with self._reading:
            if self._data is None:
                sealed = await self._tools.blobs.get(self._file.blob_key)
                place = original_place(self._run.id)
                self._data = await asyncio.to_thread(self._run.key.open_bytes, sealed, place)
            return self._data

    async def take_over(self) -> bytes:
        """Copy an object that a client put into the store, sealed, to where originals lie.

        Raises INVALID_FILE for one that is too large, or not there.
        """
        source_key = object_keys.open_with(self._run.key, self._file)
        if source_key is None:
            return await self.read()
        try:
            data = await self._tools.blobs.get(source_key, max_bytes=self._tools.max_file_bytes)
        except PermanentError as error:
            if error.code is not ErrorCode.NOT_FOUND:
                raise
            # What is missing is the client's, a refusal; an original of ours that is gone is not.
            raise PermanentError(
                ErrorCode.INVALID_FILE, error.message, details=error.details
            ) from None
        place = original_place(self._run.id)
        sealed = await asyncio.to_thread(self._run.key.seal_bytes, data, place)
        await self._tools.blobs.put(self._file.blob_key, sealed)
        self._data = data
        return data


@stage("fetch", policy=PolicyName.STORAGE)
async def fetch(original: Original) -> int:
    """Bring the file's bytes here; returns their number."""
    return len(await original.take_over())


@stage("extract", policy=PolicyName.PARSER, version=2)
async def extract(original: Original, reader: Reader) -> Document:
    """The file as lines of text, read in a child process."""
    return await reader.read(await original.read())
