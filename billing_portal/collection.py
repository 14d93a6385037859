"""All that a customer owes, oldest first: put right for the next time, and charged to one card."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from billing_portal import links
from recovery import attempts, cases, charge_methods, failed_invoices, repairs
from recovery.attempts import ChargeResult, Outcome
from recovery.batches import apart
from recovery.mechanisms import AttemptTrigger
from recovery.models import Customer, RecoveryCase
from recovery.state_machine import Status
from recovery.stripe_errors import StripeError, StripeUnavailableError
from recovery.stripe_gateway import StripeGateway
from recovery.stripe_objects import Invoice

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Charge:
    """One debt and how charging it went."""

    case: RecoveryCase
    result: ChargeResult


@dataclass(frozen=True, slots=True)
class Collected:
    """`is_repaired`: nothing is left to be put right at Stripe, or only by a person."""

    charges: tuple[Charge, ...]
    is_repaired: bool


def collect(
    *,
    customer: Customer,
    payment_method_id: str,
    is_customer_present: bool,
    gateway: StripeGateway,
    now: datetime,
) -> Collected:
    """Have Stripe use the payment method from now on, then charge the customer's open debts to
    it, oldest first; what goes wrong with one, which counts as not asked, loses none of the
    others, and what can't be put right keeps none from being charged."""
    invoices, is_repaired = prepare(
        customer=customer, payment_method_id=payment_method_id, gateway=gateway, now=now
    )
    charges = []
    for case in _debts(customer, invoices):
        if not _is_come_for(case, is_customer_present=is_customer_present, now=now):
            continue
        result = ChargeResult(Outcome.UNAVAILABLE)
        with apart(f"Case {case.public_id}", **case.log_ids):
            result = _not_ours_to_charge(case, invoices, gateway, now=now) or attempts.charge(
                case=case, payment_method_id=payment_method_id, trigger=AttemptTrigger.CUSTOMER,
                is_customer_present=is_customer_present, now=now,
            )  # fmt: skip
        charges.append(Charge(case, result))
    return Collected(tuple(charges), is_repaired)


def prepare(
    *, customer: Customer, payment_method_id: str, gateway: StripeGateway, now: datetime
) -> tuple[Sequence[Invoice], bool]:
    """All of `collect` but the charges: the open invoices, and whether Stripe is put right."""
    invoices = _open_invoices(customer, gateway)
    _hear_of(customer, invoices, now=now)
    is_repaired = False
    with apart(f"The cards of customer {customer.pk}"):
        is_repaired = repairs.repair(
            customer=customer, payment_method_id=payment_method_id, invoices=invoices,
            gateway=gateway, now=now,
        )  # fmt: skip
    return invoices, is_repaired


def _open_invoices(customer: Customer, gateway: StripeGateway) -> Sequence[Invoice]:
    try:
        return gateway.open_invoices(customer.stripe_customer_id)
    except StripeError:
        logger.info(
            "Stripe could not list a customer's open invoices; the known ones are charged."
        )
        return ()


def _hear_of(customer: Customer, invoices: Sequence[Invoice], *, now: datetime) -> None:
    """What is left to pay may be less than was told, and of some no event told at all."""
    merchant = customer.merchant
    for invoice in invoices:
        with apart(f"Invoice {invoice.id}"):
            known = cases.concerning(merchant, invoice.id)
            for case in known:
                cases.take_over_invoice(case=case, invoice=invoice, at=now)
            if not known:
                failed_invoices.invoice_failed(
                    merchant=merchant, told=invoice, failed_at=invoice.created_at or now, now=now
                )


def _debts(customer: Customer, invoices: Sequence[Invoice]) -> list[RecoveryCase]:
    """What is owed where the merchant is connected, by the age of the invoice: what was given up
    only where Stripe still has it open."""
    created = {invoice.id: invoice.created_at for invoice in invoices}
    owed = (
        customer.cases.filter(status__in=[Status.OPEN, Status.LOST])
        .select_related("merchant__stripe", "customer")
        .order_by("failed_at", "id")
    )
    debts = [
        case
        for case in owed
        if not case.is_elsewhere
        and (case.status == Status.OPEN or case.stripe_invoice_id in created)
    ]
    return sorted(debts, key=lambda case: created.get(case.stripe_invoice_id) or case.failed_at)


def _is_come_for(case: RecoveryCase, *, is_customer_present: bool, now: datetime) -> bool:
    """Whose order wasn't paid may have bought it since, by another payment that nobody can match
    with this one: it is charged to a card only where its buyer set out to pay it, or came back for
    what they owe after they could have been told of it (docs/adr/0009)."""
    if not case.is_one_time or links.were_used(case):
        return True
    return is_customer_present and (case.settles_at is None or case.settles_at <= now)


def _not_ours_to_charge(
    case: RecoveryCase, invoices: Sequence[Invoice], gateway: StripeGateway, *, now: datetime
) -> ChargeResult | None:
    """A refusal for an invoice that isn't charged by itself, and that paying would charge all the
    same. Of those that Stripe lists as failed that is known."""
    if case.is_one_time or case.stripe_invoice_id in {invoice.id for invoice in invoices}:
        return None
    try:
        invoice = gateway.invoice(case.stripe_invoice_id)
    except StripeUnavailableError:
        return ChargeResult(Outcome.UNAVAILABLE)
    except StripeError:
        return None  # the charge will say so
    rule = charge_methods.rule_against(invoice)
    return charge_methods.refuse(case, rule, now=now) if rule else None
