"""PaymentIntents."""

from dataclasses import dataclass
from datetime import datetime
from typing import Self

from recovery.reading import Node, id_of, livemode, moment, node, text, whole
from recovery.stripe_objects.charges import Failure, latest_charge


@dataclass(frozen=True, slots=True)
class PaymentIntent:
    """`invoice_id` is "" where the payload names none, which proves nothing by itself."""

    id: str
    status: str
    livemode: bool | None
    customer_id: str
    email: str
    invoice_id: str
    amount: int
    amount_received: int | None
    currency: str
    description: str
    created_at: datetime | None
    paid_at: datetime | None
    failure: Failure | None
    # The latest charge, "" and None where there is none or it isn't expanded.
    charge_id: str = ""
    charged_method_id: str = ""
    charged_at: datetime | None = None

    @classmethod
    def read(cls, value: Node) -> Self:
        charge = node(latest_charge(value))
        error = node(value, "last_payment_error")
        billing = node(error, "payment_method", "billing_details")
        return cls(
            id=id_of(value),
            status=text(value.get("status"), longest=50),
            livemode=livemode(value),
            customer_id=id_of(value.get("customer")) or id_of(value.get("customer_account")),
            email=text(value.get("receipt_email"), longest=254)
            or text(billing.get("email"), longest=254),
            invoice_id=invoice_of_payment_intent(value),
            amount=whole(value.get("amount"), name="amount") or 0,
            amount_received=whole(value.get("amount_received"), name="amount_received"),
            currency=text(value.get("currency"), longest=3).lower(),
            description=text(value.get("description")),
            created_at=moment(value.get("created")),
            paid_at=_paid_at(value),
            failure=Failure.read(error, latest_charge(value)),
            charge_id=id_of(charge),
            charged_method_id=id_of(charge.get("payment_method")),
            charged_at=moment(charge.get("created")),
        )


def _paid_at(intent: Node) -> datetime | None:
    """When the charge that paid it was made; None where that isn't expanded."""
    if intent.get("status") != "succeeded":
        return None
    return moment(node(latest_charge(intent)).get("created"))


# A bank works on it, or holds the money until the merchant captures it: nobody is to pay again
# (docs.stripe.com/payments/paymentintents/lifecycle).
UNDER_WAY = frozenset({"processing", "requires_capture"})


def invoice_of_payment_intent(intent: Node) -> str:
    """The invoice that a PaymentIntent says it pays: in `invoice` before 2025-03-31, in
    `order_reference` since Billing writes it there (2025-11); "" where it says neither."""
    order = id_of(node(intent, "payment_details").get("order_reference"))
    return id_of(intent.get("invoice")) or (order if order.startswith("in_") else "")
