"""A customer is back from Stripe's portal with a new card: every open debt is charged to it."""

import enum
import logging
from dataclasses import dataclass
from datetime import datetime, timedelta

from billing_portal import links
from billing_portal.models import PaymentUpdateLink
from recovery import (
    attempts,
    cases,
    customers,
    ingest,
    operator_tasks,
    stripe_gateway,
    timeline,
)
from recovery.attempts import ChargeResult, Outcome
from recovery.batches import apart
from recovery.charge_results import UNDECIDED
from recovery.mechanisms import AttemptTrigger
from recovery.models import Customer, PaymentAttempt, RecoveryCase
from recovery.operator_tasks import TaskKind
from recovery.state_machine import Status
from recovery.stripe_errors import NotConnectedError, StripeError
from recovery.stripe_gateway import StripeGateway
from recovery.timeline import Kind

logger = logging.getLogger(__name__)


class Overall(enum.StrEnum):
    SUCCESS = "success"
    PARTLY = "partly"
    DECLINED = "declined"
    NEEDS_AUTHENTICATION = "needs_authentication"
    PENDING = "pending"
    NOT_CHARGED = "not_charged"
    UNCHANGED = "unchanged"
    NOTHING_DUE = "nothing_due"
    UNAVAILABLE = "unavailable"


@dataclass(frozen=True, slots=True)
class Charge:
    """One debt and how charging it went."""

    case: RecoveryCase
    result: ChargeResult


@dataclass(frozen=True, slots=True)
class Result:
    overall: Overall
    charges: tuple[Charge, ...] = ()


def complete(link: PaymentUpdateLink, *, now: datetime) -> Result:
    """Back from the portal: charge what is open to the new card, and tell how that went."""
    case, customer = link.case, link.case.customer
    if customer is None:
        return Result(Overall.NOTHING_DUE)
    try:
        gateway = stripe_gateway.of(case.merchant)
        facts = gateway.customer(customer.stripe_customer_id)
    except StripeError:
        return _uncharged(case, customer, Overall.UNAVAILABLE)
    if facts.default_payment_method_id in {"", link.payment_method_before}:
        return _uncharged(case, customer, Overall.UNCHANGED)
    links.finished(link, now=now)
    charges = charge_everything(
        customer=customer,
        payment_method_id=facts.default_payment_method_id,
        is_customer_present=True,
        gateway=gateway,
        now=now,
    )
    return _told(case, charges)


CLOSED = {Status.RECOVERED: Overall.SUCCESS, Status.VOIDED: Overall.NOTHING_DUE}


def _uncharged(case: RecoveryCase, customer: Customer, overall: Overall) -> Result:
    """Nothing was charged: `overall`, unless nothing is left to be charged."""
    if customer.cases.filter(status=Status.OPEN).exists():
        return Result(overall)
    return Result(CLOSED.get(Status(case.status), overall))


def _told(case: RecoveryCase, charges: tuple[Charge, ...]) -> Result:
    case.refresh_from_db(fields=["status"])  # the webhook may have been quicker
    if case.status == Status.RECOVERED and case not in {charge.case for charge in charges}:
        charges = (Charge(case, ChargeResult(Outcome.ALREADY_PAID)), *charges)
    return Result(_overall(charges), charges)


def charge_everything(
    *,
    customer: Customer,
    payment_method_id: str,
    is_customer_present: bool,
    gateway: StripeGateway,
    now: datetime,
) -> tuple[Charge, ...]:
    """Charge the customer's open debts to a payment method, oldest first; what goes wrong with
    one, which counts as not asked, loses none of the others."""
    charges = []
    for case in _debts(customer, gateway, now=now):
        result = ChargeResult(Outcome.UNAVAILABLE)
        with apart(f"Case {case.public_id}"):
            result = attempts.charge(
                case=case, payment_method_id=payment_method_id, trigger=AttemptTrigger.CUSTOMER,
                is_customer_present=is_customer_present, now=now,
            )  # fmt: skip
        charges.append(Charge(case, result))
    return tuple(charges)


