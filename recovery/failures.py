"""Failed charges that Stripe tells of, each kept once however many events speak of it."""

import sys
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from recovery import cases, desk, timeline
from recovery.declines import Decline, classify
from recovery.mechanisms import AttemptTrigger
from recovery.models import Merchant, PaymentAttempt, RecoveryCase
from recovery.pseudonyms import pseudonym
from recovery.redaction import Redaction
from recovery.stripe_objects import NO_PAYMENT_METHOD, Failure, Invoice, PaymentMethod
from recovery.timeline import Actor, Kind

FAILED = PaymentAttempt.State.FAILED
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


def later_than(failure: Failure, fresh: Invoice | None) -> Failure | None:
    """Stripe's latest try, where it failed and is another one than that which was told of."""
    latest = fresh.failure if fresh else None
    is_another = latest is not None and latest.charge_id not in {"", failure.charge_id}
    return latest if is_another else None


@desk.at_desk
def record(*, case: RecoveryCase, failure: Failure, key: str, at: datetime, now: datetime) -> None:
    """Keep a failed charge with what is known of it. `key` names one that has no charge."""
    cases.note_payment(case=case, is_under_way=False, at=at)
    case = cases.locked(case)
    if failure.charge_id and not _is_ours_to_tell(case, failure.charge_id):
        return
    attempt = _known(case, failure, key=key, at=at)
    is_told = attempt is not None and attempt.resolved_at is not None
    attempt = attempt or _add(case, key=key, at=at)
    _name(attempt, failure, at=at)
    if is_told and not failure.charge_id and not _says_more(failure, attempt):
        return  # told before, and better
    if attempt.state != PaymentAttempt.State.REQUIRES_ACTION:
        fill(attempt, failure, case=case, now=now)
    cases.project_decline(case)
    meaning = classify(failure.decline, cases.overrides(case.merchant_id))
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


def _add(case: RecoveryCase, *, key: str, at: datetime) -> PaymentAttempt:
    attempt = PaymentAttempt(
        merchant_id=case.merchant_id, case=case, trigger=AttemptTrigger.STRIPE, key=key,
        attempted_at=at,
    )  # fmt: skip
    cases.attempts(case).append(desk.add(attempt))
    return attempt


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


def _name(attempt: PaymentAttempt, failure: Failure, *, at: datetime) -> None:
    """Stripe's attempt is known by its charge and happened when it was first told of, whichever
    of the two events came first."""
    if attempt.trigger != AttemptTrigger.STRIPE:
        return
    attempt.key = failure.charge_id or attempt.key
    attempt.attempted_at = min(attempt.attempted_at, at)


def _is_ours_to_tell(case: RecoveryCase, charge_id: str) -> bool:
    """An invoice's own payment may have opened a case while Stripe could not be asked whose it
    is: a charge of both is the invoice's."""
    charged = desk.noted(
        ("charged", case.merchant_id, charge_id),
        lambda: _charged(case.merchant_id, [charge_id])[charge_id],
    )
    if not charged - {case.pk}:
        return True
    if case.is_one_time:
        return False
    elsewhere = PaymentAttempt.objects.of(case.merchant_id).filter(case__in=charged - {case.pk})
    elsewhere.filter(stripe_charge_id=charge_id, trigger=AttemptTrigger.STRIPE).delete()
    return True


def lay_out(merchant: Merchant, charge_ids: Iterable[str]) -> None:
    """Have at the desk which cases know of these charges."""
    noted = desk.here().noted
    for charge_id, cases_ in _charged(merchant.pk, filter(None, charge_ids)).items():
        noted.setdefault(("charged", merchant.pk, charge_id), cases_)


def _charged(merchant_id: int, charge_ids: Iterable[str]) -> dict[str, set[int]]:
    """Ids of the cases that know of each charge."""
    found: dict[str, set[int]] = {charge_id: set() for charge_id in charge_ids}
    told = PaymentAttempt.objects.of(merchant_id).filter(stripe_charge_id__in=list(found))
    for charge_id, case_id in told.values_list("stripe_charge_id", "case") if found else ():
        found[charge_id].add(case_id)
    return found


