"""Charges and payments whose end nobody told: Stripe is asked what became of them."""

from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import F, Q

from recovery import cases, operator_tasks, recording, settling, stripe_gateway
from recovery.attempts import CLAIM, KEY_LIVES
from recovery.batches import apart, pages
from recovery.mechanisms import AttemptTrigger
from recovery.models import PaymentAttempt, RecoveryCase
from recovery.operator_tasks import TaskKind
from recovery.state_machine import Status
from recovery.stripe_errors import StripeError
from recovery.stripe_gateway import StripeGateway
from recovery.stripe_objects import UNDER_WAY, Charged, PaymentIntent

State = PaymentAttempt.State
BATCH = 50
AGAIN = timedelta(minutes=10)
AGAIN_OLD = timedelta(hours=6)
DAILY = timedelta(days=1)
# Between our clock when a charge was claimed and Stripe's when it was made.
EARLIEST, LATEST = timedelta(minutes=1), timedelta(minutes=10)
# No bank takes longer (docs.stripe.com/payments/bank-debits: 14 business days at most).
LONGEST = timedelta(days=21)


@transaction.atomic
def claim(*, now: datetime) -> list[PaymentAttempt]:
    """Our own attempts that nobody works on any more, to be looked up; each again later."""
    claimed = Q(state=State.CLAIMED, attempted_at__lte=now - CLAIM)
    young = claimed & (Q(asked_at=None) | Q(asked_at__lte=now - AGAIN))
    old = Q(attempted_at__lte=now - KEY_LIVES) & (
        Q(asked_at=None) | Q(asked_at__lte=now - AGAIN_OLD)
    )
    due = PaymentAttempt.objects.filter(
        (young & Q(attempted_at__gt=now - KEY_LIVES)) | old, resolved_at=None
    )
    batch = list(
        due.select_for_update(skip_locked=True, of=("self",))
        .select_related("case__merchant__stripe")
        .order_by(F("asked_at").asc(nulls_first=True), "pk")[:BATCH]
    )
    for attempt in batch:
        attempt.asked_at = now
    PaymentAttempt.objects.bulk_update(batch, ["asked_at"])
    return batch


def settle(attempt: PaymentAttempt, *, now: datetime) -> None:
    """Paid, declined, with the bank, or released because Stripe took nothing by it. What can't be
    told while Stripe surely remembers is left to a person."""
    case = attempt.case
    try:
        gateway = stripe_gateway.of_debt(case)
        intent = _intent(case, gateway)
    except StripeError as error:
        _stays_unknown(attempt, str(error), now=now)
        return
    if not _is_of(intent, attempt):
        _release(attempt, now=now)
    elif answer := _answer(intent):
        recording.record(attempt, answer, gateway=gateway, now=now)
    else:
        _stays_unknown(attempt, f"the payment {intent.status}.".replace("_", " "), now=now)


def _stays_unknown(attempt: PaymentAttempt, why: str, *, now: datetime) -> None:
    if now >= attempt.attempted_at + KEY_LIVES:
        operator_tasks.create(
            case=attempt.case, kind=TaskKind.CHARGE_UNRESOLVED, once=attempt.key, now=now,
            summary=f"Whether a charge was made is not known, see in Stripe: {why}",
        )  # fmt: skip


def _intent(case: RecoveryCase, gateway: StripeGateway) -> PaymentIntent:
    """The debt's PaymentIntent now. Raises StripeError."""
    intent_id = case.stripe_payment_intent_id
    if not case.is_one_time:
        intent_id = gateway.invoice(case.stripe_invoice_id).payment_intent_id or intent_id
    return gateway.payment_intent(intent_id)


def _is_of(intent: PaymentIntent, attempt: PaymentAttempt) -> bool:
    """Whether the latest charge is the one that the attempt asked for. An earlier one was made
    before it; a later one is only made where it took nothing."""
    if intent.charged_at is None or intent.charged_method_id != attempt.payment_method_id:
        return False
    last = max(attempt.attempted_at, attempt.asked_at or attempt.attempted_at)
    if not attempt.attempted_at - EARLIEST <= intent.charged_at <= last + LATEST:
        return False
    later = attempt.case.attempts.exclude(trigger=AttemptTrigger.STRIPE).filter(
        payment_method_id=attempt.payment_method_id, attempted_at__gt=attempt.attempted_at,
        attempted_at__lte=intent.charged_at + EARLIEST,
    )  # fmt: skip
    return not later.exists()


def _answer(intent: PaymentIntent) -> Charged | None:
    """As Stripe would have answered."""
    if intent.status == "succeeded":
        return Charged("paid", charge_id=intent.charge_id)
    if intent.status in UNDER_WAY:
        return Charged("pending", charge_id=intent.charge_id)
    if intent.failure:
        return Charged("declined", intent.failure, intent.charge_id)
    return None


@transaction.atomic
def _release(attempt: PaymentAttempt, *, now: datetime) -> None:
    """Unless a worker has asked again meanwhile."""
    cases.locked(attempt.case)
    same = PaymentAttempt.objects.filter(pk=attempt.pk, asked_at=attempt.asked_at)
    if same.filter(resolved_at=None).exists():
        recording.release(attempt, "Stripe took no money by this attempt.", now=now)


def look_after_payments(*, now: datetime) -> None:
    """A bank's answer may never be heard of: Stripe is asked once a day."""
    waiting = RecoveryCase.objects.filter(
        is_payment_under_way=True, status__in=[Status.OPEN, Status.LOST],
        payment_known_at__lte=now - DAILY,
    )  # fmt: skip
    for case in pages(waiting.select_related("merchant__stripe"), size=BATCH):
        with apart(f"Case {case.public_id}", **case.log_ids):
            _look_after(case, now=now)


def _look_after(case: RecoveryCase, *, now: datetime) -> None:
    try:
        settling.settle(case=case, now=now)
    except StripeError:
        if case.payment_known_at and now >= case.payment_known_at + LONGEST:
            cases.note_payment(case=case, is_under_way=False, at=now)
