"""A case in words: money, codes, times and whence, as a person would say them."""

from collections.abc import Mapping
from types import MappingProxyType

from billing_portal import presentation, reasons
from billing_portal.languages import ENGLISH
from billing_portal.wording import WORDING
from dunning.models import DunningMessage
from recovery.models import Customer, PaymentAttempt, RecoveryCase, StripeConnection
from recovery.pseudonyms import PREFIX

TONES: Mapping[str, str] = MappingProxyType(
    {"open": "info", "recovered": "good", "lost": "bad", "voided": "", "paused": "warning"}
)
CLOSED_BECAUSE: Mapping[str, str] = MappingProxyType(
    {
        "invoice_paid": "the invoice was paid",
        "payment_succeeded": "the payment succeeded",
        "subscription_canceled": "the subscription was canceled",
        "marked_uncollectible": "the invoice was marked uncollectible",
        "campaign_ended": "the campaign came to its end",
        "operator_closed": "somebody gave it up",
        "invoice_voided": "the invoice was voided",
        "payment_canceled": "the payment was canceled",
        "paid_while_settling": "the buyer paid while still typing",
        "nothing_due": "nothing was due",
        "belongs_to_invoice": "it is part of an invoice's case",
        "refunded": "the money was given back",
        "disputed": "the payment is disputed",
    }
)
CAME_BACK_BY: Mapping[str, str] = MappingProxyType(
    {
        "stripe_retry": "Stripe's own retry",
        "recover_retry": "Recover's retry",
        "card_update": "a new card",
        "customer_paid": "the customer paid",
        "out_of_band": "paid elsewhere",
    }
)
DASHBOARD = "https://dashboard.stripe.com"
PLACES: Mapping[str, str] = MappingProxyType(
    {"in": "invoices", "pi": "payments", "cus": "customers", "sub": "subscriptions"}
)


def money(amount: int, currency: str) -> str:
    return presentation.money(amount, currency)


def amount(case: RecoveryCase) -> str:
    return money(case.amount, case.currency)


def who(case: RecoveryCase) -> str:
    return called(case.customer) if case.customer else "unknown customer"


def called(customer: Customer) -> str:
    """As people call them; of who is erased, no more than Stripe's id."""
    named = customer.name or customer.email or customer.stripe_customer_id
    return named or "an erased person"


def recipient(message: DunningMessage) -> str:
    """Whom it went to; "" where they were erased."""
    return "" if message.recipient.startswith(PREFIX) else message.recipient


def reason(failed: RecoveryCase | PaymentAttempt) -> str:
    """Why a payment failed, in a sentence."""
    told = reasons.reason(decline_code=failed.decline_code, advice_code=failed.advice_code)
    return WORDING[ENGLISH].reasons[told]


def status(case: RecoveryCase) -> tuple[str, str]:
    """The words, and their tone."""
    shown = "paused" if case.is_open and case.is_paused else case.status
    return shown, TONES[shown]


def at_stripe(stripe_id: str, *, connection: StripeConnection, livemode: bool) -> str:
    """Where Stripe's dashboard shows the object; "" for what it has no page for."""
    place = PLACES.get(stripe_id.partition("_")[0])
    if not place:
        return ""
    account = f"/{connection.account_id}" if connection.account_id else ""
    mode = "" if livemode else "/test"
    return f"{DASHBOARD}{account}{mode}/{place}/{stripe_id}"


def where_written(source: str) -> str:
    """The first place where a rule is written; the others are for whoever doubts that one."""
    return source.partition(";")[0]
