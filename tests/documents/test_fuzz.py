"""Two minutes of mutated documents; `./run fuzz --minutes N` goes on from here."""

import time

import pytest

from app.settings.groups import ExtractSettings
from bench.fuzz import FOLDERS, mutants, opened_fuzzer
from bench.fuzz_mutations import seeds

HONEST = seeds(*FOLDERS)
SECONDS = 120
SEED = 5


@pytest.mark.parametrize("suffix", sorted(HONEST))
async def test_a_spoiled_document_ends_with_a_code_and_a_sentence(
    suffix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The seed and the number of the mutant stand in front of each fault."""
    monkeypatch.setenv("PATH", "")  # text recognition is not what is tried here
    extract = ExtractSettings(processes=1, max_pages=20)

    async with opened_fuzzer(extract) as fuzzer:
        ends_at = time.monotonic() + SECONDS / len(HONEST)
        for name, kind, data in mutants({suffix: HONEST[suffix]}, SEED):
            await fuzzer.attack(name, kind, data)
            if time.monotonic() >= ends_at:
                break

    outcome = fuzzer.outcome
    assert not outcome.faults
    assert not outcome.crashes
    assert outcome.peak_mib < extract.memory_mib
