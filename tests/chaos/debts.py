"""What is owed in a made-up history, and each of Stripe's objects about it: the same for the
events that tell of a debt and for the stub that is asked about it."""

import enum
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from types import MappingProxyType
from typing import Any

BETWEEN_FAILURES = 6 * 3600  # seconds
RETRIED_BY_STRIPE = 30 * 86_400  # seconds after the first failure, where Stripe tries again

Object = dict[str, Any]


class Kind(enum.StrEnum):
    """What becomes of a debt."""

    STAYS_OPEN = "stays_open"
    PAID = "paid"
    VOIDED = "voided"
    UNCOLLECTIBLE = "uncollectible"
    SUBSCRIPTION_DELETED = "subscription_deleted"
    REFUNDED = "refunded"
    PAYMENT_STAYS_OPEN = "payment_stays_open"
    PAYMENT_PAID = "payment_paid"
    PAYMENT_CANCELED = "payment_canceled"


ONE_TIME = frozenset({Kind.PAYMENT_STAYS_OPEN, Kind.PAYMENT_PAID, Kind.PAYMENT_CANCELED})
OPEN = frozenset({Kind.STAYS_OPEN, Kind.SUBSCRIPTION_DELETED, Kind.PAYMENT_STAYS_OPEN})
PAID = frozenset({Kind.PAID, Kind.REFUNDED, Kind.PAYMENT_PAID})
INVOICE_STATUS: Mapping[Kind, str] = MappingProxyType(
    {
        Kind.STAYS_OPEN: "open",
        Kind.SUBSCRIPTION_DELETED: "open",
        Kind.PAID: "paid",
        Kind.REFUNDED: "paid",
        Kind.VOIDED: "void",
        Kind.UNCOLLECTIBLE: "uncollectible",
    }
)
INTENT_STATUS: Mapping[Kind, str] = MappingProxyType(
    {Kind.PAYMENT_PAID: "succeeded", Kind.PAID: "succeeded", Kind.REFUNDED: "succeeded"}
    | dict.fromkeys((Kind.PAYMENT_CANCELED, Kind.VOIDED), "canceled")
)


@dataclass(frozen=True, slots=True)
class Debt:
    """An invoice, or a one-time payment, whose charge failed `failures` times for `code`.

    `number` is in the id of each of its objects. `amount` is in minor units; times are Unix's.
    """

    number: int
    merchant: int
    kind: Kind
    code: str
    failures: int
    amount: int
    currency: str
    livemode: bool
    failed_at: int
    ended_at: int

    @property
    def is_one_time(self) -> bool:
        return self.kind in ONE_TIME

    def id(self, prefix: str) -> str:
        return f"{prefix}_{self.number:08}"

    def charge_id(self, attempt: int) -> str:
        return f"{self.id('ch')}_{attempt}"

    def failed_at_attempt(self, attempt: int) -> int:
        return self.failed_at + (attempt - 1) * BETWEEN_FAILURES

    def told(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def read(cls, told: dict[str, Any]) -> "Debt":
        return cls(**{**told, "kind": Kind(told["kind"])})


def invoice(debt: Debt, *, attempt: int, status: str = "open") -> Object:
    """After `attempt` failures, when it was in this status."""
    is_paid = status == "paid"
    return {
        "id": debt.id("in"), "object": "invoice", "status": status, "customer": debt.id("cus"),
        "customer_email": address(debt), "customer_name": f"Canary Wren {debt.number}",
        "currency": debt.currency, "amount_due": debt.amount, "total": debt.amount,
        "amount_paid": debt.amount if is_paid else 0,
        "amount_remaining": 0 if is_paid else debt.amount,
        "attempted": True, "attempt_count": attempt + is_paid,
        "billing_reason": "subscription_cycle", "collection_method": "charge_automatically",
        "number": f"CHAOS-{debt.number}", "livemode": debt.livemode, "created": debt.failed_at,
        "next_payment_attempt": None,
        "status_transitions": {"paid_at": debt.ended_at if is_paid else None},
        "parent": {
            "type": "subscription_details",
            "subscription_details": {"subscription": debt.id("sub")},
        },
    }  # fmt: skip


def intent(debt: Debt, *, attempt: int, status: str = "requires_payment_method") -> Object:
    """After `attempt` failures; an invoice's own names the invoice."""
    owner = {} if debt.is_one_time else {"payment_details": {"order_reference": debt.id("in")}}
    is_paid = status == "succeeded"
    failed = {} if is_paid else {"last_payment_error": _failure(debt, attempt)}
    return {
        "id": debt.id("pi"), "object": "payment_intent", "status": status,
        "amount": debt.amount, "amount_received": debt.amount if is_paid else 0,
        "currency": debt.currency, "customer": debt.id("cus"), "receipt_email": address(debt),
        "livemode": debt.livemode, "created": debt.failed_at,
        "latest_charge": charge(debt, attempt=attempt, is_paid=is_paid), **owner, **failed,
    }  # fmt: skip


def charge(debt: Debt, *, attempt: int, is_paid: bool = False, refunded: int = 0) -> Object:
    """The `attempt`-th that failed, or the one that was paid at last."""
    at = debt.ended_at if is_paid else debt.failed_at_attempt(attempt)
    owner = {} if debt.is_one_time else {"invoice": debt.id("in")}
    return {
        "id": debt.charge_id(attempt + is_paid), "object": "charge", "amount": debt.amount,
        "amount_refunded": refunded, "created": at, "payment_intent": debt.id("pi"),
        "payment_method": debt.id("pm"), "paid": is_paid, "outcome": {"type": "authorized"},
        **owner,
    }  # fmt: skip


def charged_invoice(debt: Debt, *, at: int) -> Object:
    """Once we have charged it."""
    paid = invoice(debt, attempt=debt.failures, status="paid")
    return paid | {"status_transitions": {"paid_at": at}}


def charged_intent(debt: Debt, *, at: int, is_paid: bool) -> Object:
    """Once we have charged it, or tried to."""
    status = "succeeded" if is_paid else "requires_payment_method"
    told = intent(debt, attempt=debt.failures, status=status)
    told["latest_charge"] |= {"id": debt.id("ch_own"), "created": at}
    if not is_paid:
        told["last_payment_error"] |= {"charge": debt.id("ch_own")}
    return told


def customer(debt: Debt) -> Object:
    return {
        "id": debt.id("cus"), "object": "customer", "email": address(debt),
        "name": f"Canary Wren {debt.number}", "preferred_locales": ["en"],
        "invoice_settings": {"default_payment_method": debt.id("pm")},
    }  # fmt: skip


def subscription(debt: Debt, *, status: str = "active") -> Object:
    return {
        "id": debt.id("sub"), "object": "subscription", "status": status,
        "customer": debt.id("cus"), "default_payment_method": None,
    }  # fmt: skip


def method(debt: Debt) -> Object:
    return {
        "id": debt.id("pm"), "object": "payment_method", "type": "card",
        "customer": debt.id("cus"), "card": {
            "brand": "visa", "country": "US", "exp_month": 12, "exp_year": 2034, "last4": "0341",
            "fingerprint": debt.id("fp"),
        },
    }  # fmt: skip


def address(debt: Debt) -> str:
    return f"jo.{debt.number:08}@example.com"


def _failure(debt: Debt, attempt: int) -> Object:
    return {
        "type": "card_error", "code": "card_declined", "decline_code": debt.code,
        "charge": debt.charge_id(attempt), "payment_method": method(debt),
    }  # fmt: skip
