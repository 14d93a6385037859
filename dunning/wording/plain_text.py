"""Text without markup: what a mail says to those who read no HTML, and what stands on one line."""

import re
import unicodedata
from html.parser import HTMLParser

# They turn around what follows them, so that a name could read as something else.
_TURNING = frozenset("\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
_CONTROLS = frozenset({"Cc", "Cs"})  # of Unicode's categories
_BLOCKS = frozenset({"p", "h2", "ul", "ol", "blockquote"})
_BREAKS = re.compile(r"[^\S\u00a0\u202f]+")  # 49,00\xa0€ stays together
_SPACES = re.compile(r"[ \t\r\n]+")


def one_line(text: str, *, longest: int = 500) -> str:
    """`text` without line breaks and control characters, cut off with … where it is too long."""
    kept = _BREAKS.sub(" ", text).strip()
    if not kept.isprintable():  # else nothing of the kind is in it
        kept = "".join(sign for sign in kept if not _is_unseen(sign))
    return kept if len(kept) <= longest else f"{kept[: longest - 1].rstrip()}…"


def _is_unseen(sign: str) -> bool:
    return sign in _TURNING or unicodedata.category(sign) in _CONTROLS


def from_html(html: str) -> str:
    """Paragraphs with an empty line between them; links keep their addresses."""
    reader = _Reader()
    reader.feed(html)
    reader.close()
    lines = [line.strip() for line in "".join(reader.written).split("\n")]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()


class _Reader(HTMLParser):
    """Of the few tags that templates have."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.written: list[str] = []
        self._numbers: list[int | None] = []  # of each open list; None where it has no numbers
        self._links: list[tuple[str, int]] = []  # address, and where its text starts

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _BLOCKS:
            self.written.append("\n\n")
        if tag in {"ul", "ol"}:
            self._numbers.append(0 if tag == "ol" else None)
        elif tag == "br":
            self.written.append("\n")
        elif tag == "li":
            self.written.append(f"\n{self._bullet()} ")
        elif tag == "a":
            self._links.append((dict(attrs).get("href") or "", len(self.written)))

    def handle_endtag(self, tag: str) -> None:
        if tag in _BLOCKS:
            self.written.append("\n\n")
        if tag in {"ul", "ol"} and self._numbers:
            self._numbers.pop()
        elif tag == "a" and self._links:
            self._end_link(*self._links.pop())

    def handle_data(self, data: str) -> None:
        self.written.append(_SPACES.sub(" ", data))

    def _bullet(self) -> str:
        if not self._numbers or self._numbers[-1] is None:
            return "-"
        self._numbers[-1] += 1
        return f"{self._numbers[-1]}."

    def _end_link(self, address: str, start: int) -> None:
        address = address.removeprefix("mailto:")
        told = "".join(self.written[start:]).strip()
        if address and told != address:
            self.written.append(f" ({address})" if told else address)
