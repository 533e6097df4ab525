"""What a model answers, for those who ask and for those who only keep it.

Apart from the client, which takes a quarter of a second to load: only who asks a model loads it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated

from pydantic import Field


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What the model said. `model` is the one that answered, as the server names it.

    `text` is "" where the model refused or was cut off before its first word; `finish_reason` is
    the server's (`stop`, `length`, `content_filter`, …), or `refusal`. Tokens are 0 where the server
    does not count them. `remaining` is what the server says is left of its rate limits: per dimension
    (`requests`, `tokens`) the units, and the seconds until they are full again. It is true for a
    moment, so it is not stored with the answer.
    """

    text: str
    model: str
    input_tokens: int
    output_tokens: int
    finish_reason: str
    remaining: Annotated[Mapping[str, tuple[float, float]], Field(exclude=True)] = field(
        default_factory=dict[str, tuple[float, float]], compare=False
    )


class Undelivered(Exception):  # noqa: N818 - reads as what it reports
    """Whoever listens to a stream failed, with `reason`. It says nothing of the model."""

    def __init__(self, reason: Exception) -> None:
        self.reason = reason
        super().__init__()
