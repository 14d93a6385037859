"""Our own documents (docs/*.md) as HTML: as much of Markdown as they use.

https://spec.commonmark.org and GitHub's tables. Everything is escaped; HTML in a text is text.
"""

import html
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

FENCE = "```"
HEADING = re.compile(r"(#{1,5}) (.+)")
ITEM = re.compile(r"(?:-|\d+\.) (.+)")
INLINE = re.compile(r"`([^`]+)`|\*\*(.+?)\*\*|\*([^*]+)\*|\[([^\]]+)\]\(([^)\s]+)\)")

Target = Callable[[str], str | None]


@dataclass(frozen=True, slots=True)
class Heading:
    """`level` as it is written: 1 for the document's own."""

    level: int
    text: str
    anchor: str


@dataclass(slots=True)
class Rendered:
    """`html` with a heading's level as it is written, lowered by `lower`."""

    html: str = ""
    headings: list[Heading] = field(default_factory=list)


def render(text: str, *, name: str, lower: int, target: Target) -> Rendered:
    """`name` begins the anchors of its headings; `target` says where a link leads, None for
    nowhere: its text stays."""
    made = Rendered()
    lines = text.splitlines()
    parts = []
    while lines:
        parts.append(_block(lines, made, name, lower, target))
    made.html = "\n".join(part for part in parts if part)
    return made


def _block(lines: list[str], made: Rendered, name: str, lower: int, target: Target) -> str:
    """Takes one block off `lines`."""
    line = lines[0]
    if not line.strip():
        lines.pop(0)
        return ""
    if line.startswith(FENCE):
        return _code(lines)
    if found := HEADING.fullmatch(line):
        lines.pop(0)
        return _heading(found, made, name, lower, target)
    if line.startswith("|"):
        return _table(list(_taken(lines, lambda one: one.startswith("|"))), target)
    if ITEM.match(line):
        return _list(list(_taken(lines, str.strip)), target)
    words = " ".join(_taken(lines, lambda one: one.strip() and not one.startswith(FENCE)))
    return f"<p>{inline(words, target)}</p>"


def _taken(lines: list[str], belongs: Callable[[str], object]) -> Iterator[str]:
    while lines and belongs(lines[0]):
        yield lines.pop(0)


def _code(lines: list[str]) -> str:
    lines.pop(0)
    code = "\n".join(_taken(lines, lambda one: not one.startswith(FENCE)))
    if lines:
        lines.pop(0)
    return f"<pre><code>{html.escape(code)}</code></pre>"


def _heading(found: re.Match[str], made: Rendered, name: str, lower: int, target: Target) -> str:
    level, text = len(found[1]), found[2]
    words = re.sub(r"[`*]", "", text)
    slug = re.sub(r"[^a-z0-9]+", "-", words.lower()).strip("-")
    anchor = name if level == 1 else f"{name}-{slug}"
    made.headings.append(Heading(level, words, anchor))
    tag = f"h{level + lower}"
    return f'<{tag} id="{anchor}">{inline(text, target)}</{tag}>'


def _table(lines: list[str], target: Target) -> str:
    head, _rule, *rows = [[cell.strip() for cell in _cells(line)] for line in lines]
    cells = "".join(f"<th>{inline(cell, target)}</th>" for cell in head)
    body = "".join(
        "<tr>" + "".join(f"<td>{inline(cell, target)}</td>" for cell in row) + "</tr>"
        for row in rows
    )
    return (
        f'<div class="table"><table><thead><tr>{cells}</tr></thead>'
        f"<tbody>{body}</tbody></table></div>"
    )


def _cells(line: str) -> list[str]:
    return re.split(r"(?<!\\)\|", line.strip().strip("|"))


def _list(lines: list[str], target: Target) -> str:
    tag = "ol" if lines[0][0].isdigit() else "ul"
    items: list[str] = []
    for line in lines:
        if found := ITEM.fullmatch(line):
            items.append(found[1])
        else:
            items[-1] += f" {line.strip()}"
    inner = "".join(f"<li>{inline(item, target)}</li>" for item in items)
    return f"<{tag}>{inner}</{tag}>"


def inline(text: str, target: Target) -> str:
    """Code, strong and emphasized words, and links."""
    done, end = "", 0
    for found in INLINE.finditer(text):
        done += html.escape(text[end : found.start()], quote=False) + _marked(found, target)
        end = found.end()
    return done + html.escape(text[end:], quote=False)


def _marked(found: re.Match[str], target: Target) -> str:
    code, strong, emphasized, words, link = found.groups()
    if code:
        return f"<code>{html.escape(code, quote=False)}</code>"
    if strong:
        return f"<strong>{inline(strong, target)}</strong>"
    if emphasized:
        return f"<em>{inline(emphasized, target)}</em>"
    leads_to = target(link)
    if leads_to is None:
        return inline(words, target)
    return f'<a href="{html.escape(leads_to)}">{inline(words, target)}</a>'


def to_anchors(guides: Mapping[str, str]) -> Target:
    """Links between documents that stand on one page lead to their anchors; `guides` has an
    anchor for each file's name. Others' hosts are linked, other files are not there to link."""

    def target(link: str) -> str | None:
        if link.startswith(("https://", "#")):
            return link
        file = link.partition("#")[0].rpartition("/")[2]
        return f"#{guides[file]}" if file in guides else None

    return target
