"""Cases that opened while Stripe could not be asked, and what is heard of them later."""

import json
from datetime import datetime, timedelta

import pytest
from django.utils import timezone

from recovery import cases, effects, enrichment
from recovery.models import Merchant, PaymentAttempt, RecoveryCase, StripeEvent
from recovery.stripe_events import Event
from recovery.tasks import enrich_cases, process_inbox
from tests.builders import event, make_merchant, receive
from tests.local_stripe import LocalStripe
from tests.recovery.stories import KEY, at_once, realm, sdk, stripe_is_down, told

pytestmark = pytest.mark.django_db


def opened_in_the_dark(local_stripe: LocalStripe, *types: str) -> RecoveryCase:
    """The case that those events open while Stripe can't be asked."""
    with stripe_is_down(local_stripe):
        receive(*told(local_stripe, *types))
    case = RecoveryCase.objects.get()
    assert case.enrich_at is not None
    return case


def make_due() -> None:
    RecoveryCase.objects.filter(enrich_at__isnull=False).update(enrich_at=timezone.now())


def kinds(case: RecoveryCase) -> list[str]:
    return [entry.kind for entry in case.timeline.order_by("id")]


def renewal_in_the_dark(local_stripe: LocalStripe, reason: str = "expired_card") -> RecoveryCase:
    local_stripe.scenarios.renewal_fails(reason=reason, email="jo@example.com", key=KEY)
    return opened_in_the_dark(local_stripe, "invoice.payment_failed")


def payment_in_the_dark(local_stripe: LocalStripe) -> RecoveryCase:
    local_stripe.scenarios.one_time_fails(reason="lost_card", key=KEY)
    return opened_in_the_dark(local_stripe, "payment_intent.payment_failed")


# --- invoices ---------------------------------------------------------------------------------


def test_an_invoices_case_learns_its_decline_when_stripe_can_be_asked_again(
    local_stripe: LocalStripe, merchant: Merchant
) -> None:
    case = renewal_in_the_dark(local_stripe)
    assert (case.decline_type, case.decline_code) == ("soft", "")

    make_due()
    enrich_cases()

    case.refresh_from_db()
    assert (case.decline_type, case.decline_code) == ("action_required", "expired_card")
    assert (case.enrich_at, case.status) == (None, "open")
    assert case.stripe_payment_intent_id.startswith("pi_")
    assert case.attempts.get().stripe_charge_id.startswith("ch_")
    assert kinds(case)[-1] == "enriched"


@pytest.mark.parametrize(
    ("change", "status", "reason"),
    [
        ("pay", "recovered", "invoice_paid"),
        ("void", "voided", "invoice_voided"),
        ("mark_uncollectible", "lost", "marked_uncollectible"),
    ],
)
def test_an_invoice_that_was_settled_meanwhile_closes_its_case(
    local_stripe: LocalStripe, merchant: Merchant, change: str, status: str, reason: str
) -> None:
    case = renewal_in_the_dark(local_stripe)
    getattr(local_stripe.scenarios, change)(invoice=case.stripe_invoice_id)

    make_due()
    enrich_cases()

    case.refresh_from_db()
    assert (case.status, case.reason, case.enrich_at) == (status, reason, None)


def test_a_case_that_stripe_told_all_of_is_not_asked_for_again(
    local_stripe: LocalStripe, merchant: Merchant
) -> None:
    local_stripe.scenarios.renewal_fails(key=KEY)
    receive(*told(local_stripe, "invoice.payment_failed"))
    assert RecoveryCase.objects.get().enrich_at is None
    local_stripe.requests.clear()

    enrich_cases()

    assert local_stripe.requests == []


def test_a_merchant_without_a_key_has_nothing_to_be_enriched() -> None:
    make_merchant()
    receive(event("invoice.payment_failed", {"id": "in_1", "amount_due": 4900}))
    assert RecoveryCase.objects.get().enrich_at is None


# --- one-time payments ------------------------------------------------------------------------


def test_a_one_time_payments_case_learns_whose_it_is(
    local_stripe: LocalStripe, merchant: Merchant
) -> None:
    local_stripe.scenarios.one_time_fails(reason="lost_card", email="sam@x.org", key=KEY)
    for intent in realm(local_stripe).all("payment_intent"):
        intent["receipt_email"] = None
    [told_of] = told(local_stripe, "payment_intent.payment_failed")
    told_of["data"]["object"]["receipt_email"] = None
    method = told_of["data"]["object"]["last_payment_error"]["payment_method"]
    method["billing_details"] = {}
    with stripe_is_down(local_stripe):
        receive(told_of)
    case = RecoveryCase.objects.get()
    assert case.customer_email == ""

    make_due()
    enrich_cases()

    case = RecoveryCase.objects.get()
    assert (case.customer_email, case.enrich_at) == ("sam@x.org", None)
    assert (case.decline_code, case.attempts.count()) == ("lost_card", 1)


