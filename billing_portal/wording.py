"""What pages and mails have in common, in each language: one file for each in data/."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from billing_portal.languages import LANGUAGES

DATA = Path(__file__).parent / "data"


@dataclass(frozen=True, slots=True)
class Wording:
    """`card` has a `{brand}` and its `{last4}`; `labels` name the facts of a debt, `reasons` are
    sentences by the keys of billing_portal/reasons.py."""

    card: str
    any_card: str
    labels: Mapping[str, str]
    reasons: Mapping[str, str]


def _read(language: str) -> Wording:
    read = tomllib.loads((DATA / f"{language}.toml").read_text(encoding="utf-8"))
    return Wording(
        card=read["card"],
        any_card=read["any_card"],
        labels=MappingProxyType(read["labels"]),
        reasons=MappingProxyType(read["reasons"]),
    )


WORDING: Mapping[str, Wording] = MappingProxyType({code: _read(code) for code in LANGUAGES})
