"""A random history that a seed makes again: debts of several merchants, and the events by which
Stripe tells of them, in the order in which they happened."""

import json
import random
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from tests.chaos import debts
from tests.chaos.debts import BETWEEN_FAILURES, Debt, Kind

HOUR = 3600
AGE = 5 * 86_400  # seconds between the first failures and the run
WEIGHTS: Mapping[Kind, int] = MappingProxyType(
    {
        Kind.STAYS_OPEN: 26,
        Kind.PAID: 28,
        Kind.VOIDED: 8,
        Kind.UNCOLLECTIBLE: 6,
        Kind.SUBSCRIPTION_DELETED: 7,
        Kind.REFUNDED: 5,
        Kind.PAYMENT_STAYS_OPEN: 7,
        Kind.PAYMENT_PAID: 9,
        Kind.PAYMENT_CANCELED: 4,
    }
)
SOFT = ("generic_decline", "do_not_honor", "processing_error")
OTHERS = ("lost_card", "stolen_card", "expired_card")
# Asked for by nobody, so that no charge of ours can be quicker than what ends them elsewhere. Of
# an invoice Stripe is asked before.
NOT_CHARGED = frozenset({Kind.SUBSCRIPTION_DELETED, Kind.PAYMENT_PAID, Kind.PAYMENT_CANCELED})
ENDINGS: Mapping[Kind, tuple[str, ...]] = MappingProxyType(
    {
        Kind.PAID: ("invoice.paid",),
        Kind.VOIDED: ("invoice.voided",),
        Kind.UNCOLLECTIBLE: ("invoice.marked_uncollectible",),
        Kind.SUBSCRIPTION_DELETED: ("customer.subscription.deleted",),
        Kind.REFUNDED: ("invoice.paid", "charge.refunded"),
        Kind.PAYMENT_PAID: ("payment_intent.succeeded",),
        Kind.PAYMENT_CANCELED: ("payment_intent.canceled",),
    }
)
IN_STATUS: Mapping[str, str] = MappingProxyType(
    {
        "invoice.paid": "paid",
        "invoice.voided": "void",
        "invoice.marked_uncollectible": "uncollectible",
        "payment_intent.succeeded": "succeeded",
        "payment_intent.canceled": "canceled",
    }
)


@dataclass(frozen=True, slots=True)
class Merchant:
    """`key` is "" for one for whom Stripe can't be asked: the events are all that is known."""

    number: int
    key: str
    livemode: bool
    currency: str

    @property
    def secret(self) -> str:
        return f"whsec_chaos_{self.number:02}_0123456789abcdef0123"


# Live and test mode; two of whom Stripe can't be asked.
MERCHANTS = (
    Merchant(0, "rk_live_chaos0", True, "usd"),
    Merchant(1, "rk_test_chaos1", False, "eur"),
    Merchant(2, "", True, "usd"),
    Merchant(3, "rk_live_chaos3", True, "jpy"),
    Merchant(4, "rk_test_chaos4", False, "usd"),
    Merchant(5, "", True, "eur"),
)


@dataclass(frozen=True, slots=True)
class Told:
    """An event and whose it is. `is_kept`: it is of the merchant's mode and of a type that
    matters, so that it is stored; any other is acknowledged and dropped."""

    id: str
    merchant: int
    created: int
    body: bytes
    is_kept: bool = True


@dataclass(frozen=True, slots=True)
class History:
    merchants: Sequence[Merchant]
    debts: Sequence[Debt]
    events: Sequence[Told]


def make(*, seed: int, events: int, begins_at: int, merchants: int) -> History:
    """At least so many events; `begins_at` is the Unix time of the first failures."""
    dice = random.Random(seed)
    chosen = MERCHANTS[:merchants]
    owed: list[Debt] = []
    told: list[Told] = []
    while len(told) < events:
        debt = _debt(dice, chosen, number=len(owed) + 1, begins_at=begins_at)
        owed.append(debt)
        told += _events(dice, debt)
    return History(chosen, owed, _sorted(told))


def of(owed: Sequence[Debt], *, seed: int, merchants: int) -> History:
    """That of these debts."""
    dice = random.Random(seed)
    told = [event for debt in owed for event in _events(dice, debt)]
    return History(MERCHANTS[:merchants], owed, _sorted(told))


def _sorted(told: Sequence[Told]) -> list[Told]:
    return sorted(told, key=lambda one: (one.created, one.id))