def test_a_one_time_payment_that_names_nobody_is_enriched_all_the_same(
    local_stripe: LocalStripe, merchant: Merchant
) -> None:
    local_stripe.scenarios.one_time_fails(email=None, with_customer=False, key=KEY)
    case = opened_in_the_dark(local_stripe, "payment_intent.payment_failed")
    assert case.customer is None

    make_due()
    enrich_cases()

    case.refresh_from_db()
    assert (case.enrich_at, kinds(case)[-1]) == (None, "enriched")


def test_a_one_time_payment_that_was_canceled_meanwhile_is_voided(
    local_stripe: LocalStripe, merchant: Merchant
) -> None:
    case = payment_in_the_dark(local_stripe)
    sdk(merchant).payment_intents.cancel(case.stripe_payment_intent_id)

    make_due()
    enrich_cases()

    case.refresh_from_db()
    assert (case.status, case.reason) == ("voided", "payment_canceled")


def test_a_one_time_payment_that_succeeded_meanwhile_gets_no_second_failed_attempt(
    local_stripe: LocalStripe, merchant: Merchant
) -> None:
    case = payment_in_the_dark(local_stripe)
    RecoveryCase.objects.update(settles_at=timezone.now() - timedelta(minutes=1))
    sdk(merchant).payment_intents.confirm(
        case.stripe_payment_intent_id, {"payment_method": "pm_card_visa"}
    )

    make_due()
    enrich_cases()

    case.refresh_from_db()
    assert (case.status, case.amount_recovered) == ("recovered", 2500)
    assert [attempt.decline_code for attempt in case.attempts.all()] == ["lost_card"]


@pytest.mark.parametrize("path", ["*/invoice_payments", "*/payment_intents/*", "*/customers/*"])
def test_a_one_time_payment_waits_until_every_question_is_answered(
    local_stripe: LocalStripe, merchant: Merchant, path: str
) -> None:
    case = payment_in_the_dark(local_stripe)
    assert case.customer
    case.customer.email = ""
    case.customer.save()
    local_stripe.faults.add("reset", path=path, times=9)

    make_due()
    enrich_cases()

    case.refresh_from_db()
    assert case.enrich_at is not None
    assert "enriched" not in kinds(case)


# --- an invoice's own payment -----------------------------------------------------------------


def anonymous(local_stripe: LocalStripe) -> dict[str, object]:
    """The failure of an invoice's own payment, as it comes where it names no invoice."""
    [told_of] = told(local_stripe, "payment_intent.payment_failed")
    told_of["data"]["object"].pop("payment_details", None)
    told_of["data"]["object"].pop("invoice", None)
    return told_of


def test_a_case_opened_for_an_invoices_own_payment_is_voided_as_the_invoices(
    local_stripe: LocalStripe, merchant: Merchant
) -> None:
    local_stripe.scenarios.renewal_fails(reason="expired_card", key=KEY)
    with stripe_is_down(local_stripe):
        receive(anonymous(local_stripe))
    case = RecoveryCase.objects.get()
    assert (case.is_one_time, case.status) == (True, "open")

    make_due()
    enrich_cases()

    case.refresh_from_db()
    assert (case.status, case.reason, case.enrich_at) == ("voided", "belongs_to_invoice", None)


@pytest.mark.parametrize("is_voided_first", [True, False])
def test_the_invoices_case_takes_its_charge_over_from_the_case_opened_by_mistake(
    local_stripe: LocalStripe, merchant: Merchant, is_voided_first: bool
) -> None:
    local_stripe.scenarios.renewal_fails(reason="expired_card", key=KEY)
    own = anonymous(local_stripe)
    with stripe_is_down(local_stripe):
        receive(own)
    make_due()
    if is_voided_first:
        enrich_cases()

    receive(*told(local_stripe, "invoice.payment_failed"))
    enrich_cases()
    StripeEvent.objects.update(state="pending", processed_at=None, due_at=timezone.now())
    process_inbox()  # all of it once more

    assert list(StripeEvent.objects.values_list("state", "error")) == [("processed", "")] * 2
    mistaken, real = RecoveryCase.objects.order_by("stripe_invoice_id")
    assert (mistaken.status, mistaken.reason) == ("voided", "belongs_to_invoice")
    assert (real.status, real.decline_code) == ("open", "expired_card")
    assert PaymentAttempt.objects.get().case == real


def test_a_charge_that_is_the_invoices_is_not_told_on_the_case_opened_by_mistake(
    local_stripe: LocalStripe, merchant: Merchant
) -> None:
    local_stripe.scenarios.renewal_fails(reason="expired_card", key=KEY)
    own = anonymous(local_stripe)
    with stripe_is_down(local_stripe):
        receive(own)
    mistaken = RecoveryCase.objects.get()
    receive(*told(local_stripe, "invoice.payment_failed"))

    heard = Event.parse(json.dumps(own))
    effects.apply(case=mistaken, event=heard, now=timezone.now())

    assert mistaken.attempts.count() == 0
    assert PaymentAttempt.objects.count() == 1


