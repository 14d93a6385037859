"""What becomes known of a case after it opened: the newest fact wins, in any order."""

from datetime import UTC, datetime

from django.db import transaction
from django.db.models import F, Q

from recovery import desk, timeline
from recovery.backoff import pause
from recovery.cases.moves import advance, mechanism
from recovery.cases.rows import attempts, here, locked, overrides
from recovery.charge_facts import RetryDriver
from recovery.declines import UNKNOWN, classify
from recovery.models import Merchant, PaymentAttempt, RecoveryCase
from recovery.state_machine import Status, Trigger
from recovery.stripe_objects import Invoice, PaymentIntent
from recovery.timeline import Kind

BATCH = 50
FAILED = PaymentAttempt.State.FAILED
LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)


@desk.at_desk
def take_over_invoice(*, case: RecoveryCase, invoice: Invoice, at: datetime) -> None:
    """What Stripe said of the invoice at `at`, unless something newer is known."""
    case = locked(case)
    case.stripe_payment_intent_id = case.stripe_payment_intent_id or invoice.payment_intent_id
    case.stripe_subscription_id = case.stripe_subscription_id or invoice.subscription_id
    if not invoice.is_paid:  # else the attempt that went through would count as a failed one
        case.attempt_count = max(case.attempt_count, invoice.attempt_count)
    new, old = invoice.next_payment_attempt_at, case.next_payment_attempt_at
    if (at, new or LONG_AGO) > (case.known_at, old or LONG_AGO):
        case.next_payment_attempt_at = new
        case.known_at = at
        case.invoice_number = invoice.number or case.invoice_number
        if case.person_erased_at is None:
            case.description = invoice.description or case.description
            case.hosted_invoice_url = invoice.hosted_invoice_url or case.hosted_invoice_url
        if case.is_open and invoice.amount_owed:
            case.amount = invoice.amount_owed
    if case.mechanism:
        case.mechanism = mechanism(case, is_out_of_band=case.mechanism == "out_of_band")
    desk.keep(case)


@desk.at_desk
def take_over_payment(*, case: RecoveryCase, intent: PaymentIntent, at: datetime) -> None:
    """What a one-time payment asked for at `at`, unless something newer is known: until it is paid
    its merchant may change that (docs.stripe.com/api/payment_intents/update). Of two amounts of
    one moment the greater counts, in any order."""
    case = locked(case)
    is_its_own = case.is_one_time and intent.id == case.stripe_payment_intent_id
    if not is_its_own or intent.amount <= 0:
        return
    if (at, intent.amount) > (case.known_at, case.amount):
        case.amount, case.currency = intent.amount, intent.currency or case.currency
        case.known_at = at
        desk.keep(case)


@desk.at_desk
def note_paid_before(*, case: RecoveryCase, invoice: Invoice) -> None:
    """What had been paid of an invoice when its charge failed didn't come back; of several
    failures, the least. A paid one tells of after the failure."""
    case = locked(case)
    known, told = case.amount_paid_before, invoice.amount_paid
    if told is None or told < 0 or invoice.is_paid or (known is not None and told >= known):
        return
    came = case.amount_recovered + (known or 0) - told
    if case.amount_recovered and came > 0:  # the payment was heard of before
        case.amount_recovered = came
        case.amount = max(case.amount, came)
    case.amount_paid_before = told
    desk.keep(case)


@desk.at_desk
def note_payment(*, case: RecoveryCase, is_under_way: bool, at: datetime) -> None:
    """Whether a bank was working on a payment at `at`; the newest fact wins, in any order, and of
    two of one moment the end."""
    case = locked(case)
    known = (case.payment_known_at or LONG_AGO, not case.is_payment_under_way)
    if (at, not is_under_way) > known:
        case.is_payment_under_way, case.payment_known_at = is_under_way, at
        desk.keep(case)


@desk.at_desk
def retries_are_ours(*, case: RecoveryCase, now: datetime) -> None:
    """Stripe has confirmed that it won't ask for the money by itself: from now on Recover may."""
    case = locked(case)
    case.retry_driver, case.next_payment_attempt_at = RetryDriver.RECOVER, None
    case.known_at = max(case.known_at, now)
    desk.keep(case)
    timeline.append(
        case=case, kind=Kind.RETRIES_TAKEN_OVER, once="retries taken over", at=now,
        summary="Stripe's own retries are off: Recover asks for the money now.",
    )  # fmt: skip


