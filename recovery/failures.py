"""Failed charges that Stripe tells of, each kept once however many events speak of it."""

from datetime import datetime, timedelta
from typing import Any

from django.db import transaction

from recovery import cases, timeline
from recovery.declines import Decline, classify
from recovery.mechanisms import AttemptTrigger
from recovery.models import DeclineOverride, PaymentAttempt, RecoveryCase
from recovery.stripe_objects import NO_PAYMENT_METHOD, Failure, Invoice, PaymentMethod
from recovery.timeline import Actor, Kind

# An invoice's failure and its PaymentIntent's are told by two events, seconds apart; two tries
# to charge are hours apart.
SAME_ATTEMPT = timedelta(seconds=60)
NO_REASON = Failure(decline=Decline(), payment_method=PaymentMethod())


def of_invoice(told: Invoice, *, fresh: Invoice | None) -> Failure:
    """Why the try that was `told` of failed. What Stripe says when it is asked, `fresh`, is about
    the latest try: whoever hears late of an earlier one learns nothing of it there."""
    if told.failure and told.failure.charge_id:
        return told.failure
    is_latest = fresh is not None and told.attempt_count in {0, fresh.attempt_count}
    return (fresh.failure if fresh and is_latest else None) or told.failure or NO_REASON


@transaction.atomic
def record(*, case: RecoveryCase, failure: Failure, key: str, at: datetime, now: datetime) -> None:
    """Keep a failed charge with what is known of it. `key` names one that has no charge."""
    cases.note_payment(case=case, is_under_way=False, at=at)
    case = cases.locked(case)
    if failure.charge_id and not _is_ours_to_tell(case, failure.charge_id):
        return
    attempt = _known(case, failure, key=key, at=at) or PaymentAttempt(
        merchant_id=case.merchant_id, case=case, trigger=AttemptTrigger.STRIPE, key=key,
        attempted_at=at,
    )  # fmt: skip
    is_told = attempt.pk is not None and attempt.resolved_at is not None
    _name(attempt, failure, at=at, is_kept=is_told)
    if is_told and not failure.charge_id and not _says_more(failure, attempt):
        return  # told before, and better
    if attempt.state != PaymentAttempt.State.REQUIRES_ACTION:
        fill(attempt, failure, case=case, now=now)
    cases.project_decline(case)
    meaning = classify(failure.decline, DeclineOverride.by_code(case.merchant_id))
    timeline.append(
        case=case,
        kind=Kind.ATTEMPT_FAILED,
        summary=_said(failure),
        once=f"failed:{attempt.key}",
        at=at,
        actor=Actor.STRIPE if attempt.trigger == AttemptTrigger.STRIPE else Actor.RECOVER,
        rule=meaning.rule,
        source=meaning.source,
        facts=facts_of(attempt),
    )


def _said(failure: Failure) -> str:
    if failure.decline == NO_PAYMENT_METHOD.decline:
        return "The payment could not be tried: there is no payment method on file."
    verb = "was declined" if failure.decline.best_code else "failed"
    return f"The payment {verb}: {reason(failure)}."


def facts_of(attempt: PaymentAttempt) -> dict[str, Any]:
    """A failed charge, as the timeline and a merchant's own systems hear of it."""
    names = (
        "trigger", "amount", "currency", "decline_type", "decline_code", "advice_code",
        "card_brand", "card_last4",
    )  # fmt: skip
    return {name: getattr(attempt, name) for name in names}


def _says_more(failure: Failure, attempt: PaymentAttempt) -> bool:
    """An invoice's failure may come without a reason, and the reason without a charge."""
    return bool(failure.decline.best_code) and not attempt.decline_code


def _name(attempt: PaymentAttempt, failure: Failure, *, at: datetime, is_kept: bool) -> None:
    """Stripe's attempt is known by its charge and happened when it was first told of, whichever
    of the two events came first."""
    if attempt.trigger != AttemptTrigger.STRIPE:
        return
    attempt.key = failure.charge_id or attempt.key
    attempt.attempted_at = min(attempt.attempted_at, at)
    if is_kept:
        attempt.save(update_fields=["key", "attempted_at"])