def charged(debt: Debt, *, at: int) -> Told:
    """What Stripe tells once a charge of ours was paid."""
    if debt.is_one_time:
        own = debts.charged_intent(debt, at=at, is_paid=True)
        return _event(debt, "payment_intent.succeeded", own, at=at, number=99)
    return _event(debt, "invoice.paid", debts.charged_invoice(debt, at=at), at=at, number=99)


def told_of_charges(owed: Sequence[Debt], lines: Iterable[str]) -> list[Told]:
    """Of the stub's notes (tests/chaos/stripe_stub.py), a line of JSON for each charge."""
    by_number = {debt.number: debt for debt in owed}
    made = [json.loads(line) for line in lines]
    return [charged(by_number[one["debt"]], at=one["at"]) for one in made if one["is_paid"]]


def _debt(
    dice: random.Random, merchants: Sequence[Merchant], *, number: int, begins_at: int
) -> Debt:
    merchant = dice.choice(merchants)
    [kind] = dice.choices(list(WEIGHTS), list(WEIGHTS.values()))
    failed_at, failures = begins_at + dice.randrange(6 * HOUR), dice.randint(1, 3)
    codes = OTHERS if kind in NOT_CHARGED else SOFT + OTHERS
    last = failed_at + (failures - 1) * BETWEEN_FAILURES
    return Debt(
        number=number, merchant=merchant.number, kind=kind, code=dice.choice(codes),
        failures=failures, amount=dice.randrange(500, 90_000), currency=merchant.currency,
        livemode=merchant.livemode, failed_at=failed_at,
        ended_at=last + dice.choice((120, HOUR, 30 * HOUR)),
    )  # fmt: skip


def _events(dice: random.Random, debt: Debt) -> Iterator[Told]:
    for attempt in range(1, debt.failures + 1):
        yield from _failures(dice, debt, attempt)
    for delay, type_ in enumerate(ENDINGS.get(debt.kind, ())):
        yield _event(debt, type_, _ended(debt, type_), at=debt.ended_at + delay * HOUR)
    yield from _noise(dice, debt)


def _failures(dice: random.Random, debt: Debt, attempt: int) -> Iterator[Told]:
    at = debt.failed_at_attempt(attempt)
    if not debt.is_one_time:
        about = debts.invoice(debt, attempt=attempt)
        yield _event(debt, "invoice.payment_failed", about, at=at, number=attempt)
    if debt.is_one_time or dice.random() < 0.5:
        own = debts.intent(debt, attempt=attempt)
        yield _event(debt, "payment_intent.payment_failed", own, at=at, number=attempt)


def _ended(debt: Debt, type_: str) -> debts.Object:
    if type_ == "charge.refunded":
        return debts.charge(debt, attempt=debt.failures, is_paid=True, refunded=debt.amount)
    if type_ == "customer.subscription.deleted":
        return debts.subscription(debt, status="canceled")
    make_ = debts.intent if debt.is_one_time else debts.invoice
    return make_(debt, attempt=debt.failures, status=IN_STATUS[type_])


def _noise(dice: random.Random, debt: Debt) -> Iterator[Told]:
    """What changes nothing: a customer, another mode's failure, a type nobody asked for."""
    chance = dice.random()
    if chance < 0.10:
        yield _event(debt, "customer.updated", debts.customer(debt), at=debt.failed_at)
    elif chance < 0.14:
        other = debts.invoice(debt, attempt=1) | {"id": debt.id("in_other")}
        yield _event(debt, "invoice.payment_failed", other, at=debt.failed_at, number=90,
                     is_kept=False, livemode=not debt.livemode)  # fmt: skip
    elif chance < 0.17:
        product = {"id": debt.id("prod"), "object": "product"}
        yield _event(debt, "product.updated", product, at=debt.failed_at, is_kept=False)


def _event(
    debt: Debt, type_: str, about: Mapping[str, Any], *, at: int, number: int = 0,
    is_kept: bool = True, livemode: bool | None = None,
) -> Told:  # fmt: skip
    id_ = f"{debt.id('evt')}_{type_.replace('.', '_')}_{number}"
    event = {
        "id": id_, "object": "event", "type": type_, "created": at, "data": {"object": about},
        "livemode": debt.livemode if livemode is None else livemode,
        "api_version": "2026-10-28",
    }  # fmt: skip
    return Told(id_, debt.merchant, at, json.dumps(event).encode(), is_kept)
