"""What users of other systems complain of, and what is impossible here: mails."""

from datetime import timedelta

import pytest
from django.core import mail
from django.test import Client
from pytest_django import Settings as SettingsWrapper

from billing_portal.discretion import indiscretion
from dunning.mail import handover
from dunning.models import DunningMessage, SuppressedAddress
from dunning.tasks import deliver_queued, work_due_steps
from recovery.models import Merchant, RecoveryCase
from tests.connected import KEY, ask
from tests.dunning.mail_providers import listening
from tests.dunning.own_campaigns import DAY, published, step
from tests.journeys.scene import (
    ADD_A_CARD,
    FAILED,
    LAST,
    NAME,
    ONE_MORE_STEP,
    REMINDER,
    Scene,
    link_in,
    scene,
    status,
    told,
    words,
)

__all__ = ["scene"]  # a fixture

pytestmark = pytest.mark.django_db(transaction=True)
FOUR_WEEKS = [(1, FAILED), (4, REMINDER), (10, REMINDER), (18, REMINDER), (27, LAST)]


def test_an_event_that_is_delivered_again_sends_no_second_mail(scene: Scene) -> None:
    """woocommerce-gateway-stripe #627, #1229; pay #612: two mails for one failure."""
    scene.fails("expired_card")
    for is_reversed in (False, True):
        scene.tells_again(in_reverse=is_reversed)
        scene.live(minutes=30)

    assert scene.mails() == [(0.0, ONE_MORE_STEP)]


def test_a_customer_with_two_addresses_is_not_written_to_at_both(scene: Scene) -> None:
    """woocommerce-gateway-stripe #1460: with two addresses the mail goes out twice."""
    case = scene.fails()
    scene.live(hours=1)
    assert case.customer
    ask(scene.stripe, "POST", f"customers/{case.customer.stripe_customer_id}",
        email="new@example.com")  # fmt: skip
    scene.live(days=1)

    case.customer.refresh_from_db()
    assert case.customer.alternate_email == "jo@example.com"
    assert [message.to for message in mail.outbox] == [["new@example.com"]]


def test_a_retry_that_fails_writes_to_nobody(scene: Scene) -> None:
    """mozilla/fxa #8329, #8331; lago (lack): a mail for each attempt."""
    case = scene.fails()
    scene.live(days=17)

    assert scene.charges(case, "stripe") == [0, 1, 4, 9, 16]
    assert scene.mails() == FOUR_WEEKS[:3]


def test_a_customer_is_not_written_to_once_per_invoice(scene: Scene) -> None:
    """restrict-content-pro #360: unpaid invoices pile up, each with mails of its own."""
    first = scene.fails("expired_card")
    scene.live(hours=12)
    for _again in range(2):
        scene.stripe.scenarios.renews(subscription=first.stripe_subscription_id, key=scene.key)
    scene.live(days=2)

    assert scene.mails() == [
        (0.0, ONE_MORE_STEP),
        (0.5, ONE_MORE_STEP),
        (2.5, f"A reminder: $147.00 for {NAME} is still open"),
    ]
    for message in DunningMessage.objects.filter(state="sent").order_by("sent_at")[1:]:
        assert {message.case, *message.also_about.all()} == set(RecoveryCase.objects.all())


CLOSES = {
    "paid": ("recovered", "invoice_paid"),
    "voided": ("voided", "invoice_voided"),
    "written off": ("lost", "marked_uncollectible"),
    "canceled": ("lost", "subscription_canceled"),
}


def close(scene: Scene, case: RecoveryCase, how: str) -> None:
    scenarios, invoice = scene.stripe.scenarios, case.stripe_invoice_id
    if how == "paid":
        scenarios.pay(invoice=invoice)
    elif how == "voided":
        scenarios.void(invoice=invoice)
    elif how == "written off":
        scenarios.mark_uncollectible(invoice=invoice)
    else:
        scenarios.cancel(subscription=case.stripe_subscription_id)


