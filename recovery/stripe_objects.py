"""Stripe's objects as the facts that Recover acts on.

One reader serves webhook payloads and API answers of every version from 2020-08-27 to
2026-10-28: each fact is looked for where new versions have it, then where old ones had it, and
never by asking which version it is (a payload may mix both).
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from types import MappingProxyType
from typing import Self

from recovery.charge_facts import Card
from recovery.declines import Decline
from recovery.reading import NOTHING, Node, id_of, items, moment, node, text, whole

MONTHS = 12
LAST_YEAR = 9999


@dataclass(frozen=True, slots=True)
class PaymentMethod:
    """What was charged; `fingerprint` is the same for a card however often it is added."""

    id: str = ""
    type: str = ""
    brand: str = ""
    last4: str = ""
    fingerprint: str = ""
    country: str = ""
    expiry: str = ""  # 2027-03
    billing_email: str = ""

    @property
    def card(self) -> Card:
        return Card(
            payment_method_id=self.id,
            fingerprint=self.fingerprint,
            expiry=self.expiry,
            brand=self.brand,
            country=self.country,
        )

    @classmethod
    def read(cls, value: object) -> Self:
        method = node(value)
        card = node(method, "card")
        return cls(
            id=id_of(value),
            type=text(method.get("type"), longest=50),
            brand=text(card.get("brand"), longest=50),
            last4=text(card.get("last4"), longest=4),
            fingerprint=text(card.get("fingerprint"), longest=64),
            country=text(card.get("country"), longest=2),
            expiry=_expiry(card),
            billing_email=text(node(method, "billing_details").get("email"), longest=254),
        )


def _expiry(card: Node) -> str:
    year = whole(card.get("exp_year"), name="exp_year") or 0
    month = whole(card.get("exp_month"), name="exp_month") or 0
    known = 0 < year <= LAST_YEAR and 0 < month <= MONTHS
    return f"{year:04}-{month:02}" if known else ""


@dataclass(frozen=True, slots=True)
class Failure:
    """One failed charge: why, with what and, where it got so far, Stripe's charge and when that
    was made."""

    decline: Decline
    payment_method: PaymentMethod
    charge_id: str = ""
    charged_at: datetime | None = None

    @classmethod
    def read(cls, error: Node, charge: object = None) -> Self | None:
        """From a PaymentIntent's `last_payment_error` and, if expanded, its latest charge."""
        if not error:
            return None
        outcome = node(charge, "outcome")
        method = PaymentMethod.read(error.get("payment_method"))
        blocked = outcome.get("type") == "blocked"
        return cls(
            decline=Decline(
                decline_code=text(error.get("decline_code"), longest=100),
                code=text(error.get("code"), longest=100),
                advice_code=_code(error, outcome, "advice_code"),
                network_decline_code=_code(error, outcome, "network_decline_code"),
                network_advice_code=_code(error, outcome, "network_advice_code"),
                brand=method.brand,
                block_reason=text(outcome.get("reason"), longest=100) if blocked else "",
            ),
            payment_method=method,
            charge_id=id_of(error.get("charge")) or id_of(charge),
            charged_at=moment(node(charge).get("created")),
        )


# The bank asks the customer to confirm the payment: nothing was declined, so no charge tells why.
NEEDS_AUTHENTICATION = Failure(Decline(code="authentication_required"), PaymentMethod())
# Stripe has a word for neither: an attempt without anything to charge is one without a charge.
NO_PAYMENT_METHOD = Failure(Decline(code="no_payment_method"), PaymentMethod())


@dataclass(frozen=True, slots=True)
class Charged:
    """How an invoice or payment took being charged. `failure` is set when `status` is declined."""

    status: str  # paid, pending, already_paid, declined, requires_action, not_open
    failure: Failure | None = None
    charge_id: str = ""


def _latest_charge(intent: Node) -> object:
    """In `latest_charge`, or the first of `charges` before 2022-11-15."""
    return intent.get("latest_charge") or next(iter(items(intent.get("charges"))), None)


def _code(error: Node, outcome: Node, name: str) -> str:
    return text(error.get(name), longest=100) or text(outcome.get(name), longest=100)


