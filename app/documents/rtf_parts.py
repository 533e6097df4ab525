"""What of an RTF file stands beside its body, and is lost on whoever reads the body alone.

Page headers, page footers and text boxes are groups of their own, somewhere in the source. Here
they are put where they are read: a header where it stands, a text box behind its paragraph, footers
at the end.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from striprtf import striprtf

from app.documents.rtf_tables import NESTED_ROW

_striprtf: Any = striprtf

BOX, HIDDEN, LINK = "shptxt", "hidden", "link"
"""Notes of ours: until its group ends, the text is that of a box, or of one that is not shown, or the
words of link number N."""

_TOKEN = re.compile(r"\\bin(\d{1,9}) ?|\\(?:par|row|sect)(?![a-z])|\\[^a-z]|[{}]")
_PARAGRAPH_ENDS = frozenset({"\\par", "\\row", "\\sect"})
_DESTINATION = re.compile(r"\s*(\\\*)?\s*\\([a-z]{1,32})(?:-?\d{1,10})? ?")
_URL = re.compile(r'HYPERLINK\s+"([^"\\{}]+)"')
_URL_PIECES = 20
_HIDDEN_SHAPE = re.compile(r"\\sn\s+fHidden\s*\}\s*\{\s*\\sv\s+1")
_HEADERS = frozenset({"header", "headerf", "headerl", "headerr"})
_FOOTERS = frozenset({"footer", "footerf", "footerl", "footerr"})
_BOXES = frozenset({BOX, "dptxbxtext"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Arranged:
    """The source in the order of reading, with notes, and the addresses of its links."""

    source: str
    urls: Sequence[str]


@dataclass(slots=True)
class _Group:
    """`at`: its first piece. `unseen`: it, or one around it, is no text of the document."""

    at: int
    destination: str = ""
    unseen: bool = False
    url: str | None = None


def arranged(source: str) -> Arranged:
    """Linear in the length of the source; never raises."""
    return _Arranging(source).arranged()


@dataclass(slots=True)
class _Arranging:
    """`drawn`: the text boxes of one drawing, `waiting`: those whose paragraph has not ended."""

    source: str
    urls: list[str] = field(default_factory=list[str])
    pieces: list[str] = field(default_factory=list[str])
    groups: list[_Group] = field(default_factory=lambda: [_Group(at=0)])
    drawn: dict[str, list[str]] = field(default_factory=dict[str, list[str]])
    waiting: list[str] = field(default_factory=list[str])
    footers: list[str] = field(default_factory=list[str])
    told: set[str] = field(default_factory=set[str])

    def arranged(self) -> Arranged:
        at = 0
        while found := _TOKEN.search(self.source, at):
            self.pieces.append(self.source[at : found.start()])
            at = found.end()
            if found[0] == "{":
                at = self._open(at)
            elif found[0] == "}":
                self._close()
            else:
                binary_bytes = int(found[1] or 0)
                self.pieces += found[0], self.source[at : at + binary_bytes]
                at += binary_bytes
                if found[0] in _PARAGRAPH_ENDS and not self.groups[-1].unseen:
                    self._put(self.waiting, note=BOX)
        self.pieces.append(self.source[at:])
        self._finish()
        return Arranged(source="".join(self.pieces), urls=self.urls)

    def _open(self, at: int) -> int:
        """Begin a group; where to read on. Of one that is moved, the word is left out."""
        around = self.groups[-1]
        found = _DESTINATION.match(self.source, at)
        word = found[2] if found else ""
        beside = word in _HEADERS | _FOOTERS and not around.unseen
        starred = bool(found and found[1])
        unseen = around.unseen or (not beside and (starred or word in _striprtf.destinations))
        group = _Group(at=len(self.pieces), destination=word, unseen=unseen)
        self.groups.append(group)
        if found and (beside or word in _BOXES):
            return found.end()
        self.pieces.append("{")
        if found and word == "fldrslt" and around.url:
            self.pieces.append(f"{found[0].rstrip()} \x01{LINK}{len(self.urls)}\x02")
            self.urls.append(around.url)
            return found.end()
        return at

    def _close(self) -> None:
        if len(self.groups) == 1:  # one brace too many
            self.pieces.append("}")
            return
        group = self.groups.pop()
        around = self.groups[-1]
        if group.destination in _BOXES:
            self.drawn.setdefault(group.destination, []).append(self._cut(group))
        elif group.destination in _HEADERS | _FOOTERS and not group.unseen:
            self._put(self.waiting, note=BOX)
            self._move(self._cut(group), to_end=group.destination in _FOOTERS)
        else:
            if group.destination == "fldinst":
                url = _URL.search("".join(self.pieces[group.at : group.at + _URL_PIECES]))
                around.url = url[1] if url else None
            if len(self.groups) == 1:
                self._finish()  # what stands behind the document is not read
            self.pieces.append("}")
            if group.destination == "nesttableprops":
                self.pieces.append(f"\x01{NESTED_ROW}\x02")
        if group.unseen and not around.unseen and self.drawn:
            self._place_boxes("".join(self.pieces[group.at :]))

    def _place_boxes(self, drawing: str) -> None:
        # For old programs the same text may stand there once more.
        texts = self.drawn.get(BOX) or [text for each in self.drawn.values() for text in each]
        hidden = _HIDDEN_SHAPE.search(drawing)
        self.waiting += [f"\x01{HIDDEN}\x02{text}" for text in texts] if hidden else texts
        self.drawn.clear()

    def _move(self, text: str, *, to_end: bool) -> None:
        if text in self.told:  # each section has its own
            return
        self.told.add(text)
        if to_end:
            self.footers.append(text)
        else:
            self.pieces.append(f"{{{text}\\par}}")

    def _cut(self, group: _Group) -> str:
        text = "".join(self.pieces[group.at :])
        # A control word in front must not swallow the letters behind.
        self.pieces[group.at :] = ["{}"]
        return text

    def _finish(self) -> None:
        self._put(self.waiting, note=BOX)
        self._put(self.footers)

    def _put(self, texts: list[str], *, note: str = "") -> None:
        mark = f"\x01{note}\x02" if note else ""
        self.pieces += [f"{{\\par {mark}{text}\\par}}" for text in texts]
        texts.clear()
