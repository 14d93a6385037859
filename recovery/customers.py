"""Who owes: kept from whatever Stripe says of a customer, newest fact first."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import Q

from recovery import desk
from recovery.backoff import pause
from recovery.models import Customer, Merchant
from recovery.pseudonyms import pseudonym
from recovery.state_machine import Status
from recovery.stripe_objects import Customer as StripeCustomer

BATCH = 50
CHARGED_AT_ONCE = 10  # customers whose new card one worker charges, before others have their turn
ALTERNATE = ("alternate_email", "alternate_known_at")
NEW_CARD = (
    "new_payment_method_id", "new_payment_method_due_at", "new_payment_method_at",
    "new_payment_method_tries",
)  # fmt: skip
ERASED = "who owes was erased"  # why something isn't done
LEARNED = ("locale", "country", "state", "metadata")  # what no invoice says
TOLD = ("email", "name", "locale", "country", "state", "default_payment_method_id", "metadata")


@desk.at_desk
def remember(
    *, merchant: Merchant, stripe_customer_id: str, email: str, name: str, at: datetime, debt: str
) -> Customer | None:
    """The customer, with the address and name that Stripe gave at `at` if that is the newest.
    `debt` is the id of the invoice or PaymentIntent that they owe.

    None for a debt that names neither a customer nor an address. Who was erased stays so, unless
    the debt is newer than that (docs/adr/0025-erasing-a-person.md).
    """
    if not (stripe_customer_id or email):
        return None
    known_by = _known_by(merchant, stripe_customer_id, guest=email)
    customer = desk.found(Customer, no_key=True, **known_by)
    if customer is None and not stripe_customer_id:
        customer = _erased_guest(merchant, email)
    if customer is not None and _is_of_before(customer, debt, at=at):
        return customer
    if customer is None:
        told = {**known_by, "email": email, "name": name, "known_at": at}
        return desk.add(Customer(**told), **known_by)
    is_newer = _is_newer(customer, at, email=email, name=name)
    _keep_other_address(customer, email=email, at=at, is_newer=is_newer)
    if is_newer:
        customer.email = email or customer.email
        customer.name = name or customer.name
        customer.known_at = at
    desk.keep(customer)
    return customer


def _erased_guest(merchant: Merchant, email: str) -> Customer | None:
    known_by = {
        "merchant_id": merchant.pk, "pseudonym": pseudonym(email, merchant_id=merchant.pk)
    }  # fmt: skip
    return desk.found(Customer, no_key=True, **known_by)


def _is_of_before(customer: Customer, debt: str, *, at: datetime) -> bool:
    """Whether a debt was there when its customer was erased: then it says nothing new of them."""
    if customer.erased_at is None:
        return False
    same = Q(stripe_invoice_id=debt) | Q(stripe_payment_intent_id=debt)
    old = customer.cases.filter(same, person_erased_at__isnull=False)
    return at <= customer.erased_at or old.exists()


def _known_by(merchant: Merchant, stripe_customer_id: str, *, guest: str) -> dict[str, Any]:
    """A guest by the address alone."""
    known_by = {"merchant_id": merchant.pk, "stripe_customer_id": stripe_customer_id}
    return known_by if stripe_customer_id else {**known_by, "email": guest}


def _is_newer(customer: Customer, at: datetime, **facts: object) -> bool:
    """Two facts of one second have no order: the greater wins, whichever comes first."""
    told = [_comparable(value) for value in facts.values()]
    known = [_comparable(getattr(customer, name)) for name in facts]
    return (at, *told) > (customer.known_at, *known)


def _comparable(value: object) -> str:
    """Metadata by its entries; what Stripe said nothing of is the least."""
    return str(sorted(value.items()) if isinstance(value, Mapping) else value or "")


def is_to_be_learned(customer: Customer | None) -> bool:
    """Whether Stripe knows more of who owes than an invoice says, and wasn't asked yet."""
    if customer is None or not customer.stripe_customer_id or customer.is_erased:
        return False
    return not (customer.email and any(getattr(customer, name) for name in LEARNED))


def known(merchant: Merchant, stripe_customer_ids: Iterable[str]) -> set[str]:
    """Those about whom there is nothing more to ask Stripe."""
    ids = set(filter(None, stripe_customer_ids))
    here = Customer.objects.of(merchant).filter(stripe_customer_id__in=ids) if ids else ()
    return {customer.stripe_customer_id for customer in here if not is_to_be_learned(customer)}


