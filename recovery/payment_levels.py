"""Where Stripe looks for the payment method of a debt, and what has to be set there.

The first that names one is charged: the invoice's own, the subscription's, the customer's. Source:
docs.stripe.com/billing/subscriptions/payment-methods-setting#payment-method-priority
"""

import enum
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Self

from recovery.reading import Node, id_of, text
from recovery.stripe_objects import Customer, Invoice

ENDED = frozenset({"canceled", "incomplete_expired"})
BY_INVOICE = "send_invoice"


class Level(enum.StrEnum):
    """In Stripe's words, what is to be set there."""

    INVOICE = "default_payment_method of invoice"
    SUBSCRIPTION = "default_payment_method of subscription"
    CUSTOMER = "invoice_settings.default_payment_method of customer"


# What a restricted key needs to set it (docs.stripe.com/stripe-apps/reference/permissions).
PERMISSIONS: Mapping[Level, str] = MappingProxyType(
    {
        Level.INVOICE: "rak_invoice_write",
        Level.SUBSCRIPTION: "rak_subscription_write",
        Level.CUSTOMER: "rak_customer_write",
    }
)


@dataclass(frozen=True, slots=True)
class Subscription:
    """`payment_method_id` and `source_id` are its own, "" where the customer's is charged."""

    id: str
    status: str
    collection_method: str
    payment_method_id: str
    source_id: str

    @property
    def method_id(self) -> str:
        """What it has charged, "" for the customer's: of both kinds the payment method."""
        return self.payment_method_id or self.source_id

    @property
    def is_charged(self) -> bool:
        """Whether it may ever again be charged by itself."""
        return self.status not in ENDED and self.collection_method != BY_INVOICE

    @classmethod
    def read(cls, value: Node) -> Self:
        return cls(
            id=id_of(value),
            status=text(value.get("status"), longest=50),
            collection_method=text(value.get("collection_method"), longest=50),
            payment_method_id=id_of(value.get("default_payment_method")),
            source_id=id_of(value.get("default_source")),
        )


@dataclass(frozen=True, slots=True)
class Place:
    """One object at Stripe, and the payment method that it names, "" for none. `is_source`: a
    subscription names it in the older `default_source`."""

    level: Level
    object_id: str
    method_id: str
    is_source: bool = False

    def __str__(self) -> str:
        return f"{self.level} {self.object_id}"


def of_subscriptions(subscriptions: Collection[Subscription]) -> Iterator[Place]:
    for one in subscriptions:
        if one.is_charged:
            is_source = not one.payment_method_id
            yield Place(Level.SUBSCRIPTION, one.id, one.method_id, is_source=is_source)


def of_customer(customer: Customer) -> Iterator[Place]:
    yield Place(Level.CUSTOMER, customer.id, customer.default_payment_method_id)


def of_invoices(invoices: Collection[Invoice]) -> Iterator[Place]:
    for invoice in invoices:
        yield Place(Level.INVOICE, invoice.id, invoice.default_payment_method_id)
