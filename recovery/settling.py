"""What became of a debt, as Stripe says when it is asked."""

from datetime import datetime

from recovery import cases, checkouts, desk, effects, stripe_gateway
from recovery.hearing import learn_payment
from recovery.models import Checkout, RecoveryCase
from recovery.state_machine import Trigger
from recovery.stripe_objects import Invoice, PaymentIntent

BY_INVOICE_STATUS = {
    "paid": Trigger.INVOICE_PAID,
    "void": Trigger.INVOICE_VOIDED,
    "uncollectible": Trigger.MARKED_UNCOLLECTIBLE,
}


def settle(*, case: RecoveryCase, now: datetime, told: Invoice | None = None) -> None:
    """Ask Stripe what became of the debt, and take that over; of an invoice that it has just
    `told` of it isn't asked again. Raises StripeError."""
    if not case.is_one_time:
        invoice = told or stripe_gateway.of_debt(case).invoice(case.stripe_invoice_id)
        cases.take_over_invoice(case=case, invoice=invoice, at=now)
        settle_invoice(case=case, invoice=invoice, now=now)
        return
    if checkout := checkouts.to_ask_about(case):
        settle_checkout(checkout=checkout, now=now)
    if checkouts.superseded_at(case) is None:
        intent = stripe_gateway.of_debt(case).payment_intent(case.stripe_payment_intent_id)
        settle_payment(case=case, intent=intent, now=now)


def settle_checkout(*, checkout: Checkout, now: datetime) -> None:
    """Ask Stripe what became of a Checkout, and take that over. Raises StripeError."""
    gateway = stripe_gateway.of_debt(checkout.case)
    intent_id = checkout.payment_intent_id
    if not intent_id:
        intent_id = gateway.checkout_session(checkout.session_id).payment_intent_id
    if intent_id:
        learn_payment(checkout, intent_id, now=now)
        intent = gateway.payment_intent(intent_id)
        settle_payment(case=checkout.case, intent=intent, now=now)


@desk.at_desk
def settle_invoice(*, case: RecoveryCase, invoice: Invoice, now: datetime) -> None:
    """Close the case if Stripe says that the invoice is no longer open."""
    effects.note_status(case, invoice.payment_status, at=now)
    trigger = BY_INVOICE_STATUS.get(invoice.status)
    if trigger:
        effects.close_for_invoice(
            case, trigger, invoice, at=invoice.paid_at or now, now=now, once="asked"
        )


def settle_payment(*, case: RecoveryCase, intent: PaymentIntent, now: datetime) -> None:
    """Close a one-time payment's case if Stripe says that it was paid or canceled."""
    cases.take_over_payment(case=case, intent=intent, at=now)
    effects.note_status(case, intent.status, at=now)
    if intent.status == "succeeded":
        effects.pay_by_intent(case, intent, at=intent.paid_at or now, now=now, once="asked")
    elif intent.status == "canceled" and not effects.is_canceled_by_us(case, intent.id):
        cases.advance(case=case, trigger=Trigger.PAYMENT_CANCELED, at=now, now=now, once="asked")
