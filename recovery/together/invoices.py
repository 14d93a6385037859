"""Failed invoices are worked together: Stripe is asked about many at the same time, and what it
says of them is written in one transaction.

Nothing else is different: what an invoice's failure does is told in failed_invoices.py, and what
isn't plain is left to be worked by itself (ingest.py). So is every event of a set in which one
fails: what goes wrong with it stays with it.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from recovery import (
    cases,
    clock,
    customers,
    desk,
    failed_invoices,
    failures,
    hearing,
    inbox,
    log_context,
)
from recovery.asking import at_once, can_be_asked
from recovery.customer_events import hear_of_new_card, whose
from recovery.failed_invoices import Answers
from recovery.models import Merchant, RecoveryCase, StripeEvent
from recovery.reading import UnreadablePayloadError
from recovery.stripe_events import Event, EventType, UnreadableEventError
from recovery.stripe_objects import Invoice
from recovery.together import sets
from recovery.together.sets import by_merchant, is_lease_over

# What tells of a failure can wait for its turn: nothing that it says ends a case.
FAILURES = (EventType.INVOICE_PAYMENT_FAILED, EventType.PAYMENT_INTENT_PAYMENT_FAILED)


@dataclass(frozen=True, slots=True)
class Heard(sets.Heard):
    """Of a failed invoice."""

    invoice: Invoice
    failed_at: datetime


def work(batch: Sequence[StripeEvent]) -> list[StripeEvent]:
    """Process what can be processed together; the events that are left."""
    now = clock.now()
    plain = [heard for event in batch if (heard := _plain(event, now=now))]
    told = {event.pk for event in batch if event.type in FAILURES}
    return sets.left(batch, plain, partial(_process, told=told))


def _plain(stored: StripeEvent, *, now: datetime) -> Heard | None:
    """What is heard for the first time, of a merchant of whom all is known that is needed."""
    merchant = stored.merchant
    if stored.type != EventType.INVOICE_PAYMENT_FAILED or stored.tries > 1:
        return None
    if merchant.stripe.livemode is None or not can_be_asked(merchant):
        return None
    if merchant.stripe.is_of_before(stored.received_at):
        return None
    try:
        event = Event.parse(stored.payload)
        invoice = Invoice.read(event.object)
    except (UnreadableEventError, UnreadablePayloadError):
        return None
    return Heard(stored, invoice, event.created_at or now) if invoice.id else None


def _process(some: Sequence[Heard], *, told: Collection[int]) -> list[StripeEvent]:
    """The events that were processed. `told`: what this worker has, or is about to process next,
    when it finds the cases by itself."""
    asked_at = clock.now()
    try:
        answers = _ask(some)
        if is_lease_over(some):
            return []
        answered = [heard for heard in some if answers[heard.stored.pk].invoice]
        opened = _write(answered, answers, now=asked_at)
        events = [heard.stored for heard in answered]
        left_out = {event.pk for event in events} - {one.heard.stored.pk for one in opened}
        _hear(opened, but={*told} - left_out, now=asked_at)
        inbox.processed(*events, now=asked_at)
    except Exception:
        for heard in some:
            heard.stored.tries += 1  # its case may be there, and may not have heard everything
        raise
    return events


# --- Stripe -----------------------------------------------------------------------------------


def _ask(some: Sequence[Heard]) -> Mapping[int, Answers]:
    known = {
        (merchant.pk, customer_id)
        for merchant, set_ in by_merchant(some).items()
        for customer_id in customers.known(merchant, [one.invoice.customer_id for one in set_])
    }

    def ask(heard: Heard) -> Answers:
        is_known = (heard.merchant.pk, heard.invoice.customer_id) in known
        return failed_invoices.ask_about(heard.merchant, heard.invoice, is_known=is_known)

    answers = at_once(some, ask, is_silence=lambda told: told.invoice is None)
    return dict(zip([heard.stored.pk for heard in some], answers, strict=True))


# --- rows -------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Opened:
    """A case, and by which ids it was known before: by none where it is new."""

    heard: Heard
    case: RecoveryCase
    known_by: Collection[str]

    @property
    def merchant(self) -> Merchant:
        return self.heard.merchant


@desk.at_desk
def _write(
    answered: Iterable[Heard], answers: Mapping[int, Answers], *, now: datetime
) -> list[_Opened]:
    owed = [
        heard
        for heard in answered
        if failed_invoices.is_owed(heard.invoice, answers[heard.stored.pk])
    ]
    for merchant, some in by_merchant(owed).items():
        told = [answers[heard.stored.pk].invoice or heard.invoice for heard in some]
        customers.lay_out(merchant, [invoice.customer_id for invoice in told])
        cases.lay_out(merchant, [invoice.id for invoice in told])
        failures.lay_out(merchant, [one.failure.charge_id for one in told if one.failure])
    opened = []
    for heard in owed:
        known = cases.of_debt(heard.merchant, invoice_id=heard.invoice.id)
        known_by = cases.keys(known) if known else []
        with log_context.about(**heard.stored.log_ids):
            case = failed_invoices.take_in(
                merchant=heard.merchant, told=heard.invoice, answers=answers[heard.stored.pk],
                failed_at=heard.failed_at, now=now,
            )  # fmt: skip
        opened.append(_Opened(heard, case, known_by))
    return opened


def _hear(opened: Sequence[_Opened], *, but: Collection[int], now: datetime) -> None:
    """Only what is stored once the cases can be found: what comes later finds them itself."""
    for merchant, some in by_merchant(opened).items():
        unheard = {one.case.pk: set(cases.keys(one.case)) - set(one.known_by) for one in some}
        around = {one.case.pk: set(whose(one.case)) for one in some if not one.known_by}
        stored = inbox.concerned(merchant, [*_all(unheard), *_all(around)])
        for one in some:
            if any(stored[key].difference(but) for key in unheard[one.case.pk]):
                hearing.tell_what_was_told(one.case, but_of=one.known_by, but=but, now=now)
            if any(stored[key].difference(but) for key in around.get(one.case.pk, ())):
                hear_of_new_card(one.case, now=now)


def _all(ids: Mapping[int, set[str]]) -> set[str]:
    return set().union(*ids.values())
