"""Decline codes: what each means for whether and how the money can come back.

The tables are `data/decline_codes.csv` and `data/network_codes.csv`, each row with its source.
"""

import csv
import enum
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType

DATA = Path(__file__).parent / "data"
DIFFERENT = 4096  # declines whose meaning is remembered; there are some hundreds


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
    """What a decline means, and where that is written.

    A ceiling is somebody else's rule: no merchant overrides it, and no softer fact of the same
    decline lifts it. `wait` is how long the card is left alone.
    """

    decline_type: DeclineType
    retryable: Retryable
    rule: str  # which fact decided: "decline_code insufficient_funds"
    source: str
    is_ceiling: bool = False
    needs_authentication: bool = False
    wait: timedelta = timedelta(0)
    is_network: bool = False  # the card's own network says so
    needs_person: bool = False


# "Later" is at least the shortest wait that a network's advice names (mastercard_mac 24); the
# others are the table's own words: "back off 24 h", "wait days, not hours" (and 2-3 days after
# Stripe's own block: support.stripe.com/questions/payment-blocked-due-to-excessive-retries).
WAITS: Mapping[str, timedelta] = MappingProxyType(
    {
        "advice_code:try_again_later": timedelta(hours=1),
        "try_again_later": timedelta(hours=1),
        "card_decline_rate_limit_exceeded": timedelta(hours=24),
        "low_probability_of_authorization": timedelta(days=3),
    }
)


def _read(filename: str) -> list[dict[str, str]]:
    with (DATA / filename).open(newline="") as lines:
        return list(csv.DictReader(lines))


def _decline_codes() -> Mapping[str, Meaning]:
    return MappingProxyType(
        {row["code"]: _decline_code(row) for row in _read("decline_codes.csv")}
    )


def _decline_code(row: Mapping[str, str]) -> Meaning:
    """Ceilings are what is never retried, never without the cardholder, or not for a while."""
    retryable = Retryable(row["retryable"])
    kind, _, code = row["code"].rpartition(":")
    needs_authentication = row["customer_action"].startswith("authenticate")
    wait = WAITS.get(row["code"], timedelta(0))
    return Meaning(
        decline_type=DeclineType(row["class"]),
        retryable=retryable,
        rule=f"{kind or 'decline_code'} {code}",
        source=row["source"],
        is_ceiling=retryable is Retryable.NO or needs_authentication or bool(wait),
        needs_authentication=needs_authentication,
        wait=wait,
        needs_person="operator" in row["customer_action"],
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
            (row["network"], row["code"]): _network_code(row)
            for row in _read("network_codes.csv")
            if row["rule"] != "no advice"
        }
    )


def _network_code(row: Mapping[str, str]) -> Meaning:
    """Mastercard's advice to wait reads `wait 24h` or `>=72h (…)`. What is Visa's category 3 only
    in some regions counts as that everywhere: whose bank is asked, nobody tells."""
    asks_cardholder = "(cat 3 in" in row["meaning"]
    decline_type = DeclineType.ACTION_REQUIRED if asks_cardholder else DeclineType(row["class"])
    hours = re.match(r"(?:wait |>=)(\d+)h", row["rule"])
    return Meaning(
        decline_type=decline_type,
        retryable=Retryable.YES if hours else _RETRYABLE_BY_TYPE[decline_type],
        rule=f"{row['network']} {row['code']} ({row['meaning']})",
        source=row["source"],
        is_ceiling=decline_type is not DeclineType.SOFT or hours is not None,
        needs_authentication=asks_cardholder,
        wait=timedelta(hours=int(hours[1])) if hours else timedelta(0),
        is_network=True,
    )


DECLINE_CODES = _decline_codes()
NETWORK_CODES = _network_codes()
ACH_WANT_OF_FUNDS = {"R01", "R09"}  # docs.stripe.com/declines/network-codes
# The customer has to confirm this very payment: another card is not what the bank asks for.
AUTHENTICATION_CODES = _authentication_codes()
UNKNOWN = DECLINE_CODES["UNKNOWN"]
NO_OVERRIDES: Mapping[str, DeclineType] = MappingProxyType({})


def classify(decline: Decline, overrides: Mapping[str, DeclineType] = NO_OVERRIDES) -> Meaning:
    """What `decline` means.

    The first fact that says something wins: block, then advice_code, network_advice_code,
    decline_code, error code. A code nobody has seen before counts as soft with few attempts. The
    merchant's own view of a code stands before all of them, but never before a ceiling.
    """
    stated = _stated(decline)
    chosen = overrides.get(decline.best_code)
    if chosen is None or any(_forbids(ceiling) for ceiling in ceilings(decline)):
        return stated
    return _overridden(decline, chosen)


@lru_cache(maxsize=DIFFERENT)
def _stated(decline: Decline) -> Meaning:
    return (
        _block(decline)
        or DECLINE_CODES.get(f"advice_code:{decline.advice_code}")
        or _network_advice(decline)
        or _debit_return(decline)
        or DECLINE_CODES.get(decline.decline_code)
        or _error_code(decline)
        or UNKNOWN
    )


@lru_cache(maxsize=DIFFERENT)
def ceilings(decline: Decline) -> tuple[Meaning, ...]:
    """Every fact of the decline that binds whatever the others say, the first that counts first:
    a network's "never again" is not lifted by Stripe's advice to try later."""
    told = (
        _block(decline),
        DECLINE_CODES.get(f"advice_code:{decline.advice_code}"),
        _network_code_of(decline),
        DECLINE_CODES.get(decline.decline_code),
        _error_code(decline),
    )
    return tuple(meaning for meaning in told if meaning and meaning.is_ceiling)


def is_ceiling(code: str) -> bool:
    """Whether a decline code means what it means for everybody."""
    found = DECLINE_CODES.get(code)
    return found is not None and found.is_ceiling


def _forbids(ceiling: Meaning) -> bool:
    return ceiling.retryable is Retryable.NO or ceiling.needs_authentication


def _overridden(decline: Decline, chosen: DeclineType) -> Meaning:
    known = DECLINE_CODES.get(decline.best_code, UNKNOWN)
    same = known is not UNKNOWN and known.decline_type is chosen
    return replace(
        known,
        decline_type=chosen,
        retryable=known.retryable if same else _RETRYABLE_BY_TYPE[chosen],
        rule=f"decline_code {decline.best_code} counts as {chosen.replace('_', ' ')}",
        source=f"the merchant's own decision; {known.source}",
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
    meaning = _network_code_of(decline)
    is_finer = decline.brand == "visa" and meaning and meaning.decline_type is not DeclineType.HARD
    return None if is_finer else meaning


def _debit_return(decline: Decline) -> Meaning | None:
    """A US bank debit's want of funds comes under the cards' own decline code, and may be
    presented again only twice; the bank's return code tells the two apart."""
    is_want_of_funds = not decline.brand and decline.network_decline_code in ACH_WANT_OF_FUNDS
    return DECLINE_CODES["ach:insufficient_funds"] if is_want_of_funds else None


def _network_code_of(decline: Decline) -> Meaning | None:
    if decline.brand == "mastercard":
        return NETWORK_CODES.get(("mastercard_mac", decline.network_advice_code))
    if decline.brand == "visa":
        return NETWORK_CODES.get(("visa", decline.network_decline_code))
    return None
