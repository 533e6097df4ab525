from app.documents.blocks import Block, Document, Format


def test_the_text_of_a_document_has_one_line_per_block() -> None:
    blocks = (Block(text="one"), Block(text="a\tb", cells=("a", "b")))

    assert Document(format=Format.TEXT, pages=1, blocks=blocks).text == "one\na\tb"
