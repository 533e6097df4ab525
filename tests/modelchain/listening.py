"""What the tests of the chain ask for, and who listens to its streams."""

import asyncio

import pytest
from pydantic import BaseModel

from app.errors import WorkerError
from app.modelchain import Delta, Model, ModelChain, Restart
from app.providers.answers import Answer


class Person(BaseModel):
    name: str | None


class Listener:
    """Keeps what a stream says; `fails_with` is raised at the next word of the stream."""

    def __init__(self) -> None:
        self.heard: list[Delta | Restart] = []
        self.fails_with: Exception | None = None
        self.listening = asyncio.Event()

    async def __call__(self, said: Delta | Restart) -> None:
        self.heard.append(said)
        self.listening.set()
        if self.fails_with:
            raise self.fails_with

    @property
    def parts(self) -> list[str]:
        """The text between restarts, the first part first."""
        parts = [""]
        for said in self.heard:
            if isinstance(said, Restart):
                parts.append("")
            else:
                parts[-1] += said.text
        return parts

    @property
    def restarts(self) -> list[str]:
        return [said.model for said in self.heard if isinstance(said, Restart)]


async def ask(model: Model) -> Answer:
    return await model.ask(system="Answer.", user="?", schema=Person, schema_name="person")


async def refused(model: Model) -> WorkerError:
    with pytest.raises(WorkerError) as caught:
        await ask(model)
    return caught.value


async def talk(chain: ModelChain, listener: Listener) -> Answer:
    return await chain.stream(system="Talk.", user="?", emit=listener)
