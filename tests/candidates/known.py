"""Versions of candidates written straight into the tables, sealed as the flow seals them."""

from collections.abc import Sequence
from uuid import UUID, uuid4

from app.bootstrap import Runtime
from app.candidates import records
from app.candidates.chunking import Chunk, ChunkKind
from app.candidates.indexing_records import words_of
from app.candidates.matching import Lookup, seal_names
from app.candidates.profile import Profile
from app.candidates.protection import profile_place
from app.candidates.tables import LookupKind, VersionRow
from app.candidates.versions import Found, save_version
from app.pipeline.acceptance import accept, new_run
from app.queue.envelope import Priority
from app.store.keys import load_data_key, new_data_key


def lookups_of(
    runtime: Runtime, *, mail: str = "", phone: str = "", name: str = ""
) -> list[Lookup]:
    """The blind index values of what is given."""
    index = runtime.index
    found: list[Lookup] = []
    if mail:
        found.append((LookupKind.EMAIL, index.email(mail)))
    if phone:
        found.append((LookupKind.PHONE, index.phone(phone)))
    if name:
        found.append((LookupKind.NAME, index.name(name)))
    return found


async def add_person(  # noqa: PLR0913 - what a test may say of a person
    runtime: Runtime,
    name: str | None,
    lookups: Sequence[Lookup],
    *,
    candidate_id: UUID | None = None,
    version: int = 1,
    chunks: Sequence[str] = (),
    names_are_kept: bool = True,
) -> UUID:
    """A candidate, or a new version of one; returns its id."""
    accepted = new_run(runtime.keyring, runtime.tenant_id, "none", priority=Priority.INGESTION)
    async with runtime.database.begin() as session:
        await accept(session, accepted, deadline_s=600)
        if candidate_id is None:
            key, data_key = new_data_key(runtime.keyring, runtime.tenant_id)
        else:
            known = await records.find(session, runtime.tenant_id, candidate_id)
            assert known is not None
            assert known.data_key_id is not None
            key = await load_data_key(session, runtime.keyring, known.data_key_id)
            data_key = key.id
        made = candidate_id or uuid4()
        names = [name] if name else []
        row = VersionRow(
            candidate_id=made,
            version=version,
            tenant_id=runtime.tenant_id,
            run_id=accepted.run.id,
            profile_sealed=key.seal(Profile(name=name).model_dump_json(), profile_place(made)),
            names_sealed=seal_names(key, made, version, names) if names_are_kept else None,
            analyst="rules",
            skills=[],
            years=0,
            language="ko",
        )
        pieces = [
            Chunk(kind=ChunkKind.RAW_SECTION, position=position, text=text, start=0, end=len(text))
            for position, text in enumerate(chunks)
        ]
        written = Found(
            lookups=lookups,
            chunks=pieces,
            vectors=None,
            embedding_model="none",
            words=await words_of(runtime.tenant_id, pieces, ()),
        )
        await save_version(session, row, written, data_key=data_key)
    return made