def _is_ours_to_tell(case: RecoveryCase, charge_id: str) -> bool:
    """An invoice's own payment may have opened a case while Stripe could not be asked whose it
    is: a charge of both is the invoice's."""
    elsewhere = PaymentAttempt.objects.of(case.merchant_id).exclude(case=case)
    elsewhere = elsewhere.filter(stripe_charge_id=charge_id)
    if case.is_one_time:
        return not elsewhere.exists()
    elsewhere.filter(trigger=AttemptTrigger.STRIPE).delete()
    return True


def _known(
    case: RecoveryCase, failure: Failure, *, key: str, at: datetime
) -> PaymentAttempt | None:
    attempts = case.attempts.all()
    by_charge = attempts.filter(stripe_charge_id=failure.charge_id) if failure.charge_id else None
    if by_charge is not None and (found := by_charge.first()):
        return found
    nearby = attempts.exclude(state=PaymentAttempt.State.SUCCEEDED).filter(
        attempted_at__gte=at - SAME_ATTEMPT, attempted_at__lte=at + SAME_ATTEMPT
    )
    if failure.charge_id:
        nearby = nearby.filter(stripe_charge_id="")
    by_key = attempts.filter(key=key).first()
    return by_key or nearby.order_by("attempted_at", "id").first() or _pending(case, at=at)


def _pending(case: RecoveryCase, *, at: datetime) -> PaymentAttempt | None:
    """Our own charge that a bank took days to refuse."""
    waiting = case.attempts.filter(state=PaymentAttempt.State.PENDING, attempted_at__lte=at)
    return waiting.order_by("attempted_at", "id").first()


@transaction.atomic
def reconsider(*, case: RecoveryCase, decline_code: str) -> None:
    """The merchant's view of a code is no longer the one that earlier failures were counted by."""
    case = cases.locked(case)
    overrides = DeclineOverride.by_code(case.merchant_id)
    failed = case.attempts.filter(state=PaymentAttempt.State.FAILED, decline_code=decline_code)
    for attempt in failed:
        if attempt.decline is not None:
            attempt.decline_type = classify(attempt.decline, overrides).decline_type
            attempt.save(update_fields=["decline_type"])
    cases.project_decline(case)


def forget(case: RecoveryCase) -> None:
    """The failures of a case that another one takes over, which hears of them itself."""
    case.attempts.filter(trigger=AttemptTrigger.STRIPE).delete()


def reason(failure: Failure) -> str:
    return failure.decline.best_code or "no reason known yet"


def name_card(attempt: PaymentAttempt, method: PaymentMethod) -> None:
    """What is known of the card; a failure that tells less than was known erases nothing."""
    if method.id in {"", attempt.payment_method_id} and not method.fingerprint:
        attempt.card_brand = method.brand or attempt.card_brand
        attempt.card_last4 = method.last4 or attempt.card_last4
        return
    attempt.payment_method_id = method.id or attempt.payment_method_id
    attempt.fingerprint = method.fingerprint
    attempt.card_brand = method.brand
    attempt.card_last4 = method.last4
    attempt.card_expiry = method.expiry
    attempt.card_country = method.country


def fill(attempt: PaymentAttempt, failure: Failure, *, case: RecoveryCase, now: datetime) -> None:
    """Write why a charge failed into its attempt."""
    decline = failure.decline
    name_card(attempt, failure.payment_method)
    attempt.state = PaymentAttempt.State.FAILED
    attempt.stripe_charge_id = failure.charge_id or attempt.stripe_charge_id
    attempt.amount = case.amount
    attempt.currency = case.currency
    attempt.decline_type = classify(
        decline, DeclineOverride.by_code(case.merchant_id)
    ).decline_type
    attempt.decline_code = decline.best_code or decline.code
    attempt.advice_code = decline.advice_code
    attempt.network_decline_code = decline.network_decline_code
    attempt.network_advice_code = decline.network_advice_code
    attempt.block_reason = decline.block_reason
    attempt.resolved_at = now
    attempt.save()
