"""A customer is spoken to once about all that is owed, however many debts there are."""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

import pytest
from django.core import mail
from django.utils import timezone

from dunning import runs
from dunning.mail import claims, conversations, delivery, messages, truth
from dunning.models import DunningMessage
from dunning.tasks import deliver_queued
from dunning.wording import rendering
from recovery import stripe_gateway
from recovery.models import Customer, RecoveryCase
from recovery.stripe_errors import StripeError
from recovery.stripe_objects import Invoice
from tests.builders import make_merchant
from tests.dunning.facts import ask_for_a_new_link, close, fail, queue
from tests.dunning.mail.sending import deliver_one

pytestmark = pytest.mark.django_db


@pytest.fixture
def debts() -> list[RecoveryCase]:
    """Three debts of Jo's, and one of Kim's."""
    make_merchant()
    return [fail(), fail(), fail(), fail(email="kim@example.com")]


@pytest.fixture
def listed(monkeypatch: pytest.MonkeyPatch) -> list[list[RecoveryCase]]:
    """The debts that each mail was rendered with."""
    found: list[list[RecoveryCase]] = []
    render = rendering.render

    def remember(*, debts: Sequence[RecoveryCase], **words: str) -> rendering.Rendered:
        found.append(list(debts))
        return render(debts=debts, **words)

    monkeypatch.setattr(claims, "render", remember)
    return found


def send(case: RecoveryCase, *, now: datetime) -> DunningMessage:
    message = queue(case, now=now)
    deliver_one(message.pk, now=now)
    message.refresh_from_db()
    return message


def told_on(case: RecoveryCase) -> list[str]:
    told = case.timeline.filter(kind__startswith="message_").order_by("id")
    return list(told.values_list("summary", flat=True))


def test_one_mail_tells_of_every_open_debt_and_the_others_stay(
    debts: list[RecoveryCase], listed: list[list[RecoveryCase]]
) -> None:
    now = timezone.now()
    queued = [queue(case, now=now) for case in debts]
    for _again in range(2):
        deliver_queued()

    assert [message.to for message in mail.outbox] == [["jo@example.com"], ["kim@example.com"]]
    assert listed == [debts[:3], debts[3:]]
    for message in queued:
        message.refresh_from_db()
    assert [message.state for message in queued] == ["sent", "skipped", "skipped", "sent"]
    first = queued[0]
    assert list(first.also_about.order_by("id")) == debts[1:3]
    subject = first.subject
    assert told_on(debts[1]) == [
        f"“{subject}” told of this debt too, in message {first.public_id}.",
        f"Not sent: told in message {first.public_id}.",
    ]
    assert queued[1].error == f"told in message {first.public_id}"


def test_a_debt_that_closed_or_waits_is_not_listed(
    debts: list[RecoveryCase], listed: list[list[RecoveryCase]]
) -> None:
    now = timezone.now()
    close(debts[1], now=now)
    RecoveryCase.objects.filter(pk=debts[2].pk).update(is_paused=True)
    settling = fail()
    RecoveryCase.objects.filter(pk=settling.pk).update(settles_at=now + timedelta(minutes=5))
    send(debts[0], now=now)

    assert listed == [[debts[0]]]


def test_a_mail_whose_own_debt_is_gone_leaves_the_others_to_their_own(
    debts: list[RecoveryCase], listed: list[list[RecoveryCase]]
) -> None:
    now = timezone.now()
    queued = [queue(case, now=now) for case in debts[:2]]
    close(debts[0], now=now)
    deliver_queued()

    for message in queued:
        message.refresh_from_db()
    assert [message.state for message in queued] == ["skipped", "sent"]
    assert listed == [[debts[1], debts[2]]]


def test_a_step_that_comes_due_within_two_days_of_another_runs_mail_is_skipped(
    debts: list[RecoveryCase],
) -> None:
    now = timezone.now()
    first = send(debts[0], now=now)
    runs.start(debts[1], now=now)
    assert runs.take_due_steps(now=now + conversations.QUIET - timedelta(seconds=1)) == []
    later = send(debts[2], now=now + conversations.QUIET + timedelta(seconds=1))

    (skipped,) = debts[1].timeline.filter(kind="step_skipped")
    assert skipped.summary.endswith(f"the customer was told of this debt in {first.public_id}.")
    assert later.state == "sent"
    assert len(mail.outbox) == 2


