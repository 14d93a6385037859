"""The only place that asks Stripe for money: claim, ask, record."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Q

from recovery import (
    card_history,
    cases,
    checkouts,
    failures,
    operator_tasks,
    recording,
    stripe_gateway,
    timeline,
)
from recovery.charge_facts import ChargeFacts, RetryDriver
from recovery.charge_results import ChargeResult, Outcome
from recovery.charging_rules import Allowed, Refused, Verdict, told_facts, verdicts
from recovery.mechanisms import AttemptTrigger
from recovery.models import DeclineOverride, PaymentAttempt, RecoveryCase
from recovery.operator_tasks import TaskKind
from recovery.state_machine import Status
from recovery.stripe_errors import (
    MissingPermissionError,
    NotConnectedError,
    ObjectMissingError,
    StripeError,
    StripeUnavailableError,
)
from recovery.stripe_gateway import StripeGateway
from recovery.stripe_objects import UNDER_WAY, Charged, PaymentMethod
from recovery.timeline import Kind

__all__ = ["ChargeResult", "Outcome", "charge", "is_under_way"]

# As long as Stripe surely takes to answer: what became of an older claim can be looked up.
CLAIM = timedelta(minutes=2)
# Asked again with the same idempotency key Stripe gives the first answer, or says that it is
# still at it: no dead worker's claim waits longer.
ASKED_AGAIN = timedelta(seconds=40)
# Ends the key of a charge that was asked for while the customer was there: Stripe gives the first
# answer only to the same question.
PRESENT = ":present"
# Stripe may forget a key after a day (docs.stripe.com/api/idempotent_requests): the same question
# might then be a second charge.
KEY_LIVES = timedelta(hours=23)
UNKNOWN_CLAIM = Refused(
    "whether it was charged is not known, and Stripe may no longer remember",
    "docs.stripe.com/api/idempotent_requests",
    needs_person=True,
)


OUTCOMES = {
    PaymentAttempt.State.SUCCEEDED: Outcome.PAID,
    PaymentAttempt.State.FAILED: Outcome.DECLINED,
    PaymentAttempt.State.REQUIRES_ACTION: Outcome.NEEDS_AUTHENTICATION,
    PaymentAttempt.State.CLAIMED: Outcome.PENDING,
    PaymentAttempt.State.PENDING: Outcome.PENDING,
}


@dataclass(frozen=True, slots=True)
class _Asked:
    """Who asks for which debt's money from which payment method, and at which step."""

    case: RecoveryCase
    payment_method_id: str
    trigger: AttemptTrigger
    is_customer_present: bool
    step: str

    @property
    def key(self) -> str:
        """Asked once more, it is the same question and gets the same answer."""
        parts = (self.case.public_id, self.trigger, self.step, self.payment_method_id)
        return ":".join(filter(None, parts))

    def earlier(self) -> PaymentAttempt | None:
        """The latest attempt that answers the question, of this card or of one that a bank has
        renewed since."""
        same = Q(key=self.key) | Q(key__startswith=f"{self.key}:")
        return self.case.attempts.filter(same).order_by("-attempted_at", "-pk").first()


def is_under_way(case: RecoveryCase) -> bool:
    """Whether a bank works on a payment of the debt, for days with some methods. As the rows say
    now; nobody should charge, write or give up meanwhile."""
    return RecoveryCase.objects.filter(
        pk=case.pk, is_payment_under_way=True, status__in=[Status.OPEN, Status.LOST]
    ).exists()


def charge(
    *,
    case: RecoveryCase,
    payment_method_id: str,
    trigger: AttemptTrigger,
    is_customer_present: bool,
    now: datetime,
    step: str = "",
) -> ChargeResult:
    """Ask for the case's money from a payment method, at most once for each `trigger` and `step`,
    if the charging rules allow it.

    Asked twice at once, or again later, the second call tells what became of the first.
    """
    asked = _Asked(case, payment_method_id, trigger, is_customer_present, step)
    if known := _known(asked, now=now):
        return known
    try:
        gateway = stripe_gateway.of_debt(case)
        method = _method(asked, gateway)
    except StripeUnavailableError:
        return _known_of(asked.earlier()) or ChargeResult(Outcome.UNAVAILABLE)
    except StripeError as error:
        return recording.tell_refusal(case, asked.key, str(error), now=now)
    claimed = _claim(asked, method, now=now)
    if isinstance(claimed, ChargeResult):
        return claimed
    if now >= claimed.attempted_at + KEY_LIVES:
        return _look_up(asked, claimed, gateway, now=now)
    return _demand(claimed, gateway, now=now)


