"""What was charged, and how that went: methods of payment, failures, money that went back."""

from dataclasses import dataclass
from datetime import datetime
from typing import Self

from recovery.charge_facts import Card
from recovery.declines import Decline
from recovery.reading import Node, id_of, items, moment, node, text, whole

MONTHS = 12
LAST_YEAR = 9999


@dataclass(frozen=True, slots=True)
class PaymentMethod:
    """What was charged; `fingerprint` is the same for a card however often it is added."""

    id: str = ""
    type: str = ""
    brand: str = ""
    last4: str = ""
    fingerprint: str = ""
    country: str = ""
    expiry: str = ""  # 2027-03
    billing_email: str = ""

    @property
    def card(self) -> Card:
        return Card(
            payment_method_id=self.id,
            fingerprint=self.fingerprint,
            expiry=self.expiry,
            brand=self.brand,
            country=self.country,
        )

    @classmethod
    def read(cls, value: object) -> Self:
        method = node(value)
        card = node(method, "card")
        return cls(
            id=id_of(value),
            type=text(method.get("type"), longest=50),
            brand=text(card.get("brand"), longest=50),
            last4=text(card.get("last4"), longest=4),
            fingerprint=text(card.get("fingerprint"), longest=64),
            country=text(card.get("country"), longest=2),
            expiry=_expiry(card),
            billing_email=text(node(method, "billing_details").get("email"), longest=254),
        )


def _expiry(card: Node) -> str:
    year = whole(card.get("exp_year"), name="exp_year") or 0
    month = whole(card.get("exp_month"), name="exp_month") or 0
    known = 0 < year <= LAST_YEAR and 0 < month <= MONTHS
    return f"{year:04}-{month:02}" if known else ""


@dataclass(frozen=True, slots=True)
class Failure:
    """One failed charge: why, with what and, where it got so far, Stripe's charge and when that
    was made."""

    decline: Decline
    payment_method: PaymentMethod
    charge_id: str = ""
    charged_at: datetime | None = None

    @classmethod
    def read(cls, error: Node, charge: object = None) -> Self | None:
        """From a PaymentIntent's `last_payment_error` and, if expanded, its latest charge."""
        if not error:
            return None
        outcome = node(charge, "outcome")
        method = PaymentMethod.read(error.get("payment_method"))
        blocked = outcome.get("type") == "blocked"
        return cls(
            decline=Decline(
                decline_code=text(error.get("decline_code"), longest=100),
                code=text(error.get("code"), longest=100),
                advice_code=_code(error, outcome, "advice_code"),
                network_decline_code=_code(error, outcome, "network_decline_code"),
                network_advice_code=_code(error, outcome, "network_advice_code"),
                brand=method.brand,
                block_reason=text(outcome.get("reason"), longest=100) if blocked else "",
            ),
            payment_method=method,
            charge_id=id_of(error.get("charge")) or id_of(charge),
            charged_at=moment(node(charge).get("created")),
        )


# The bank asks the customer to confirm the payment: nothing was declined, so no charge tells why.
NEEDS_AUTHENTICATION = Failure(Decline(code="authentication_required"), PaymentMethod())
# Stripe has a word for neither: an attempt without anything to charge is one without a charge.
NO_PAYMENT_METHOD = Failure(Decline(code="no_payment_method"), PaymentMethod())


@dataclass(frozen=True, slots=True)
class Charged:
    """How an invoice or payment took being charged. `failure` is set when `status` is declined."""

    status: str  # paid, pending, already_paid, declined, requires_action, not_open
    failure: Failure | None = None
    charge_id: str = ""


def latest_charge(intent: Node) -> object:
    """In `latest_charge`, or the first of `charges` before 2022-11-15."""
    return intent.get("latest_charge") or next(iter(items(intent.get("charges"))), None)


def _code(error: Node, outcome: Node, name: str) -> str:
    return text(error.get(name), longest=100) or text(outcome.get(name), longest=100)


@dataclass(frozen=True, slots=True)
class Reversal:
    """Money that went back: a refunded or disputed charge. Amounts in minor units."""

    payment_intent_id: str
    charge_id: str
    amount: int
    is_whole: bool
    is_inquiry: bool = False

    @classmethod
    def read(cls, value: Node) -> Self:
        """From a Charge (`charge.refunded`) or a Dispute (`charge.dispute.*`)."""
        refunded = whole(value.get("amount_refunded"), name="amount_refunded")
        amount = whole(value.get("amount"), name="amount") or 0
        return cls(
            payment_intent_id=id_of(value.get("payment_intent")),
            charge_id=id_of(value.get("charge")) or id_of(value),
            amount=amount if refunded is None else refunded,
            is_whole=refunded is None or refunded >= amount,
            # A bank's question before a dispute, in which no money moves
            # (docs.stripe.com/disputes/how-disputes-work, inquiries).
            is_inquiry=text(value.get("status")).startswith("warning_"),
        )
