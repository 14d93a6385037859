"""Which case a thing of Stripe's is about, and the case as it is now."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from django.db.models import F, Q
from django.db.models.functions import Now

from recovery import desk
from recovery.declines import DeclineType
from recovery.models import (
    Checkout,
    DeclineOverride,
    Merchant,
    PaymentAttempt,
    RecoveryCase,
)


def here(prefix: str = "") -> Q:
    """Of whose debts Stripe tells: it is connected, and not another account or mode than theirs
    (RecoveryCase.is_elsewhere). `prefix` leads to the case."""
    stripe = f"{prefix}merchant__stripe__"
    since, livemode = f"{stripe}account_since", f"{stripe}livemode"
    return (
        Q((f"{stripe}disconnected_at", None))
        & (Q((since, None)) | Q((f"{prefix}opened_at__gte", F(since))))
        & (Q((livemode, None)) | Q((f"{prefix}livemode", F(livemode))))
    )


def settled(at: datetime | Now) -> Q:
    """Whose buyer isn't still typing at `at`: until then nothing is owed for certain."""
    return Q(settles_at=None) | Q(settles_at__lte=at)


def concerning(merchant: Merchant, stripe_id: str) -> list[RecoveryCase]:
    """The cases that an invoice, PaymentIntent or subscription is about."""
    if not stripe_id:
        return []
    found = list(
        RecoveryCase.objects.of(merchant).filter(
            Q(stripe_invoice_id=stripe_id)
            | Q(stripe_payment_intent_id=stripe_id)
            | Q(stripe_subscription_id=stripe_id)
        )
    )
    return found or paid_through_checkout(merchant, stripe_id)


def has_owed(merchant: Merchant, *, stripe_customer_id: str) -> bool:
    """Whether any payment of the customer's ever failed here."""
    of_customer = RecoveryCase.objects.of(merchant).filter(
        customer__stripe_customer_id=stripe_customer_id
    )
    return bool(stripe_customer_id) and of_customer.exists()


def paid_through_checkout(merchant: Merchant, intent_id: str) -> list[RecoveryCase]:
    """The case that a Checkout's own PaymentIntent pays."""
    checkouts = Checkout.objects.of(merchant).filter(payment_intent_id=intent_id)
    return [checkout.case for checkout in checkouts.select_related("case") if intent_id]


def invoice_of_payment(merchant: Merchant, intent_id: str) -> str:
    """The invoice that a PaymentIntent is known to pay, "" where no case says so."""
    known = (case.stripe_invoice_id for case in concerning(merchant, intent_id))
    return next(filter(None, known), "")


def keys(case: RecoveryCase) -> list[str]:
    """The Stripe ids by which events find the case."""
    found = [case.stripe_invoice_id, case.stripe_payment_intent_id, case.stripe_subscription_id]
    if case.is_one_time and case.pk:
        found += case.checkouts.order_by("pk").values_list("payment_intent_id", flat=True)
    return [key for key in found if key]


def locked(case: RecoveryCase) -> RecoveryCase:
    """The case as it is now, held until the transaction ends."""
    return desk.locked(case)


def locked_if_free(case: RecoveryCase) -> RecoveryCase | None:
    """As `locked`; None while somebody else holds it, who isn't waited for."""
    return RecoveryCase.objects.select_for_update(skip_locked=True).filter(pk=case.pk).first()


def of_debt(
    merchant: Merchant, *, invoice_id: str = "", intent_id: str = ""
) -> RecoveryCase | None:
    """The case of an invoice or of a one-time payment as it is now, locked; at a desk."""
    return desk.found(RecoveryCase, **_known_by(merchant.pk, invoice_id, intent_id))


def lay_out(merchant: Merchant, invoice_ids: Iterable[str]) -> None:
    """Have at the desk the cases of these invoices, of one at least, with what was tried to charge
    them."""
    here, ids = desk.here(), sorted(set(invoice_ids))
    known = RecoveryCase.objects.of(merchant).filter(stripe_invoice_id__in=ids)
    held = known.select_related("customer").select_for_update(of=("self",))
    laid = here.lay_out(
        RecoveryCase, held.order_by("pk"),
        known_by=[_known_by(merchant.pk, invoice_id, "") for invoice_id in ids],
    )  # fmt: skip
    made: dict[int, list[PaymentAttempt]] = {case.pk: [] for case in laid}
    for attempt in PaymentAttempt.objects.filter(case__in=made).order_by("pk") if made else ():
        made[attempt.case_id].append(here.hold(attempt))
    for case in laid:
        here.noted.setdefault(("attempts", case.public_id), made[case.pk])


def added(case: RecoveryCase) -> RecoveryCase:
    """A new one; at a desk."""
    debt = _known_by(case.merchant_id, case.stripe_invoice_id, case.stripe_payment_intent_id)
    return desk.add(case, **debt)


def _known_by(merchant_id: int, invoice_id: str, intent_id: str) -> dict[str, Any]:
    if invoice_id:
        return {"merchant_id": merchant_id, "stripe_invoice_id": invoice_id}
    return {
        "merchant_id": merchant_id, "stripe_invoice_id": "",
        "stripe_payment_intent_id": intent_id,
    }  # fmt: skip


def attempts(case: RecoveryCase) -> list[PaymentAttempt]:
    """Every try to charge it, as they were made. Where a desk is in use, the very rows."""
    return desk.noted(("attempts", case.public_id), lambda: _attempts(case))


def _attempts(case: RecoveryCase) -> list[PaymentAttempt]:
    here = desk.current()
    made = list(case.attempts.order_by("pk")) if case.pk else []
    return [here.hold(attempt) for attempt in made] if here else made


def overrides(merchant_id: int) -> Mapping[str, DeclineType]:
    """The merchant's own view of each code that it has one of."""
    return desk.noted(("overrides", merchant_id), lambda: DeclineOverride.by_code(merchant_id))
