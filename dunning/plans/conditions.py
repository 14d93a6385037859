"""Which cases a campaign or a step is for: conditions as data, and whether a case meets them."""

import enum
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from recovery.declines import DeclineType
from recovery.money import major
from recovery.reading import LARGEST

NAMES = (
    "decline_types", "decline_codes", "currencies", "kinds", "amount_from", "amount_to",
    "metadata",
)  # fmt: skip
CODE = re.compile(r"[a-z0-9_]{1,100}")  # as Stripe writes decline codes
CURRENCY = re.compile(r"[a-z]{3}")
# https://docs.stripe.com/api/metadata: keys of up to 40 characters, values of up to 500.
LONGEST_KEY, LONGEST_VALUE = 40, 500


class Kind(enum.StrEnum):
    """What is owed: an invoice, or a payment without one."""

    SUBSCRIPTION = "subscription"
    ONE_TIME = "one_time"


class ConditionError(ValueError):
    """The conditions can't be used; the text says in one sentence what is wrong."""


@dataclass(frozen=True, slots=True)
class Conditions:
    """All that are given must hold; of each list, one entry. Amounts are minor units of the one
    currency named, both ends included. `metadata` is that of the customer at Stripe."""

    decline_types: frozenset[str] = frozenset()
    decline_codes: frozenset[str] = frozenset()
    currencies: frozenset[str] = frozenset()
    kinds: frozenset[str] = frozenset()
    amount_from: int | None = None
    amount_to: int | None = None
    metadata: Mapping[str, frozenset[str]] = field(default_factory=lambda: MappingProxyType({}))

    @property
    def currency(self) -> str:
        """The one that amounts are in; parse() makes sure of it."""
        return next(iter(self.currencies), "")


