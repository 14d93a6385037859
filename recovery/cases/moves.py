"""The case moves as the state machine says, and tells the timeline, also if it stays."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self

from recovery import desk, money, timeline
from recovery.cases.rows import attempts, locked
from recovery.mechanisms import AttemptTrigger, Mechanism, PaymentFacts, explain
from recovery.models import Checkout, PaymentAttempt, RecoveryCase
from recovery.state_machine import LADDER, LEADS_TO, Move, Status, Trigger, decide
from recovery.stripe_objects import Invoice, PaymentIntent
from recovery.timeline import Actor, Kind


@dataclass(frozen=True, slots=True)
class Payment:
    """Money that came: all that was paid for the debt in minor units, None where Stripe doesn't
    say, and what tells how it came."""

    amount: int | None
    attempt_count: int = 0
    is_out_of_band: bool = False
    is_through_checkout: bool = False  # of ours

    @classmethod
    def of_invoice(cls, invoice: Invoice) -> Self:
        return cls(invoice.amount_paid, invoice.attempt_count, invoice.is_paid_out_of_band)

    @classmethod
    def of_intent(cls, intent: PaymentIntent, *, is_through_checkout: bool = False) -> Self:
        return cls(intent.amount_received, is_through_checkout=is_through_checkout)

    def came_on(self, case: RecoveryCase) -> int:
        """What of it came back: not what had been paid before the charge failed. 0 is an answer;
        all that was owed where Stripe doesn't say, or doesn't count what came out of band."""
        before = case.amount_paid_before or 0
        if self.amount is None or (self.is_out_of_band and self.amount <= before):
            return case.amount
        return self.amount - before


@desk.at_desk
def advance(
    *,
    case: RecoveryCase,
    trigger: Trigger,
    at: datetime,
    now: datetime,
    once: str,
    actor: str = Actor.STRIPE,
    payment: Payment | None = None,
    facts: Mapping[str, Any] | None = None,
) -> RecoveryCase:
    """Move the case as the state machine says, and tell the timeline, also if it stays.

    `at` is when it happened, by Stripe's clock; `payment` goes with a trigger that money came.
    """
    case = locked(case)
    decision = decide(status=Status(case.status), trigger=trigger, reason=case.reason)
    kind = Kind.MOVED if isinstance(decision, Move) else Kind.STAYED
    _note_time(case, trigger, at=min(at, now))
    if isinstance(decision, Move):
        case.status, case.reason = decision.to, decision.reason
        case.is_paused, case.paused_until = False, None  # a pause is of what goes on
        _receive(case, payment)
    elif case.status == Status.VOIDED and not _is_all_told(case):
        # That the money went back, or was never owed, may be heard before that it came.
        _receive(case, payment)
    desk.keep(case)
    told = f"the case is {case.status}" if isinstance(decision, Move) else decision.why
    timeline.append(
        case=case, kind=kind, summary=f"{trigger.replace('_', ' ').capitalize()}: {told}.",
        once=f"{trigger}:{once}", at=now, actor=actor, rule=_rule(trigger),
        facts=facts,
    )  # fmt: skip
    return case


def _note_time(case: RecoveryCase, trigger: Trigger, *, at: datetime) -> None:
    """A case closed when it was first as it is, whatever says better later why: a loss of January
    stays January's. `at` isn't to come, though a test clock of Stripe's may be weeks ahead."""
    status = Status(case.status)
    if LADDER.index(LEADS_TO[trigger]) > LADDER.index(status):
        case.closed_at = at
    elif LEADS_TO[trigger] is status and case.closed_at:
        case.closed_at = min(case.closed_at, at)


def is_written_off(case: RecoveryCase) -> bool:
    """Its invoice was marked uncollectible, whatever else closed the case: Stripe charges no card
    for it any more ("You can only pass in open invoices")."""
    if case.status != Status.LOST or case.is_one_time:
        return False
    if case.reason != Trigger.SUBSCRIPTION_CANCELED:  # the reason that goes before that one
        return case.reason == Trigger.MARKED_UNCOLLECTIBLE
    return case.timeline.filter(rule=_rule(Trigger.MARKED_UNCOLLECTIBLE)).exists()


def _rule(trigger: Trigger) -> str:
    return f"state machine: {trigger}"


