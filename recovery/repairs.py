"""A new card goes where Stripe would charge the failed one again, before the next renewal does."""

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Q

from recovery import operator_tasks, timeline
from recovery.mechanisms import Mechanism
from recovery.models import Customer, PaymentAttempt, RecoveryCase
from recovery.operator_tasks import TaskKind
from recovery.payment_levels import (
    PERMISSIONS,
    Place,
    of_customer,
    of_invoices,
    of_subscriptions,
)
from recovery.state_machine import Status
from recovery.stripe_errors import (
    MissingPermissionError,
    NotConnectedError,
    StripeError,
    StripeUnavailableError,
)
from recovery.stripe_gateway import StripeGateway
from recovery.stripe_objects import Invoice
from recovery.timeline import Kind

RULE = "the payment method that failed would be charged again"
SOURCE = "docs.stripe.com/billing/subscriptions/payment-methods-setting#payment-method-priority"
# A debt may be paid before all is put right: for days Stripe may not be there to be asked.
JUST_PAID = timedelta(days=7)
ANOTHER_CARD_PAID = (Mechanism.CARD_UPDATE, Mechanism.CUSTOMER_PAID)
NOT_NOW = (StripeUnavailableError, NotConnectedError)  # the key may soon be a better one
FAILED = (PaymentAttempt.State.FAILED, PaymentAttempt.State.REQUIRES_ACTION)


@dataclass
class _Repair:
    """One customer's new payment method on its way to wherever one that failed stands.

    `failed`: the cases that each failed payment method failed on, oldest first.
    """

    new: str
    gateway: StripeGateway
    failed: dict[str, list[RecoveryCase]]
    now: datetime
    is_complete: bool = True

    @property
    def oldest(self) -> RecoveryCase:
        return next(iter(self.failed.values()))[0]

    def read(self, what: str, places: Callable[[], Iterable[Place]]) -> list[Place]:
        """The places that Stripe tells of; none where it doesn't."""
        try:
            return list(places())
        except NOT_NOW:
            self.is_complete = False
        except StripeError as error:
            self.leave_to_a_person(
                self.oldest, once=f"{what}:{self.new}",
                summary=f"See in Stripe whether {what} names a card that failed: {error}",
            )  # fmt: skip
        return []

    def put(self, place: Place) -> None:
        try:
            self.gateway.put_method(place, payment_method_id=self.new)
        except NOT_NOW:
            self.is_complete = False
        except StripeError as error:
            self.leave_to_a_person(
                self.case_of(place), once=f"{place}:{self.new}",
                summary=f"Set the {place} to {self.new} in Stripe: {place.method_id}, which "
                f"failed, would be charged again. {_why(error, place)}",
            )  # fmt: skip
        else:
            timeline.append(
                case=self.case_of(place), kind=Kind.CARD_PUT, at=self.now, rule=RULE,
                source=SOURCE, once=f"put:{place}:{self.new}",
                summary=f"The new card is now the {place}.",
                facts={
                    "level": str(place.level), "object": place.object_id,
                    "before": place.method_id, "now": self.new,
                },
            )  # fmt: skip

    def case_of(self, place: Place) -> RecoveryCase:
        """Where the place's payment method failed: on a debt of that very object, if on one."""
        cases = self.failed[place.method_id]
        own = (
            case for case in cases
            if place.object_id in {case.stripe_subscription_id, case.stripe_invoice_id}
        )  # fmt: skip
        return next(own, cases[0])

    def leave_to_a_person(self, case: RecoveryCase, *, once: str, summary: str) -> None:
        timeline.append(
            case=case, kind=Kind.CARD_NOT_PUT, at=self.now, rule=RULE, source=SOURCE,
            once=f"not put:{once}", summary=summary,
        )  # fmt: skip
        operator_tasks.create(
            case=case, kind=TaskKind.CARD_NOT_PUT, summary=summary, once=once, now=self.now,
            is_shared=True,
        )  # fmt: skip


def repair(
    *,
    customer: Customer,
    payment_method_id: str,
    invoices: Collection[Invoice],
    gateway: StripeGateway,
    now: datetime,
) -> bool:
    """Put a new payment method on each level that names one that failed, so that Stripe's next
    charge is made to it. `invoices` are the customer's open ones.

    A level that names another payment method was set so on purpose and stays. What the merchant's
    key may not do is left to a person. Done twice, the second finds nothing to do. False if Stripe
    couldn't be asked about all of it: to be tried again.
    """
    under_way = _begin(customer, payment_method_id, gateway, now=now)
    if not under_way.failed:
        return True
    id_ = customer.stripe_customer_id
    places = [
        *of_invoices(invoices),
        *under_way.read(
            f"a subscription of {id_}", lambda: of_subscriptions(gateway.subscriptions(id_))
        ),
        *under_way.read(id_, lambda: of_customer(gateway.customer(id_))),
    ]
    for place in places:
        if place.method_id in under_way.failed:
            under_way.put(place)
    return under_way.is_complete


def give_up(
    *, customer: Customer, payment_method_id: str, gateway: StripeGateway, now: datetime
) -> None:
    """For days Stripe could not be asked: a person has to look."""
    under_way = _begin(customer, payment_method_id, gateway, now=now)
    if under_way.failed:
        under_way.leave_to_a_person(
            under_way.oldest, once=f"unasked:{payment_method_id}",
            summary=f"Set {payment_method_id} in Stripe wherever {customer.stripe_customer_id} or "
            "a subscription still names a card that failed: Stripe could not be asked for days.",
        )  # fmt: skip


def _begin(
    customer: Customer, payment_method_id: str, gateway: StripeGateway, *, now: datetime
) -> _Repair:
    return _Repair(payment_method_id, gateway, _failed(customer, payment_method_id, now=now), now)


def _failed(customer: Customer, new: str, *, now: datetime) -> dict[str, list[RecoveryCase]]:
    """What failed on the debts that are owed, or that another card has just paid: with which the
    failed one is as bad as before."""
    just_paid = Q(
        status=Status.RECOVERED, mechanism__in=ANOTHER_CARD_PAID, closed_at__gte=now - JUST_PAID
    )
    cases = customer.cases.filter(Q(status__in=[Status.OPEN, Status.LOST]) | just_paid)
    attempts = (
        PaymentAttempt.objects.filter(case__in=cases, state__in=FAILED, error="")
        .exclude(payment_method_id__in=["", new])
        .select_related("case")
        .order_by("case__failed_at", "case_id", "id")
    )
    found: dict[str, list[RecoveryCase]] = {}
    for attempt in attempts:
        found.setdefault(attempt.payment_method_id, []).append(attempt.case)
    return found


def _why(error: StripeError, place: Place) -> str:
    if not isinstance(error, MissingPermissionError):
        return str(error)
    return str(MissingPermissionError(error.permission or PERMISSIONS[place.level]))
