"""What the customer's pages say, in each language: one file for each in data/pages/."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

from billing_portal.languages import LANGUAGES

DATA = Path(__file__).parent / "data" / "pages"


@dataclass(frozen=True, slots=True)
class Page:
    """One page's words; {…} is filled in by pages.py. `buttons` are in the order in which a page
    shows them, `quiet` is what stands below them."""

    heading: str
    paragraphs: tuple[str, ...]
    buttons: tuple[str, ...] = ()
    quiet: str = ""


@dataclass(frozen=True, slots=True)
class PageWords:
    """A language's pages by their names, what may stand on any of them, and what is said of a
    debt by the outcome of charging it (recovery/attempts.py)."""

    pages: Mapping[str, Page]
    phrases: Mapping[str, str]
    outcomes: Mapping[str, str]


def _read(language: str) -> PageWords:
    read = tomllib.loads((DATA / f"{language}.toml").read_text(encoding="utf-8"))
    phrases, outcomes = read.pop("phrases"), read.pop("outcomes")
    return PageWords(
        pages=MappingProxyType({name: _page(words) for name, words in read.items()}),
        phrases=MappingProxyType(phrases),
        outcomes=MappingProxyType(outcomes),
    )


def _page(words: Mapping[str, Any]) -> Page:
    return Page(
        heading=words["heading"],
        paragraphs=tuple(words["paragraphs"]),
        buttons=tuple(words.get("buttons", ())),
        quiet=words.get("quiet", ""),
    )


PAGE_WORDS: Mapping[str, PageWords] = MappingProxyType({code: _read(code) for code in LANGUAGES})
