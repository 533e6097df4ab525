"""Find a person by mail, phone or name, through the blind indexes: none of them is stored."""

from collections.abc import Sequence

from sqlalchemy.ext.asyncio import AsyncSession

from app.candidates import records
from app.candidates.namesakes import spellings_to_find
from app.candidates.tables import CandidateRow, LookupKind
from app.errors import ErrorCode, PermanentError
from app.messages import Message
from app.store.crypto import BlindIndex
from app.store.keys import TenantId

_LEAST_DIGITS = 4
"""Extensions are this short; what has fewer is a slip."""


async def look_up(
    session: AsyncSession,
    index: BlindIndex,
    tenant_id: TenantId,
    *,
    mail: str | None = None,
    phone: str | None = None,
    name: str | None = None,
) -> Sequence[CandidateRow]:
    """Who has all that is given, the newest first; 100 at most.

    Each is compared as it was when it was saved: not by its case, width or white space, a phone not
    by how it is written (without a country's code it may be of Korea or North America), a name not by
    the order of its words. What an earlier version of a
    candidate said still finds it. Raises VALIDATION_ERROR.
    """
    groups: list[list[tuple[str, bytes]]] = []
    if mail and mail.strip():
        groups.append([(LookupKind.EMAIL, index.email(mail))])
    if phone and phone.strip():
        if sum(map(str.isdecimal, phone)) < _LEAST_DIGITS:
            raise PermanentError(
                ErrorCode.VALIDATION_ERROR,
                Message.LOOKUP_NO_PHONE,
                details={"digits": _LEAST_DIGITS},
            )
        groups.append([(LookupKind.PHONE, value) for value in _phones_to_find(index, phone)])
    if name and name.strip():
        groups.append([(LookupKind.NAME, index.name(form)) for form in spellings_to_find(name)])
    if not groups:
        raise PermanentError(ErrorCode.VALIDATION_ERROR, Message.LOOKUP_EMPTY)
    return await records.known_by(session, tenant_id, groups)


def _phones_to_find(index: BlindIndex, phone: str) -> set[bytes]:
    """What a number may be that somebody has typed: its country's code may stand without a plus."""
    digits = "".join(filter(str.isdecimal, phone))
    return {
        index.phone(phone),
        index.phone(phone, region="US"),
        index.phone(f"+{digits.removeprefix('00')}"),
    }
