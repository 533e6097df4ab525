"""What routes ask for, as annotated aliases."""

from typing import Annotated

from fastapi import Depends, Header, Request
from pydantic import AfterValidator, Field

from app.api.problems import language_of
from app.bootstrap import Runtime
from app.messages import Language, printable


def _runtime(request: Request) -> Runtime:
    return request.app.state.runtime


def _language(request: Request) -> Language:
    return language_of(request)


# An empty one is a variable that was not set: taken for a key, it would join what has no relation.
IdempotencyKey = Annotated[str | None, Header(min_length=1, max_length=255)]
# Stripped last: what cannot be printed has become a blank by then, and may leave nothing.
Words = Annotated[str, Field(max_length=500), AfterValidator(printable), AfterValidator(str.strip)]
Context = Annotated[Runtime, Depends(_runtime)]
Reader = Annotated[Language, Depends(_language)]