@pytest.mark.parametrize("how", CLOSES)
def test_no_mail_follows_a_close_not_even_one_that_was_queued(scene: Scene, how: str) -> None:
    """polar #7168; recurly-client-php #222; breatheco #9446: mails about what is paid or ended."""
    case = scene.fails()
    scene.move_to(scene.now + DAY)
    work_due_steps()
    assert DunningMessage.objects.get(case=case).state == "queued"
    close(scene, case, how)
    scene.live(days=20)

    assert (status(case), scene.mails()) == (CLOSES[how], [])
    assert told(case, "message_not_sent") == [f"Not sent: the case is {CLOSES[how][0]}."]


def test_a_payment_that_no_event_told_of_is_not_reminded_of(scene: Scene) -> None:
    """polar #9084: one mail says that it went through, another that it failed."""
    case = scene.fails()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("recovery.tasks.process", lambda _event: None)
        scene.stripe.scenarios.pay(invoice=case.stripe_invoice_id)
        scene.live(days=1)

    assert scene.mails() == []
    assert status(case) == ("recovered", "invoice_paid")


def test_an_overdue_payment_is_not_told_as_a_cancellation(scene: Scene) -> None:
    """polar #6133: a past-due subscription is told that it was canceled."""
    scene.fails("expired_card")
    scene.live(days=7)

    assert len(mail.outbox) == 3
    for message in mail.outbox:
        assert "cancel" not in words(message).lower()


def test_a_customer_reads_their_own_language_only(scene: Scene) -> None:
    """picpeak #760: mails in the wrong language."""
    ids = scene.stripe.scenarios.subscriber(email="jo@example.com", key=scene.key, interval="year")
    ask(scene.stripe, "POST", f"customers/{ids['customer']}", **{"preferred_locales[0]": "fr-CA"})
    scene.stripe.scenarios.set_outcome(payment_method=ids["payment_method"], reason="expired_card")
    case = scene.renews(ids["subscription"])
    scene.live(days=3)

    sent = list(DunningMessage.objects.filter(case=case).values_list("language", flat=True))
    assert sent == ["fr", "fr"]
    for message in mail.outbox:
        assert "paiement" in words(message).lower()
        assert "payment" not in str(message.body).lower().replace("payment_update", "")


def test_nobody_hears_of_the_failure_only_when_the_retries_are_used_up(scene: Scene) -> None:
    """scalekit-inc/org-brain-workshop #15: the customer is told when it is too late."""
    case = scene.fails()
    scene.live(days=2)

    assert scene.mails() == [(1.0, FAILED)]
    case.refresh_from_db()
    assert case.next_payment_attempt_at is not None
    assert case.is_open


def test_reminders_do_not_repeat_the_first_mail(scene: Scene) -> None:
    """pay #681, #684; lago (lack); lago canny "send-reminders-for-overdue-invoices": one mail, and
    no reminders that go further."""
    scene.fails()
    scene.live(days=30)

    assert scene.mails() == FOUR_WEEKS


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("insufficient_funds", "enough money"),
        ("expired_card", "expired"),
        ("incorrect_cvc", "code"),
    ],
)
def test_no_customer_is_left_without_the_reason(scene: Scene, code: str, reason: str) -> None:
    """openfoodnetwork #7336; polar #5420; ServiceStack/Stripe #35: why did it fail?"""
    published(scene.merchant, step("email", template="failed"))
    published(scene.merchant, step("email", template="action"), default_for="action_required")
    scene.fails(code)
    scene.live(days=5)

    assert reason in str(mail.outbox[0].body)


def test_no_merchant_is_left_without_the_code(scene: Scene) -> None:
    """openfoodnetwork #7335; Subscribie #946, #1245; control-center #4319: of two failures for one
    reason, only one shows it."""
    cases = [scene.fails("insufficient_funds", email=f"{name}@example.com") for name in "ab"]

    for case in cases:
        assert told(case, "attempt_failed") == ["The payment was declined: insufficient_funds."]
        failed = case.timeline.get(kind="attempt_failed")
        assert failed.facts["decline_code"] == "insufficient_funds"


