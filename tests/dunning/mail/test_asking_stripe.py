"""Before each mail Stripe is asked whether the debt is still open."""

from datetime import timedelta

import pytest
from django.core import mail
from django.utils import timezone

from dunning import runs
from dunning.models import DunningMessage, DunningRun
from dunning.tasks import deliver_queued, start_runs, work_due_steps
from recovery import stripe_gateway
from recovery.models import OperatorTask, RecoveryCase
from recovery.stripe_errors import StripeUnavailableError
from tests.connected import KEY, ask, down, fail_again, hear
from tests.dunning.facts import queue
from tests.dunning.mail.sending import deliver_one
from tests.local_stripe import LocalStripe

pytestmark = pytest.mark.django_db(transaction=True)
DAY = timedelta(days=1)


@pytest.fixture
def message(debt: RecoveryCase) -> DunningMessage:
    start_runs()
    work_due_steps()
    return DunningMessage.objects.get()


@pytest.mark.parametrize(
    ("what_happened", "status"),
    [("pay", "recovered"), ("void", "voided"), ("mark_uncollectible", "lost")],
)
def test_what_stripe_closed_a_moment_ago_is_not_written_about(
    local_stripe: LocalStripe, message: DunningMessage, what_happened: str, status: str
) -> None:
    getattr(local_stripe.scenarios, what_happened)(invoice=message.case.stripe_invoice_id)
    deliver_queued()

    message.refresh_from_db()
    assert (message.state, mail.outbox) == ("skipped", [])
    assert message.error == f"the case is {status}"
    assert RecoveryCase.objects.get().status == status
    work_due_steps()
    assert DunningRun.objects.get().state == "stopped"


@pytest.mark.parametrize("is_paid", [True, False])
def test_a_one_time_payment_is_asked_about_too(
    local_stripe: LocalStripe, merchant: object, is_paid: bool
) -> None:
    made = local_stripe.scenarios.one_time_fails(key=KEY)
    hear(local_stripe)
    case = RecoveryCase.objects.get()
    assert case.settles_at
    later = case.settles_at + timedelta(minutes=1)
    message = queue(case, now=later)
    if is_paid:
        ask(
            local_stripe, "POST", f"payment_intents/{made['payment_intent']}/confirm",
            payment_method="pm_card_visa", return_url="http://127.0.0.1/",
        )  # fmt: skip
    deliver_one(message.pk, now=later)

    message.refresh_from_db()
    assert message.state == ("skipped" if is_paid else "sent")
    assert len(mail.outbox) == (0 if is_paid else 1)


