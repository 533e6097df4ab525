"""What can go wrong: one table of codes, three exception classes.

    WorkerError                 every failure that the service names
    ├── RetryableError          its code says: try again now, or run again later
    └── PermanentError          its code says: the same input fails the same way

Foreign exceptions become one of these at the border (`providers.failures`, `store.failures`);
what is none of them is a bug and ends as WORKER_ERROR with a stack trace in the log.
"""

from collections.abc import Mapping
from enum import Enum, StrEnum
from typing import ClassVar, Self

from app.messages import Language, Message


class Severity(StrEnum):
    """How loudly a code is logged: the standard levels, by name."""

    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


_MIB_BYTES = 1024 * 1024

_INFO, _WARN, _ERROR = Severity.INFO, Severity.WARNING, Severity.ERROR


class ErrorCode(str, Enum):  # noqa: UP042 - a StrEnum takes no columns
    """One line per code: retry in process, run again later, severity, HTTP status, English, Korean.

    The two flags are the whole retry policy of a code. *Retry in process*: the executor may call
    again at once, within the policy's tries. *Run again later*: once tries are spent, the run goes
    back to `queued` with a time to start again.
    """

    retry_in_process: bool
    run_again_later: bool
    severity: Severity
    http_status: int
    english: str
    korean: str
    retryable: bool
    """Whether trying again, now or later, can help."""

    def __new__(  # noqa: PLR0913, PLR0917 - these are the columns of the table
        cls,
        code: str,
        retry_in_process: bool,  # noqa: FBT001
        run_again_later: bool,  # noqa: FBT001
        severity: Severity,
        http_status: int,
        english: str,
        korean: str,
    ) -> Self:
        member = str.__new__(cls, code)
        member._value_ = code
        member.retry_in_process = retry_in_process
        member.run_again_later = run_again_later
        member.severity = severity
        member.http_status = http_status
        member.english = english
        member.korean = korean
        member.retryable = retry_in_process or run_again_later
        return member

    def __str__(self) -> str:
        return self.value

    def text(self, language: Language) -> str:
        """The sentence that is safe to show to anyone."""
        return self.korean if language is Language.KOREAN else self.english

    # fmt: off
    # Retryable: the world outside failed; the same call may succeed.
    LLM_TIMEOUT = "LLM_TIMEOUT", True, True, _WARN, 504, "The model did not answer in time. It is tried again.", "모델이 제시간에 답하지 않았습니다. 다시 시도합니다."
    LLM_RATE_LIMIT = "LLM_RATE_LIMIT", True, True, _WARN, 503, "The model accepts no more requests for now. It is tried again.", "모델이 지금은 요청을 더 받지 않습니다. 다시 시도합니다."
    EMBEDDING_TIMEOUT = "EMBEDDING_TIMEOUT", True, True, _WARN, 504, "The embedding service did not answer in time. It is tried again.", "임베딩 서비스가 제시간에 답하지 않았습니다. 다시 시도합니다."
    DB_CONNECTION = "DB_CONNECTION", True, True, _ERROR, 503, "The database cannot be reached. It is tried again.", "데이터베이스에 연결할 수 없습니다. 다시 시도합니다."
    STORAGE_ERROR = "STORAGE_ERROR", True, True, _ERROR, 503, "The file storage cannot be reached. It is tried again.", "파일 저장소에 접근할 수 없습니다. 다시 시도합니다."
    NETWORK_ERROR = "NETWORK_ERROR", True, True, _WARN, 503, "A service could not be reached over the network. It is tried again.", "네트워크로 서비스에 연결할 수 없습니다. 다시 시도합니다."
    # Local rejections: never repeated at once, that would only add load; the run comes back later.
    CIRCUIT_OPEN = "CIRCUIT_OPEN", False, True, _WARN, 503, "A service that is failing is left alone for a while. The run starts again later.", "장애가 있는 서비스를 잠시 호출하지 않습니다. 나중에 다시 실행합니다."
    BULKHEAD_FULL = "BULKHEAD_FULL", False, True, _WARN, 503, "Too many calls are under way. The run starts again later.", "동시에 처리 중인 요청이 너무 많습니다. 나중에 다시 실행합니다."
    RATE_LIMITED = "RATE_LIMITED", False, True, _INFO, 429, "Too many requests. Wait and send again.", "요청이 너무 많습니다. 잠시 후 다시 보내 주세요."
    SESSION_BUSY = "SESSION_BUSY", False, True, _INFO, 409, "An earlier message of this conversation is still being answered.", "이 대화의 앞선 메시지에 아직 답하는 중입니다."
    LEASE_LOST = "LEASE_LOST", False, True, _WARN, 503, "Another worker took over this run.", "다른 워커가 이 작업을 이어받았습니다."
    # Permanent: the same input fails the same way.
    INVALID_FILE = "INVALID_FILE", False, False, _INFO, 422, "The file cannot be read as a résumé. Send another file.", "이력서로 읽을 수 없는 파일입니다. 다른 파일을 보내 주세요."
    MULTI_IDENTITY = "MULTI_IDENTITY", False, False, _INFO, 422, "The file holds the résumés of several people. Send one file per person.", "여러 사람의 이력서가 들어 있는 파일입니다. 한 사람에 한 파일씩 보내 주세요."
    OCR_UNAVAILABLE = "OCR_UNAVAILABLE", False, False, _WARN, 422, "Text recognition is not installed. Install tesseract-ocr and tesseract-ocr-kor.", "문자 인식 프로그램이 없습니다. tesseract-ocr와 tesseract-ocr-kor를 설치해 주세요."
    ENCRYPTION_ERROR = "ENCRYPTION_ERROR", False, False, _ERROR, 500, "Stored data could not be decrypted. Check ENCRYPTION_KEY.", "저장된 데이터를 복호화할 수 없습니다. ENCRYPTION_KEY를 확인해 주세요."
    VALIDATION_ERROR = "VALIDATION_ERROR", False, False, _INFO, 422, "The request is not valid. Correct it and send it again.", "요청이 올바르지 않습니다. 고쳐서 다시 보내 주세요."
    INSUFFICIENT_CREDITS = "INSUFFICIENT_CREDITS", False, False, _INFO, 402, "No credits are left. Add credits and send it again.", "크레딧이 부족합니다. 충전한 뒤 다시 보내 주세요."
    DEADLINE_EXCEEDED = "DEADLINE_EXCEEDED", False, False, _WARN, 504, "The run took longer than it may and was stopped.", "허용 시간을 넘겨 작업을 중단했습니다."
    QUOTA_EXCEEDED = "QUOTA_EXCEEDED", False, False, _ERROR, 503, "The model account has no quota left. Check its billing.", "모델 계정의 사용 한도가 소진되었습니다. 결제 상태를 확인해 주세요."
    SPEND_CAP = "SPEND_CAP", False, False, _WARN, 402, "The run may spend no more on models; what needs none goes on. Raise LLM__MAX_RUN_TOKENS or LLM__MAX_RUN_COST to allow more.", "이 작업이 모델에 쓸 수 있는 한도에 도달해 모델 없이 계속합니다. 더 허용하려면 LLM__MAX_RUN_TOKENS 또는 LLM__MAX_RUN_COST를 높여 주세요."
    CANCELLED = "CANCELLED", False, False, _INFO, 409, "The run was cancelled.", "작업이 취소되었습니다."
    LLM_PARSE_ERROR = "LLM_PARSE_ERROR", False, False, _WARN, 502, "The model's answer could not be understood.", "모델의 답을 해석할 수 없습니다."
    RECEIVER_REFUSED = "RECEIVER_REFUSED", False, False, _INFO, 502, "The receiver refuses the message. Have it answer 2xx at this very address.", "수신 서버가 메시지를 거부했습니다. 등록한 바로 그 주소에서 2xx로 응답하게 해 주세요."
    WORKER_ERROR = "WORKER_ERROR", False, False, _ERROR, 500, "Something unexpected failed; it is logged with a stack trace.", "예상하지 못한 오류가 발생했습니다. 로그에 기록했습니다."
    # Partial: the candidate is saved without one thing.
    EMBEDDING_PARTIAL = "EMBEDDING_PARTIAL", False, False, _WARN, 200, "The candidate is saved, but cannot be found by meaning until its embedding is repaired.", "후보자는 저장되었지만 임베딩을 복구할 때까지 의미 검색에 나오지 않습니다."
    VISUAL_PARTIAL = "VISUAL_PARTIAL", False, False, _INFO, 200, "The candidate is saved without a picture.", "후보자는 저장되었지만 그림이 없습니다."
    # At the door.
    UNAUTHENTICATED = "UNAUTHENTICATED", False, False, _INFO, 401, "An API key is needed. Send it as: Authorization: Bearer KEY.", "API 키가 필요합니다. Authorization: Bearer KEY 형식으로 보내 주세요."
    CROSS_ORIGIN = "CROSS_ORIGIN", False, False, _INFO, 403, "A browser sends this for another site with its saved password. Send Authorization: Bearer KEY instead.", "브라우저가 다른 사이트의 요청을 저장된 비밀번호로 보냈습니다. Authorization: Bearer KEY 형식으로 보내 주세요."
    NOT_FOUND = "NOT_FOUND", False, False, _INFO, 404, "There is nothing at this address.", "해당 주소에 아무것도 없습니다."
    ERASED = "ERASED", False, False, _INFO, 410, "This candidate was erased; only the time of it is kept.", "삭제된 후보자입니다. 삭제 시각만 남아 있습니다."
    METHOD_NOT_ALLOWED = "METHOD_NOT_ALLOWED", False, False, _INFO, 405, "This address does not accept that method.", "이 주소는 해당 메서드를 받지 않습니다."
    REQUEST_TIMEOUT = "REQUEST_TIMEOUT", False, False, _INFO, 408, "The request stopped arriving before it was complete. Send it again.", "요청이 끝까지 도착하지 않고 멈췄습니다. 다시 보내 주세요."
    PAYLOAD_TOO_LARGE = "PAYLOAD_TOO_LARGE", False, False, _INFO, 413, "The request is larger than accepted. Send a smaller file.", "요청이 허용 크기를 넘습니다. 더 작은 파일을 보내 주세요."
    IDEMPOTENCY_CONFLICT = "IDEMPOTENCY_CONFLICT", False, False, _INFO, 409, "This Idempotency-Key was used for another request. Use a new key.", "이 Idempotency-Key는 다른 요청에 이미 쓰였습니다. 새 키를 사용해 주세요."
    RUN_ENDED = "RUN_ENDED", False, False, _INFO, 409, "The run has ended already; there is nothing left to cancel.", "이미 끝난 작업이라 취소할 것이 없습니다."
    NOT_REPAIRABLE = "NOT_REPAIRABLE", False, False, _INFO, 409, "This run cannot be repaired.", "복구할 수 없는 작업입니다."
    # fmt: on


