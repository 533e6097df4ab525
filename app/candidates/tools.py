"""What the stages of a résumé work with."""

from asyncio import Semaphore
from dataclasses import dataclass

from app.documents.reader import Reader
from app.modelchain import ModelChain
from app.providers.blobs import Blobs
from app.providers.browser import Browser
from app.providers.embedders import Embedder
from app.resilience.policy import Policy
from app.resilience.rollout import Rollout
from app.settings.groups import ChunkSettings
from app.store.crypto import BlindIndex, Keyring


@dataclass(frozen=True, slots=True, kw_only=True)
class ResumeTools:
    """Made once per worker.

    `turns` is held for steps that take our processor and wait for nobody outside: so résumés go
    through them one after the other, not all of them a little at a time.
    """

    turns: Semaphore
    blobs: Blobs
    reader: Reader
    embedder: Embedder
    browser: Browser | None
    models: ModelChain | None
    shadow_models: ModelChain | None
    model_analyst: Rollout
    storage: Policy
    keyring: Keyring
    index: BlindIndex
    chunking: ChunkSettings
    max_file_bytes: int
    parse_tries: int
