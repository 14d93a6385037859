"""The events that Recover takes in, and what each concerns."""

import enum
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Self

from recovery.reading import Node, id_of, moment, node, text
from recovery.stripe_objects import invoice_of_payment_intent

LONGEST_ID = 255


class EventType(enum.StrEnum):
    INVOICE_PAYMENT_FAILED = "invoice.payment_failed"
    INVOICE_PAYMENT_ACTION_REQUIRED = "invoice.payment_action_required"
    INVOICE_PAID = "invoice.paid"
    INVOICE_VOIDED = "invoice.voided"
    INVOICE_MARKED_UNCOLLECTIBLE = "invoice.marked_uncollectible"
    INVOICE_UPDATED = "invoice.updated"
    PAYMENT_INTENT_PROCESSING = "payment_intent.processing"
    PAYMENT_INTENT_PAYMENT_FAILED = "payment_intent.payment_failed"
    PAYMENT_INTENT_SUCCEEDED = "payment_intent.succeeded"
    PAYMENT_INTENT_CANCELED = "payment_intent.canceled"
    CUSTOMER_SUBSCRIPTION_DELETED = "customer.subscription.deleted"
    CUSTOMER_SUBSCRIPTION_UPDATED = "customer.subscription.updated"
    CUSTOMER_UPDATED = "customer.updated"
    PAYMENT_METHOD_ATTACHED = "payment_method.attached"
    PAYMENT_METHOD_AUTOMATICALLY_UPDATED = "payment_method.automatically_updated"
    CHARGE_REFUNDED = "charge.refunded"
    CHARGE_DISPUTE_CREATED = "charge.dispute.created"
    CHARGE_DISPUTE_FUNDS_WITHDRAWN = "charge.dispute.funds_withdrawn"
    ACCOUNT_APPLICATION_DEAUTHORIZED = "account.application.deauthorized"


class UnreadableEventError(ValueError):
    """Signed by Stripe's secret, but not one of its snapshot events."""


@dataclass(frozen=True, slots=True)
class Event:
    """One of Stripe's events; `livemode` is None and `account` "" where the payload has none."""

    id: str
    type: str
    livemode: bool | None
    account: str
    created_at: datetime | None
    object: Node
    previous_attributes: Node

    @classmethod
    def parse(cls, body: bytes | str) -> Self:
        """Raises UnreadableEventError for anything that isn't a JSON event, however deep."""
        try:
            value = json.loads(body)
        except (ValueError, RecursionError) as error:
            raise UnreadableEventError("The body is not JSON.") from error
        event = node(value)
        livemode = event.get("livemode")
        return cls(
            id=_name(event, "id"),
            type=_name(event, "type"),
            livemode=livemode if isinstance(livemode, bool) else None,
            account=id_of(event.get("account")),
            created_at=moment(event.get("created")),
            object=node(event, "data", "object"),
            previous_attributes=node(event, "data", "previous_attributes"),
        )

    @property
    def is_known(self) -> bool:
        return self.type in CONCERNS


def _name(event: Node, key: str) -> str:
    found = event.get(key)
    if not isinstance(found, str) or not found or text(found, longest=LONGEST_ID) != found:
        raise UnreadableEventError(f"The event's {key} is missing or unusable.")
    return found


def _itself(value: Node) -> str:
    return id_of(value)


def _invoice_or_intent(value: Node) -> str:
    return invoice_of_payment_intent(value) or id_of(value)


def _intent_of_charge(value: Node) -> str:
    return id_of(value.get("invoice")) or id_of(value.get("payment_intent"))


def _customer(value: Node) -> str:
    return id_of(value.get("customer"))


# What a case is found by: the id of an invoice, a PaymentIntent, a subscription or a customer.
CONCERNS: Mapping[str, Callable[[Node], str]] = MappingProxyType(
    {
        EventType.INVOICE_PAYMENT_FAILED: _itself,
        EventType.INVOICE_PAYMENT_ACTION_REQUIRED: _itself,
        EventType.INVOICE_PAID: _itself,
        EventType.INVOICE_VOIDED: _itself,
        EventType.INVOICE_MARKED_UNCOLLECTIBLE: _itself,
        EventType.INVOICE_UPDATED: _itself,
        EventType.PAYMENT_INTENT_PROCESSING: _invoice_or_intent,
        EventType.PAYMENT_INTENT_PAYMENT_FAILED: _invoice_or_intent,
        EventType.PAYMENT_INTENT_SUCCEEDED: _invoice_or_intent,
        EventType.PAYMENT_INTENT_CANCELED: _invoice_or_intent,
        EventType.CUSTOMER_SUBSCRIPTION_DELETED: _itself,
        EventType.CUSTOMER_SUBSCRIPTION_UPDATED: _itself,
        EventType.CUSTOMER_UPDATED: _itself,
        EventType.PAYMENT_METHOD_ATTACHED: _customer,
        EventType.PAYMENT_METHOD_AUTOMATICALLY_UPDATED: _customer,
        EventType.CHARGE_REFUNDED: _intent_of_charge,
        EventType.CHARGE_DISPUTE_CREATED: _intent_of_charge,
        EventType.CHARGE_DISPUTE_FUNDS_WITHDRAWN: _intent_of_charge,
        EventType.ACCOUNT_APPLICATION_DEAUTHORIZED: _itself,
    }
)


def concerns(event: Event) -> str:
    """The id by which the event's case is found, "" for an event of no known type."""
    read = CONCERNS.get(event.type)
    return read(event.object) if read else ""