class WorkerError(Exception):
    """A failure with a code.

    `details` hold what an operator may see (counts, sizes, seconds; `retry_after` in seconds).
    `private` holds personal data that belongs to the failure; it is stored encrypted and shown only
    with the right to reveal. `str()` is the English sentence, safe for logs.
    """

    _retryable: ClassVar[bool | None] = None

    # No call of the one above: it would only store again what `__new__` has stored, and an open
    # circuit rejects so often that it counts. For the same reason the text is made when asked for.
    def __init__(
        self,
        code: ErrorCode,
        message: Message | None = None,
        *,
        details: Mapping[str, object] | None = None,
        private: Mapping[str, object] | None = None,
    ) -> None:
        if self._retryable is not None and code.retryable is not self._retryable:
            raise ValueError(f"{code} is {'' if code.retryable else 'not '}retryable")
        self.code = code
        self.message = message
        self.details: dict[str, object] = {**details} if details else {}
        self.private: dict[str, object] = {**private} if private else {}

    def __str__(self) -> str:
        return self.text(Language.ENGLISH)

    def text(self, language: Language) -> str:
        """The sentence to show: the specific one if there is one, else that of the code."""
        return describe(self.code, self.message, self.details, language)


class RetryableError(WorkerError):
    """The code must be one that trying again can help."""

    _retryable = True


