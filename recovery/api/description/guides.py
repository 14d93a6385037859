"""The documents that stand before the reference: docs/*.md, which say it once."""

from dataclasses import dataclass
from functools import cache
from pathlib import Path

from recovery.api.description.markdown import Heading, render, to_anchors

DOCUMENTS = Path(__file__).resolve().parents[3] / "docs"
NAMES = ("api", "authentication", "limits", "metrics", "webhooks", "versions")


@dataclass(frozen=True, slots=True)
class Guide:
    """`html` is safe: everything in it that came from a text was escaped."""

    title: str
    anchor: str
    html: str
    sections: tuple[Heading, ...]


@cache
def guides() -> tuple[Guide, ...]:
    """In the order in which they are to be read."""
    target = to_anchors({f"{name}.md": name for name in NAMES})
    found = []
    for name in NAMES:
        text = (DOCUMENTS / f"{name}.md").read_text(encoding="utf-8")
        made = render(text, name=name, lower=1, target=target)
        title, *sections = made.headings
        found.append(
            Guide(
                title.text, title.anchor, made.html,
                tuple(one for one in sections if one.level == 2),
            )
        )  # fmt: skip
    return tuple(found)