def _known(
    case: RecoveryCase, failure: Failure, *, key: str, at: datetime
) -> PaymentAttempt | None:
    attempts = sorted(cases.attempts(case), key=_in_order)
    for attempt in attempts:
        if failure.charge_id and attempt.stripe_charge_id == failure.charge_id:
            return attempt
    nearby = (
        attempt
        for attempt in attempts
        if attempt.state != PaymentAttempt.State.SUCCEEDED
        and abs(attempt.attempted_at - at) <= SAME_ATTEMPT
        and not (failure.charge_id and attempt.stripe_charge_id)
    )
    by_key = (attempt for attempt in attempts if attempt.key == key)
    return next(by_key, None) or next(nearby, None) or _pending(attempts, at=at)


def _in_order(attempt: PaymentAttempt) -> tuple[datetime, int]:
    return attempt.attempted_at, attempt.pk or sys.maxsize


def _pending(attempts: Iterable[PaymentAttempt], *, at: datetime) -> PaymentAttempt | None:
    """Our own charge that a bank took days to refuse."""
    waiting = (
        attempt
        for attempt in attempts
        if attempt.state == PaymentAttempt.State.PENDING and attempt.attempted_at <= at
    )
    return next(waiting, None)


@desk.at_desk
def reconsider(*, case: RecoveryCase, decline_code: str) -> None:
    """The merchant's view of a code is no longer the one that earlier failures were counted by."""
    case = cases.locked(case)
    own = cases.overrides(case.merchant_id)
    for attempt in cases.attempts(case):
        is_of_code = attempt.state == FAILED and attempt.decline_code == decline_code
        if is_of_code and attempt.decline is not None:
            attempt.decline_type = classify(attempt.decline, own).decline_type
    cases.project_decline(case)


def forget(case: RecoveryCase) -> None:
    """The failures of a case that another one takes over, which hears of them itself."""
    case.attempts.filter(trigger=AttemptTrigger.STRIPE).delete()


def reason(failure: Failure) -> str:
    return failure.decline.best_code or "no reason known yet"


@desk.at_desk
def redact(case: RecoveryCase, redaction: Redaction) -> None:
    """Of whose card was charged, nothing; which card it was is known by a pseudonym."""
    for attempt in cases.attempts(case):
        attempt.fingerprint = redaction.pseudonym(attempt.fingerprint)
        attempt.key = redaction.key(attempt.key)[:255]
        attempt.card_last4 = attempt.card_expiry = attempt.card_country = ""
        attempt.error = redaction.text(attempt.error)
        desk.keep(attempt)


def as_kept(method: PaymentMethod, *, case: RecoveryCase) -> PaymentMethod:
    """Of an erased person's card it is known which it is, and no more."""
    if case.person_erased_at is None:
        return method
    fingerprint = pseudonym(method.fingerprint, merchant_id=case.merchant_id)
    return replace(method, last4="", expiry="", country="", fingerprint=fingerprint)


def name_card(attempt: PaymentAttempt, method: PaymentMethod, *, case: RecoveryCase) -> None:
    """What is known of the card; a failure that tells less than was known erases nothing."""
    method = as_kept(method, case=case)
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
    name_card(attempt, failure.payment_method, case=case)
    attempt.state = FAILED
    attempt.stripe_charge_id = failure.charge_id or attempt.stripe_charge_id
    attempt.amount = case.amount
    attempt.currency = case.currency
    attempt.decline_type = classify(decline, cases.overrides(case.merchant_id)).decline_type
    attempt.decline_code = decline.best_code or decline.code
    attempt.advice_code = decline.advice_code
    attempt.network_decline_code = decline.network_decline_code
    attempt.network_advice_code = decline.network_advice_code
    attempt.block_reason = decline.block_reason
    attempt.resolved_at = now
    desk.keep(attempt)
