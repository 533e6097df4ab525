"""A part of a document that fits into a model's window."""

from dataclasses import dataclass

_HEAD_SHARE = 0.75  # the person and the latest positions; schools and skills often come last
_MARK = "\n[…]\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class Excerpt:
    """`left_out_chars` is 0 for a whole document."""

    text: str
    left_out_chars: int


def excerpt(text: str, max_chars: int) -> Excerpt:
    """Beginning and end of a long text, in whole lines where lines are not longer than that."""
    if len(text) <= max_chars:
        return Excerpt(text=text, left_out_chars=0)
    room = max(max_chars - len(_MARK), 2)
    head_chars = int(room * _HEAD_SHARE)
    head = text[:head_chars]
    tail = text[len(text) - (room - head_chars) :]
    head = head[: head.rfind("\n")] if head.rfind("\n") > head_chars // 2 else head
    first = tail.find("\n")
    tail = tail[first + 1 :] if 0 <= first < len(tail) // 2 else tail
    shown = f"{head}{_MARK}{tail}"
    return Excerpt(text=shown, left_out_chars=len(text) - len(head) - len(tail))