@dataclass(frozen=True, slots=True)
class Invoice:
    """Amounts in minor units, None where the payload has none; `status` is "" where unknown."""

    id: str
    status: str
    livemode: bool | None
    customer_id: str
    customer_email: str
    customer_name: str
    subscription_id: str
    payment_intent_id: str
    amount_due: int | None
    amount_remaining: int | None
    amount_paid: int | None
    currency: str
    attempted: bool
    attempt_count: int
    next_payment_attempt_at: datetime | None
    billing_reason: str
    collection_method: str
    number: str
    description: str
    hosted_invoice_url: str
    created_at: datetime | None
    paid_at: datetime | None
    is_paid_out_of_band: bool
    failure: Failure | None
    default_payment_method_id: str = ""  # the invoice's own; most have none
    payment_status: str = ""  # its PaymentIntent's, "" where that isn't expanded

    @property
    def amount_owed(self) -> int:
        """What is left to pay; of a paid invoice, what was."""
        owed = self.amount_remaining or self.amount_due
        return owed or 0

    @property
    def is_paid(self) -> bool:
        return self.status == "paid"

    @property
    def attempt_key(self) -> str:
        """What its latest try is known by until its charge is."""
        return f"{self.id}#{self.attempt_count}"

    @property
    def is_checkout(self) -> bool:
        """A subscription's first invoice: one that fails is an abandoned checkout."""
        return self.billing_reason == "subscription_create"

    @classmethod
    def read(cls, value: Node) -> Self:
        details = node(value, "parent", "subscription_details")
        intent = _payment_intent_of(value)
        line = (items(value.get("lines")) or [NOTHING])[0]
        return cls(
            id=id_of(value),
            status=text(value.get("status"), longest=20)
            or ("paid" if value.get("paid") is True else ""),
            livemode=_livemode(value),
            customer_id=id_of(value.get("customer")) or id_of(value.get("customer_account")),
            customer_email=text(value.get("customer_email"), longest=254),
            customer_name=text(value.get("customer_name"), longest=200),
            subscription_id=id_of(details.get("subscription")) or id_of(value.get("subscription")),
            payment_intent_id=id_of(intent),
            amount_due=whole(value.get("amount_due"), name="amount_due"),
            amount_remaining=whole(value.get("amount_remaining"), name="amount_remaining"),
            amount_paid=_amount_paid(value),
            currency=text(value.get("currency"), longest=3).lower(),
            attempted=value.get("attempted") is True,
            attempt_count=_count(value.get("attempt_count")),
            next_payment_attempt_at=moment(value.get("next_payment_attempt")),
            billing_reason=text(value.get("billing_reason"), longest=50),
            collection_method=text(value.get("collection_method"), longest=50),
            number=text(value.get("number"), longest=100),
            description=text(value.get("description")) or text(line.get("description")),
            hosted_invoice_url=text(value.get("hosted_invoice_url"), longest=2000),
            created_at=moment(value.get("created")),
            paid_at=moment(node(value, "status_transitions").get("paid_at")),
            is_paid_out_of_band=_is_paid_out_of_band(value),
            failure=_failure_of_invoice(value, intent),
            default_payment_method_id=id_of(value.get("default_payment_method"))
            or id_of(value.get("default_source")),
            payment_status=text(node(intent).get("status"), longest=50),
        )


def _payment_intent_of(invoice: Node) -> object:
    """The newest PaymentIntent: in `payments` if expanded, or at the top before 2025-03-31."""
    payments = items(invoice.get("payments"))
    intents = [node(payment, "payment").get("payment_intent") for payment in payments]
    return next((intent for intent in intents if intent), invoice.get("payment_intent"))


def _failure_of_invoice(invoice: Node, intent: object) -> Failure | None:
    """From the PaymentIntent where it is expanded. Real payloads never carry the decline in
    `last_finalization_error`; the documented example does, and is to work as it stands."""
    error = node(intent, "last_payment_error") or node(invoice, "last_finalization_error")
    failure = Failure.read(error, _latest_charge(node(intent)) or invoice.get("charge"))
    if failure and failure.decline.best_code:
        return failure
    is_waiting = node(intent).get("status") == "requires_action"
    method = PaymentMethod.read(node(intent).get("payment_method"))
    return replace(NEEDS_AUTHENTICATION, payment_method=method) if is_waiting else None


def _is_paid_out_of_band(invoice: Node) -> bool:
    off_stripe = whole(invoice.get("amount_paid_off_stripe"), name="amount_paid_off_stripe")
    return invoice.get("paid_out_of_band") is True or bool(off_stripe)


def _amount_paid(invoice: Node) -> int | None:
    """0 is an answer (nothing was owed in the end), but for what came out of band: old versions
    count no money there."""
    off_stripe = whole(invoice.get("amount_paid_off_stripe"), name="amount_paid_off_stripe")
    paid = whole(invoice.get("amount_paid"), name="amount_paid")
    if paid or off_stripe:
        return paid or off_stripe
    return None if invoice.get("paid_out_of_band") is True else paid


def _count(value: object) -> int:
    return min(max(whole(value, name="attempt_count") or 0, 0), 32_767)


def _livemode(value: Node) -> bool | None:
    livemode = value.get("livemode")
    return livemode if isinstance(livemode, bool) else None


