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
    FILE_TOO_MANY_PAGES = "The file has {pages} pages; at most {limit} are read. Send the résumé alone.", "파일이 {pages}쪽입니다. 최대 {limit}쪽까지 읽습니다. 이력서만 보내 주세요."
    FILE_EXPANDS_TOO_MUCH = "The packed file would unfold to far more than is accepted (a zip bomb). Export it again from the original document.", "압축을 풀면 허용 크기를 크게 넘는 파일(압축 폭탄)입니다. 원본 문서에서 다시 내보내 주세요."
    FILE_UNSAFE_MARKUP = "The document carries entity definitions, which résumés never need and attacks do. Export it again from the original document.", "문서에 공격에 쓰이는 엔티티 정의가 들어 있습니다. 원본 문서에서 다시 내보내 주세요."
    FILE_TOO_SLOW = "Reading the file took longer than {limit_s} s and was stopped. Send a simpler export of it.", "파일을 읽는 데 {limit_s}초를 넘겨 중단했습니다. 더 단순한 형식으로 내보내 주세요."
    FILE_CRASHED_READER = "The file made its reader fail (out of memory or crash). Export it again from the original document.", "파일을 읽는 프로그램이 중단되었습니다(메모리 부족 또는 오류). 원본 문서에서 다시 내보내 주세요."
    FILE_ONLY_NOTICE = "The file shows only the notice of a protected HWP document. Save it without distribution protection and send it again.", "배포용 문서의 안내문만 들어 있습니다. 배포용 보호를 해제하고 저장한 뒤 다시 보내 주세요."
    IMAGE_TOO_LARGE = "The picture has {megapixels} megapixels; at most {limit} are read. Scan at 200 to 300 dpi.", "그림이 {megapixels} 메가픽셀입니다. 최대 {limit} 메가픽셀까지 읽습니다. 200~300 dpi로 스캔해 주세요."
    OCR_NOT_INSTALLED = "This is a scan, and text recognition is not installed. Install the Debian packages tesseract-ocr and tesseract-ocr-kor, then send it again.", "스캔한 문서인데 문자 인식 프로그램이 없습니다. 데비안 패키지 tesseract-ocr와 tesseract-ocr-kor를 설치한 뒤 다시 보내 주세요."
    PEOPLE_IN_ONE_FILE = "The file holds the résumés of {count} people. Send one file per person.", "파일에 {count}명의 이력서가 들어 있습니다. 한 사람에 한 파일씩 보내 주세요."
    EMBEDDED_SERVER_FAILED = "The embedded {server} does not run. Its last words are in {log}.", "내장 {server} 서버가 실행되지 않습니다. 원인은 {log} 파일 끝에 있습니다."
    EMBEDDED_SERVER_LINGERS = "The embedded {server} of an earlier start is still running after {seconds} s. End it, then start again.", "이전에 시작한 내장 {server} 서버가 {seconds}초가 지나도 종료되지 않았습니다. 종료한 뒤 다시 시작해 주세요."
    EMBEDDED_OWNER_SILENT = "Process {pid} owns the data folder, but its servers were not ready within {seconds} s. Wait, or end it, then start again.", "프로세스 {pid}이(가) 데이터 폴더를 사용 중이지만 {seconds}초 안에 서버가 준비되지 않았습니다. 기다리거나 그 프로세스를 종료한 뒤 다시 시작해 주세요."
    PROVIDER_REFUSES_KEY = "The {provider} server refuses the API key (HTTP {http_status}). Check the key in the settings.", "{provider} 서버가 API 키를 거부했습니다(HTTP {http_status}). 설정의 키를 확인해 주세요."
    PROVIDER_REFUSES_REQUEST = "The {provider} server refuses the request (HTTP {http_status}). Check the base URL, the model's name and its context size in the settings.", "{provider} 서버가 요청을 거부했습니다(HTTP {http_status}). 설정의 주소, 모델 이름, 컨텍스트 크기를 확인해 주세요."
    EMBEDDING_WRONG_SIZE = "The embedding model answers with {got} dimensions where {wanted} are stored. Choose a model that honours the `dimensions` parameter.", "임베딩 모델이 {got}차원으로 답했지만 저장 형식은 {wanted}차원입니다. `dimensions` 매개변수를 지원하는 모델을 선택해 주세요."
    STORED_FILE_MISSING = "The storage holds no such file. Check the key, or upload the file again.", "저장소에 해당 파일이 없습니다. 키를 확인하거나 파일을 다시 올려 주세요."
    STORAGE_KEY_INVALID = "This is no key of the storage. Use a relative path such as `inbox/name.pdf`, without `..`.", "저장소 키로 쓸 수 없는 값입니다. `..` 없이 `inbox/name.pdf` 같은 상대 경로를 사용해 주세요."
    COST_ABOVE_BURST = "This needs {cost} {dimension} at once; the rate limit admits {burst} at most. Split the request, or raise the limit.", "한 번에 {dimension} {cost}이(가) 필요하지만 속도 제한은 최대 {burst}까지 허용합니다. 요청을 나누거나 제한을 높여 주세요."
    ROLLOUT_UNKNOWN = "There is no rollout of this name. Known: {known}.", "이 이름의 롤아웃이 없습니다. 있는 이름: {known}."
    ROLLOUT_EXTENT_WRONG = "A rollout is set to `off`, `shadow` or a share from 0% to 100% in steps of 0.01%, such as 12.5%.", "롤아웃은 `off`, `shadow`, 또는 0%부터 100%까지 0.01% 단위의 비율(예: 12.5%)로 설정합니다."
    ROLLOUT_SHARE_WRONG = "The share must be from 0% to 100% in steps of 0.01%, such as 12.5%.", "비율은 0%부터 100%까지 0.01% 단위로, 예를 들어 12.5%처럼 적어 주세요."
    BREAKER_UNKNOWN = "There is no circuit breaker of this name. Known: {known}.", "이 이름의 회로 차단기가 없습니다. 있는 이름: {known}."
    DEAD_LETTER_UNKNOWN = "There is no dead letter of this id. `./run dead ls` shows those there are.", "이 ID의 데드 레터가 없습니다. `./run dead ls`로 목록을 확인해 주세요."
    DEAD_LETTER_EMPTY = "The payload of this job had expired before it died, so there is nothing to run again. Purge the letter.", "이 작업의 페이로드는 작업이 실패하기 전에 만료되어 다시 실행할 수 없습니다. 데드 레터를 삭제해 주세요."
    # fmt: on


class _Parameters(dict[str, object]):
    def __missing__(self, key: str) -> str:
        return "?"
