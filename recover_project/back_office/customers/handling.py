"""A person's wish to see what is kept, or to be erased: done, and recorded without naming them."""

from datetime import datetime

from auditlog.models import LogEntry
from django.db import transaction
from django.db.models import QuerySet
from django.db.models.functions import Lower

from dunning import disclosure, erasure
from recover_project.back_office.cases import saved_views
from recovery.disclosure import Told
from recovery.models import Customer

PERSON = "person"  # what of the customer an entry is about


@transaction.atomic
def erase(customer: Customer, *, closes_open_cases: bool, actor: str, now: datetime) -> bool:
    """False for who is erased already. Raises NotErasedError."""
    named = [customer.email, customer.alternate_email, customer.name, customer.stripe_customer_id]
    counted = erasure.extent(customer).rows
    is_new = erasure.erase(
        customer=customer, closes_open_cases=closes_open_cases, actor=actor, now=now
    )
    if is_new:
        saved_views.forget_naming(merchant=customer.merchant, words=named)
        rows = ", ".join(f"{name}: {count}" for name, count in counted.items())
        _record(
            customer, LogEntry.Action.UPDATE, {PERSON: ["known", "erased"], "rows": ["", rows]}
        )
    return is_new


@transaction.atomic
def export(customer: Customer, *, now: datetime) -> Told:
    """All that is kept about the person; that somebody had it is recorded."""
    told = disclosure.of(customer, now=now)
    _record(customer, LogEntry.Action.ACCESS, {PERSON: ["", "exported"]})
    return told


def _record(customer: Customer, action: int, changes: dict[str, list[str]]) -> None:
    LogEntry.objects.log_create(
        customer, force_log=True, action=action, changes=changes,
        object_repr=customer.stripe_customer_id or f"guest {customer.pk}",
        additional_data={"merchant": customer.merchant_id},
    )  # fmt: skip


def known_as(merchant_id: int, name: str) -> Customer | None:
    """By the id at Stripe; a guest by the address."""
    if not name:
        return None
    if "@" in name:
        return addressed(merchant_id, name).filter(stripe_customer_id="").first()
    return Customer.objects.of(merchant_id).filter(stripe_customer_id=name).first()


def addressed(merchant_id: int, email: str) -> QuerySet[Customer]:
    """In whatever case it is written, as the index of addresses has it."""
    known = Customer.objects.of(merchant_id).select_related("merchant")
    return known.annotate(lower_email=Lower("email")).filter(lower_email=email.lower())
