"""Which payment method a debt is charged to when nobody names one, and what is never charged."""

from datetime import datetime

from recovery import cases, stripe_gateway, timeline
from recovery.charge_results import ChargeResult, Outcome
from recovery.models import RecoveryCase
from recovery.payment_levels import BY_INVOICE
from recovery.stripe_objects import Invoice
from recovery.timeline import Kind

DRAFT = "draft"
SENT = "the invoice is one that its customer pays by hand"
UNFINISHED = "the invoice is a draft"
# A draft that is asked for is finalized with it: docs.stripe.com/api/invoices/pay
SOURCE = "docs.stripe.com/api/invoices/object#invoice_object-collection_method"


class NotToBeChargedError(Exception):
    """Paying the invoice would charge it against its nature; the text says why."""


def current(*, case: RecoveryCase, now: datetime) -> str:
    """What Stripe itself would charge for the debt now, "" if there is nothing. What it says of
    the invoice is taken over: an event from before its retries were off, told late, must not keep
    Recover from asking. Raises StripeError, NotToBeChargedError."""
    gateway = stripe_gateway.of_debt(case)
    if case.is_one_time:
        customer_id = case.customer.stripe_customer_id if case.customer else ""
        return gateway.customer(customer_id).default_payment_method_id if customer_id else ""
    invoice = gateway.invoice(case.stripe_invoice_id)
    if rule := rule_against(invoice):
        raise NotToBeChargedError(rule)
    cases.take_over_invoice(case=case, invoice=invoice, at=now)
    return gateway.method_to_charge(invoice)


def rule_against(invoice: Invoice) -> str:
    """Why an invoice isn't to be charged, "" if it may be."""
    if invoice.status == DRAFT:
        return UNFINISHED
    return SENT if invoice.collection_method == BY_INVOICE else ""


def refuse(case: RecoveryCase, rule: str, *, now: datetime, source: str = SOURCE) -> ChargeResult:
    """Told once, whoever asks how often."""
    timeline.append(
        case=case, kind=Kind.ATTEMPT_REFUSED, at=now, summary=f"Not charged: {rule}.",
        once=f"refused:{rule}", rule=rule, source=source,
    )  # fmt: skip
    return ChargeResult(Outcome.REFUSED, rule, source=source)