class PermanentError(WorkerError):
    """The code must be one that trying again cannot help."""

    _retryable = False


def check_file_size(
    size_bytes: int, max_bytes: int, *, code: ErrorCode = ErrorCode.INVALID_FILE
) -> None:
    """Raise `code` for a file above the limit."""
    if size_bytes > max_bytes:
        size_mib, limit_mib = size_bytes / _MIB_BYTES, max_bytes / _MIB_BYTES
        details = {"size_mib": round(size_mib, 1), "limit_mib": f"{limit_mib:g}"}
        raise PermanentError(code, Message.FILE_TOO_LARGE, details=details)


def describe(
    code: ErrorCode,
    message: Message | None,
    details: Mapping[str, object],
    language: Language,
) -> str:
    """The sentence for a stored failure, in the reader's language."""
    return message.text(language, dict(details)) if message else code.text(language)


def stored_code(code: str | None) -> ErrorCode | None:
    """The code of a stored failure; None also for one that a later version has stored."""
    return ErrorCode.__members__.get(code or "")


def unwrap(error: BaseException) -> BaseException:
    """The one error that a group of concurrent calls stands for: a bug, else a permanent one."""
    if not isinstance(error, BaseExceptionGroup):
        return error
    leaves = [unwrap(inner) for inner in error.exceptions]  # pyright: ignore[reportUnknownVariableType, reportUnknownMemberType, reportUnknownArgumentType] - the group's type is erased
    return min(
        leaves, key=lambda leaf: (isinstance(leaf, WorkerError), isinstance(leaf, RetryableError))
    )
