"""When a payment method may be charged: one decision from facts, each refusal with its rule."""

import enum
from dataclasses import dataclass
from datetime import datetime, timedelta

from recovery.declines import Decline, Retryable, classify
from recovery.state_machine import Status


class RetryDriver(enum.StrEnum):
    """Who asks for the money again without the customer: never both."""

    STRIPE = "stripe"
    RECOVER = "recover"


STRIPE_IS_ABOUT_TO = timedelta(hours=6)


@dataclass(frozen=True, slots=True)
class ChargeFacts:
    """`declines` are those of this payment method on this debt, latest first."""

    status: Status
    is_paused: bool
    declines: tuple[Decline, ...]
    is_customer_present: bool
    next_payment_attempt_at: datetime | None


@dataclass(frozen=True, slots=True)
class Allowed:
    pass


@dataclass(frozen=True, slots=True)
class Refused:
    """`rule` in words, and where it is written."""

    rule: str
    source: str


def may_charge(facts: ChargeFacts, *, now: datetime) -> Allowed | Refused:
    """Whether the payment method may be charged at `now`.

    A payment method that has not failed on this debt is not bound by what another one was told.
    """
    if facts.status not in {Status.OPEN, Status.LOST}:
        return Refused(f"the case is {facts.status}", "architecture, invariant 3")
    if facts.is_paused and not facts.is_customer_present:
        return Refused("the case is paused", "the merchant's own decision")
    for meaning in map(classify, facts.declines):
        if meaning.retryable is Retryable.NO:  # for good, whatever was said since
            return Refused(meaning.rule, meaning.source)
    for meaning in map(classify, facts.declines[:1]):
        if meaning.retryable is Retryable.AFTER_CUSTOMER_ACTION:
            return Refused(meaning.rule, meaning.source)
    scheduled = facts.next_payment_attempt_at
    if facts.declines and scheduled and now <= scheduled <= now + STRIPE_IS_ABOUT_TO:
        return Refused("Stripe's own retry is about to happen", "invoice.next_payment_attempt")
    return Allowed()
