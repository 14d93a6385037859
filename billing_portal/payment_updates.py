"""A customer is back from Stripe's portal with a new card: every open debt is charged to it."""

import enum
from dataclasses import dataclass
from datetime import datetime

from billing_portal import collection, links
from billing_portal.collection import Charge
from billing_portal.models import PaymentUpdateLink
from recovery import cases, customers, stripe_gateway
from recovery.attempts import ChargeResult, Outcome
from recovery.models import Customer, PaymentAttempt, RecoveryCase
from recovery.state_machine import Status
from recovery.stripe_errors import StripeError
from recovery.stripe_gateway import StripeGateway
from recovery.stripe_objects import PaymentMethod


class Overall(enum.StrEnum):
    SUCCESS = "success"
    PARTLY = "partly"
    DECLINED = "declined"
    NEEDS_AUTHENTICATION = "needs_authentication"
    PENDING = "pending"
    NOT_CHARGED = "not_charged"
    CARD_REFUSED = "card_refused"
    CARD_WAITS = "card_waits"
    UNCHANGED = "unchanged"
    SAME_CARD = "same_card"
    OTHER_CARD = "other_card"
    NOTHING_DUE = "nothing_due"
    GIVEN_UP = "given_up"
    UNAVAILABLE = "unavailable"


@dataclass(frozen=True, slots=True)
class Result:
    """`saved`: the payment method on file where none was charged and another one had failed."""

    overall: Overall
    charges: tuple[Charge, ...] = ()
    saved: PaymentMethod | None = None


def complete(
    link: PaymentUpdateLink, *, now: datetime, is_done: bool = False, confirmed: str = ""
) -> Result:
    """Back from the portal: charge what is open to the new card, and tell how that went.

    A card that is no newer than the visit is charged only if the customer `confirmed` it, by its
    payment method. `is_done`: Stripe says that the customer went through with it, and didn't just
    turn back; it decides about words alone, since an address can be typed by anybody.
    """
    case, customer = link.case, link.case.customer
    if customer is None:
        return Result(Overall.NOTHING_DUE)
    try:
        gateway = stripe_gateway.of_debt(case)
        saved = gateway.customer(customer.stripe_customer_id).default_payment_method_id
        is_new = saved != link.payment_method_before
        if not saved or not (is_new or saved == confirmed):
            return _unchanged(link, customer, saved, gateway, is_done=is_done, now=now)
    except StripeError:
        return _uncharged(case, customer, Result(Overall.UNAVAILABLE))
    links.finished(link, now=now)
    collected = collection.collect(
        customer=customer, payment_method_id=saved, is_customer_present=True, gateway=gateway,
        now=now,
    )  # fmt: skip
    if not collected.is_repaired:
        customers.new_card_is_unfinished(customer, payment_method_id=saved, now=now)
    return _told(case, collected.charges)


def _unchanged(
    link: PaymentUpdateLink,
    customer: Customer,
    saved: str,
    gateway: StripeGateway,
    *,
    is_done: bool,
    now: datetime,
) -> Result:
    """Nothing new to charge. The card on file may be good all the same: another one failed, which
    a subscription has for itself."""
    links.left(link, now=now)
    result = Result(Overall.UNCHANGED)
    if saved and (tried := _failed_on(link.case)):
        method = gateway.payment_method(saved)
        if not any(method.card.has_number_of(attempt.card) for attempt in tried):
            result = Result(Overall.OTHER_CARD, saved=method)
        elif is_done:
            result = Result(Overall.SAME_CARD)
    return _uncharged(link.case, customer, result)


def _failed_on(case: RecoveryCase) -> list[PaymentAttempt]:
    """The failed attempts on what is owed of which it is known what was charged."""
    made = PaymentAttempt.objects.of(case.merchant_id).filter(case__in=links.owed(case))
    return [one for one in made.exclude(payment_method_id="").order_by("id") if one.decline]


CLOSED = {Status.RECOVERED: Overall.SUCCESS, Status.VOIDED: Overall.NOTHING_DUE}


def _uncharged(case: RecoveryCase, customer: Customer, result: Result) -> Result:
    """Nothing was charged: `result`, unless nothing is left to be charged."""
    if customer.cases.filter(status=Status.OPEN).exists():
        return result
    if result.overall is not Overall.UNAVAILABLE and cases.is_written_off(case):
        return Result(Overall.GIVEN_UP)
    return Result(CLOSED[Status(case.status)]) if Status(case.status) in CLOSED else result


def _told(case: RecoveryCase, charges: tuple[Charge, ...]) -> Result:
    case.refresh_from_db(fields=["status", "reason"])  # the webhook may have been quicker
    if case.status == Status.RECOVERED and case not in {charge.case for charge in charges}:
        charges = (Charge(case, ChargeResult(Outcome.ALREADY_PAID)), *charges)
    if not charges and case.status == Status.LOST:
        # Else Stripe couldn't say that it is open, or was told that it isn't and hasn't told us.
        is_given_up = cases.is_written_off(case)
        return Result(Overall.GIVEN_UP if is_given_up else Overall.UNAVAILABLE)
    return Result(_overall(charges), charges)


PAID = {Outcome.PAID, Outcome.ALREADY_PAID}
FINAL = {Overall.DECLINED, Overall.NOT_CHARGED, Overall.CARD_REFUSED, Overall.CARD_WAITS}
OVERALL = (
    # the first that fits, most telling first
    (Outcome.NEEDS_AUTHENTICATION, Overall.NEEDS_AUTHENTICATION),
    (Outcome.PENDING, Overall.PENDING),
    (Outcome.DECLINED, Overall.DECLINED),
    (Outcome.UNAVAILABLE, Overall.UNAVAILABLE),
    (Outcome.NOT_YET, Overall.NOT_CHARGED),
    (Outcome.REFUSED, Overall.NOT_CHARGED),
)


def _overall(charges: tuple[Charge, ...]) -> Overall:
    outcomes = {charge.result.outcome for charge in charges}
    if not outcomes:
        return Overall.NOTHING_DUE
    unpaid = outcomes - PAID
    if not unpaid:
        return Overall.SUCCESS
    overall = next(overall for outcome, overall in OVERALL if outcome in unpaid)
    if overall is Overall.NOT_CHARGED and _is_for_another_card(charges):
        is_refused = Outcome.REFUSED in unpaid
        overall = Overall.CARD_REFUSED if is_refused else Overall.CARD_WAITS
    return Overall.PARTLY if unpaid != outcomes and overall in FINAL else overall


def _is_for_another_card(charges: tuple[Charge, ...]) -> bool:
    """Whether what wasn't charged was refused, or has to wait, for what was said of the card."""
    refused = [one.result for one in charges if one.result.outcome not in PAID]
    return all(result.is_about_card for result in refused)
