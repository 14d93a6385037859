"""Where it is forgotten what an event said, it is still known that it came: nothing is done twice,
and a case that opens later is none the worse."""

import json
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from recovery import inbox, retention
from recovery.inbox import PayloadForgottenError
from recovery.models import Merchant, RecoveryCase, StripeEvent
from recovery.stripe_events import Event
from recovery.tasks import process_inbox
from tests.builders import event, make_merchant, post, receive
from tests.local_stripe import LocalStripe
from tests.recovery.stories import KEY, told
from tests.recovery.test_ingest import failed, failing, intent, invoice, paid

pytestmark = pytest.mark.django_db
AGO = timedelta(days=100)


def forget_what_was_told(merchant: Merchant) -> None:
    """A hundred days go by, and with them what all processed events said."""
    now = timezone.now()
    for stored in StripeEvent.objects.all():
        stored.received_at -= AGO
        stored.save()
    gone = retention.forget_payloads(merchant, now=now)
    assert gone == StripeEvent.objects.filter(state="processed").count() > 0


def one(event_id: str) -> dict[str, Any]:
    return {**StripeEvent.objects.filter(stripe_event_id=event_id).values().get()}


# --- the event itself -------------------------------------------------------------------------


def test_it_can_not_be_processed_anew_and_nothing_is_changed() -> None:
    merchant, came = make_merchant(), paid(day=0)
    receive(came)
    forget_what_was_told(merchant)
    before = one(came["id"])

    with pytest.raises(PayloadForgottenError) as refused:
        inbox.replay(StripeEvent.objects.get(), now=timezone.now())

    assert str(refused.value) == (
        f"{came['id']} can't be processed anew: its payload was kept for 100 days, and is gone."
    )
    assert one(came["id"]) == before


def test_stripe_delivering_it_again_changes_nothing() -> None:
    merchant, came = make_merchant(), failed(1, day=0)
    receive(came)
    forget_what_was_told(merchant)
    RecoveryCase.objects.all().delete()
    before = one(came["id"])

    assert post(came).status_code == 200
    process_inbox()

    assert one(came["id"]) == before
    assert RecoveryCase.objects.count() == 0


def test_a_comparison_with_stripe_sees_that_it_is_here() -> None:
    merchant, came, missed = make_merchant(), paid(day=0), paid(day=1)
    receive(came)
    forget_what_was_told(merchant)
    before = one(came["id"])
    listed = {
        each["id"]: (Event.parse(text), text)
        for each in (came, missed)
        for text in [json.dumps(each)]
    }

    found = inbox.store_missing(merchant=merchant, listed=listed, now=timezone.now())

    assert found == [missed["id"]]
    assert one(came["id"]) == before


# --- cases that open later --------------------------------------------------------------------


def test_a_case_opens_and_moves_past_what_is_forgotten() -> None:
    merchant = make_merchant()
    receive(
        event("invoice.updated", invoice()),
        event("customer.updated", {"id": "cus_1", "object": "customer"}),
        event("customer.subscription.updated", {"id": "sub_1", "customer": "cus_1"}),
    )
    forget_what_was_told(merchant)

    receive(failed(1, day=1))
    assert RecoveryCase.objects.get().status == "open"
    receive(paid(day=2))

    case = RecoveryCase.objects.get()
    assert (case.status, case.amount_recovered) == ("recovered", 4900)
    assert set(StripeEvent.objects.values_list("state", "error")) == {("processed", "")}


def test_what_is_not_forgotten_is_told_as_ever() -> None:
    merchant = make_merchant()
    receive(event("invoice.updated", invoice()))
    forget_what_was_told(merchant)
    receive(paid(day=2))

    receive(failed(1, day=1))

    case = RecoveryCase.objects.get()
    assert (case.status, case.amount_recovered) == ("recovered", 4900)


def failed_then_settled(type_: str) -> tuple[dict[str, Any], dict[str, Any]]:
    if type_.startswith("invoice"):
        return failed(1, day=1), event(type_, invoice(status="paid", amount_paid=4900))
    failure = intent(**failing("ch_1", "insufficient_funds"))
    return event("payment_intent.payment_failed", failure), event(type_, intent(status="over"))


@pytest.mark.parametrize("type_", inbox.FINAL)
def test_a_failure_that_is_heard_after_its_settling_is_forgotten_opens_nothing(type_: str) -> None:
    merchant, moss = make_merchant(), make_merchant("Moss")
    failure, settled = failed_then_settled(type_)
    receive(settled, merchant=merchant)
    forget_what_was_told(merchant)

    receive(failure, merchant=merchant)
    assert RecoveryCase.objects.count() == 0
    assert StripeEvent.objects.get(type=failure["type"]).state == "processed"

    # Another merchant's is another's, though it be of the same name.
    receive(failure, merchant=moss)
    assert RecoveryCase.objects.get().merchant == moss


@pytest.mark.parametrize("type_", ["invoice.updated", "invoice.marked_uncollectible"])
def test_a_failure_opens_its_case_where_what_is_forgotten_settled_nothing(type_: str) -> None:
    merchant = make_merchant()
    receive(event(type_, invoice()))
    forget_what_was_told(merchant)

    receive(failed(1, day=1))

    assert RecoveryCase.objects.get().status == "open"


def test_a_case_that_is_known_hears_of_a_failure_though_its_settling_is_forgotten() -> None:
    merchant = make_merchant()
    receive(failed(1, day=0), paid(day=2))
    forget_what_was_told(merchant)

    receive(failed(2, day=1))

    case = RecoveryCase.objects.get()
    assert (case.status, case.attempts.count()) == ("recovered", 2)


def test_where_stripe_can_be_asked_it_says_what_is_forgotten_here(
    local_stripe: LocalStripe, merchant: Merchant
) -> None:
    ids = local_stripe.scenarios.renewal_fails(key=KEY)
    local_stripe.scenarios.pay(invoice=ids["invoice"])
    receive(*told(local_stripe, "invoice.paid"))
    forget_what_was_told(merchant)

    receive(*told(local_stripe, "invoice.payment_failed"))

    case = RecoveryCase.objects.get()
    assert (case.status, case.amount_recovered) == ("recovered", 4900)


def test_a_forgotten_failure_is_nobodys_abandoned_checkout() -> None:
    merchant = make_merchant()
    now = timezone.now()
    receive(event("invoice.payment_failed", invoice(billing_reason="subscription_create")))
    forget_what_was_told(merchant)
    StripeEvent.objects.update(received_at=now)

    assert inbox.failed_invoices(merchant, around=now) == []
    receive(
        event(
            "payment_intent.payment_failed",
            intent(amount=4900, **failing("ch_1", "insufficient_funds")),
        )
    )

    assert RecoveryCase.objects.get().status == "open"
