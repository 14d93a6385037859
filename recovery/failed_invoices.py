"""An invoice's failure opens its case or adds to it: Stripe is asked first, then all that is known
is written at once."""

from dataclasses import dataclass
from datetime import datetime

from recovery import cases, customers, desk, effects, failures, settling, twins
from recovery.asking import ask, can_be_asked
from recovery.models import Merchant, RecoveryCase
from recovery.stripe_objects import Customer, Invoice


@dataclass(frozen=True, slots=True)
class Answers:
    """What Stripe says of an invoice and of who owes it; None of what it can't be asked, or need
    not."""

    invoice: Invoice | None = None
    customer: Customer | None = None


def invoice_failed(
    *, merchant: Merchant, told: Invoice, failed_at: datetime, now: datetime
) -> RecoveryCase | None:
    """Open the invoice's case or add to it, from what was `told` and what Stripe says now.

    Nothing is opened for an abandoned checkout or where nothing is owed.
    """
    is_askable, answers = can_be_asked(merchant), Answers()
    if is_askable:
        is_known = bool(customers.known(merchant, [told.customer_id]))
        answers = ask_about(merchant, told, is_known=is_known)
    if not is_owed(told, answers):
        if _is_checkout(told, answers) and not is_askable:
            twins.forget_checkout(merchant, told, now=now)
        return None
    case = take_in(merchant=merchant, told=told, answers=answers, failed_at=failed_at, now=now)
    return case if is_askable else twins.unite(case, now=now)


def ask_about(merchant: Merchant, told: Invoice, *, is_known: bool) -> Answers:
    """Of who owes Stripe is asked once, unless that `is_known`: no invoice says where they live,
    or which language they read."""
    debt = ask(merchant, lambda stripe: stripe.debt(told.id)) if told.id else None
    if debt is None:
        return Answers()
    fresh, customer = debt
    is_known = customer is not None or (is_known and fresh.customer_id == told.customer_id)
    if is_known or not fresh.customer_id or not is_owed(told, Answers(fresh)):
        return Answers(fresh, customer)
    return Answers(fresh, ask(merchant, lambda stripe: stripe.customer(fresh.customer_id)))


def is_owed(told: Invoice, answers: Answers) -> bool:
    invoice = answers.invoice or told
    return bool(told.id) and invoice.amount_owed > 0 and not _is_checkout(told, answers)


def _is_checkout(told: Invoice, answers: Answers) -> bool:
    return told.is_checkout or (answers.invoice is not None and answers.invoice.is_checkout)


@desk.at_desk
def take_in(
    *, merchant: Merchant, told: Invoice, answers: Answers, failed_at: datetime, now: datetime
) -> RecoveryCase:
    """The invoice's case, with all that was told and answered of it."""
    fresh = answers.invoice
    case = cases.open_for_invoice(
        merchant=merchant, invoice=fresh or told, failed_at=failed_at, now=now,
        known_at=now if fresh else failed_at,
        is_complete=fresh is not None or not can_be_asked(merchant),
    )  # fmt: skip
    cases.note_paid_before(case=case, invoice=told)
    failure = failures.of_invoice(told, fresh=fresh)
    latest = failures.later_than(failure, fresh)
    effects.hear_of_address(case, failure, at=failed_at)
    failures.record(case=case, failure=failure, key=told.attempt_key, at=failed_at, now=now)
    if fresh and latest:
        effects.latest_failed(case, latest, key=fresh.attempt_key, now=now)
    if fresh:
        if not customers.learn(case.customer, told=answers.customer):
            cases.is_to_be_enriched(case=case, at=now)
        cases.take_over_invoice(case=case, invoice=told, at=failed_at)  # how often it had failed
        settling.settle_invoice(case=case, invoice=fresh, now=now)
    return case