def _debts(customer: Customer, gateway: StripeGateway, *, now: datetime) -> list[RecoveryCase]:
    """What is owed, oldest first: our cases, and failed invoices that no event told us of."""
    merchant = customer.merchant
    try:
        unpaid = gateway.open_invoices(customer.stripe_customer_id)
    except StripeError:
        logger.info(
            "Stripe could not list a customer's open invoices; the known ones are charged."
        )
        unpaid = []
    for invoice in unpaid:
        if cases.concerning(merchant, invoice.id):
            continue
        with apart(f"Invoice {invoice.id}"):
            ingest.invoice_failed(
                merchant=merchant, told=invoice, failed_at=invoice.created_at or now, now=now
            )
    payable = {invoice.id for invoice in unpaid}
    owed = customer.cases.filter(status__in=[Status.OPEN, Status.LOST]).select_related(
        "merchant__stripe", "customer"
    )
    return [
        case
        for case in owed.order_by("failed_at", "id")
        if case.status == Status.OPEN or case.stripe_invoice_id in payable
    ]


PAID = {Outcome.PAID, Outcome.ALREADY_PAID}
FINAL = {Overall.DECLINED, Overall.NOT_CHARGED}
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
    return Overall.PARTLY if unpaid != outcomes and overall in FINAL else overall


GIVEN_UP_AFTER = timedelta(days=3)
UNDER_WAY = timedelta(days=1)  # a direct debit takes several
PAUSED = timedelta(minutes=10)
# While other debts aren't paused; longer than mail about them waits for a new card.
PARTLY_PAUSED = timedelta(hours=2)


def charge_new_card(customer: Customer, *, now: datetime) -> None:
    """The customer has a new card and never came back to us: the webhook told. It is kept until
    all that is open was charged or refused, or nobody could be asked for days."""
    debts = customer.cases.filter(status=Status.OPEN)
    is_paused = debts.filter(is_paused=True).exists()
    if is_paused and not debts.filter(is_paused=False).exists():
        customers.new_card_waits(customer, until=now + PAUSED)
        return
    try:
        gateway = stripe_gateway.of(customer.merchant)
    except NotConnectedError:
        customers.new_card_was_handled(customer)
        return
    charges = charge_everything(
        customer=customer, payment_method_id=customer.new_payment_method_id,
        is_customer_present=False, gateway=gateway, now=now,
    )  # fmt: skip
    waits = [charge.result.from_at for charge in charges if charge.result.from_at]
    undecided = [charge.case for charge in charges if charge.result.outcome in UNDECIDED]
    under_way = [case for case in undecided if attempts.is_under_way(case)]
    unknown = [case for case in undecided if case not in under_way]
    if unknown and now < (customer.new_payment_method_at or now) + GIVEN_UP_AFTER:
        return
    for case in unknown:
        _give_up(case, customer.new_payment_method_id, now=now)
    if under_way:
        waits.append(now + UNDER_WAY)
    if is_paused:
        waits.append(now + PARTLY_PAUSED)
    if waits:
        customers.new_card_waits(customer, until=min(waits))
    else:
        customers.new_card_was_handled(customer)


def _give_up(case: RecoveryCase, payment_method_id: str, *, now: datetime) -> None:
    """For days Stripe could not be asked; what was asked for and never answered is unknown."""
    was_asked = case.attempts.filter(
        payment_method_id=payment_method_id, state=PaymentAttempt.State.CLAIMED
    ).exists()
    summary = (
        "Stripe could not be asked whether the new card was charged: see there."
        if was_asked
        else "The new card was not charged: Stripe could not be asked for three days."
    )
    once = f"unresolved:{payment_method_id}"
    timeline.append(case=case, kind=Kind.ATTEMPT_UNRESOLVED, at=now, once=once, summary=summary)
    operator_tasks.create(
        case=case, kind=TaskKind.CHARGE_UNRESOLVED, summary=summary, once=once, now=now
    )