def test_a_runs_own_next_step_is_not_held_back_by_its_last(debts: list[RecoveryCase]) -> None:
    now = timezone.now()
    first = send(debts[0], now=now)
    assert first.run
    since = now - timedelta(hours=1)
    assert conversations.was_told(debts[0], by_other_than=first.run, since=since) is None
    assert conversations.was_told(debts[0], by_other_than=None, since=since) == first
    assert conversations.was_told(debts[1], by_other_than=None, since=since) == first
    assert conversations.was_told(debts[3], by_other_than=None, since=since) is None
    assert (
        conversations.was_told(debts[1], by_other_than=None, since=now + timedelta(seconds=1))
        is None
    )


def test_what_came_back_told_nobody_and_what_may_have_gone_may_have_told(
    debts: list[RecoveryCase],
) -> None:
    now = timezone.now()
    message = send(debts[0], now=now)
    rows = DunningMessage.objects.filter(pk=message.pk)
    rows.update(bounced_at=now)
    assert conversations.was_told(debts[1], by_other_than=None, since=now) is None
    rows.update(bounced_at=None, sent_at=None, state="unknown")
    assert conversations.was_told(debts[1], by_other_than=None, since=now) == message


def test_a_new_debt_that_the_last_mail_did_not_list_is_told_of_with_the_others(
    debts: list[RecoveryCase], listed: list[list[RecoveryCase]]
) -> None:
    now = timezone.now()
    send(debts[0], now=now)
    new = fail()
    message = send(new, now=now + timedelta(minutes=5))

    assert message.state == "sent"
    assert listed[-1] == [new, *debts[:3]]


def test_a_link_that_was_asked_for_goes_though_all_was_told(debts: list[RecoveryCase]) -> None:
    now = timezone.now()
    send(debts[0], now=now)
    asked = ask_for_a_new_link(debts[1], now=now)
    run = runs.start(debts[2], now=now)
    assert run
    queued = DunningMessage.objects.create(
        merchant=run.merchant, case=run.case, run=run, step=run.campaign.steps.earliest("id"),
        due_at=now,
    )  # fmt: skip
    deliver_one(asked.pk, now=now)
    asked.refresh_from_db()
    queued.refresh_from_db()

    assert (asked.state, queued.state) == ("sent", "skipped")
    assert queued.error == f"told in message {asked.public_id}"
    assert [message.to for message in mail.outbox] == [["jo@example.com"]] * 2


def test_a_step_taken_just_before_another_debts_mail_went_out_sends_no_second(
    debts: list[RecoveryCase],
) -> None:
    now = timezone.now()
    first = send(debts[0], now=now)
    run = runs.start(debts[1], now=now)
    assert run
    late = DunningMessage.objects.create(
        merchant=run.merchant, case=run.case, run=run, step=run.campaign.steps.earliest("id"),
        due_at=now,
    )  # fmt: skip
    deliver_one(late.pk, now=now)

    late.refresh_from_db()
    assert (late.state, late.error) == ("skipped", f"told in message {first.public_id}")
    assert len(mail.outbox) == 1


def test_while_one_message_is_with_a_worker_the_customers_others_wait(
    debts: list[RecoveryCase],
) -> None:
    now = timezone.now()
    one, two, kims = (queue(case, now=now) for case in (debts[0], debts[1], debts[3]))
    DunningMessage.objects.filter(pk=one.pk).update(state="sending", claimed_at=now)
    for message in (two, kims):
        deliver_one(message.pk, now=now)
        message.refresh_from_db()

    later = now + claims.PAUSE_IS_BEING_TOLD
    assert (two.state, two.due_at, two.tries) == ("queued", later, 0)
    assert kims.state == "sent"


def test_a_message_that_may_have_gone_is_not_repeated_by_another_debts(
    debts: list[RecoveryCase],
) -> None:
    now = timezone.now()
    one, two = queue(debts[0], now=now), queue(debts[1], now=now)
    DunningMessage.objects.filter(pk=one.pk).update(state="sending", claimed_at=now)
    one.also_about.set([debts[1]])
    after = now + delivery.CLAIM + timedelta(seconds=1)
    for _again in range(2):
        delivery.set_aside_unknown(now=after)
    for message in (one, two):
        deliver_one(message.pk, now=after)
        message.refresh_from_db()

    assert (one.state, two.state, mail.outbox) == ("unknown", "skipped", [])
    assert [task.kind for task in debts[0].tasks.all()] == ["message_unsent"]


