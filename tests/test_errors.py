import pytest

from app.errors import ErrorCode, PermanentError, RetryableError, Severity, WorkerError, describe
from app.messages import Language, Message

RETRYABLE = {
    "LLM_TIMEOUT", "LLM_RATE_LIMIT", "EMBEDDING_TIMEOUT", "DB_CONNECTION", "STORAGE_ERROR",
    "NETWORK_ERROR",
}  # fmt: skip
LATER_ONLY = {"CIRCUIT_OPEN", "BULKHEAD_FULL", "RATE_LIMITED", "SESSION_BUSY", "LEASE_LOST"}


def test_the_named_codes_have_the_flags_that_the_requirement_gives_them() -> None:
    both = {code.value for code in ErrorCode if code.retry_in_process and code.run_again_later}
    later = {code.value for code in ErrorCode if code.run_again_later and not code.retry_in_process}
    assert both == RETRYABLE
    assert later == LATER_ONLY
    assert not any(code.retry_in_process and not code.run_again_later for code in ErrorCode)


@pytest.mark.parametrize("code", ErrorCode)
def test_every_code_is_complete_and_speaks_both_languages(code: ErrorCode) -> None:
    assert str(code) == code.value == code.name
    assert isinstance(code.severity, Severity)
    assert 200 <= code.http_status < 600
    assert code.text(Language.ENGLISH).endswith(".")
    assert any("가" <= char <= "힣" for char in code.text(Language.KOREAN))


@pytest.mark.parametrize("message", Message)
def test_every_sentence_has_the_same_parameters_in_both_languages(message: Message) -> None:
    from string import Formatter

    def parameters(template: str) -> set[str]:
        return {name for _, name, _, _ in Formatter().parse(template) if name}

    assert parameters(message.english) == parameters(message.korean)
    assert any("가" <= char <= "힣" for char in message.korean)


def test_a_class_refuses_a_code_of_the_other_kind() -> None:
    with pytest.raises(ValueError, match="not retryable"):
        RetryableError(ErrorCode.INVALID_FILE)
    with pytest.raises(ValueError, match="is retryable"):
        PermanentError(ErrorCode.NETWORK_ERROR)


def test_the_text_is_the_sentence_with_its_numbers_and_without_what_is_private() -> None:
    error = PermanentError(
        ErrorCode.MULTI_IDENTITY,
        Message.PEOPLE_IN_ONE_FILE,
        details={"count": 2},
        private={"names": ["윤가온"]},
    )
    assert isinstance(error, WorkerError)
    assert str(error) == "The file holds the résumés of 2 people. Send one file per person."
    assert "2명" in error.text(Language.KOREAN)
    assert "윤가온" not in repr(error) + str(error) + error.text(Language.KOREAN)


def test_a_parameter_that_was_lost_does_not_lose_the_sentence() -> None:
    text = describe(ErrorCode.INVALID_FILE, Message.FILE_TOO_MANY_PAGES, {}, Language.ENGLISH)
    assert text == "The file has ? pages; at most ? are read. Send the résumé alone."
