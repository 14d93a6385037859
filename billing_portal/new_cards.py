"""A customer has a new card and may never come back to us: the webhook told, a worker acts."""

from datetime import datetime, timedelta

from billing_portal import collection
from recovery import attempts, customers, operator_tasks, repairs, stripe_gateway, timeline
from recovery.charge_results import UNDECIDED
from recovery.models import Customer, PaymentAttempt, RecoveryCase
from recovery.operator_tasks import TaskKind
from recovery.state_machine import Status
from recovery.stripe_errors import NotConnectedError
from recovery.stripe_gateway import StripeGateway
from recovery.timeline import Kind

GIVEN_UP_AFTER = timedelta(days=3)
UNDER_WAY = timedelta(days=1)  # a direct debit takes several
PAUSED = timedelta(minutes=10)
# While other debts aren't paused; longer than mail about them waits for a new card.
PARTLY_PAUSED = timedelta(hours=2)


def take_up(customer: Customer, *, now: datetime) -> None:
    """Put the new card where the failed one stands, and charge it. It is kept until that is done
    and all that is open was charged or refused, or nobody could be asked for days."""
    try:
        gateway = stripe_gateway.of(customer.merchant)
    except NotConnectedError:
        customers.new_card_was_handled(customer)
        return
    debts = customer.cases.filter(status=Status.OPEN)
    is_paused = debts.filter(is_paused=True).exists()
    if is_paused and not debts.filter(is_paused=False).exists():
        collection.prepare(
            customer=customer, payment_method_id=customer.new_payment_method_id,
            gateway=gateway, now=now,
        )  # fmt: skip
        customers.new_card_waits(customer, until=now + PAUSED)
        return
    _collect(customer, gateway, is_paused=is_paused, now=now)


def _collect(
    customer: Customer, gateway: StripeGateway, *, is_paused: bool, now: datetime
) -> None:
    collected = collection.collect(
        customer=customer, payment_method_id=customer.new_payment_method_id,
        is_customer_present=False, gateway=gateway, now=now,
    )  # fmt: skip
    results = [charge.result for charge in collected.charges]
    waits = [result.from_at for result in results if result.from_at]
    undecided = [one.case for one in collected.charges if one.result.outcome in UNDECIDED]
    under_way = [case for case in undecided if attempts.is_under_way(case)]
    unknown = [case for case in undecided if case not in under_way]
    is_open = bool(unknown) or not collected.is_repaired
    if is_open and now < (customer.new_payment_method_at or now) + GIVEN_UP_AFTER:
        return
    for case in unknown:
        _give_up(case, customer.new_payment_method_id, now=now)
    if not collected.is_repaired:
        repairs.give_up(
            customer=customer, payment_method_id=customer.new_payment_method_id,
            gateway=gateway, now=now,
        )  # fmt: skip
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
