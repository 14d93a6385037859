"""Failed payments of invoices whose cases are known are worked together: all that they say is
written in one transaction.

Stripe tells of each failed invoice twice, as an invoice and as a PaymentIntent: these are half of
what comes. Nothing else is different: what such an event does is told in effects.py, and what
isn't plain is left to be worked by itself (ingest.py), as is every event of a set in which one
fails.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from recovery import cases, clock, customers, desk, effects, failures, inbox, log_context
from recovery.checkout_sessions import named_in
from recovery.models import Checkout, Merchant, RecoveryCase, StripeEvent
from recovery.reading import UnreadablePayloadError
from recovery.stripe_events import Event, EventType, UnreadableEventError
from recovery.stripe_objects import PaymentIntent
from recovery.together import sets
from recovery.together.sets import by_merchant, is_lease_over


@dataclass(frozen=True, slots=True)
class Heard(sets.Heard):
    """Of a failed payment."""

    event: Event
    intent: PaymentIntent


def work(batch: Sequence[StripeEvent]) -> list[StripeEvent]:
    """Process what can be processed together; the events that are left."""
    plain = [heard for event in batch if (heard := _plain(event))]
    return sets.left(batch, plain, _process)


def _plain(stored: StripeEvent) -> Heard | None:
    """What is heard for the first time, of a payment that isn't our own Checkout's."""
    is_first = stored.type == EventType.PAYMENT_INTENT_PAYMENT_FAILED and stored.tries <= 1
    if not is_first or stored.merchant.stripe.livemode is None:
        return None
    try:
        event = Event.parse(stored.payload)
        intent = PaymentIntent.read(event.object)
    except (UnreadableEventError, UnreadablePayloadError):
        return None
    is_of_checkout, _intent_id = named_in(event.object)
    return Heard(stored, event, intent) if intent.id and not is_of_checkout else None


def _process(some: Sequence[Heard]) -> list[StripeEvent]:
    """The events that were processed."""
    if is_lease_over(some):
        return []
    now = clock.now()
    written = _write(some, now=now)
    inbox.processed(*written, now=now)
    return written


@desk.at_desk
def _write(some: Iterable[Heard], *, now: datetime) -> list[StripeEvent]:
    """The events that were about the known case of an invoice."""
    written = []
    laid_out = [
        (of_one, _laid_out(merchant, of_one)) for merchant, of_one in by_merchant(some).items()
    ]
    for of_one, known in laid_out:
        for heard in of_one:
            case = known.get(heard.intent.id)
            if case and heard.intent.invoice_id in {"", case.stripe_invoice_id}:
                with log_context.about(**heard.stored.log_ids):
                    at = heard.event.created_at or now
                    effects.payment_failed_again(case, heard.event, at, now)
                written.append(heard.stored)
    return written


def _laid_out(merchant: Merchant, some: Sequence[Heard]) -> Mapping[str, RecoveryCase]:
    """The known cases by their payments' ids, with all that is read and locked for them."""
    known = _known(merchant, some)
    whose = [case.customer.stripe_customer_id for case in known.values() if case.customer]
    customers.lay_out(merchant, whose)
    cases.lay_out(merchant, [case.stripe_invoice_id for case in known.values()])
    failed = [heard.intent.failure for heard in some if heard.intent.id in known]
    failures.lay_out(merchant, [failure.charge_id for failure in failed if failure])
    return {intent_id: cases.locked(case) for intent_id, case in known.items()}


def _known(merchant: Merchant, some: Iterable[Heard]) -> Mapping[str, RecoveryCase]:
    """The case of each payment, by its id; of those that pay an invoice for sure, and of which
    nothing else is to be done than what the invoice's case hears. A guest's is left out: no id
    tells which row of a customer is to be locked before the case is."""
    ids = {heard.intent.id for heard in some}
    found = RecoveryCase.objects.of(merchant).filter(stripe_payment_intent_id__in=ids)
    through_checkout = Checkout.objects.of(merchant).filter(payment_intent_id__in=ids)
    ours = set(through_checkout.values_list("payment_intent_id", flat=True))
    known: dict[str, list[RecoveryCase]] = {}
    for case in found.select_related("customer"):
        known.setdefault(case.stripe_payment_intent_id, []).append(case)
    return {
        intent_id: case
        for intent_id, [case, *others] in known.items()
        if not others
        and not case.is_one_time
        and (case.customer is None or case.customer.stripe_customer_id)
        and intent_id not in ours
    }
