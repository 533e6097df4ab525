"""Whose résumé a file holds, and whether it is one person's.

Counts identity blocks, not names: a name in large letters with a mail or phone of its own, or a
filled 성명 cell, at which a résumé begins. Names of referees, co-authors and relatives never count.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from app.candidates.rules.contacts import find_contacts
from app.candidates.rules.headers import Header, same_person
from app.candidates.rules.persons import Resume, main_name
from app.candidates.rules.phones import phone_key
from app.candidates.rules.reading import outline_of
from app.documents.blocks import Document
from app.errors import ErrorCode, PermanentError
from app.messages import Message


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """A person with a résumé in the file, with contact data as written."""

    name: str
    emails: tuple[str, ...]
    phones: tuple[str, ...]


def people(document: Document) -> tuple[Person, ...]:
    """The distinct persons whose résumé the file holds, the main one first; none if none is named.

    CPU work like `rules.analyze`: call it in a thread.
    """
    persons: list[list[Resume]] = []
    for resume in outline_of(document).resumes:
        own = next((p for p in persons if _belongs(resume, p)), None)
        if own is None:
            persons.append([resume])
        else:
            own.append(resume)
    return tuple(person for p in persons if (person := _person(p)))


def only_person(found: Sequence[Person]) -> Person | None:
    """The person of a file, or None where nobody is named. Raises MULTI_IDENTITY for two or more.

    The error's `private` holds `names`; its `details` only the `count`.
    """
    if len(found) > 1:
        raise PermanentError(
            ErrorCode.MULTI_IDENTITY,
            Message.PEOPLE_IN_ONE_FILE,
            details={"count": len(found)},
            private={"names": [person.name for person in found]},
        )
    return found[0] if found else None


def _belongs(resume: Resume, person: list[Resume]) -> bool:
    header = resume.header
    if header is None:
        return True
    return any(other.header is not None and same_person(header, other.header) for other in person)


def _person(own: list[Resume]) -> Person | None:
    header: Header | None = own[0].header
    name = header or main_name(own[0].sections)[0]
    label = name.name if name else None
    if label is None:
        return None
    contacts = [find_contacts(resume.sections, ()) for resume in own]
    emails = {f.value.casefold(): f.value for c in contacts for f in c.emails}
    phones = {phone_key(f.value): f.value for c in contacts for f in c.phones}
    return Person(name=label, emails=tuple(emails.values()), phones=tuple(phones.values()))
