"""Cases that opened while Stripe could not be asked: asked for again until it answers."""

from datetime import datetime

from recovery import cases, effects, hearing, settling, timeline
from recovery.asking import ask
from recovery.customer_events import learn_customer
from recovery.models import RecoveryCase
from recovery.timeline import Kind

MOST_TRIES = 20


def enrich(case: RecoveryCase, *, now: datetime) -> bool:
    """Ask Stripe about one case; False if it can't be asked yet."""
    answered = False
    try:
        answered = (
            _enrich_payment(case, now=now) if case.is_one_time else _enrich_invoice(case, now=now)
        )
    finally:
        if answered or case.enrich_tries >= MOST_TRIES:
            _finish(case, answered=answered, now=now)
    return answered


def _finish(case: RecoveryCase, *, answered: bool, now: datetime) -> None:
    if answered:
        case.refresh_from_db()
        hearing.tell_what_was_told(case, now=now)  # of what it is now known to be about
    cases.is_enriched(case)
    if answered:
        timeline.append(
            case=case, kind=Kind.ENRICHED, summary="Stripe told what the event had left out.",
            once="enriched", at=now,
        )  # fmt: skip
    else:
        timeline.append(
            case=case, kind=Kind.NOT_ENRICHED, once="not enriched", at=now,
            summary="Stripe could not be asked: the case stands on its event alone.",
        )  # fmt: skip


def _enrich_invoice(case: RecoveryCase, *, now: datetime) -> bool:
    debt = ask(case.merchant, lambda stripe: stripe.debt(case.stripe_invoice_id))
    if debt is None:
        return False
    invoice, customer = debt
    cases.take_over_invoice(case=case, invoice=invoice, at=now)
    if invoice.failure:
        effects.latest_failed(case, invoice.failure, key=invoice.attempt_key, now=now)
    settling.settle_invoice(case=case, invoice=invoice, now=now)
    return learn_customer(case, told=customer)


def _enrich_payment(case: RecoveryCase, *, now: datetime) -> bool:
    intent_id = case.stripe_payment_intent_id
    invoice_id = ask(case.merchant, lambda stripe: stripe.invoice_of(intent_id))
    if invoice_id is None:
        return False
    if invoice_id:
        cases.belongs_to_invoice(case=case, now=now)
        return True
    intent = ask(case.merchant, lambda stripe: stripe.payment_intent(intent_id))
    if intent is None or not learn_customer(case):
        return False
    if intent.failure:
        effects.latest_failed(case, intent.failure, key=f"{intent_id}#enriched", now=now)
    settling.settle_payment(case=case, intent=intent, now=now)
    return True
