"""What is heard of customers and their cards, and what Stripe is asked about them."""

from collections.abc import Callable, Mapping
from datetime import datetime
from types import MappingProxyType

from django.db import transaction

from recovery import customers, inbox
from recovery.asking import ask
from recovery.models import Merchant, RecoveryCase, StripeConnection
from recovery.payment_levels import Subscription
from recovery.reading import id_of, node
from recovery.stripe_events import Event, EventType
from recovery.stripe_objects import Customer


def learn_customer(case: RecoveryCase, *, told: Customer | None = None) -> bool:
    """What is still to be learned of who owes, from what Stripe `told` with something else, or
    asked for. False if it can't be asked yet."""
    customer = case.customer
    if customer is None or customers.learn(customer, told=told):
        return True
    stripe_id = customer.stripe_customer_id
    asked = ask(case.merchant, lambda stripe: stripe.customer(stripe_id))
    return customers.learn(customer, told=asked)


def _customer_updated(merchant: Merchant, event: Event, now: datetime) -> None:
    told = Customer.read(event.object)
    if customers.update(merchant=merchant, facts=told, at=event.created_at or now) is None:
        return
    changed = node(event.previous_attributes.get("invoice_settings"))
    if "default_payment_method" in changed or "default_source" in event.previous_attributes:
        # An event that comes late must not put an old card before the one that replaced it.
        facts = ask(merchant, lambda stripe: stripe.customer(told.id)) or told
        customers.has_new_card(
            merchant=merchant, stripe_customer_id=told.id, now=now,
            payment_method_id=facts.default_payment_method_id,
        )  # fmt: skip


def _payment_method_attached(merchant: Merchant, event: Event, now: datetime) -> None:
    """A card on file is no order to charge it, unless it is the one that Stripe would charge."""
    customer_id, method_id = id_of(event.object.get("customer")), id_of(event.object)
    facts = ask(merchant, lambda stripe: stripe.customer(customer_id)) if customer_id else None
    if facts and facts.default_payment_method_id == method_id:
        customers.update(merchant=merchant, facts=facts, at=now)
        customers.has_new_card(
            merchant=merchant, stripe_customer_id=customer_id, now=now, payment_method_id=method_id
        )


# What an account updater changes on a card; anything else is no new card.
RENEWED = {"exp_month", "exp_year", "fingerprint", "last4"}


def _card_renewed(merchant: Merchant, event: Event, now: datetime) -> None:
    """The bank replaced a card: it is charged if it is the one that Stripe would charge, or the
    one that failed."""
    customer_id, method_id = id_of(event.object.get("customer")), id_of(event.object)
    if RENEWED.isdisjoint(node(event.previous_attributes.get("card"))):
        return
    facts = ask(merchant, lambda stripe: stripe.customer(customer_id)) if customer_id else None
    is_default = facts is not None and facts.default_payment_method_id == method_id
    if is_default or customers.has_failed_on(
        merchant, stripe_customer_id=customer_id, payment_method_id=method_id
    ):
        customers.has_new_card(
            merchant=merchant, stripe_customer_id=customer_id, now=now,
            payment_method_id=method_id, is_renewed=True,
        )  # fmt: skip


def _subscription_updated(merchant: Merchant, event: Event, now: datetime) -> None:
    if {"default_payment_method", "default_source"} & event.previous_attributes.keys():
        told = Subscription.read(event.object)
        # As with a customer's, an event that comes late must not bring an old card back.
        facts = ask(merchant, lambda stripe: stripe.subscription(told.id)) or told
        customers.has_new_card(
            merchant=merchant, stripe_customer_id=id_of(event.object.get("customer")), now=now,
            payment_method_id=facts.method_id,
        )  # fmt: skip


@transaction.atomic
def _deauthorized(merchant: Merchant, event: Event, now: datetime) -> None:
    """A merchant who was linked by Connect took that back: nothing is asked, sent or charged any
    more. It ends no connection by a key of one's own, nor one that was made since."""
    connection = StripeConnection.objects.select_for_update().get(pk=merchant.stripe.pk)
    linked_at = connection.connected_at
    if connection.api_key or not connection.account_id:
        return
    if linked_at and event.created_at and event.created_at < linked_at.replace(microsecond=0):
        return
    merchant.stripe.disconnected_at = connection.disconnected_at = now
    connection.save(update_fields=["disconnected_at"])


ABOUT_CUSTOMERS: Mapping[str, Callable[[Merchant, Event, datetime], None]] = MappingProxyType(
    {
        EventType.CUSTOMER_UPDATED: _customer_updated,
        EventType.PAYMENT_METHOD_ATTACHED: _payment_method_attached,
        EventType.PAYMENT_METHOD_AUTOMATICALLY_UPDATED: _card_renewed,
        EventType.CUSTOMER_SUBSCRIPTION_UPDATED: _subscription_updated,
        EventType.ACCOUNT_APPLICATION_DEAUTHORIZED: _deauthorized,
    }
)


def whose(case: RecoveryCase) -> list[str]:
    """The ids that are concerned by what is told of the customer and their cards."""
    customer_id = case.customer.stripe_customer_id if case.customer else ""
    return [one for one in (customer_id, case.stripe_subscription_id) if one]


def hear_of_new_card(case: RecoveryCase, *, now: datetime) -> None:
    """Events don't come in order: a card that was saved after the failure may have been told of
    before the case opened."""
    for stored in inbox.told_of(case.merchant, whose(case)):
        event = Event.parse(stored.payload)
        is_since = event.created_at is not None and event.created_at >= case.failed_at
        if event.type in ABOUT_CUSTOMERS and is_since:
            ABOUT_CUSTOMERS[event.type](case.merchant, event, now)
