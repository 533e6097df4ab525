"""A résumé as the rules read it, for the stages of one attempt."""

import asyncio

from app.candidates import understanding
from app.candidates.understanding import Facts
from app.documents.blocks import Document
from app.documents.work import Compute
from app.telemetry.logs import get_logger
from app.telemetry.metrics import record_withheld

log = get_logger(__name__)


class Reading:
    """A document, and what is understood of it: found out when asked for, and at most once."""

    def __init__(self, document: Document, compute: Compute) -> None:
        self.document = document
        self.compute = compute
        self._facts: Facts | None = None
        self._looking = asyncio.Lock()

    async def facts(self) -> Facts:
        """Raises INVALID_FILE for a text that takes too long."""
        async with self._looking:
            if self._facts is None:
                self._facts = await self.compute(understanding.read, self.document)
                if self._facts.withheld_count:
                    log.warning("instructions_withheld", sentences=self._facts.withheld_count)
                    record_withheld(self._facts.withheld_count)
            return self._facts