@dataclass(frozen=True, slots=True)
class PaymentIntent:
    """`invoice_id` is "" where the payload names none, which proves nothing by itself."""

    id: str
    status: str
    livemode: bool | None
    customer_id: str
    email: str
    invoice_id: str
    amount: int
    amount_received: int | None
    currency: str
    description: str
    created_at: datetime | None
    paid_at: datetime | None
    failure: Failure | None
    # The latest charge, "" and None where there is none or it isn't expanded.
    charge_id: str = ""
    charged_method_id: str = ""
    charged_at: datetime | None = None

    @classmethod
    def read(cls, value: Node) -> Self:
        charge = node(_latest_charge(value))
        error = node(value, "last_payment_error")
        billing = node(error, "payment_method", "billing_details")
        return cls(
            id=id_of(value),
            status=text(value.get("status"), longest=50),
            livemode=_livemode(value),
            customer_id=id_of(value.get("customer")) or id_of(value.get("customer_account")),
            email=text(value.get("receipt_email"), longest=254)
            or text(billing.get("email"), longest=254),
            invoice_id=invoice_of_payment_intent(value),
            amount=whole(value.get("amount"), name="amount") or 0,
            amount_received=whole(value.get("amount_received"), name="amount_received"),
            currency=text(value.get("currency"), longest=3).lower(),
            description=text(value.get("description")),
            created_at=moment(value.get("created")),
            paid_at=_paid_at(value),
            failure=Failure.read(error, _latest_charge(value)),
            charge_id=id_of(charge),
            charged_method_id=id_of(charge.get("payment_method")),
            charged_at=moment(charge.get("created")),
        )


def _paid_at(intent: Node) -> datetime | None:
    """When the charge that paid it was made; None where that isn't expanded."""
    if intent.get("status") != "succeeded":
        return None
    return moment(node(_latest_charge(intent)).get("created"))


# A bank works on it, or holds the money until the merchant captures it: nobody is to pay again
# (docs.stripe.com/payments/paymentintents/lifecycle).
UNDER_WAY = frozenset({"processing", "requires_capture"})


def invoice_of_payment_intent(intent: Node) -> str:
    """The invoice that a PaymentIntent says it pays: in `invoice` before 2025-03-31, in
    `order_reference` since Billing writes it there (2025-11); "" where it says neither."""
    order = id_of(node(intent, "payment_details").get("order_reference"))
    return id_of(intent.get("invoice")) or (order if order.startswith("in_") else "")


LONGEST_LOCALES = 100


@dataclass(frozen=True, slots=True)
class Customer:
    """`locale` is Stripe's preferred locales, best first, separated by commas: "fr-CA,en"."""

    id: str
    email: str
    name: str
    locale: str
    country: str
    default_payment_method_id: str
    is_deleted: bool
    state: str = ""
    metadata: Mapping[str, str] | None = None  # None where Stripe said nothing of it

    @classmethod
    def read(cls, value: Node) -> Self:
        settings = node(value, "invoice_settings")
        return cls(
            id=id_of(value),
            email=text(value.get("email"), longest=254),
            name=text(value.get("name"), longest=200),
            locale=_locales(value.get("preferred_locales")),
            country=text(node(value, "address").get("country"), longest=2),
            default_payment_method_id=id_of(settings.get("default_payment_method"))
            or id_of(value.get("default_source")),
            is_deleted=value.get("deleted") is True,
            state=text(node(value, "address").get("state"), longest=100),
            metadata=_metadata(value.get("metadata")),
        )


def _metadata(value: object) -> Mapping[str, str] | None:
    """Within Stripe's own limits (docs.stripe.com/api/metadata)."""
    if not isinstance(value, Mapping):
        return None
    texts = {
        text(key, longest=40): text(entry, longest=500)
        for key, entry in value.items()
        if isinstance(entry, str)
    }
    return MappingProxyType(dict(list(texts.items())[:50]))


def _locales(value: object) -> str:
    """As many as fit, none of them cut short."""
    wanted = [text(locale) for locale in value] if isinstance(value, list) else []
    joined = ",".join(locale for locale in wanted if locale)
    if len(joined) <= LONGEST_LOCALES:
        return joined
    return joined[: LONGEST_LOCALES + 1].rpartition(",")[0]


@dataclass(frozen=True, slots=True)
class Reversal:
    """Money that went back: a refunded or disputed charge. Amounts in minor units."""

    payment_intent_id: str
    charge_id: str
    amount: int
    is_whole: bool
    is_inquiry: bool = False

    @classmethod
    def read(cls, value: Node) -> Self:
        """From a Charge (`charge.refunded`) or a Dispute (`charge.dispute.created`)."""
        refunded = whole(value.get("amount_refunded"), name="amount_refunded")
        amount = whole(value.get("amount"), name="amount") or 0
        return cls(
            payment_intent_id=id_of(value.get("payment_intent")),
            charge_id=id_of(value.get("charge")) or id_of(value),
            amount=amount if refunded is None else refunded,
            is_whole=refunded is None or refunded >= amount,
            # A bank's question before a dispute, in which no money moves
            # (docs.stripe.com/disputes/how-disputes-work, inquiries).
            is_inquiry=text(value.get("status")).startswith("warning_"),
        )