def lay_out(merchant: Merchant, stripe_customer_ids: Iterable[str]) -> None:
    """Have at the desk who will be remembered there."""
    ids = sorted(set(filter(None, stripe_customer_ids)))
    if ids:
        here = Customer.objects.of(merchant).filter(stripe_customer_id__in=ids)
        desk.here().lay_out(
            Customer, here.select_for_update(no_key=True).order_by("pk"),
            known_by=[_known_by(merchant, customer_id, guest="") for customer_id in ids],
        )  # fmt: skip


@desk.at_desk
def learn(customer: Customer | None, *, told: StripeCustomer | None) -> bool:
    """Fill in what no invoice or payment says: where they live, which language they read, which
    segment they are of. False if that is still to be asked: Stripe hasn't `told` of them.

    An event of the same moment says more and may come before or after, so nothing that is known is
    changed, nor how new it is.
    """
    if customer is None or not is_to_be_learned(customer):
        return True
    if told is None or told.id != customer.stripe_customer_id:
        return False
    customer = desk.locked(customer, no_key=True)
    if customer.is_erased:
        return True
    customer.is_deleted = customer.is_deleted or told.is_deleted
    _keep_other_address(customer, email=told.email, at=customer.known_at, is_newer=False)
    for name in ("email", "name", *LEARNED):
        if not getattr(customer, name):
            value = getattr(told, name)
            setattr(customer, name, dict(value or {}) if name == "metadata" else value)
    desk.keep(customer)
    return True


@transaction.atomic
def update(*, merchant: Merchant, facts: StripeCustomer, at: datetime) -> Customer | None:
    """Take over what Stripe said of a customer of ours at `at`, unless something newer is known;
    None for one who owes nothing here, or who was erased."""
    customer = (
        Customer.objects.of(merchant)
        .select_for_update()
        .filter(stripe_customer_id=facts.id)
        .first()
    )
    if customer is None or not facts.id or _is_forgotten(customer, at=at):
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


@desk.at_desk
def has_alternate(*, customer: Customer | None, email: str, at: datetime) -> None:
    """Another address at which Stripe knew the customer at `at`; the newest one is kept."""
    if customer is None or not email:
        return
    customer = desk.locked(customer, no_key=True)
    if email.lower() != customer.email.lower() and not _is_forgotten(customer, at=at):
        _take_alternate(customer, email=email, at=at)
        desk.keep(customer)


def _is_forgotten(customer: Customer, *, at: datetime) -> bool:
    """Whether what was so at `at` isn't learned of the customer any more."""
    return customer.is_erased or bool(customer.erased_at and at <= customer.erased_at)


def _keep_other_address(customer: Customer, *, email: str, at: datetime, is_newer: bool) -> None:
    """Of two addresses that Stripe has told, the older one is the alternate contact."""
    if email and customer.email and email.lower() != customer.email.lower():
        other, known_at = (customer.email, customer.known_at) if is_newer else (email, at)
        _take_alternate(customer, email=other, at=known_at)


def _take_alternate(customer: Customer, *, email: str, at: datetime) -> None:
    known_at = customer.alternate_known_at
    if known_at is None or (at, email) > (known_at, customer.alternate_email):
        customer.alternate_email, customer.alternate_known_at = email, at


def erase(customer: Customer, *, now: datetime) -> None:
    """Nothing of the person stays: a customer keeps Stripe's id, a guest becomes a pseudonym. To
    be called on a row that is held."""
    if not customer.stripe_customer_id:
        customer.pseudonym = pseudonym(customer.email, merchant_id=customer.merchant_id)
    for name in ("email", "name", "alternate_email", "locale", "country", "state",
                 "default_payment_method_id", "new_payment_method_id"):  # fmt: skip
        setattr(customer, name, "")
    customer.metadata, customer.alternate_known_at = {}, None
    customer.new_payment_method_due_at = customer.new_payment_method_at = None
    customer.known_at = customer.erased_at = now
    customer.events_read_to = 0
    customer.save()


def to_look_for() -> list[Customer]:
    """Who was erased, and may be named in payloads that were not looked through yet."""
    return list(Customer.objects.filter(events_read_to__isnull=False).order_by("id")[:BATCH])


def has_been_looked_for(customer: Customer, *, to: int | None) -> None:
    """In all stored events up to one; None: in all that there are."""
    Customer.objects.filter(pk=customer.pk).update(events_read_to=to)


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
        .order_by("new_payment_method_due_at", "id")[:CHARGED_AT_ONCE]
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
