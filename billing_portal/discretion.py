"""Words that no customer may read of a payment: not of lost or stolen cards, fraud or blocks.

Stripe: "present it to the customer as a generic decline"
(https://docs.stripe.com/declines/codes: fraudulent, lost_card, merchant_blacklist, stolen_card).
"""

import re
from collections.abc import Mapping
from types import MappingProxyType

_ACCUSING: Mapping[str, str] = MappingProxyType(
    {
        "en": r"\b(?:lost|stolen|thefts?|fraud\w*|risk\w*|pick ?up)\b",
        "de": r"\b(?:verlor\w*|verlust\w*|gestohlen\w*|diebst\w*|betr[uü]g\w*|risik\w*)\b",
        "fr": r"\b(?:perdue?s?|pertes?|volée?s?|vols?|fraud\w*|risqu\w*)\b",
        "es": r"\b(?:perdid\w*|pérdidas?|robad\w*|robos?|fraud\w*|extravi\w*|riesg\w*)\b",
        "pt": r"\b(?:perdid\w*|perdas?|roubad\w*|roubos?|furt\w*|fraud\w*|extravi\w*|riscos?)\b",
        "it": r"\b(?:smarri\w*|pers[aeio]|perdit\w*|rubat\w*|furt[io]|frod\w*|rischi\w*)\b",
        "nl": r"\b(?:verloren|verlies\w*|gestolen|diefstal\w*|fraud\w*|risico\w*)\b",
        "ja": r"紛失|盗|不正|詐欺|リスク",
    }
)
_BLOCKING: Mapping[str, str] = MappingProxyType(
    {
        "en": r"\b(?:block\w*|black ?list\w*|restrict\w*)\b",
        "de": r"\b(?:gesperrt\w*|sperr\w*|blockier\w*|schwarze\w* liste\w*)\b",
        "fr": r"\b(?:bloqu\w*|blocage\w*|listes? noires?|opposition)\b",
        "es": r"\b(?:bloque\w*|listas? negras?)\b",
        "pt": r"\b(?:bloque\w*|listas? negras?)\b",
        "it": r"\b(?:blocc\w*|liste? ner[ae])\b",
        "nl": r"\b(?:geblokkeerd\w*|blokk\w*|zwarte lijst\w*)\b",
        "ja": r"ブロック|ブラックリスト|利用停止",
    }
)


def accusation(text: str, language: str) -> str:
    """The first word of loss, theft or fraud in `text`; "" if there is none."""
    return _first(_ACCUSING[language], text)


def indiscretion(text: str, language: str) -> str:
    """As `accusation`, or a word of blocked cards: shipped words have neither."""
    return accusation(text, language) or _first(_BLOCKING[language], text)


def _first(pattern: str, text: str) -> str:
    found = re.search(pattern, text, re.IGNORECASE)
    return found[0] if found else ""
