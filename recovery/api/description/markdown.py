"""Our own documents (docs/*.md) as HTML that can be linked into. Everything is escaped; HTML in a
text is text."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise

from markdown_it import MarkdownIt
from markdown_it.token import Token

Target = Callable[[str], str | None]
PARSER = MarkdownIt("commonmark", {"html": False}).enable("table")


@dataclass(frozen=True, slots=True)
class Heading:
    """`level` as it is written: 1 for the document's own."""

    level: int
    text: str
    anchor: str


@dataclass(frozen=True, slots=True)
class Rendered:
    html: str
    headings: tuple[Heading, ...]


def render(text: str, *, name: str, lower: int, target: Target) -> Rendered:
    """`name` begins the anchors of its headings, whose levels are lowered by `lower`; `target`
    says where a link leads, None for nowhere: its text stays."""
    tokens = PARSER.parse(text)
    headings = tuple(
        _anchored(opened, content, name)
        for opened, content in pairwise(tokens)
        if opened.type == "heading_open"
    )
    for token in tokens:
        if token.type in {"heading_open", "heading_close"}:
            token.tag = f"h{int(token.tag[1]) + lower}"
        if token.children:
            token.children = list(_led(token.children, target))
    return Rendered(PARSER.renderer.render(tokens, PARSER.options, {}).strip(), headings)


def _anchored(opened: Token, content: Token, name: str) -> Heading:
    """What a heading is, which gets its anchor."""
    level = int(opened.tag[1])
    words = "".join(child.content for child in content.children or ())
    slug = re.sub(r"[^a-z0-9]+", "-", words.lower()).strip("-")
    anchor = name if level == 1 else f"{name}-{slug}"
    opened.attrSet("id", anchor)
    return Heading(level, words, anchor)


def _led(tokens: Iterable[Token], target: Target) -> Iterator[Token]:
    """Links to where `target` says; one that leads nowhere goes, its text stays."""
    leads_to: str | None = ""
    for token in tokens:
        if token.type == "link_open":
            leads_to = target(str(token.attrGet("href")))
            token.attrSet("href", leads_to or "")
        if leads_to is not None or token.type not in {"link_open", "link_close"}:
            yield token


def inline(text: str, target: Target) -> str:
    """A sentence: code, strong and emphasized words, and links."""
    [token] = PARSER.parseInline(text)
    token.children = list(_led(token.children or (), target))
    return str(PARSER.renderer.render([token], PARSER.options, {}))


def to_anchors(guides: Mapping[str, str]) -> Target:
    """Links between documents that stand on one page lead to their anchors; `guides` has an
    anchor for each file's name. Others' hosts are linked, other files are not there to link."""

    def target(link: str) -> str | None:
        if link.startswith(("https://", "#")):
            return link
        file = link.partition("#")[0].rpartition("/")[2]
        return f"#{guides[file]}" if file in guides else None

    return target
