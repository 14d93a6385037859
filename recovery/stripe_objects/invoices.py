"""Invoices."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Self

from recovery.reading import NOTHING, Node, id_of, items, livemode, moment, node, text, whole
from recovery.stripe_objects.charges import (
    NEEDS_AUTHENTICATION,
    Failure,
    PaymentMethod,
    latest_charge,
)


@dataclass(frozen=True, slots=True)
class Invoice:
    """Amounts in minor units, None where the payload has none; `status` is "" where unknown."""

    id: str
    status: str
    livemode: bool | None
    customer_id: str
    customer_email: str
    customer_name: str
    subscription_id: str
    payment_intent_id: str
    amount_due: int | None
    amount_remaining: int | None
    amount_paid: int | None
    currency: str
    attempted: bool
    attempt_count: int
    next_payment_attempt_at: datetime | None
    billing_reason: str
    collection_method: str
    number: str
    description: str
    hosted_invoice_url: str
    created_at: datetime | None
    paid_at: datetime | None
    is_paid_out_of_band: bool
    failure: Failure | None
    default_payment_method_id: str = ""  # the invoice's own; most have none
    payment_status: str = ""  # its PaymentIntent's, "" where that isn't expanded

    @property
    def amount_owed(self) -> int:
        """What is left to pay; of a paid invoice, what was."""
        owed = self.amount_remaining or self.amount_due
        return owed or 0

    @property
    def is_paid(self) -> bool:
        return self.status == "paid"

    @property
    def attempt_key(self) -> str:
        """What its latest try is known by until its charge is."""
        return f"{self.id}#{self.attempt_count}"

    @property
    def is_checkout(self) -> bool:
        """A subscription's first invoice: one that fails is an abandoned checkout."""
        return self.billing_reason == "subscription_create"

    @classmethod
    def read(cls, value: Node) -> Self:
        details = node(value, "parent", "subscription_details")
        intent = _payment_intent_of(value)
        line = (items(value.get("lines")) or [NOTHING])[0]
        return cls(
            id=id_of(value),
            status=text(value.get("status"), longest=20)
            or ("paid" if value.get("paid") is True else ""),
            livemode=livemode(value),
            customer_id=id_of(value.get("customer")) or id_of(value.get("customer_account")),
            customer_email=text(value.get("customer_email"), longest=254),
            customer_name=text(value.get("customer_name"), longest=200),
            subscription_id=id_of(details.get("subscription")) or id_of(value.get("subscription")),
            payment_intent_id=id_of(intent),
            amount_due=whole(value.get("amount_due"), name="amount_due"),
            amount_remaining=whole(value.get("amount_remaining"), name="amount_remaining"),
            amount_paid=_amount_paid(value),
            currency=text(value.get("currency"), longest=3).lower(),
            attempted=value.get("attempted") is True,
            attempt_count=_count(value.get("attempt_count")),
            next_payment_attempt_at=moment(value.get("next_payment_attempt")),
            billing_reason=text(value.get("billing_reason"), longest=50),
            collection_method=text(value.get("collection_method"), longest=50),
            number=text(value.get("number"), longest=100),
            description=text(value.get("description")) or text(line.get("description")),
            hosted_invoice_url=text(value.get("hosted_invoice_url"), longest=2000),
            created_at=moment(value.get("created")),
            paid_at=moment(node(value, "status_transitions").get("paid_at")),
            is_paid_out_of_band=_is_paid_out_of_band(value),
            failure=_failure_of_invoice(value, intent),
            default_payment_method_id=id_of(value.get("default_payment_method"))
            or id_of(value.get("default_source")),
            payment_status=text(node(intent).get("status"), longest=50),
        )


def _payment_intent_of(invoice: Node) -> object:
    """The newest PaymentIntent: in `payments` if expanded, or at the top before 2025-03-31."""
    payments = items(invoice.get("payments"))
    intents = [node(payment, "payment").get("payment_intent") for payment in payments]
    return next((intent for intent in intents if intent), invoice.get("payment_intent"))


def _failure_of_invoice(invoice: Node, intent: object) -> Failure | None:
    """From the PaymentIntent where it is expanded. Real payloads never carry the decline in
    `last_finalization_error`; the documented example does, and is to work as it stands."""
    error = node(intent, "last_payment_error") or node(invoice, "last_finalization_error")
    failure = Failure.read(error, latest_charge(node(intent)) or invoice.get("charge"))
    if failure and failure.decline.best_code:
        return failure
    is_waiting = node(intent).get("status") == "requires_action"
    method = PaymentMethod.read(node(intent).get("payment_method"))
    return replace(NEEDS_AUTHENTICATION, payment_method=method) if is_waiting else None


def _is_paid_out_of_band(invoice: Node) -> bool:
    off_stripe = whole(invoice.get("amount_paid_off_stripe"), name="amount_paid_off_stripe")
    return invoice.get("paid_out_of_band") is True or bool(off_stripe)


def _amount_paid(invoice: Node) -> int | None:
    """0 is an answer (nothing was owed in the end), but for what came out of band: old versions
    count no money there."""
    off_stripe = whole(invoice.get("amount_paid_off_stripe"), name="amount_paid_off_stripe")
    paid = whole(invoice.get("amount_paid"), name="amount_paid")
    if paid or off_stripe:
        return paid or off_stripe
    return None if invoice.get("paid_out_of_band") is True else paid


def _count(value: object) -> int:
    return min(max(whole(value, name="attempt_count") or 0, 0), 32_767)
