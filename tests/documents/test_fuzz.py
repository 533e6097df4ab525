"""Mutated documents; `./run fuzz --minutes N` goes on from here."""

import pytest

from app.settings.groups import ExtractSettings
from bench.fuzz import FOLDERS, mutants, opened_fuzzer
from bench.fuzz_mutations import seeds

HONEST = seeds(*FOLDERS)
MUTANTS = 50
SEED = 5


@pytest.mark.parametrize("suffix", sorted(HONEST))
async def test_a_spoiled_document_ends_with_a_code_and_a_sentence(
    suffix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The seed and the number of the mutant stand in front of each fault."""
    monkeypatch.setenv("PATH", "")  # text recognition is not what is tried here
    extract = ExtractSettings(processes=1, max_pages=20)

    async with opened_fuzzer(extract) as fuzzer:
        for (name, kind, data), _ in zip(
            mutants({suffix: HONEST[suffix]}, SEED), range(MUTANTS), strict=False
        ):
            await fuzzer.attack(name, kind, data)

    outcome = fuzzer.outcome
    assert outcome.mutants == MUTANTS
    assert not outcome.faults
    assert not outcome.crashes
    assert outcome.peak_mib < extract.memory_mib
