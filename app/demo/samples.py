"""The résumés that the project ships, and how each must end. All persons are invented."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from app.errors import ErrorCode

FOLDER = Path(__file__).with_name("samples")


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """One file of `samples/`. `code` is None where the run must succeed.

    `name`, `emails` and `phones` are those of a good résumé; `names` are the people of a file that
    holds several. `needs_ocr`: without text recognition it ends as OCR_UNAVAILABLE instead.
    `phrase` stands in this file's text alone, and masking contacts leaves it as it is.
    """

    file: str
    phrase: str = ""
    name: str | None = None
    emails: tuple[str, ...] = ()
    phones: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    code: ErrorCode | None = None
    needs_ocr: bool = False

    @property
    def status(self) -> Literal["succeeded", "failed"]:
        """The final state of the sample's run."""
        return "failed" if self.code else "succeeded"

    @property
    def path(self) -> Path:
        """Where the file lies."""
        return FOLDER / self.file

    @property
    def expected_path(self) -> Path:
        """The hand-checked profile or error, as JSON."""
        return FOLDER / "expected" / f"{self.file}.json"


SAMPLES: tuple[Sample, ...] = (
    Sample(
        file="ko-one-column.pdf",
        phrase="해오름모빌리티",
        name="윤가온",
        emails=("gaon.yun@example.kr",),
        phones=("010-0000-2101",),
    ),
    Sample(
        file="ko-two-column.pdf",
        phrase="온누리헬스랩",
        name="정다솜",
        emails=("dasom.jung@example.com",),
        phones=("010-0000-2102",),
    ),
    Sample(
        file="en-one-column.pdf",
        phrase="Juniper Grid Analytics",
        name="Maya Fairweather",
        emails=("maya.fairweather@example.com",),
        phones=("+1 (415) 555-0121",),
    ),
    Sample(
        file="en-two-column.pdf",
        phrase="Saffron Street Deliveries",
        name="Theo Winterbourne",
        emails=("theo@winterbourne.example.org",),
        phones=("+1 646-555-0138",),
    ),
    Sample(
        file="en-one-column.docx",
        phrase="Alderway Tools",
        name="Nadia Brightwell",
        emails=("nadia.brightwell@example.com",),
        phones=("+1 (303) 555-0164",),
    ),
    Sample(
        file="ko-one-column.hwp",
        phrase="노을빛정밀",
        name="서도윤",
        emails=("doyun.seo@example.kr",),
        phones=("010-0000-2106",),
    ),
    Sample(
        file="ko-table-form.hwpx",
        phrase="여울숲병원",
        name="남궁솔",
        emails=("sol.namgung@example.kr",),
        phones=("010-0000-2107",),
    ),
    Sample(
        file="ko-plain.txt",
        phrase="은토끼게임즈",
        name="표지후",
        emails=("jihu.pyo@example.com",),
        phones=("010-0000-2108",),
    ),
    Sample(
        file="ko-scan.pdf",
        phrase="단단오토파츠",
        name="류새벽",
        emails=("saebyeok.ryu@example.kr",),
        phones=("010-0000-2109",),
        needs_ocr=True,
    ),
    Sample(
        file="bad-two-people.pdf",
        names=("권나래", "오한결"),
        code=ErrorCode.MULTI_IDENTITY,
    ),
    Sample(file="bad-truncated.pdf", code=ErrorCode.INVALID_FILE),
    Sample(file="bad-zip-bomb.docx", code=ErrorCode.INVALID_FILE),
)


def sample_bytes(sample: Sample) -> bytes:
    """Read the file. Blocks on the disk: inside a loop, call it in a thread."""
    return sample.path.read_bytes()
