"""What else a parser process is asked to do: a function of ours, over what a document holds.

Rules that read a text take as long as a parser does, and a hostile text is as foreign as a hostile
file. Carried out in a parser process they do not hold up the event loop, and can be killed.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar, get_type_hints

from pydantic import TypeAdapter

from app.documents.remembering import forget

Question = TypeVar("Question")
Result = TypeVar("Result")


@dataclass(frozen=True, slots=True, kw_only=True)
class Work(Generic[Question, Result]):
    """A function of one argument, found again in another process by the name of its module."""

    name: str
    call: Callable[[Question], Result]
    question: TypeAdapter[Question]
    result: TypeAdapter[Result]

    def __call__(self, question: Question, /) -> Result:
        """Carry it out here."""
        return self.call(question)

    def carry_out(self, question: bytes) -> bytes:
        """Carry it out, from JSON to JSON. Nothing of it is remembered afterwards."""
        try:
            return self.result.dump_json(self.call(self.question.validate_json(question)))
        finally:
            forget()


def work(call: Callable[[Question], Result]) -> Work[Question, Result]:
    """Make a top-level function something that a parser process can do.

    Argument and result go over as JSON, so both must be what pydantic can write and read.
    """
    hints = get_type_hints(call)
    result = hints.pop("return")
    (question,) = hints.values()
    return Work(
        name=f"{call.__module__}:{call.__name__}",
        call=call,
        question=TypeAdapter(question),
        result=TypeAdapter(result),
    )


class Compute(Protocol):
    """Where work is carried out: `Reader.compute` asks a parser process."""

    async def __call__(self, work: Work[Question, Result], question: Question, /) -> Result:
        """The result. Raises INVALID_FILE when it takes too long or ends the process."""
        ...