def test_one_debt_that_stripe_cannot_tell_of_loses_no_other(
    debts: list[RecoveryCase],
    listed: list[list[RecoveryCase]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Stripe:
        def invoice(self, invoice_id: str) -> object:
            if invoice_id == debts[1].stripe_invoice_id:
                raise StripeError("no answer")
            return Invoice.read({"id": invoice_id, "status": "open"})

    monkeypatch.setattr(stripe_gateway, "of", lambda _merchant: Stripe())
    now = timezone.now()
    one, two = queue(debts[0], now=now), queue(debts[1], now=now)
    deliver_one(one.pk, now=now)
    deliver_one(two.pk, now=now)
    two.refresh_from_db()

    assert listed == [[debts[0], debts[2]]]
    assert two.state == "queued"


def test_a_message_that_breaks_its_worker_holds_up_no_other(
    debts: list[RecoveryCase], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    now = timezone.now()
    broken = queue(debts[0], now=now)
    queue(debts[3], now=now)
    ask_all = truth.ask_all

    def break_down(cases: Sequence[RecoveryCase], *, now: datetime) -> truth.Told:
        if debts[0] in cases:
            raise RuntimeError("out of order")
        return ask_all(cases, now=now)

    monkeypatch.setattr(truth, "ask_all", break_down)
    deliver_queued()

    assert [message.to for message in mail.outbox] == [["kim@example.com"]]
    broken.refresh_from_db()
    assert broken.state == "queued"
    assert "out of order" in caplog.text


def test_mail_waits_while_a_new_card_is_about_to_be_charged_and_stays_once_it_paid(
    debts: list[RecoveryCase],
) -> None:
    now = timezone.now()
    message = queue(debts[0], now=now)
    Customer.objects.update(new_payment_method_id="pm_new", new_payment_method_due_at=now)
    for _again in range(3):
        deliver_one(message.pk, now=now)
    message.refresh_from_db()
    assert (message.state, message.due_at, message.tries) == (
        "queued", now + timedelta(minutes=1), 0,
    )  # fmt: skip
    assert told_on(debts[0]) == ["Mail waits: the customer's new card is about to be charged."]

    close(debts[0], now=now)
    deliver_one(message.pk, now=message.due_at)
    message.refresh_from_db()
    assert (message.state, message.error, mail.outbox) == (
        "skipped", "the case is recovered", [],
    )  # fmt: skip


def test_mail_goes_on_once_the_new_card_was_refused(debts: list[RecoveryCase]) -> None:
    now = timezone.now()
    message = queue(debts[0], now=now)
    Customer.objects.update(new_payment_method_id="pm_new", new_payment_method_due_at=now)
    deliver_one(message.pk, now=now)
    Customer.objects.update(new_payment_method_id="", new_payment_method_due_at=None)
    deliver_one(message.pk, now=now)

    assert len(mail.outbox) == 1


def test_a_worker_that_was_overtaken_queues_nothing_again(debts: list[RecoveryCase]) -> None:
    now = timezone.now()
    message = queue(debts[0], now=now)
    as_it_was = DunningMessage.objects.get(pk=message.pk)
    deliver_one(message.pk, now=now)
    changes: list[Callable[[], object]] = [
        lambda: messages.put_off(as_it_was, "Stripe can't be asked.", now=now),
        lambda: messages.failed(as_it_was, "refused", now=now),
        lambda: messages.skipped(as_it_was, "told", now=now),
        lambda: messages.waits(as_it_was, until=now),
        lambda: conversations.perhaps_told(as_it_was, "died", now=now),
    ]
    for change in changes:
        change()

    message.refresh_from_db()
    assert (message.state, len(mail.outbox)) == ("sent", 1)
    assert not debts[0].tasks.exists()


def test_a_debtor_without_a_name_or_address_has_no_conversation() -> None:
    make_merchant()
    one, two = fail(), fail()
    RecoveryCase.objects.update(customer=None)
    one.refresh_from_db()
    now = timezone.now()
    message = queue(one, now=now)
    DunningMessage.objects.create(
        merchant_id=two.merchant_id, case=two, due_at=now, state="sending", claimed_at=now,
        instead_of=message,
    )  # fmt: skip
    deliver_one(message.pk, now=now)
    message.refresh_from_db()

    assert (message.state, message.error) == ("skipped", "no address of the customer is known")
    assert [task.kind for task in one.tasks.all()] == ["address_failed"]


def test_mail_does_not_wait_for_a_charge_that_a_rule_put_off_for_days(
    debts: list[RecoveryCase],
) -> None:
    now = timezone.now()
    Customer.objects.update(
        new_payment_method_id="pm_new", new_payment_method_due_at=now + timedelta(days=4)
    )
    assert send(debts[0], now=now).state == "sent"
