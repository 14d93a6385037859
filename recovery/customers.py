"""Who owes: kept from whatever Stripe says of a customer, newest fact first."""

from collections.abc import Mapping
from datetime import datetime

from django.db import transaction

from recovery.backoff import pause
from recovery.models import Customer, Merchant
from recovery.state_machine import Status
from recovery.stripe_objects import Customer as StripeCustomer

BATCH = 50
ALTERNATE = ("alternate_email", "alternate_known_at")
NEW_CARD = (
    "new_payment_method_id", "new_payment_method_due_at", "new_payment_method_at",
    "new_payment_method_tries",
)  # fmt: skip
LEARNED = ("locale", "country", "state", "metadata")  # what no invoice says
TOLD = ("email", "name", "locale", "country", "state", "default_payment_method_id", "metadata")


@transaction.atomic
def remember(
    *, merchant: Merchant, stripe_customer_id: str, email: str, name: str, at: datetime
) -> Customer | None:
    """The customer, with the address and name that Stripe gave at `at` if that is the newest.

    None for a debt that names neither a customer nor an address.
    """
    if not (stripe_customer_id or email):
        return None
    known_by = (
        {"stripe_customer_id": stripe_customer_id}
        if stripe_customer_id
        else {"stripe_customer_id": "", "email": email}
    )
    customer, created = Customer.objects.get_or_create(
        merchant=merchant, **known_by, defaults={"email": email, "name": name, "known_at": at}
    )
    if created:
        return customer
    customer = Customer.objects.select_for_update(no_key=True).get(pk=customer.pk)
    is_newer = _is_newer(customer, at, email=email, name=name)
    _keep_other_address(customer, email=email, at=at, is_newer=is_newer)
    if is_newer:
        customer.email = email or customer.email
        customer.name = name or customer.name
        customer.known_at = at
    customer.save(update_fields=["email", "name", "known_at", *ALTERNATE])
    return customer


def _is_newer(customer: Customer, at: datetime, **facts: object) -> bool:
    """Two facts of one second have no order: the greater wins, whichever comes first."""
    told = [_comparable(value) for value in facts.values()]
    known = [_comparable(getattr(customer, name)) for name in facts]
    return (at, *told) > (customer.known_at, *known)


def _comparable(value: object) -> str:
    """Metadata by its entries; what Stripe said nothing of is the least."""
    return str(sorted(value.items()) if isinstance(value, Mapping) else value or "")


def is_told_of(customer: Customer) -> bool:
    """Whether Stripe's customer itself was read, not only an invoice that names it."""
    return bool(customer.email and any(getattr(customer, name) for name in LEARNED))


@transaction.atomic
def learn(customer: Customer, *, facts: StripeCustomer) -> None:
    """Fill in what nothing has told of yet. An event of the same moment says more and may come
    before or after, so nothing that is known is changed, nor how new it is."""
    customer = Customer.objects.select_for_update().get(pk=customer.pk)
    customer.is_deleted = customer.is_deleted or facts.is_deleted
    _keep_other_address(customer, email=facts.email, at=customer.known_at, is_newer=False)
    for name in ("email", "name", *LEARNED):
        if not getattr(customer, name):
            value = getattr(facts, name)
            setattr(customer, name, dict(value or {}) if name == "metadata" else value)
    customer.save(update_fields=["is_deleted", "email", "name", *LEARNED, *ALTERNATE])


@transaction.atomic
def update(*, merchant: Merchant, facts: StripeCustomer, at: datetime) -> Customer | None:
    """Take over what Stripe said of a customer of ours at `at`, unless something newer is known;
    None for one who owes nothing here."""
    customer = (
        Customer.objects.of(merchant)
        .select_for_update()
        .filter(stripe_customer_id=facts.id)
        .first()
    )
    if customer is None or not facts.id:
        return None
    customer.is_deleted = customer.is_deleted or facts.is_deleted
    told = {name: getattr(facts, name) for name in TOLD}
    is_newer = _is_newer(customer, at, **told)
    _keep_other_address(customer, email=facts.email, at=at, is_newer=is_newer)
    if is_newer:
        for name, value in told.items():
            if isinstance(value, Mapping):  # emptied is told as well
                setattr(customer, name, dict(value))
            else:
                setattr(customer, name, value or getattr(customer, name))
        customer.known_at = at
    customer.save(update_fields=["is_deleted", "known_at", *TOLD, *ALTERNATE])
    return customer