def _demand(claimed: PaymentAttempt, gateway: StripeGateway, *, now: datetime) -> ChargeResult:
    try:
        answer = _ask(gateway, claimed.case, claimed)
    except StripeUnavailableError:
        # Whether the charge was made is unknown: the claim stays and is asked again.
        return ChargeResult(Outcome.UNAVAILABLE)
    except (NotConnectedError, MissingPermissionError) as error:
        if claimed.attempted_at < now:  # what the first worker got to is still unknown
            return recording.tell_refusal(claimed.case, claimed.key, str(error), now=now)
        # Stripe looked at the key and no further: with a better one the card can be charged.
        return recording.release(claimed, str(error), now=now)
    except StripeError as error:
        return recording.record_error(claimed, str(error), now=now)
    return recording.record(claimed, answer, gateway=gateway, now=now)


def _known(asked: _Asked, *, now: datetime) -> ChargeResult | None:
    """What can be told without Stripe. A declined card is looked at again: it may be renewed."""
    asked.case.refresh_from_db(fields=["status"])
    if asked.case.status == Status.RECOVERED:
        return ChargeResult(Outcome.ALREADY_PAID)
    if is_under_way(asked.case):
        return ChargeResult(Outcome.PENDING)
    earlier = asked.earlier()
    if earlier is None or earlier.decline or _is_forgotten(earlier, now=now):
        return None
    return _become_of(earlier)


def _is_forgotten(attempt: PaymentAttempt, *, now: datetime) -> bool:
    """Its worker died between asking and recording."""
    is_open = attempt.state == PaymentAttempt.State.CLAIMED
    return is_open and now >= attempt.attempted_at + ASKED_AGAIN


def _method(asked: _Asked, gateway: StripeGateway) -> PaymentMethod:
    """The card as it is now; of one that Stripe doesn't know, the charge will say so. Where
    nothing is owed any more, no card is looked at."""
    bare = PaymentMethod(id=asked.payment_method_id)
    if asked.case.status == Status.VOIDED:
        return bare
    try:
        return replace(gateway.payment_method(bare.id), id=bare.id)
    except ObjectMissingError:
        return bare


@transaction.atomic
def _claim(
    asked: _Asked, method: PaymentMethod, *, now: datetime
) -> PaymentAttempt | ChargeResult:
    case = cases.locked(asked.case)
    if case.status == Status.RECOVERED:
        return ChargeResult(Outcome.ALREADY_PAID)
    if is_under_way(case):  # since the card was looked at
        return ChargeResult(Outcome.PENDING)
    card_history.hold(case, method.card)
    earlier = asked.earlier()
    own = earlier if earlier and _is_forgotten(earlier, now=now) else None
    is_renewed = earlier is not None and method.card.was_renewed_from(
        card_history.as_known(earlier, method.card)
    )
    if earlier and not own and not (earlier.decline and is_renewed):
        return _become_of(earlier)
    facts = _facts(asked, case, method, but=own)
    found = verdicts(facts, now=now)
    if isinstance(found[0], Refused) or found[0].from_at > now:
        return _refuse(asked, found[0], told_facts(facts, found), now=now)
    if own:
        return _ask_again(own, now=now)
    kept = failures.as_kept(method, case=case)
    return _new_claim(asked, kept, is_renewed=is_renewed, now=now)


def _ask_again(attempt: PaymentAttempt, *, now: datetime) -> PaymentAttempt:
    """Who looks up forgotten claims leaves this one alone."""
    attempt.asked_at = now
    attempt.save(update_fields=["asked_at"])
    return attempt


def _facts(
    asked: _Asked, case: RecoveryCase, method: PaymentMethod, *, but: PaymentAttempt | None
) -> ChargeFacts:
    return ChargeFacts(
        status=Status(case.status),
        is_paused=case.is_paused,
        driver=RetryDriver(case.retry_driver),
        next_payment_attempt_at=case.next_payment_attempt_at,
        trigger=asked.trigger,
        is_customer_present=asked.is_customer_present,
        card=method.card,
        amount=case.amount,
        currency=case.currency,
        attempts=card_history.attempts(case, method.card, but=but),
        overrides=DeclineOverride.by_code(case.merchant_id),
        is_given_up=checkouts.is_given_up(case),
    )


