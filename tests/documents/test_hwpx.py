import pytest

from app.documents.hwpx import read_hwpx
from app.documents.limits import Limits
from app.errors import PermanentError
from app.messages import Message
from tests.documents.building import hp, hwpx

CELL = "<hp:tc><hp:subList>{}</hp:subList></hp:tc>"


def test_sections_come_in_the_order_of_their_numbers(limits: Limits) -> None:
    data = hwpx([hp(f"section {n}") for n in range(11)])

    assert read_hwpx(data, limits).document.text.split("\n") == [f"section {n}" for n in range(11)]


def test_label_and_value_cells_stay_on_their_row(limits: Limits) -> None:
    rows = [["성명", "가나다", "생년월일", "1990.01.01"], ["주소", "", "", "나라"]]
    table = "".join(
        "<hp:tr>" + "".join(CELL.format(hp(text)) for text in row) + "</hp:tr>" for row in rows
    )
    section = f"<hp:p><hp:run><hp:tbl>{table}</hp:tbl><hp:t>after</hp:t></hp:run></hp:p>"

    blocks = read_hwpx(hwpx([section]), limits).document.blocks

    assert sorted(block.cells for block in blocks) == [(), *sorted(tuple(row) for row in rows)]


def test_text_boxes_tabs_and_breaks_are_read(limits: Limits) -> None:
    box = f"<hp:rect><hp:drawText><hp:subList>{hp('box')}</hp:subList></hp:drawText></hp:rect>"
    text = "<hp:t>a<hp:tab/>b<hp:lineBreak/>c<hp:nbSpace/>d</hp:t>"

    document = read_hwpx(hwpx([f"<hp:p><hp:run>{text}{box}</hp:run></hp:p>"]), limits).document

    assert document.text == "a\tb\nc d\nbox"


def test_links_are_kept_without_their_options(limits: Limits) -> None:
    field = (
        '<hp:ctrl><hp:fieldBegin type="HYPERLINK"><hp:parameters><hp:stringParam name="Path">'
        "https\\://example.com;1;0;0;</hp:stringParam></hp:parameters></hp:fieldBegin></hp:ctrl>"
        '<hp:ctrl><hp:fieldBegin type="HYPERLINK"/></hp:ctrl>'
    )

    document = read_hwpx(hwpx([f"<hp:p><hp:run>{field}</hp:run></hp:p>"]), limits).document

    assert document.links == ("https://example.com",)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (hwpx([]), Message.FILE_DAMAGED),
        (hwpx([hp("x")[:-3]]), Message.FILE_DAMAGED),
        (
            hwpx([hp("x")], {"META-INF/manifest.xml": "<m><encryption-data/></m>"}),
            Message.FILE_ENCRYPTED,
        ),
    ],
)
def test_what_cannot_be_read_is_refused(limits: Limits, data: bytes, message: Message) -> None:
    with pytest.raises(PermanentError) as caught:
        read_hwpx(data, limits)

    assert caught.value.message is message
