"""A card, what was tried with it, and who asks: the words of the tables on charging rules."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from recovery.charge_facts import Card, ChargeFacts, PastAttempt, RetryDriver
from recovery.charging_rules import Allowed, Refused
from recovery.declines import Decline, Meaning
from recovery.mechanisms import AttemptTrigger
from recovery.state_machine import Status

NOW = datetime(2026, 11, 3, 12, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
MOMENT = timedelta(microseconds=1)
CUSTOMER, OPERATOR = AttemptTrigger.CUSTOMER, AttemptTrigger.OPERATOR
RECOVER, STRIPE = AttemptTrigger.RECOVER, AttemptTrigger.STRIPE
CARD = Card("pm_1", fingerprint="f1", expiry="2030-01", brand="visa", country="US")
SOFT = Decline(decline_code="insufficient_funds", code="card_declined", brand="visa")
HARD = Decline(decline_code="stolen_card", code="card_declined", brand="visa")
LIMITED = Decline(decline_code="do_not_honor", code="card_declined", brand="visa")
STRANGE = Decline(decline_code="never_heard_of", code="card_declined", brand="visa")
ASKED = Decline(decline_code="authentication_required", brand="visa")
EXPIRED = Decline(code="expired_card", brand="visa")
NOW_AT_ONCE = Allowed(NOW)


def tried(
    decline: Decline | None = SOFT, *, before: timedelta = 5 * DAY, **facts: object
) -> PastAttempt:
    """An attempt with CARD on the debt, by Stripe, days ago."""
    made = PastAttempt(
        at=NOW - before, trigger=STRIPE, card=CARD, amount=4900, currency="usd",
        is_this_debt=True, decline=decline,
    )  # fmt: skip
    return replace(made, **facts)  # type: ignore[arg-type]


def facts(*attempts: PastAttempt, **changes: object) -> ChargeFacts:
    """Recover retries an open debt by itself, Stripe's retries being off."""
    asked = ChargeFacts(
        status=Status.OPEN, is_paused=False, driver=RetryDriver.RECOVER,
        next_payment_attempt_at=None, trigger=RECOVER, is_customer_present=False, card=CARD,
        amount=4900, currency="usd", attempts=attempts,
    )  # fmt: skip
    return replace(asked, **changes)  # type: ignore[arg-type]


PRESENT = {"trigger": CUSTOMER, "is_customer_present": True}
WHO: dict[str, dict[str, object]] = {
    "a scheduled retry": {},
    "a new card that was heard of": {"trigger": CUSTOMER},
    "an operator": {"trigger": OPERATOR},
    "a customer who is there": PRESENT,
}
EVERYBODY = pytest.mark.parametrize("who", WHO.values(), ids=WHO)


def refused(meaning: Meaning) -> Refused:
    return Refused(meaning.rule, meaning.source, meaning.needs_person)


STRIPE_DRIVES = Refused(
    "Stripe drives the retries", "the merchant's campaign; architecture, charging rules"
)
