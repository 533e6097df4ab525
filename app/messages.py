"""Sentences for people, in English and Korean.

A sentence says what happened, why, and what to do next. It is stored by name with its parameters
and rendered when it is read, so that one run can be shown in either language. Parameters are
numbers and technical words; personal data never goes into a sentence.
"""

from enum import Enum, StrEnum
from typing import Self


class Language(StrEnum):
    """The languages in which the product speaks to people."""

    ENGLISH = "en"
    KOREAN = "ko"


class Message(Enum):
    """One line per sentence: English, Korean. `{name}` is filled from the error's details."""

    english: str
    korean: str

    def __new__(cls, english: str, korean: str) -> Self:
        member = object.__new__(cls)
        member._value_ = english
        member.english = english
        member.korean = korean
        return member

    def text(self, language: Language, details: dict[str, object]) -> str:
        """The sentence in one language; a parameter that `details` lacks stays readable as `?`."""
        template = self.korean if language is Language.KOREAN else self.english
        return template.format_map(_Parameters(details))

    # fmt: off
    FILE_EMPTY = "The file is empty. Upload the résumé again.", "파일이 비어 있습니다. 이력서를 다시 올려 주세요."
    FILE_TOO_LARGE = "The file has {size_mib} MiB; at most {limit_mib} MiB are accepted. Send a smaller file.", "파일 크기가 {size_mib} MiB입니다. 최대 {limit_mib} MiB까지 받습니다. 더 작은 파일을 보내 주세요."
    FILE_UNKNOWN_TYPE = "The content is no document of a known type. Send a PDF, DOCX, HWP, HWPX, ODT, RTF, text or image file.", "알 수 없는 형식의 파일입니다. PDF, DOCX, HWP, HWPX, ODT, RTF, 텍스트 또는 이미지 파일을 보내 주세요."
    FILE_IS_PROGRAM = "The file is a program, whatever its name says. Send the document itself.", "파일 이름과 달리 실행 파일입니다. 문서 파일을 보내 주세요."
    FILE_IS_FOLDER = "This is a folder that is named like a file. Give the files in it, or rename the folder and give that.", "파일처럼 이름 붙은 폴더입니다. 안에 있는 파일을 지정하거나, 폴더 이름을 바꾼 뒤 지정해 주세요."
    FILE_LEGACY_DOC = "This is a legacy .doc file of Word 97-2003. Save it as DOCX or PDF and send that.", "Word 97-2003의 .doc 파일입니다. DOCX 또는 PDF로 저장해서 보내 주세요."
    FILE_ENCRYPTED = "The file is protected by a password. Remove the password and send it again.", "암호로 보호된 파일입니다. 암호를 해제한 뒤 다시 보내 주세요."
    FILE_DAMAGED = "The file is damaged or incomplete and cannot be opened. Export it again and send the new file.", "파일이 손상되었거나 불완전하여 열 수 없습니다. 다시 내보낸 파일을 보내 주세요."
    FILE_NO_TEXT = "No readable text was found in the file. Send a file with text, or a sharper scan.", "파일에서 읽을 수 있는 글자를 찾지 못했습니다. 글자가 있는 파일이나 더 선명한 스캔을 보내 주세요."
    FILE_ONLY_HIDDEN_TEXT = "All text of the file is hidden: white on white, too small to be seen, or marked as hidden. Send a file whose text can be seen.", "파일의 글자가 모두 숨겨져 있습니다(흰 바탕의 흰 글자, 보이지 않을 만큼 작은 글자, 숨김 속성). 글자가 보이는 파일을 보내 주세요."
    FILE_TOO_MANY_PAGES = "The file has {pages} pages; at most {limit} are read. Send the résumé alone.", "파일이 {pages}쪽입니다. 최대 {limit}쪽까지 읽습니다. 이력서만 보내 주세요."
    FILE_EXPANDS_TOO_MUCH = "The packed file would unfold to far more than is accepted (a zip bomb). Export it again from the original document.", "압축을 풀면 허용 크기를 크게 넘는 파일(압축 폭탄)입니다. 원본 문서에서 다시 내보내 주세요."
    FILE_UNSAFE_MARKUP = "The document carries entity definitions, which résumés never need and attacks do. Export it again from the original document.", "문서에 공격에 쓰이는 엔티티 정의가 들어 있습니다. 원본 문서에서 다시 내보내 주세요."
    FILE_TOO_SLOW = "Reading the file took longer than {limit_s} s and was stopped. Send a simpler export of it.", "파일을 읽는 데 {limit_s}초를 넘겨 중단했습니다. 더 단순한 형식으로 내보내 주세요."
    FILE_CRASHED_READER = "The file made its reader fail (out of memory or crash). Export it again from the original document.", "파일을 읽는 프로그램이 중단되었습니다(메모리 부족 또는 오류). 원본 문서에서 다시 내보내 주세요."
    FILE_ONLY_NOTICE = "The file shows only the notice of a protected HWP document. Save it without distribution protection and send it again.", "배포용 문서의 안내문만 들어 있습니다. 배포용 보호를 해제하고 저장한 뒤 다시 보내 주세요."
    IMAGE_TOO_LARGE = "The picture has {megapixels} megapixels; at most {limit} are read. Scan at 200 to 300 dpi.", "그림이 {megapixels} 메가픽셀입니다. 최대 {limit} 메가픽셀까지 읽습니다. 200~300 dpi로 스캔해 주세요."
    OCR_NOT_INSTALLED = "This is a scan, and text recognition is not installed. Install the Debian packages tesseract-ocr and tesseract-ocr-kor, then send it again.", "스캔한 문서인데 문자 인식 프로그램이 없습니다. 데비안 패키지 tesseract-ocr와 tesseract-ocr-kor를 설치한 뒤 다시 보내 주세요."
    PEOPLE_IN_ONE_FILE = "The file holds the résumés of {count} people. Send one file per person.", "파일에 {count}명의 이력서가 들어 있습니다. 한 사람에 한 파일씩 보내 주세요."
    ERASED_MEANWHILE = "The person of this résumé was erased after the file had come in, so nothing of it was kept. Upload it again if that was not meant.", "파일이 접수된 뒤 이 사람의 정보가 삭제되어 아무것도 저장하지 않았습니다. 의도한 것이 아니라면 다시 올려 주세요."
    LOOKUP_EMPTY = "Give a mail address, a phone number or a name to look up.", "찾을 이메일, 전화번호 또는 이름을 입력해 주세요."
    LOOKUP_NO_PHONE = "A phone number has at least {digits} digits. Correct it and ask again.", "전화번호는 숫자가 {digits}자리 이상이어야 합니다. 고쳐서 다시 찾아 주세요."
    SERVER_UNREACHABLE = "{server} at {address} cannot be reached. Check that it runs and takes connections, and {setting}.", "{server} ({address})에 연결할 수 없습니다. 실행 중이고 연결을 받는지, {setting} 설정이 맞는지 확인해 주세요."
    EMBEDDED_SERVER_FAILED = "The embedded {server} does not run. Its last words are in {log}.", "내장 {server} 서버가 실행되지 않습니다. 원인은 {log} 파일 끝에 있습니다."
    EMBEDDED_SERVER_LINGERS = "The embedded {server} of an earlier start is still running after {seconds} s. End it, then start again.", "이전에 시작한 내장 {server} 서버가 {seconds}초가 지나도 종료되지 않았습니다. 종료한 뒤 다시 시작해 주세요."
    EMBEDDED_OWNER_SILENT = "Process {pid} owns the data folder, but its servers were not ready within {seconds} s. Wait, or end it, then start again.", "프로세스 {pid}이(가) 데이터 폴더를 사용 중이지만 {seconds}초 안에 서버가 준비되지 않았습니다. 기다리거나 그 프로세스를 종료한 뒤 다시 시작해 주세요."
    PROVIDER_REFUSES_KEY = "The {provider} server refuses the API key (HTTP {http_status}). Check the key in the settings.", "{provider} 서버가 API 키를 거부했습니다(HTTP {http_status}). 설정의 키를 확인해 주세요."
    PROVIDER_REFUSES_REQUEST = "The {provider} server refuses the request (HTTP {http_status}). Check the base URL, the model's name and its context size in the settings.", "{provider} 서버가 요청을 거부했습니다(HTTP {http_status}). 설정의 주소, 모델 이름, 컨텍스트 크기를 확인해 주세요."
    EMBEDDING_WRONG_SIZE = "The embedding model answers with {got} dimensions where {wanted} are stored. Choose a model that honours the `dimensions` parameter.", "임베딩 모델이 {got}차원으로 답했지만 저장 형식은 {wanted}차원입니다. `dimensions` 매개변수를 지원하는 모델을 선택해 주세요."
    SEARCH_BY_WORDS_ALONE = "Found by words alone: the query could not be embedded ({code}). `./run doctor` says what is wrong.", "검색어를 임베딩하지 못해({code}) 낱말로만 찾았습니다. 원인은 `./run doctor`로 확인해 주세요."
    SEARCH_RANGE_EMPTY = "Nobody can be in the range from {low} to {high}. Swap the two, or leave one out.", "{low}부터 {high}까지의 범위에는 해당하는 사람이 있을 수 없습니다. 두 값을 바꾸거나 하나를 빼 주세요."
    STORED_FILE_MISSING = "The storage holds no such file. Check the key, or upload the file again.", "저장소에 해당 파일이 없습니다. 키를 확인하거나 파일을 다시 올려 주세요."
    STORAGE_KEY_INVALID = "The key must be a path below `inbox/`, such as `inbox/name.pdf`, without empty parts, `.`, `..` and backslashes.", "키는 `inbox/name.pdf`처럼 `inbox/` 아래의 경로여야 하며, 빈 부분, `.`, `..`, 역슬래시는 쓸 수 없습니다."
    FILE_OR_KEY = "Send either `file` or `key`.", "`file`과 `key` 중 하나만 보내 주세요."
    POSITION_UNKNOWN = "Last-Event-ID must be the id of an event of this run. Leave it out to begin at the first one.", "Last-Event-ID는 이 작업의 이벤트 ID여야 합니다. 처음부터 받으려면 빼고 보내 주세요."
    CREDITS_COUNT_WRONG = "The number of credits must be {allowed}.", "크레딧 수는 {allowed}이어야 합니다."
    NO_PICTURE = "There is no such picture of this candidate: first pages are drawn of PDFs and images, portfolios where one is linked and PORTFOLIO__BROWSER is set.", "이 후보자에게는 해당 그림이 없습니다. 첫 페이지는 PDF와 이미지에서만, 포트폴리오는 링크가 있고 PORTFOLIO__BROWSER가 설정된 경우에만 만들어집니다."
    FIELD_MISSING = "It is required.", "필수 항목입니다."
    FIELD_REPEATED = "It may be given once.", "한 번만 보낼 수 있습니다."
    FIELD_UNKNOWN = "There is no field of this name.", "이런 이름의 항목은 없습니다."
    FIELD_NO_OBJECT = "It must be a JSON object, sent with the header Content-Type: application/json.", "JSON 객체여야 하며 Content-Type: application/json 헤더와 함께 보내야 합니다."
    FIELD_NO_FILE = "It must be a file with a name; in curl: -F file=@name.pdf", "이름이 있는 파일이어야 합니다. curl에서는 -F file=@name.pdf 형식입니다."
    FIELD_NO_ID = "It must be an id, such as 0198c3a4-7b1e-7c55-9a51-3f0f6a1d2b4c.", "0198c3a4-7b1e-7c55-9a51-3f0f6a1d2b4c 같은 ID여야 합니다."
    FIELD_NO_CHOICE = "It must be {expected}.", "다음 중 하나여야 합니다: {expected}."
    FIELD_TOO_SHORT = "Its length must be {min_length} or more.", "길이가 {min_length} 이상이어야 합니다."
    FIELD_TOO_LONG = "Its length must be {max_length} at most.", "길이가 {max_length} 이하여야 합니다."
    FIELD_TOO_LOW = "It must be {ge} or more.", "{ge} 이상이어야 합니다."
    FIELD_TOO_HIGH = "It must be {le} at most.", "{le} 이하여야 합니다."
    FIELD_NO_NUMBER = "It must be a number.", "숫자여야 합니다."
    FIELD_NO_SWITCH = "It must be true or false.", "true 또는 false여야 합니다."
    COST_ABOVE_BURST = "This needs {cost} {dimension} at once; the rate limit admits {burst} at most. Split the request, or raise the limit.", "한 번에 {dimension} {cost}이(가) 필요하지만 속도 제한은 최대 {burst}까지 허용합니다. 요청을 나누거나 제한을 높여 주세요."
    ROLLOUT_UNKNOWN = "There is no rollout of this name. Known: {known}.", "이 이름의 롤아웃이 없습니다. 있는 이름: {known}."
    ROLLOUT_EXTENT_WRONG = "A rollout is set to `off`, `shadow` or a share from 0% to 100% in steps of 0.01%, such as 12.5%.", "롤아웃은 `off`, `shadow`, 또는 0%부터 100%까지 0.01% 단위의 비율(예: 12.5%)로 설정합니다."
    ROLLOUT_SHARE_WRONG = "The share must be from 0% to 100% in steps of 0.01%, such as 12.5%.", "비율은 0%부터 100%까지 0.01% 단위로, 예를 들어 12.5%처럼 적어 주세요."
    BREAKER_UNKNOWN = "There is no circuit breaker of this name. Known: {known}.", "이 이름의 회로 차단기가 없습니다. 있는 이름: {known}."
    URL_NOT_HTTP = "The URL must start with https:// or http://. Correct it and send it again.", "URL은 https:// 또는 http://로 시작해야 합니다. 고쳐서 다시 보내 주세요."
    URL_WITH_CREDENTIALS = "The URL holds a user name or a password. Send it without them.", "URL에 사용자 이름이나 암호가 들어 있습니다. 빼고 보내 주세요."
    URL_HOST_ODD = "The URL cannot be read safely. Write the host as a plain name or IP address in its usual form, without a trailing dot, spaces or backslashes, in 2,000 characters at most.", "URL을 안전하게 해석할 수 없습니다. 호스트는 끝의 점, 공백, 역슬래시 없이 일반적인 이름이나 IP 주소로, 전체 2,000자 이내로 적어 주세요."
    URL_HOST_UNKNOWN = "The host of the URL is not known to the name server. Check its spelling.", "URL의 호스트를 네임 서버에서 찾을 수 없습니다. 철자를 확인해 주세요."
    URL_HOST_NOT_LOOKED_UP = "The host of the URL could not be looked up, because the name server did not answer. Try again later.", "네임 서버가 응답하지 않아 URL의 호스트를 조회하지 못했습니다. 나중에 다시 시도해 주세요."
    URL_NOT_PUBLIC = "The URL leads to an address that is not public. Use a host that can be reached from the internet.", "URL이 공개되지 않은 주소를 가리킵니다. 인터넷에서 접근할 수 있는 호스트를 사용해 주세요."
    WEBHOOK_UNKNOWN = "There is no webhook of this id. `./run webhooks ls` shows those there are.", "이 ID의 웹훅이 없습니다. `./run webhooks ls`로 목록을 확인해 주세요."
    WEBHOOK_TOO_MANY = "There are {limit} webhooks already, which is the most. Remove one first, or raise WEBHOOK__MAX_ENDPOINTS.", "웹훅이 이미 최대 개수인 {limit}개입니다. 하나를 지우거나 WEBHOOK__MAX_ENDPOINTS를 높여 주세요."
    WEBHOOK_THERE_ALREADY = "There is a webhook of this URL already. Rotate its secret if you have lost it.", "같은 URL의 웹훅이 이미 있습니다. 비밀 값을 잃어버렸다면 교체해 주세요."
    WEBHOOK_DELIVERY_UNKNOWN = "There is no delivery of this id. `./run webhooks deliveries` shows those that are kept.", "이 ID의 전송 기록이 없습니다. `./run webhooks deliveries`로 목록을 확인해 주세요."
    WEBHOOK_UNDER_WAY = "This delivery is still under way. Wait until it has been delivered or has failed.", "아직 전송 중입니다. 전송이 끝나거나 실패할 때까지 기다려 주세요."
    WEBHOOK_DISABLED = "The webhook of this delivery is disabled. Enable it first, then send again.", "이 전송의 웹훅이 비활성 상태입니다. 먼저 활성화한 뒤 다시 보내 주세요."
    RUN_WAITED_TOO_LONG = "The run's time, QUEUE__RUN_DEADLINE, was over before a worker could take it. Send it again, or retry its dead letter, which gives it all of its time.", "워커가 작업을 시작하기 전에 허용 시간(QUEUE__RUN_DEADLINE)이 지났습니다. 다시 보내거나 데드 레터를 다시 시도하면 허용 시간이 새로 주어집니다."
    DEAD_LETTER_UNKNOWN = "There is no dead letter of this id. `./run dead ls` shows those there are.", "이 ID의 데드 레터가 없습니다. `./run dead ls`로 목록을 확인해 주세요."
    DEAD_LETTER_EMPTY = "The payload of this job had expired before it died, so there is nothing to run again. Purge the letter.", "이 작업의 페이로드는 작업이 실패하기 전에 만료되어 다시 실행할 수 없습니다. 데드 레터를 삭제해 주세요."
    CANCELLED_TOO_LATE = "What the run was for is saved already, so it is not cancelled; it ends in a moment.", "작업 결과가 이미 저장되어 취소할 수 없습니다. 작업은 곧 끝납니다."
    RUN_UNKNOWN = "There is no run of this id. `./run runs` shows those there are.", "이 ID의 작업이 없습니다. `./run runs`로 목록을 확인해 주세요."
    REPAIR_NOT_PARTIAL = "The run is {status}; only a partial run of a résumé can be repaired. One that failed is run again by `./run dead retry`.", "이 작업의 상태는 {status}입니다. 일부만 처리된(partial) 이력서 작업만 복구할 수 있습니다. 실패한 작업은 `./run dead retry`로 다시 실행해 주세요."
    REPAIR_ERASED = "The candidate of this run was erased, so there is nothing to repair.", "이 작업의 후보자가 삭제되어 복구할 것이 없습니다."
    REPAIR_SUPERSEDED = "A later résumé of the same person replaced what this run saved. Repair the run of that one if it is partial.", "같은 사람의 더 새로운 이력서가 이 작업의 결과를 대체했습니다. 새 이력서의 작업이 일부만 처리되었다면 그 작업을 복구해 주세요."
    REPAIR_ORIGINAL_GONE = "Only the picture is missing, and the original that it is drawn from is no longer stored. Upload the file again.", "그림만 빠져 있지만 그릴 원본 파일이 더는 저장되어 있지 않습니다. 파일을 다시 올려 주세요."
    REPAIR_NO_BROWSER = "Only the screenshot of the portfolio is missing, and no browser is configured. Set PORTFOLIO__BROWSER.", "포트폴리오 화면만 빠져 있지만 설정된 브라우저가 없습니다. PORTFOLIO__BROWSER를 설정해 주세요."
    PORTFOLIO_NOT_OPENED = "The portfolio that the résumé links cannot be opened ({cause}). Check that it is online, then repair the run.", "이력서에 적힌 포트폴리오를 열 수 없습니다({cause}). 접속되는지 확인한 뒤 작업을 복구해 주세요."
    PORTFOLIO_TOO_HEAVY = "The portfolio that the résumé links needs more than the browser may use ({cause}). Raise the limit PORTFOLIO__{setting}, or leave it without a picture.", "이력서에 적힌 포트폴리오가 브라우저에 허용된 자원을 넘습니다({cause}). PORTFOLIO__{setting} 한도를 높이거나 그림 없이 두세요."
    BROWSER_FAILED = "The browser that takes pictures of portfolios does not start or ended early. See `./run doctor`, and the setting PORTFOLIO__BROWSER.", "포트폴리오 화면을 찍는 브라우저가 시작되지 않거나 도중에 종료되었습니다. `./run doctor`와 PORTFOLIO__BROWSER 설정을 확인해 주세요."
    CREDITS_TOO_FEW = "This costs {needed} credits and {available} are available. Add credits, or wait for those that runs under way hold, then send it again.", "크레딧 {needed}개가 필요하지만 {available}개만 남아 있습니다. 충전하거나 진행 중인 작업이 잡아 둔 크레딧이 돌아온 뒤 다시 보내 주세요."
    CREDITS_BELOW_ZERO = "Credits available: {available}, so {asked} cannot be taken away. Take away at most {available}.", "사용할 수 있는 크레딧이 {available}개뿐이라 {asked}개를 뺄 수 없습니다. 최대 {available}개까지 빼 주세요."
    RUN_TOKENS_SPENT = "The run has spent {spent} tokens on models, and the next call may take {next}; {limit} are allowed. The model was not asked. Raise LLM__MAX_RUN_TOKENS to allow more.", "이 작업은 모델 토큰 {spent}개를 썼고 다음 호출에 최대 {next}개가 더 필요하지만 한도는 {limit}개입니다. 모델을 호출하지 않았습니다. 더 허용하려면 LLM__MAX_RUN_TOKENS를 높여 주세요."
    RUN_COST_SPENT = "The run has spent {spent} on models, and the next call may cost {next}; {limit} are allowed. The model was not asked. Raise LLM__MAX_RUN_COST to allow more.", "이 작업은 모델에 {spent}만큼 썼고 다음 호출에 최대 {next}만큼 더 들 수 있지만 한도는 {limit}입니다. 모델을 호출하지 않았습니다. 더 허용하려면 LLM__MAX_RUN_COST를 높여 주세요."
    # fmt: on


def printable(text: str) -> str:
    """Somebody's words in one line: no control character reaches a terminal, nor NUL a database."""
    return "".join(char if char.isprintable() else " " for char in text)


class _Parameters(dict[str, object]):
    def __missing__(self, key: str) -> str:
        return "?"
