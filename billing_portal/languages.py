"""The languages that customers are spoken to in, and which of them a customer reads best."""

import re
from collections.abc import Mapping
from types import MappingProxyType

ENGLISH = "en"
# By ISO 639-1, with their own names. Each has a file in data/ here and in dunning/data/messages/.
LANGUAGES: Mapping[str, str] = MappingProxyType(
    {
        "en": "English",
        "de": "Deutsch",
        "fr": "Français",
        "es": "Español",
        "pt": "Português",
        "it": "Italiano",
        "nl": "Nederlands",
        "ja": "日本語",
    }
)
# https://www.w3.org/International/questions/qa-scripts: none of these is shipped yet.
RIGHT_TO_LEFT = frozenset({"ar", "dv", "fa", "he", "ks", "ku", "ps", "sd", "ug", "ur", "yi"})


def choose(locales: str, fallback: str = ENGLISH) -> str:
    """The best of `locales` ("fr-CA,en": best first) that is among LANGUAGES, else `fallback`."""
    for locale in locales.split(","):
        language = locale.strip().replace("_", "-").partition("-")[0].lower()
        if language in LANGUAGES:
            return language
    return fallback


def accepted(header: str) -> str:
    """What an Accept-Language header asks for, in the form that `choose` reads: best first.
    https://www.rfc-editor.org/rfc/rfc9110#field.accept-language"""
    ranges = (part.strip().partition(";") for part in header.split(","))
    weighed = [(_weight(weight), language.strip()) for language, _, weight in ranges]
    weighed.sort(key=lambda entry: -entry[0])
    return ",".join(language for weight, language in weighed if weight > 0)


def _weight(written: str) -> float:
    """Of " q=0.8": 0.8. None written is 1, and one that can't be read is worth nothing."""
    if not written:
        return 1.0
    found = re.fullmatch(r"\s*q\s*=\s*([01](?:\.\d{0,3})?)\s*", written, re.ASCII | re.IGNORECASE)
    return float(found[1]) if found else 0.0


def direction(language: str) -> str:
    """How `language` is written, as HTML's `dir` has it: ltr or rtl."""
    return "rtl" if language in RIGHT_TO_LEFT else "ltr"
