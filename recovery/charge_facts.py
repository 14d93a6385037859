"""What is known when a charge is decided: the debt, the card, and all that was tried with it."""

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from recovery.declines import NO_OVERRIDES, Decline, DeclineType
from recovery.mechanisms import AttemptTrigger
from recovery.state_machine import Status


class RetryDriver(enum.StrEnum):
    """Who asks for the money again without the customer: never both."""

    STRIPE = "stripe"
    RECOVER = "recover"


@dataclass(frozen=True, slots=True)
class Card:
    """A payment method as Stripe describes it; "" where it doesn't, as for a bank account."""

    payment_method_id: str
    fingerprint: str = ""
    expiry: str = ""  # 2027-03
    brand: str = ""
    country: str = ""

    def has_number_of(self, other: "Card") -> bool:
        """By the fingerprint where both are known, else by the payment method."""
        if self.fingerprint and other.fingerprint:
            return self.fingerprint == other.fingerprint
        return self.payment_method_id == other.payment_method_id

    def was_renewed_from(self, other: "Card") -> bool:
        """An account updater keeps the payment method and changes the number or the expiry."""
        return self.payment_method_id == other.payment_method_id and (
            _differ(self.fingerprint, other.fingerprint) or _differ(self.expiry, other.expiry)
        )

    def is_same_as(self, other: "Card") -> bool:
        """The same number, unless the bank has renewed the card since."""
        return self.has_number_of(other) and not self.was_renewed_from(other)

    def is_unchanged_since(self, other: "Card") -> bool:
        """The very payment method with the same data on it: nobody has put anything right."""
        return self.payment_method_id == other.payment_method_id and self.is_same_as(other)


def _differ(one: str, other: str) -> bool:
    return bool(one and other) and one != other


@dataclass(frozen=True, slots=True)
class PastAttempt:
    """One try to charge, whoever made it. `decline` is None for one that succeeded or whose
    answer isn't known; `amount` is in minor units of `currency`."""

    at: datetime
    trigger: AttemptTrigger
    card: Card
    amount: int
    currency: str
    is_this_debt: bool
    decline: Decline | None = None


@dataclass(frozen=True, slots=True)
class ChargeFacts:
    """`attempts` are those with this card over all debts at this merchant, Stripe's and claimed
    ones too, latest first."""

    status: Status
    is_paused: bool
    driver: RetryDriver
    next_payment_attempt_at: datetime | None
    trigger: AttemptTrigger
    is_customer_present: bool
    card: Card
    amount: int
    currency: str
    attempts: tuple[PastAttempt, ...] = ()
    overrides: Mapping[str, DeclineType] = field(default_factory=lambda: NO_OVERRIDES)
    is_given_up: bool = False  # the payment: it is, or is about to be, paid at Checkout instead

    @property
    def is_unattended(self) -> bool:
        """Nobody is there: neither the customer, who can act, nor an operator, who can judge."""
        return not self.is_customer_present and self.trigger is not AttemptTrigger.OPERATOR

    @property
    def of_same_card(self) -> tuple[PastAttempt, ...]:
        return tuple(one for one in self.attempts if self.card.is_same_as(one.card))

    @property
    def on_this_debt(self) -> tuple[PastAttempt, ...]:
        return tuple(one for one in self.of_same_card if one.is_this_debt)