@desk.at_desk
def pay(
    *,
    case: RecoveryCase,
    trigger: Trigger,
    payment: Payment,
    at: datetime,
    now: datetime,
    once: str,
) -> RecoveryCase:
    """The debt is settled: recovered, unless there was nothing left to pay or the buyer was
    still typing. Who came to our Checkout wasn't."""
    case = locked(case)
    if payment.came_on(case) <= 0:
        return advance(case=case, trigger=Trigger.NOTHING_DUE, at=at, now=now, once=once)
    if case.settles_at and at <= case.settles_at and not payment.is_through_checkout:
        trigger = Trigger.PAID_WHILE_SETTLING
    return advance(case=case, trigger=trigger, at=at, now=now, once=once, payment=payment)


@desk.at_desk
def lose_subscription(*, case: RecoveryCase, at: datetime, now: datetime, once: str) -> None:
    """It was canceled at `at`. What failed only after that, as a last invoice may, is still owed:
    the contract gives up what was open."""
    case = locked(case)
    if at >= case.failed_at:
        advance(
            case=case, trigger=Trigger.SUBSCRIPTION_CANCELED, at=at, now=now, once=once
        )  # fmt: skip


@desk.at_desk
def refund(*, case: RecoveryCase, amount: int, at: datetime, now: datetime, once: str) -> None:
    """Part of the money went back, `amount` in all; the figures count what stayed."""
    case = locked(case)
    case.amount_refunded = max(case.amount_refunded, amount)
    desk.keep(case)
    told = f"{money.major(amount, case.currency)} {case.currency.upper()}"
    timeline.append(
        case=case, kind=Kind.REFUND, summary=f"{told} of the payment went back in all.", at=now,
        once=f"refund:{once}", actor=Actor.STRIPE, facts={"amount": amount, "at": at.isoformat()},
    )  # fmt: skip


@desk.at_desk
def hear_of_money_back(case: RecoveryCase) -> None:
    """What went back whole changed nothing while the payment itself counted for nothing."""
    for trigger in (Trigger.REFUNDED, Trigger.DISPUTED):
        for told in case.timeline.filter(rule=_rule(trigger), facts__has_key="at").order_by("id"):
            advance(
                case=case, trigger=trigger, at=datetime.fromisoformat(told.facts["at"]),
                now=told.at, once=told.once.partition(":")[2],
            )  # fmt: skip


def _is_all_told(case: RecoveryCase) -> bool:
    return bool(case.amount_recovered) or case.reason == Trigger.BELONGS_TO_INVOICE


def _receive(case: RecoveryCase, payment: Payment | None) -> None:
    if payment is not None:
        case.amount_recovered = payment.came_on(case)
        case.amount = max(case.amount, case.amount_recovered)  # a part may have come before
        case.paid_attempt_count = payment.attempt_count
        case.mechanism = mechanism(case, is_out_of_band=payment.is_out_of_band)


@desk.at_desk
def explain_again(case: RecoveryCase) -> None:
    """What became of our own attempts may be learnt after the money came."""
    case = locked(case)
    if case.mechanism:
        case.mechanism = mechanism(case, is_out_of_band=case.mechanism == Mechanism.OUT_OF_BAND)
        desk.keep(case)


def mechanism(case: RecoveryCase, *, is_out_of_band: bool) -> str:
    """A claim explains nothing: whether Stripe was asked isn't known. A customer's own card that
    the bank asked about may have been confirmed since."""
    return explain(
        PaymentFacts(
            is_out_of_band=is_out_of_band,
            is_through_checkout=_is_through_checkout(case),
            is_one_time=case.is_one_time,
            our_attempts=frozenset(
                AttemptTrigger(one.trigger) for one in attempts(case) if _may_explain(one)
            ),
            attempt_count_when_failed=case.attempt_count,
            attempt_count_when_paid=case.paid_attempt_count,
        )
    )


def _may_explain(attempt: PaymentAttempt) -> bool:
    if attempt.trigger == AttemptTrigger.STRIPE:
        return False
    if attempt.state == PaymentAttempt.State.REQUIRES_ACTION:
        return attempt.trigger == AttemptTrigger.CUSTOMER
    return attempt.state in {PaymentAttempt.State.SUCCEEDED, PaymentAttempt.State.PENDING}


def _is_through_checkout(case: RecoveryCase) -> bool:
    return bool(case.pk) and case.checkouts.filter(state=Checkout.State.PAID).exists()
