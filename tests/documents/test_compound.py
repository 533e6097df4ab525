import pytest

from app.documents.compound import CompoundFile, is_compound
from app.errors import PermanentError
from app.messages import Message
from tests.documents.building import compound


def test_streams_are_read_by_their_path() -> None:
    data = compound({"FileHeader": b"head", "BodyText/Section0": b"body" * 2000})

    with CompoundFile(data) as container:
        assert set(container.names) == {"FileHeader", "BodyText/Section0"}
        assert container.read("BodyText/Section0") == b"body" * 2000


@pytest.mark.parametrize("cut", [9, 600, 1100])
def test_a_truncated_container_is_damaged(cut: int) -> None:
    data = compound({"FileHeader": b"head" * 2000})[:cut]

    assert is_compound(data)
    with pytest.raises(PermanentError) as caught, CompoundFile(data) as container:
        container.read("FileHeader")

    assert caught.value.message is Message.FILE_DAMAGED


def test_a_missing_stream_is_damage() -> None:
    with CompoundFile(compound({"a": b"x"})) as container, pytest.raises(PermanentError):
        container.read("b")