@transaction.atomic
def claim_to_enrich(*, now: datetime) -> list[RecoveryCase]:
    """Cases for which Stripe is to be asked what their events left out, and nobody else asks."""
    due = RecoveryCase.objects.filter(enrich_at__lte=now)
    batch = list(
        due.select_for_update(skip_locked=True, of=("self",))
        .select_related("merchant__stripe")
        .order_by("enrich_at")[:BATCH]
    )
    for case in batch:
        case.enrich_tries += 1
        case.enrich_at = now + pause(case.enrich_tries)
    RecoveryCase.objects.bulk_update(batch, ["enrich_tries", "enrich_at"])
    return batch


@desk.at_desk
def is_to_be_enriched(*, case: RecoveryCase, at: datetime) -> None:
    """Something is still to be asked of Stripe."""
    case = locked(case)
    case.enrich_at = case.enrich_at or at
    desk.keep(case)


def is_enriched(case: RecoveryCase) -> None:
    """Stripe told, or never will."""
    RecoveryCase.objects.filter(pk=case.pk).update(enrich_at=None)


def is_taken_up(case: RecoveryCase) -> None:
    """A campaign works it from now on."""
    RecoveryCase.objects.filter(pk=case.pk).update(is_taken_up=True)


def to_reconcile(merchant: Merchant, *, before: datetime, most: int) -> list[RecoveryCase]:
    """Open cases of which Stripe hasn't been asked since, the longest unasked first."""
    unasked = Q(reconciled_at=None, opened_at__lte=before) | Q(reconciled_at__lte=before)
    cases = RecoveryCase.objects.of(merchant).filter(unasked, here(), status=Status.OPEN)
    order = F("reconciled_at").asc(nulls_first=True)
    return list(cases.select_related("merchant__stripe").order_by(order, "id")[:most])


def is_reconciled(*, case: RecoveryCase, at: datetime | None) -> None:
    """Stripe was asked at `at` whether the case is still what it was."""
    RecoveryCase.objects.filter(pk=case.pk).update(reconciled_at=at)


@desk.at_desk
def is_paid_by(*, case: RecoveryCase, intent_id: str) -> RecoveryCase:
    """The PaymentIntent is the invoice's own, so what is told of it is told of this case."""
    case = locked(case)
    case.stripe_payment_intent_id = case.stripe_payment_intent_id or intent_id
    desk.keep(case)
    return case


@desk.at_desk
def belongs_to_invoice(*, case: RecoveryCase, now: datetime) -> None:
    """What looked like a one-time payment is an invoice's, which has a case of its own and hears
    why it failed; nothing of it stays here."""
    case = advance(
        case=case, trigger=Trigger.BELONGS_TO_INVOICE, at=case.failed_at, now=now, once="twin"
    )
    case.amount_recovered, case.paid_attempt_count, case.mechanism = 0, 0, ""
    case.decline_type, case.decline_code, case.advice_code = UNKNOWN.decline_type, "", ""
    desk.keep(case)


@desk.at_desk
def project_decline(case: RecoveryCase) -> None:
    """The case shows the decline of its latest failed attempt, as the merchant sees its code."""
    case = locked(case)
    told = [one for one in attempts(case) if one.state == FAILED and one.decline_type]
    latest = max(told, key=lambda one: (one.attempted_at, one.stripe_charge_id), default=None)
    if latest is None:
        return
    case.decline_type = _type_of(latest)
    case.decline_code = latest.decline_code
    case.advice_code = latest.advice_code
    case.payment_method_id = latest.payment_method_id
    case.card_brand = latest.card_brand
    case.card_last4 = latest.card_last4
    desk.keep(case)


def _type_of(attempt: PaymentAttempt) -> str:
    """As it was understood when it failed, or as the merchant has decided since."""
    own = overrides(attempt.merchant_id)
    if attempt.decline is None or attempt.decline_code not in own:
        return attempt.decline_type
    return classify(attempt.decline, own).decline_type
