"""The one writer of Checkouts: claimed, made, handed out, paid or closed (docs/adr/0009)."""

from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Q

from recovery import cases, timeline
from recovery.models import Checkout, Merchant, RecoveryCase
from recovery.state_machine import Status
from recovery.timeline import Kind

State = Checkout.State
LIVE = [State.CLAIMED, State.OPEN]
UNENDED = [*LIVE, State.REPLACED]
PAYABLE = {Status.OPEN, Status.LOST}
# Stripe's least is half an hour after the session was made, by its own clock
# (docs.stripe.com/api/checkout/sessions/create#create_checkout_session-expires_at).
LIVES = timedelta(minutes=35)
CLAIM = timedelta(minutes=10)  # a worker that takes longer is dead
AFTERWARDS = timedelta(minutes=1)  # to learn how a session ended, if no event told
AGAIN = timedelta(minutes=10)
DAILY = timedelta(days=1)
BATCH = 50


class NotPayableError(Exception):
    """There is nothing to pay: the debt is settled, or a bank works on a payment of it."""

    def __init__(self) -> None:
        super().__init__("there was nothing to pay any more")


# --- from the click to Stripe's page ----------------------------------------------------------


@transaction.atomic
def claim(*, case: RecoveryCase, now: datetime) -> Checkout:
    """A new checkout of the case; those that are `replaced` by it are yet to be ended at Stripe.
    Raises NotPayableError."""
    case = cases.locked(case)
    if case.status not in PAYABLE or case.is_payment_under_way or is_paid(case):
        raise NotPayableError
    live = Checkout.objects.filter(case=case, state__in=LIVE)
    # Without a session it has no address; if its worker still makes one, it finds itself closed.
    live.filter(session_id="").update(
        state=State.CLOSED, closed_at=now, due_at=None, reason="the customer set out anew"
    )
    live.update(state=State.REPLACED, due_at=now + CLAIM)
    return Checkout.objects.create(
        merchant_id=case.merchant_id, case=case, created_at=now, expires_at=now + LIVES,
        due_at=now + CLAIM, canceled_at=superseded_at(case),
    )  # fmt: skip


def replaced(case: RecoveryCase) -> list[Checkout]:
    """Where the case may still be paid, though the customer has set out anew."""
    return list(case.checkouts.filter(state=State.REPLACED).order_by("pk"))


@transaction.atomic
def made(checkout: Checkout, *, session_id: str, now: datetime) -> bool:
    """Stripe made the session, and is about to be asked to cancel the failed payment: from now on
    nobody charges that one. False where the checkout was closed meanwhile."""
    cases.locked(checkout.case)
    checkout.session_id = session_id
    asked_at = None if checkout.canceled_at else now
    found = Checkout.objects.filter(pk=checkout.pk, state=State.CLAIMED)
    if not found.update(session_id=session_id, cancel_asked_at=asked_at):
        return False
    checkout.cancel_asked_at = asked_at
    return True


def canceled(checkout: Checkout, *, now: datetime) -> None:
    """Stripe says that the failed payment can't be paid any more."""
    checkout.canceled_at = now
    checkout.save(update_fields=["canceled_at"])
    timeline.append(
        case=checkout.case, kind=Kind.PAYMENT_SUPERSEDED, once="superseded", at=now,
        summary="The failed payment was canceled in Stripe: it is paid at Stripe's Checkout now.",
    )  # fmt: skip


def not_canceled(checkout: Checkout) -> None:
    """The failed payment can still be paid, and may be charged again, unless another click is
    about to have it canceled."""
    asked = Checkout.objects.filter(
        Q(pk=checkout.pk) | ~Q(state=State.CLAIMED), case=checkout.case
    )
    asked.update(cancel_asked_at=None)


@transaction.atomic
def hand_out(checkout: Checkout) -> bool:
    """The customer is sent to Stripe's page. False where another click took its place meanwhile,
    or there is nothing left to pay."""
    case = cases.locked(checkout.case)
    found = Checkout.objects.filter(pk=checkout.pk, state=State.CLAIMED)
    due_at = checkout.expires_at + AFTERWARDS
    is_only_place = case.status in PAYABLE and not replaced(case)
    return is_only_place and bool(found.update(state=State.OPEN, due_at=due_at))


def close(checkout: Checkout, *, why: str, now: datetime) -> None:
    """Nobody can pay there any more, or ever could. What was paid there meanwhile stays paid."""
    found = Checkout.objects.filter(pk=checkout.pk, state__in=UNENDED)
    found.update(state=State.CLOSED, closed_at=now, due_at=None, reason=why[:200])


# --- what is told of its payment --------------------------------------------------------------


def named(merchant: Merchant, name: str, *, intent_id: str) -> Checkout | None:
    """The checkout that a PaymentIntent names as its own, if it is that of no other: a copy of its
    metadata proves nothing."""
    found = Checkout.objects.of(merchant).filter(
        Q(payment_intent_id="") | Q(payment_intent_id=intent_id), public_id=name
    )
    return found.select_related("case__merchant__stripe").first()


def learn_payment(checkout: Checkout, intent_id: str) -> bool:
    """The customer tried to pay by that PaymentIntent; whether this is news."""
    found = Checkout.objects.filter(pk=checkout.pk, payment_intent_id="")
    return bool(found.update(payment_intent_id=intent_id))


def pay(*, case: RecoveryCase, intent_id: str, now: datetime) -> bool:
    """A payment of the case came; whether through one of its checkouts."""
    found = Checkout.objects.filter(case=case, payment_intent_id=intent_id)
    found.exclude(state=State.PAID).update(
        state=State.PAID, closed_at=now, due_at=None, reason="paid"
    )
    return found.exists()


# --- what is known ----------------------------------------------------------------------------


def is_paid(case: RecoveryCase) -> bool:
    return case.checkouts.filter(state=State.PAID).exists()


def is_given_up(case: RecoveryCase) -> bool:
    """Whether Stripe was asked to cancel the failed payment: nobody should charge it, and that it
    is canceled doesn't mean that nothing is owed."""
    return case.checkouts.exclude(cancel_asked_at=None, canceled_at=None).exists()


def superseded_at(case: RecoveryCase) -> datetime | None:
    """Since when the failed payment is canceled for sure."""
    told = case.checkouts.exclude(canceled_at=None).order_by("canceled_at")
    return told.values_list("canceled_at", flat=True).first()


def to_ask_about(case: RecoveryCase) -> Checkout | None:
    """The one by which the case is paid, if it is: the latest where anything may have happened."""
    found = case.checkouts.filter(
        Q(state__in=[State.OPEN, State.REPLACED]) | ~Q(payment_intent_id="")
    )
    return found.order_by("-pk").first()


# --- looking after them -----------------------------------------------------------------------


@transaction.atomic
def claim_due(*, now: datetime) -> list[Checkout]:
    """Checkouts that should have ended, and that nobody else looks at now."""
    due = Checkout.objects.filter(due_at__lte=now)
    batch = list(
        due.select_for_update(skip_locked=True, of=("self",))
        .select_related("case__merchant__stripe")
        .order_by("due_at", "pk")[:BATCH]
    )
    for checkout in batch:
        checkout.due_at = now + AGAIN
    Checkout.objects.bulk_update(batch, ["due_at"])
    return batch


def look_tomorrow(checkout: Checkout, *, now: datetime) -> None:
    """A bank takes days."""
    Checkout.objects.filter(pk=checkout.pk, state__in=UNENDED).update(due_at=now + DAILY)
