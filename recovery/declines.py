"""Decline codes: what each means for whether and how the money can come back.

The tables are `data/decline_codes.csv` and `data/network_codes.csv`, each row with its source.
"""

import csv
import enum
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

DATA = Path(__file__).parent / "data"


class DeclineType(enum.StrEnum):
    SOFT = "soft"
    HARD = "hard"
    ACTION_REQUIRED = "action_required"


class Retryable(enum.StrEnum):
    """Whether the same payment method may be charged again without the customer."""

    YES = "yes"
    LIMITED = "limited"
    AFTER_CUSTOMER_ACTION = "after_customer_action"
    NO = "no"


@dataclass(frozen=True, slots=True)
class Decline:
    """Why a charge failed, in Stripe's words, verbatim; "" where Stripe said nothing."""

    decline_code: str = ""
    code: str = ""
    advice_code: str = ""
    network_decline_code: str = ""
    network_advice_code: str = ""
    brand: str = ""
    block_reason: str = ""  # charge.outcome.reason where outcome.type is "blocked"

    @property
    def best_code(self) -> str:
        """The most telling code: `expired_card` comes as `code` with no decline_code at all."""
        return self.decline_code or ("" if self.code == "card_declined" else self.code)


@dataclass(frozen=True, slots=True)
class Meaning:
    """What a decline means, and where that is written."""

    decline_type: DeclineType
    retryable: Retryable
    rule: str  # which fact decided: "decline_code insufficient_funds"
    source: str


def _read(filename: str) -> list[dict[str, str]]:
    with (DATA / filename).open(newline="") as lines:
        return list(csv.DictReader(lines))


def _decline_codes() -> Mapping[str, Meaning]:
    rows = _read("decline_codes.csv")
    return MappingProxyType(
        {
            row["code"]: Meaning(
                decline_type=DeclineType(row["class"]),
                retryable=Retryable(row["retryable"]),
                rule=f"decline_code {row['code']}",
                source=row["source"],
            )
            for row in rows
        }
    )


def _authentication_codes() -> frozenset[str]:
    rows = _read("decline_codes.csv")
    return frozenset(
        row["code"] for row in rows if row["customer_action"].startswith("authenticate (3DS)")
    )


_RETRYABLE_BY_TYPE = {
    DeclineType.SOFT: Retryable.LIMITED,
    DeclineType.HARD: Retryable.NO,
    DeclineType.ACTION_REQUIRED: Retryable.AFTER_CUSTOMER_ACTION,
}


def _network_codes() -> Mapping[tuple[str, str], Meaning]:
    return MappingProxyType(
        {
            (row["network"], row["code"]): Meaning(
                decline_type=DeclineType(row["class"]),
                retryable=_RETRYABLE_BY_TYPE[DeclineType(row["class"])],
                rule=f"{row['network']} {row['code']} ({row['meaning']})",
                source=row["source"],
            )
            for row in _read("network_codes.csv")
            if row["rule"] != "no advice"
        }
    )


DECLINE_CODES = _decline_codes()
NETWORK_CODES = _network_codes()
# The customer has to confirm this very payment: another card is not what the bank asks for.
AUTHENTICATION_CODES = _authentication_codes()
UNKNOWN = DECLINE_CODES["UNKNOWN"]


def classify(decline: Decline) -> Meaning:
    """What `decline` means.

    The first fact that says something wins: block, then advice_code, network_advice_code,
    decline_code, error code. A code nobody has seen before counts as soft with few attempts.
    """
    return (
        _block(decline)
        or DECLINE_CODES.get(f"advice_code:{decline.advice_code}")
        or _network_advice(decline)
        or DECLINE_CODES.get(decline.decline_code)
        or _error_code(decline)
        or UNKNOWN
    )


def _block(decline: Decline) -> Meaning | None:
    if not decline.block_reason:
        return None
    return DECLINE_CODES.get(decline.block_reason, DECLINE_CODES["rule"])


def _error_code(decline: Decline) -> Meaning | None:
    """`card_declined` only wraps a decline code, so it says nothing of one that isn't known."""
    if decline.decline_code and decline.code == "card_declined":
        return None
    return DECLINE_CODES.get(decline.code)


def _network_advice(decline: Decline) -> Meaning | None:
    """Mastercard's advice code always speaks; of Visa's codes only "never again" (category 1)
    outranks Stripe's own, which is finer everywhere else."""
    if decline.brand == "mastercard":
        return NETWORK_CODES.get(("mastercard_mac", decline.network_advice_code))
    if decline.brand == "visa":
        meaning = NETWORK_CODES.get(("visa", decline.network_decline_code))
        return meaning if meaning and meaning.decline_type is DeclineType.HARD else None
    return None