@dataclass(frozen=True, slots=True)
class CaseFacts:
    """What conditions look at in a case."""

    decline_type: str
    decline_code: str
    currency: str
    amount: int
    kind: str
    metadata: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a case meets conditions, why in words, and the facts that were looked at."""

    is_met: bool
    why: str
    facts: Mapping[str, Any]


# --- reading ----------------------------------------------------------------------------------


def parse(value: object) -> Conditions:
    """The conditions in a JSON object; an empty one always holds. Raises ConditionError."""
    if not isinstance(value, Mapping):
        raise ConditionError("Conditions are a table of names and values.")
    for name in value:
        if name not in NAMES:
            raise ConditionError(f"There is no condition {name!r}: use {', '.join(NAMES)}.")
    conditions = Conditions(
        decline_types=_members(value, "decline_types", tuple(DeclineType)),
        decline_codes=_spelled(value, "decline_codes", CODE, "insufficient_funds"),
        currencies=_spelled(value, "currencies", CURRENCY, "usd"),
        kinds=_members(value, "kinds", tuple(Kind)),
        amount_from=_amount(value, "amount_from"),
        amount_to=_amount(value, "amount_to"),
        metadata=_metadata(value.get("metadata", {})),
    )
    _check_amounts(conditions)
    return conditions


def _texts(values: object, name: str) -> frozenset[str]:
    if (
        not isinstance(values, list | tuple)
        or not values
        or not all(isinstance(one, str) and one for one in values)
    ):
        raise ConditionError(f"{name} must be a list of one or more texts, or be left out.")
    return frozenset(values)


def _members(value: Mapping[str, object], name: str, members: tuple[str, ...]) -> frozenset[str]:
    if name not in value:
        return frozenset()
    texts = _texts(value[name], name)
    for text in sorted(texts - set(members)):
        raise ConditionError(f"{name}: there is no {text!r}, only {', '.join(members)}.")
    return texts


def _spelled(
    value: Mapping[str, object], name: str, pattern: re.Pattern[str], example: str
) -> frozenset[str]:
    if name not in value:
        return frozenset()
    texts = _texts(value[name], name)
    for text in sorted(texts):
        if not pattern.fullmatch(text):
            raise ConditionError(f"{name}: {text!r} is not written as Stripe does ({example}).")
    return texts


def _amount(value: Mapping[str, object], name: str) -> int | None:
    amount = value.get(name)
    if amount is None:
        return None
    if isinstance(amount, bool) or not isinstance(amount, int) or not 0 <= amount <= LARGEST:
        raise ConditionError(f"{name} must be a whole number of minor units, 4900 for 49.00 usd.")
    return amount


def _metadata(value: object) -> Mapping[str, frozenset[str]]:
    if not isinstance(value, Mapping):
        raise ConditionError("metadata must be a table of keys, each with a list of values.")
    wanted = {key: _texts(values, f"metadata {key}") for key, values in value.items()}
    for key, texts in wanted.items():
        if not (0 < len(key) <= LONGEST_KEY) or max(map(len, texts)) > LONGEST_VALUE:
            raise ConditionError(
                f"metadata {key[:LONGEST_KEY]}: Stripe keeps keys of 1 to {LONGEST_KEY} "
                f"characters and values of up to {LONGEST_VALUE}."
            )
    return MappingProxyType(wanted)


def _check_amounts(conditions: Conditions) -> None:
    low, high = conditions.amount_from, conditions.amount_to
    if low is None and high is None:
        return
    if len(conditions.currencies) != 1:
        raise ConditionError("An amount needs its currency: name exactly one in currencies.")
    if low is not None and high is not None and low > high:
        raise ConditionError(f"amount_from ({low}) is greater than amount_to ({high}).")


# --- deciding ---------------------------------------------------------------------------------


def meets(conditions: Conditions, facts: CaseFacts) -> Verdict:
    """Whether a case meets all of the conditions; `why` gives each reason, or the first that
    speaks against it."""
    looked_at: dict[str, Any] = {}
    reasons = []
    for name, fact, is_met, why in _checks(conditions, facts):
        looked_at[name] = fact
        if not is_met:
            return Verdict(is_met=False, why=why, facts=MappingProxyType(looked_at))
        reasons.append(why)
    why = "; ".join(reasons) or "it takes every case"
    return Verdict(is_met=True, why=why, facts=MappingProxyType(looked_at))


def _checks(conditions: Conditions, facts: CaseFacts) -> Iterator[tuple[str, object, bool, str]]:
    """(fact, its value, whether it is as wanted, in words) for each condition that is given."""
    lists = (
        ("decline_type", facts.decline_type, conditions.decline_types),
        ("decline_code", facts.decline_code, conditions.decline_codes),
        ("currency", facts.currency, conditions.currencies),
        ("kind", facts.kind, conditions.kinds),
        *(
            (f"metadata {key}", facts.metadata.get(key, ""), wanted)
            for key, wanted in sorted(conditions.metadata.items())
        ),
    )
    for name, fact, wanted in lists:
        if wanted:
            yield name, fact, fact in wanted, _said(name, fact, wanted)
    yield from _amount_checks(conditions, facts)


def _said(name: str, fact: str, wanted: frozenset[str]) -> str:
    said = f"{name.replace('decline_', 'decline ')} is {fact or 'unknown'}"
    return said if fact in wanted else f"{said}, not {either(wanted)}"


def _amount_checks(
    conditions: Conditions, facts: CaseFacts
) -> Iterator[tuple[str, object, bool, str]]:
    said = f"amount is {money(facts.amount, facts.currency)}"
    low, high = conditions.amount_from, conditions.amount_to
    if low is not None:
        is_met = facts.amount >= low
        limit = money(low, conditions.currency)
        yield "amount", facts.amount, is_met, f"{said}, {'from' if is_met else 'below'} {limit}"
    if high is not None:
        is_met = facts.amount <= high
        limit = money(high, conditions.currency)
        yield "amount", facts.amount, is_met, f"{said}, {'up to' if is_met else 'above'} {limit}"


# --- in words ---------------------------------------------------------------------------------


def in_words(conditions: Conditions) -> Mapping[str, str]:
    """Each condition that is given, by name: `{"currencies": "eur or usd"}`."""
    said = {
        "decline_types": either(conditions.decline_types),
        "decline_codes": either(conditions.decline_codes),
        "currencies": either(conditions.currencies),
        "kinds": either(conditions.kinds),
        "amount_from": _money(conditions.amount_from, conditions.currency),
        "amount_to": _money(conditions.amount_to, conditions.currency),
    }
    for key, wanted in sorted(conditions.metadata.items()):
        said[f"metadata {key}"] = either(wanted)
    return MappingProxyType({name: words for name, words in said.items() if words})


def _money(amount: int | None, currency: str) -> str:
    return "" if amount is None else money(amount, currency)


def money(amount: int, currency: str) -> str:
    """4900, "usd" → "49.00 usd"."""
    return f"{major(amount, currency)} {currency}"


def either(texts: frozenset[str]) -> str:
    return " or ".join(sorted(texts))
