"""One person is erased of all that a merchant's rows say of them; facts and money stay
(docs/adr/0025-erasing-a-person.md)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import QuerySet

from billing_portal import links
from billing_portal.models import PaymentUpdateLink
from dunning.mail import addresses, messages
from dunning.models import DunningMessage
from recovery import cases, desk, erasure
from recovery.models import (
    Customer,
    OperatorTask,
    OutboundNotice,
    PaymentAttempt,
    RecoveryCase,
    StripeEvent,
    TimelineEntry,
)

SENDING = DunningMessage.State.SENDING
UNDER_WAY = "{} this moment, and what comes of it is still to be written: try again in a minute"


class NotErasedError(Exception):
    """Everything stays as it is; says why."""


class OpenCasesError(NotErasedError):
    """They still owe something, and nobody said that it is to be given up."""

    def __init__(self, owed: Sequence[RecoveryCase]) -> None:
        many = f"{len(owed)} cases are" if len(owed) > 1 else "1 case is"
        ids = ", ".join(case.public_id for case in owed)
        super().__init__(f"{many} still open ({ids}); to erase the person is to give them up")


@dataclass(frozen=True, slots=True)
class Extent:
    """How many rows tell of a person, by what they are. `open_cases` of the cases are open."""

    rows: Mapping[str, int]
    open_cases: int


def extent(customer: Customer) -> Extent:
    """Of events those that concern the customer or a case. What names them besides isn't counted:
    every payload would be read for it."""
    owed = erasure.owed_by(customer)
    ids = erasure.stripe_ids(customer, owed)
    told = StripeEvent.objects.of(customer.merchant_id).filter(concerns__in=ids)
    counted: Mapping[str, QuerySet[Any]] = {
        "charges": PaymentAttempt.objects.filter(case__in=owed),
        "entries of timelines": TimelineEntry.objects.filter(case__in=owed),
        "tasks": OperatorTask.objects.filter(case__in=owed),
        "messages": DunningMessage.objects.filter(case__in=owed),
        "links": PaymentUpdateLink.objects.filter(case__in=owed),
        "notices to your systems": OutboundNotice.objects.filter(case__in=owed),
        "Stripe events": told.filter(payload_forgotten_at=None),
    }
    return Extent(
        {"cases": len(owed), **{name: rows.count() for name, rows in counted.items()}},
        open_cases=sum(case.is_open for case in owed),
    )  # fmt: skip


@transaction.atomic
def erase(*, customer: Customer, closes_open_cases: bool, actor: str, now: datetime) -> bool:
    """Erase the person. False for one who is erased already: then nothing is done. Raises
    NotErasedError.

    What names them in events that concern none of their cases is forgotten afterwards, by
    `recovery.erasure.look_through_events` or by a worker within minutes.
    """
    customer = desk.locked(customer)  # before their cases, as everywhere
    if customer.is_erased:
        return False
    owed = erasure.held_cases(customer)
    held = DunningMessage.objects.select_for_update(of=("self",)).filter(case__in=owed)
    written = list(held.order_by("pk"))
    _refuse_if_under_way(owed, written)
    _close(owed, closes_open_cases=closes_open_cases, actor=actor, now=now)
    redaction = erasure.redaction_of(customer, owed, words=[one.subject for one in written])
    addresses.forget(customer.merchant_id, *addresses_of(customer))
    messages.forget(written, redaction, now=now)
    for case in owed:
        links.revoke_all(case, now=now, actor=actor)
    erasure.erase(customer=customer, owed=owed, redaction=redaction, actor=actor, now=now)
    return True


def addresses_of(customer: Customer) -> set[str]:
    """Where they are or were written to, in lower case; those of who is erased are pseudonyms."""
    written = DunningMessage.objects.filter(case__customer=customer)
    recipients = written.values_list("recipient", flat=True).distinct()
    known = {customer.email, customer.alternate_email, *recipients}
    return {address.lower() for address in known} - {""}


def _refuse_if_under_way(owed: Sequence[RecoveryCase], written: Sequence[DunningMessage]) -> None:
    if any(message.state == SENDING for message in written):
        raise NotErasedError(UNDER_WAY.format("a mail is sent to them"))
    if erasure.is_being_charged(owed):
        raise NotErasedError(UNDER_WAY.format("Stripe is asked for their money"))


def _close(
    owed: Sequence[RecoveryCase], *, closes_open_cases: bool, actor: str, now: datetime
) -> None:
    still_open = [case for case in owed if case.is_open]
    if still_open and not closes_open_cases:
        raise OpenCasesError(still_open)
    for case in still_open:
        cases.close(case=case, reason="", actor=actor, now=now)