@transaction.atomic
def has_alternate(*, customer: Customer | None, email: str, at: datetime) -> None:
    """Another address at which Stripe knew the customer at `at`; the newest one is kept."""
    if customer is None or not email:
        return
    held = Customer.objects.select_for_update(no_key=True).get(pk=customer.pk)
    if email.lower() != held.email.lower():
        _take_alternate(held, email=email, at=at)
        held.save(update_fields=list(ALTERNATE))


def _keep_other_address(customer: Customer, *, email: str, at: datetime, is_newer: bool) -> None:
    """Of two addresses that Stripe has told, the older one is the alternate contact."""
    if email and customer.email and email.lower() != customer.email.lower():
        other, known_at = (customer.email, customer.known_at) if is_newer else (email, at)
        _take_alternate(customer, email=other, at=known_at)


def _take_alternate(customer: Customer, *, email: str, at: datetime) -> None:
    known_at = customer.alternate_known_at
    if known_at is None or (at, email) > (known_at, customer.alternate_email):
        customer.alternate_email, customer.alternate_known_at = email, at


def has_new_card(
    *,
    merchant: Merchant,
    stripe_customer_id: str,
    payment_method_id: str,
    now: datetime,
    is_renewed: bool = False,
) -> None:
    """Leave word that the customer's open cases can be charged to a new payment method.

    Nothing is to be done for a customer without open cases, or for the card that just failed,
    unless its bank has renewed it (`is_renewed`): then it is another card by the same id.
    """
    customer = Customer.objects.of(merchant).filter(stripe_customer_id=stripe_customer_id).first()
    if customer is None or not stripe_customer_id or not payment_method_id:
        return
    open_cases = customer.cases.filter(status=Status.OPEN)
    if not is_renewed:
        open_cases = open_cases.exclude(payment_method_id=payment_method_id)
    if open_cases.exists():
        if customer.new_payment_method_id != payment_method_id:
            customer.new_payment_method_at = now
        customer.new_payment_method_id = payment_method_id
        customer.new_payment_method_due_at = now
        customer.new_payment_method_tries = 0
        customer.save(update_fields=list(NEW_CARD))


def new_card_is_unfinished(customer: Customer, *, payment_method_id: str, now: datetime) -> None:
    """Its debts were charged; what else is to be done with it wasn't, and is tried again. Unless
    a card waits already: with that one all is done anyway."""
    Customer.objects.filter(pk=customer.pk, new_payment_method_due_at=None).update(
        new_payment_method_id=payment_method_id, new_payment_method_at=now,
        new_payment_method_due_at=now + pause(1), new_payment_method_tries=1,
    )  # fmt: skip


@transaction.atomic
def claim_new_cards(*, now: datetime) -> list[Customer]:
    """Customers whose new card is to be charged and whom nobody else serves; one that can't be
    served now comes back later, longer each time."""
    due = Customer.objects.filter(new_payment_method_due_at__lte=now)
    batch = list(
        due.select_for_update(skip_locked=True, of=("self",))
        .select_related("merchant__stripe")
        .order_by("new_payment_method_due_at", "id")[:BATCH]
    )
    for customer in batch:
        customer.new_payment_method_tries += 1
        customer.new_payment_method_at = customer.new_payment_method_at or now
        customer.new_payment_method_due_at = now + pause(customer.new_payment_method_tries)
    Customer.objects.bulk_update(batch, NEW_CARD[1:])
    return batch


def has_failed_on(merchant: Merchant, *, stripe_customer_id: str, payment_method_id: str) -> bool:
    """Whether an open case of the customer was tried with that payment method."""
    return (
        Customer.objects.of(merchant)
        .filter(
            stripe_customer_id=stripe_customer_id,
            cases__status=Status.OPEN,
            cases__attempts__payment_method_id=payment_method_id,
        )
        .exists()
    )


def new_card_waits(customer: Customer, *, until: datetime) -> None:
    """A rule has the new card wait; that is no failed try, and it is as new as ever afterwards.
    Unless another one came meanwhile."""
    Customer.objects.filter(
        pk=customer.pk, new_payment_method_id=customer.new_payment_method_id
    ).update(
        new_payment_method_due_at=until, new_payment_method_at=until, new_payment_method_tries=0
    )


def new_card_was_handled(customer: Customer) -> None:
    """Unless another one came meanwhile."""
    Customer.objects.filter(
        pk=customer.pk, new_payment_method_id=customer.new_payment_method_id
    ).update(new_payment_method_id="", new_payment_method_due_at=None, new_payment_method_at=None)