def test_an_invoices_own_payment_is_known_by_its_case_even_while_stripe_is_down(
    local_stripe: LocalStripe, merchant: Merchant
) -> None:
    local_stripe.scenarios.renewal_fails(reason="expired_card", key=KEY)
    receive(*told(local_stripe, "invoice.payment_failed"))

    with stripe_is_down(local_stripe):
        receive(anonymous(local_stripe))

    case = RecoveryCase.objects.get()
    assert (case.is_one_time, case.attempts.count()) == (False, 1)


# --- asking again -----------------------------------------------------------------------------


def test_each_try_that_stripe_does_not_answer_is_followed_by_a_longer_pause(
    local_stripe: LocalStripe, merchant: Merchant
) -> None:
    renewal_in_the_dark(local_stripe)
    now = timezone.now()
    pauses = []
    for _try in range(4):
        RecoveryCase.objects.update(enrich_at=now)
        [claimed] = cases.claim_to_enrich(now=now)
        assert claimed.enrich_at
        pauses.append((claimed.enrich_at - now).total_seconds())
    assert pauses == [10, 20, 40, 80]
    assert cases.claim_to_enrich(now=now) == []


def test_the_pause_never_exceeds_six_hours(local_stripe: LocalStripe, merchant: Merchant) -> None:
    renewal_in_the_dark(local_stripe)
    now = timezone.now()
    RecoveryCase.objects.update(enrich_at=now, enrich_tries=18)

    [claimed] = cases.claim_to_enrich(now=now)

    assert claimed.enrich_at == now + timedelta(hours=6)


def test_after_the_last_try_the_case_stands_on_its_event_alone_and_says_so(
    local_stripe: LocalStripe, merchant: Merchant
) -> None:
    case = renewal_in_the_dark(local_stripe)
    RecoveryCase.objects.update(enrich_tries=enrichment.MOST_TRIES - 2)

    with stripe_is_down(local_stripe):
        make_due()
        enrich_cases()
        case.refresh_from_db()
        assert case.enrich_at is not None
        assert "not_enriched" not in kinds(case)
        make_due()
        enrich_cases()

    given_up = RecoveryCase.objects.get()
    assert (given_up.enrich_at, given_up.status, given_up.decline_type) == (None, "open", "soft")
    assert kinds(case)[-1] == "not_enriched"


def test_an_invoice_that_stripe_does_not_know_is_asked_for_until_the_tries_run_out(
    local_stripe: LocalStripe, merchant: Merchant
) -> None:
    receive(event("invoice.payment_failed", {"id": "in_gone", "amount_due": 4900}))
    case = RecoveryCase.objects.get()
    for _try in range(enrichment.MOST_TRIES):
        make_due()
        enrich_cases()

    case.refresh_from_db()
    assert (case.enrich_at, case.enrich_tries, kinds(case)[-1]) == (None, 20, "not_enriched")


def test_a_case_that_cannot_be_enriched_does_not_hold_up_the_others(
    local_stripe: LocalStripe, merchant: Merchant, caplog: pytest.LogCaptureFixture
) -> None:
    poison = renewal_in_the_dark(local_stripe)
    RecoveryCase.objects.update(enrich_at=timezone.now() - timedelta(hours=1))
    local_stripe.scenarios.renewal_fails(reason="lost_card", email="al@example.com", key=KEY)
    with stripe_is_down(local_stripe):
        receive(told(local_stripe, "invoice.payment_failed")[-1])
    realm(local_stripe).tables["invoice"][poison.stripe_invoice_id]["amount_due"] = 2**70
    RecoveryCase.objects.filter(enrich_at__gt=timezone.now()).update(enrich_at=timezone.now())

    enrich_cases()

    sound = RecoveryCase.objects.exclude(pk=poison.pk).get()
    assert (sound.decline_code, sound.enrich_at) == ("lost_card", None)
    poison.refresh_from_db()
    assert poison.enrich_at
    assert poison.enrich_at > timezone.now()
    assert "failed; the others go on" in caplog.text


def test_a_case_that_never_can_be_enriched_is_given_up_too(
    local_stripe: LocalStripe, merchant: Merchant
) -> None:
    poison = renewal_in_the_dark(local_stripe)
    realm(local_stripe).tables["invoice"][poison.stripe_invoice_id]["amount_due"] = 2**70
    RecoveryCase.objects.update(enrich_tries=enrichment.MOST_TRIES - 1)

    make_due()
    enrich_cases()

    poison.refresh_from_db()
    assert poison.enrich_at is None
    assert kinds(poison)[-1] == "not_enriched"


@pytest.mark.django_db(transaction=True)
def test_two_workers_never_ask_for_the_same_case(
    local_stripe: LocalStripe, merchant: Merchant
) -> None:
    now = timezone.now()
    receive(
        *(
            event("invoice.payment_failed", {"id": f"in_{number}", "amount_due": 4900})
            for number in range(6)
        )
    )
    RecoveryCase.objects.update(enrich_at=now)

    def claim() -> list[int]:
        return [case.pk for case in cases.claim_to_enrich(now=datetime.now(now.tzinfo))]

    first, second = at_once(claim, claim)

    assert sorted(first + second) == sorted(RecoveryCase.objects.values_list("pk", flat=True))
