"""The words that are shipped: one file for each language in data/messages/."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

from billing_portal.languages import ENGLISH, LANGUAGES

DATA = Path(__file__).parent.parent / "data" / "messages"


@dataclass(frozen=True, slots=True)
class Words:
    """A message in the template language; `body` is HTML, and becomes the text if that is ""."""

    subject: str
    body: str
    text: str
    button: str


def _read(language: str) -> Mapping[str, Any]:
    return MappingProxyType(tomllib.loads((DATA / f"{language}.toml").read_text(encoding="utf-8")))


def _words(message: Mapping[str, Any]) -> Words:
    body = "\n".join(f"<p>{paragraph}</p>" for paragraph in message["paragraphs"])
    return Words(subject=message["subject"], body=body, text="", button=message["button"])


_FILES = {language: _read(language) for language in LANGUAGES}
# By language and name.
SHIPPED: Mapping[str, Mapping[str, Words]] = MappingProxyType(
    {
        language: MappingProxyType(
            {name: _words(message) for name, message in read.items() if name != "layout"}
        )
        for language, read in _FILES.items()
    }
)
# What the layout says around every message, by language; {…} is filled in there.
PHRASES: Mapping[str, Mapping[str, str]] = MappingProxyType(
    {language: MappingProxyType(read["layout"]) for language, read in _FILES.items()}
)
TEMPLATES = tuple(SHIPPED[ENGLISH])
