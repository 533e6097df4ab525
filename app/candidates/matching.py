"""Whose résumé this is: one of a person who is known, or of somebody new.

The same person is who shares a mail or a phone and bears a compatible name. Two runs that could find
each other wait for each other in PostgreSQL: each locks its contacts before it looks.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.candidates import records
from app.candidates.namesakes import Likeness, likeness_to_all
from app.candidates.profile import Profile
from app.candidates.protection import profile_place
from app.candidates.tables import CandidateRow, LookupKind, VersionRow
from app.store.crypto import DataKey, Keyring, Place
from app.store.keys import TenantId, load_data_key

Lookup = tuple[str, bytes]
"""The kind of a blind index value, and the value."""

CONTACTS = frozenset({LookupKind.EMAIL, LookupKind.PHONE})


@dataclass(frozen=True, slots=True, kw_only=True)
class Match:
    """`known` is the person. The likeliest come first in the lists of others.

    `same` are compatible as well: this résumé ties them together. `others` merely share a contact.
    """

    known: CandidateRow | None
    key: DataKey | None
    same: tuple[UUID, ...]
    others: tuple[UUID, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Found:
    candidate: CandidateRow
    key: DataKey
    kinds: frozenset[str]
    likeness: Likeness

    @property
    def is_same_person(self) -> bool:
        """Where letters cannot tell, mail and phone must agree both."""
        return self.likeness > Likeness.UNKNOWN or (
            self.likeness is Likeness.UNKNOWN and self.kinds == CONTACTS
        )


async def match(
    session: AsyncSession,
    keyring: Keyring,
    tenant_id: TenantId,
    *,
    names: Sequence[str],
    lookups: Sequence[Lookup],
) -> Match:
    """The person with these names and contacts.

    Until the transaction ends, nobody else saves or erases somebody with one of the contacts. Raises ENCRYPTION_ERROR when a key of the ring is missing.
    """
    contacts = [lookup for lookup in lookups if lookup[0] in CONTACTS]
    await records.lock(session, (value for _, value in contacts))
    shared = await records.sharing(session, tenant_id, contacts, names=_names(lookups))
    found: list[_Found] = []
    for candidate, kinds in shared:
        if opened := await _opened(session, keyring, candidate):
            key, known = opened
            alike = likeness_to_all(names, known)
            found.append(_Found(candidate=candidate, key=key, kinds=kinds, likeness=alike))
    # The first of the best: who is known longer.
    found.sort(key=lambda each: (-each.likeness, -len(each.kinds)))
    same = [each for each in found if each.is_same_person]
    others = tuple(each.candidate.id for each in found if not each.is_same_person)
    return Match(
        known=same[0].candidate if same else None,
        key=same[0].key if same else None,
        same=tuple(each.candidate.id for each in same[1:]),
        others=others,
    )


async def _opened(
    session: AsyncSession, keyring: Keyring, candidate: CandidateRow
) -> tuple[DataKey, list[tuple[str, ...]]] | None:
    """The key, and the names that each version shows; None of a person whose key is destroyed."""
    if candidate.data_key_id is None:
        return None
    key = await load_data_key(session, keyring, candidate.data_key_id)
    versions = await records.versions(session, candidate.id)
    return key, [names_of(key, version) for version in versions]


async def all_names(
    session: AsyncSession, keyring: Keyring, candidate: CandidateRow
) -> tuple[str, ...]:
    """Every spelling of the person's name that any version shows."""
    opened = await _opened(session, keyring, candidate)
    return tuple(dict.fromkeys(name for names in opened[1] for name in names)) if opened else ()


def seal_names(key: DataKey, candidate_id: UUID, version: int, names: Sequence[str]) -> str:
    """The spellings of a name, as `VersionRow` keeps them."""
    return key.seal(json.dumps(names, ensure_ascii=False), _names_place(candidate_id, version))


def names_of(key: DataKey, version: VersionRow) -> tuple[str, ...]:
    """The spellings of the name that a version shows."""
    if version.names_sealed is None:
        opened = key.open(version.profile_sealed, profile_place(version.candidate_id))
        profile = Profile.model_validate_json(opened)
        return (profile.name,) if profile.name else ()
    place = _names_place(version.candidate_id, version.version)
    return tuple(json.loads(key.open(version.names_sealed, place)))


def _names_place(candidate_id: UUID, version: int) -> Place:
    return Place(table="candidate_versions", column="names", row=f"{candidate_id}/{version}")


def _names(lookups: Sequence[Lookup]) -> list[bytes]:
    return [value for kind, value in lookups if kind == LookupKind.NAME]