def _new_claim(
    asked: _Asked, method: PaymentMethod, *, is_renewed: bool, now: datetime
) -> PaymentAttempt:
    """A renewed card is another card under the same name, so its charge is another question."""
    case = asked.case
    number = f":{method.fingerprint}.{method.expiry}" if is_renewed else ""
    attempt = PaymentAttempt(
        merchant_id=case.merchant_id, case=case, trigger=asked.trigger,
        key=f"{asked.key}{number}{PRESENT if asked.is_customer_present else ''}",
        state=PaymentAttempt.State.CLAIMED, payment_method_id=method.id,
        amount=case.amount, currency=case.currency, attempted_at=now,
    )  # fmt: skip
    failures.name_card(attempt, method, case=case)
    attempt.save()
    return attempt


def _refuse(
    asked: _Asked, verdict: Verdict, told: Mapping[str, Any], *, now: datetime
) -> ChargeResult:
    """`told`: what it was decided from, and what else stands against a charge."""
    if isinstance(verdict, Allowed):
        result = ChargeResult(
            Outcome.NOT_YET, verdict.rule, from_at=verdict.from_at, source=verdict.source,
            is_about_card=verdict.is_about_card,
        )  # fmt: skip
        summary = f"Not charged before {verdict.from_at:%Y-%m-%d %H:%M} UTC: {verdict.rule}."
    else:
        result = ChargeResult(
            Outcome.REFUSED, verdict.rule, needs_person=verdict.needs_person,
            source=verdict.source, is_about_card=verdict.is_about_card,
        )  # fmt: skip
        summary = f"Not charged: {verdict.rule}."
    timeline.append(
        case=asked.case, kind=Kind.ATTEMPT_REFUSED, at=now, summary=summary, facts=told,
        once=f"refused:{asked.key}:{verdict.rule}:{result.from_at or ''}", rule=verdict.rule,
        source=verdict.source,
    )  # fmt: skip
    if result.needs_person:
        operator_tasks.create(
            case=asked.case, kind=TaskKind.CHARGE_REFUSED, summary=summary, once=verdict.rule,
            now=now,
        )  # fmt: skip
    return result


def _look_up(
    asked: _Asked, claimed: PaymentAttempt, gateway: StripeGateway, *, now: datetime
) -> ChargeResult:
    """What became of a claim that can't be asked for again: a bank may take days, and the rest
    is for a person to see."""
    case = asked.case
    intent_id = case.stripe_payment_intent_id
    try:
        if not case.is_one_time:
            intent_id = gateway.invoice(case.stripe_invoice_id).payment_intent_id
        status = gateway.payment_intent(intent_id).status
    except StripeError:
        return ChargeResult(Outcome.UNAVAILABLE)
    if status in UNDER_WAY:
        return recording.record_pending(claimed, now=now)
    if status == "succeeded":
        return recording.record(claimed, Charged("already_paid"), gateway=gateway, now=now)
    return _refuse(asked, UNKNOWN_CLAIM, {"payment_intent": intent_id, "status": status}, now=now)


def _known_of(earlier: PaymentAttempt | None) -> ChargeResult | None:
    is_known = earlier and earlier.state != PaymentAttempt.State.CLAIMED
    return _become_of(earlier) if earlier and is_known else None


def _become_of(earlier: PaymentAttempt) -> ChargeResult:
    if earlier.error:
        return ChargeResult(Outcome.REFUSED, earlier.error, source=recording.STRIPES_ANSWER)
    return ChargeResult(OUTCOMES[PaymentAttempt.State(earlier.state)])


def _ask(gateway: StripeGateway, case: RecoveryCase, attempt: PaymentAttempt) -> Charged:
    pay = gateway.confirm_payment if case.is_one_time else gateway.pay_invoice
    return pay(
        case.debt_id,
        payment_method_id=attempt.payment_method_id,
        key=attempt.key,
        is_customer_present=attempt.key.endswith(PRESENT),
    )
