"""The one table of time limits and tries."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from app.errors import ErrorCode
from app.settings import Settings


class PolicyName(StrEnum):
    """What a stage depends on."""

    STORAGE = "storage"
    LLM = "llm"
    EMBEDDING = "embedding"
    PARSER = "parser"
    LOCAL = "local"


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """How one dependency is called.

    `timeout_s` limits one try; None where the callee keeps a limit of its own. `timeout_code` is
    what a try that ran out of time fails with. Waits between tries are drawn from 0 to
    `base_wait_s`, doubling up to `max_wait_s` (full jitter).
    """

    timeout_s: float | None
    timeout_code: ErrorCode
    tries: int = 1
    base_wait_s: float = 0.5
    max_wait_s: float = 10


Policies = Mapping[PolicyName, Policy]


def build_policies(settings: Settings) -> Policies:
    """POLICIES with the figures of the settings; a test holds that every name has a row."""
    retry = settings.retry
    return {
        PolicyName.STORAGE: Policy(
            timeout_s=retry.storage_timeout,
            timeout_code=ErrorCode.STORAGE_ERROR,
            tries=retry.storage_max,
        ),
        PolicyName.LLM: Policy(
            # The re-ask after an answer that did not parse is a second call within one try.
            timeout_s=retry.llm_timeout * settings.llm.parse_tries,
            timeout_code=ErrorCode.LLM_TIMEOUT,
            tries=retry.llm_max,
            base_wait_s=1,
        ),
        PolicyName.EMBEDDING: Policy(
            timeout_s=retry.embedding_timeout,
            timeout_code=ErrorCode.EMBEDDING_TIMEOUT,
            tries=retry.embedding_max,
            base_wait_s=retry.embedding_base_wait,
            max_wait_s=retry.embedding_max_wait,
        ),
        # The parser pool keeps its own limits per file and page, and kills what overruns them.
        PolicyName.PARSER: Policy(timeout_s=None, timeout_code=ErrorCode.DEADLINE_EXCEEDED),
        PolicyName.LOCAL: Policy(timeout_s=60, timeout_code=ErrorCode.DEADLINE_EXCEEDED),
    }