def test_while_stripe_cannot_be_asked_the_mail_waits(
    local_stripe: LocalStripe, message: DunningMessage, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = timezone.now()
    with down(local_stripe, monkeypatch):
        deliver_one(message.pk, now=now)

    message.refresh_from_db()
    assert (message.state, message.due_at) == ("queued", now + timedelta(seconds=10))
    assert message.error == "Stripe can't be asked whether the debt is still open."
    assert mail.outbox == []
    deliver_one(message.pk, now=message.due_at)
    assert len(mail.outbox) == 1


def test_a_key_that_may_not_read_invoices_delays_the_mail_and_a_person_is_told(
    local_stripe: LocalStripe, message: DunningMessage
) -> None:
    local_stripe.world.restrict(KEY, missing=["rak_invoice_read"])
    now = timezone.now().replace(hour=8)
    for hours in (0, 1):
        deliver_one(message.pk, now=now + timedelta(hours=hours))

    message.refresh_from_db()
    assert (message.state, message.tries, mail.outbox) == ("queued", 0, [])
    task = OperatorTask.objects.get()
    assert (task.case, task.kind) == (None, "mail_held_up")
    assert task.summary == (
        "No mail goes out to customers: The Stripe key lacks the permission rak_invoice_read. "
        "It waits, and goes once this is put right."
    )


def test_stripe_is_asked_less_and_less_often_and_after_a_day_a_person_is_told(
    message: DunningMessage, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_merchant: object) -> None:
        raise StripeUnavailableError("no answer")

    now = first = message.due_at.replace(hour=8)
    pauses = []
    with monkeypatch.context() as patch:
        patch.setattr(stripe_gateway, "of", fail)
        while now - first < timedelta(days=1):
            assert not OperatorTask.objects.exists()
            deliver_one(message.pk, now=now)
            message.refresh_from_db()
            pauses.append((message.due_at - now) // timedelta(seconds=1))
            now = message.due_at
        deliver_one(message.pk, now=now)

    assert pauses[:10] == [10, 10, 20, 40, 80, 160, 320, 640, 1280, 2560]
    assert pauses[10:12] == [3600, 3600]
    message.refresh_from_db()
    assert (message.state, message.tries) == ("queued", 0)
    assert OperatorTask.objects.get().kind == "mail_held_up"

    deliver_one(message.pk, now=message.due_at)
    message.refresh_from_db()
    assert (message.state, message.tries, message.stale_since) == ("sent", 1, None)


def test_one_debt_that_stripe_refuses_to_tell_of_holds_up_no_other_mail(
    local_stripe: LocalStripe, message: DunningMessage, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(stripe_gateway, "API_VERSION", "no version")
        deliver_queued()

    message.refresh_from_db()
    assert (message.state, mail.outbox) == ("queued", [])
    assert message.due_at > timezone.now()


def test_a_merchant_whose_key_was_taken_back_is_not_written_for_by_what_may_be_old(
    local_stripe: LocalStripe, message: DunningMessage
) -> None:
    local_stripe.world.revoke(KEY)
    deliver_queued()

    message.refresh_from_db()
    assert (message.state, mail.outbox) == ("queued", [])


def test_a_closed_case_is_not_started_though_it_was_listed_as_open(
    local_stripe: LocalStripe, debt: RecoveryCase
) -> None:
    now = timezone.now()
    (listed,) = runs.cases_to_start(now=now)
    local_stripe.scenarios.pay(invoice=debt.stripe_invoice_id)
    hear(local_stripe)
    runs.start(listed, now=now)
    work_due_steps()

    assert not DunningRun.objects.exists()
    assert not DunningMessage.objects.exists()


@pytest.mark.parametrize("is_paid", [True, False])
def test_while_a_bank_works_on_the_payment_the_mail_waits_a_day_at_a_time(
    local_stripe: LocalStripe, message: DunningMessage, is_paid: bool
) -> None:
    intents = local_stripe.world.realm_of(KEY).all("payment_intent")
    [intent] = [one for one in intents if one["status"] != "succeeded"]
    before, intent["status"] = intent["status"], "processing"
    now = timezone.now()
    for days in (0, 1):
        deliver_one(message.pk, now=now + days * DAY)
        message.refresh_from_db()
        assert (message.state, message.due_at) == ("queued", now + (days + 1) * DAY)

    assert mail.outbox == []
    told = message.case.timeline.get(kind="message_moved")
    assert told.summary == "Mail waits: a payment is under way."
    intent["status"] = before
    if is_paid:
        local_stripe.scenarios.pay(invoice=message.case.stripe_invoice_id)
    deliver_one(message.pk, now=now + 2 * DAY)
    message.refresh_from_db()
    assert message.state == ("skipped" if is_paid else "sent")


def test_a_debt_that_is_being_paid_is_not_listed_with_the_others(
    local_stripe: LocalStripe, debt: RecoveryCase
) -> None:
    fail_again(local_stripe, debt)
    hear(local_stripe)
    other = RecoveryCase.objects.exclude(pk=debt.pk).get()
    intent_id = other.stripe_payment_intent_id
    local_stripe.world.realm_of(KEY).get("payment_intent", intent_id)["status"] = "processing"
    now = timezone.now() + DAY

    message = queue(debt, now=now)
    deliver_one(message.pk, now=now)

    message.refresh_from_db()
    assert message.state == "sent"
    assert other.public_id not in message.body_text
    assert not message.also_about.exists()