def test_who_has_no_card_on_file_is_not_told_that_one_was_declined(scene: Scene) -> None:
    """polar #9810: without any payment method the customer reads that the card was declined."""
    ids = scene.stripe.scenarios.subscriber(
        email="jo@example.com", name="Jo", key=KEY, interval="year"
    )
    ask(scene.stripe, "POST", f"payment_methods/{ids['payment_method']}/detach")
    case = scene.renews(ids["subscription"])

    assert (case.decline_type, case.decline_code) == ("hard", "no_payment_method")
    [message] = mail.outbox
    assert message.subject == f"Please add a card for {NAME}"
    assert "There is no payment method on file." in words(message)
    page = Client().get(link_in(message)).content.decode()
    assert "There is no payment method on file." in page
    history = [entry.summary for entry in case.timeline.order_by("id")]
    assert "The payment could not be tried: there is no payment method on file." in history
    for text in (words(message), page, *history):
        assert "declined" not in text.lower()
        assert "another card" not in text

    scene.has_new_card(case)
    scene.settle()
    assert status(case) == ("recovered", "invoice_paid")


@pytest.mark.parametrize("code", ["lost_card", "stolen_card", "fraudulent", "pickup_card"])
def test_no_mail_says_lost_stolen_or_fraud(scene: Scene, code: str) -> None:
    """Subscribie #946: the code itself is shown, which for these nobody may do."""
    scene.fails(code)
    scene.live(days=4)

    assert scene.mails() == [(0.0, ADD_A_CARD), (3.0, REMINDER)]
    for message in mail.outbox:
        assert indiscretion(words(message), "en") == ""


def test_a_provider_outage_neither_doubles_nor_drops_a_mail(
    scene: Scene, settings: SettingsWrapper
) -> None:
    """getlago/lago-dunning (lack): everything stops at one uncertain delivery."""
    with listening(settings, "postmark") as provider:
        provider.answers = ["cut", (503, {}), (503, {})]
        one = scene.fails("expired_card")
        two = scene.fails("expired_card", email="kim@example.com")
        scene.live(hours=2)

    states = {message.case_id: message.state for message in DunningMessage.objects.all()}
    assert states == {one.pk: "unknown", two.pk: "sent"}
    assert [b"kim@" in body for body in provider.requests] == [False, True, True, True]
    assert [task.kind for task in one.tasks.all()] == ["message_unsent"]


def test_a_worker_that_dies_while_sending_leads_to_no_second_mail(scene: Scene) -> None:
    """pay (lack): it mails while it takes the webhook, and again when that comes again."""
    case = scene.fails()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(handover, "hand_over", _dies)
        scene.move_to(scene.now + DAY)
        work_due_steps()
        with pytest.raises(SystemExit):
            deliver_queued()
    scene.live(hours=12)

    assert DunningMessage.objects.get(case=case).state == "unknown"
    assert scene.mails() == []
    assert [task.kind for task in case.tasks.all()] == ["message_unsent"]


def _dies(_mail: object, *, through: object) -> None:
    raise SystemExit


def test_a_dead_address_does_not_end_in_silence(scene: Scene) -> None:
    """every system surveyed (lack): a campaign completes on an address that nobody reads."""
    SuppressedAddress.objects.create(
        merchant=scene.merchant, email="jo@example.com", reason="bounced", suppressed_at=scene.now
    )
    case = scene.fails("expired_card")
    scene.live(hours=1)

    assert scene.mails() == []
    assert [task.kind for task in case.tasks.all()] == ["address_failed"]


def test_nobody_is_written_to_in_their_night(scene: Scene) -> None:
    """hyperswitch (lack): its hours are those of UTC, whoever the customer is."""
    Merchant.objects.update(send_from_hour=9, send_until_hour=18)
    ids = scene.stripe.scenarios.subscriber(email="jo@example.com", key=scene.key, interval="year")
    ask(scene.stripe, "POST", f"customers/{ids['customer']}", **{"address[country]": "JP"})
    scene.stripe.scenarios.set_outcome(payment_method=ids["payment_method"], reason="expired_card")
    scene.renews(ids["subscription"])
    scene.live(days=1)

    [sent] = DunningMessage.objects.filter(state="sent")
    assert sent.sent_at
    assert sent.sent_at.isoformat() == "2028-01-11T00:00:00+00:00"  # nine in Tokyo
    assert sent.sent_at - scene.began_at < timedelta(days=1)
