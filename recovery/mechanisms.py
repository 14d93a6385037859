"""How the money came back."""

import enum
from dataclasses import dataclass


class Mechanism(enum.StrEnum):
    STRIPE_RETRY = "stripe_retry"
    RECOVER_RETRY = "recover_retry"
    CARD_UPDATE = "card_update"
    CUSTOMER_PAID = "customer_paid"
    OUT_OF_BAND = "out_of_band"


class AttemptTrigger(enum.StrEnum):
    """Who made an attempt to charge."""

    STRIPE = "stripe"
    RECOVER = "recover"
    CUSTOMER = "customer"
    OPERATOR = "operator"


# The first of our own attempts that stands explains the payment.
BY_OUR_ATTEMPT = {
    AttemptTrigger.CUSTOMER: Mechanism.CARD_UPDATE,
    AttemptTrigger.RECOVER: Mechanism.RECOVER_RETRY,
    AttemptTrigger.OPERATOR: Mechanism.RECOVER_RETRY,
}


@dataclass(frozen=True, slots=True)
class PaymentFacts:
    """What is known of a payment; attempt counts are the invoice's, 0 where Stripe gave none."""

    is_out_of_band: bool
    our_attempts: frozenset[AttemptTrigger]
    attempt_count_when_failed: int
    attempt_count_when_paid: int
    is_through_checkout: bool = False
    is_one_time: bool = False


def explain(facts: PaymentFacts) -> Mechanism:
    """The mechanism of a payment.

    Stripe raises an invoice's `attempt_count` for its automatic retries alone, so a payment that
    left it where the failure had put it was made by the customer, on the hosted invoice page say
    (docs.stripe.com/api/invoices/object#invoice_object-attempt_count). One-time payments Stripe
    doesn't try again at all.
    """
    if facts.is_out_of_band:
        return Mechanism.OUT_OF_BAND
    if facts.is_through_checkout:  # by hand; no card was saved
        return Mechanism.CUSTOMER_PAID
    for trigger, mechanism in BY_OUR_ATTEMPT.items():
        if trigger in facts.our_attempts:
            return mechanism
    is_uncounted = 0 < facts.attempt_count_when_paid <= facts.attempt_count_when_failed
    if facts.is_one_time or is_uncounted:
        return Mechanism.CUSTOMER_PAID
    return Mechanism.STRIPE_RETRY
