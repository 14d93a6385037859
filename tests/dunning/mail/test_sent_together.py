"""Messages to several customers are claimed, handed over and recorded together."""

import threading
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import pytest
from anymail.message import AnymailMessage
from django.core import mail
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django import Settings as SettingsWrapper

from dunning.mail import conversations, delivery, handover, letters, messages, truth
from dunning.mail.handover import Fate, Lines, Outcome
from dunning.mail.messages import Telling
from dunning.models import DunningMessage
from dunning.tasks import deliver, deliver_queued
from recovery.models import Customer, Merchant, OperatorTask, RecoveryCase
from tests.builders import make_merchant
from tests.dunning.facts import close, fail, queue
from tests.threads import WAITS

pytestmark = pytest.mark.django_db
MOST_STATEMENTS = 3  # a mail, of eight


@pytest.fixture(autouse=True)
def merchant() -> Merchant:
    return make_merchant()


def queued(many: int) -> list[DunningMessage]:
    now = timezone.now()
    return [queue(fail(email=f"{number}@example.com"), now=now) for number in range(many)]


def states(some: list[DunningMessage]) -> list[str]:
    for message in some:
        message.refresh_from_db()
    return [message.state for message in some]


def deliver_all(some: list[DunningMessage]) -> None:
    deliver(message_ids=[message.pk for message in some])


def test_what_is_asked_of_the_database_is_shared_by_the_messages() -> None:
    some = queued(delivery.TOGETHER)
    with CaptureQueriesContext(connection) as asked:
        deliver_all(some)

    assert set(states(some)) == {"sent"}
    assert len(asked) <= MOST_STATEMENTS * delivery.TOGETHER


def test_each_customer_gets_their_own_mail() -> None:
    some = queued(delivery.TOGETHER + 1)
    deliver_all(some)

    assert set(states(some)) == {"sent"}
    assert sorted(sent.to[0] for sent in mail.outbox) == sorted(
        message.recipient for message in some
    )
    for message in some:
        [sent] = [sent for sent in mail.outbox if sent.to == [message.recipient]]
        assert sent.metadata["recover_message"] == message.public_id  # type: ignore[attr-defined]
        assert message.case.links.count() == 1
        assert [entry.kind for entry in message.case.timeline.filter(kind="message_sent")]
        message.case.refresh_from_db()
        assert message.case.is_reached


def test_two_debts_of_one_customer_that_come_due_together_are_one_mail() -> None:
    some = [queue(fail(), now=timezone.now()) for _debt in range(3)]
    deliver_all(some)

    assert states(some) == ["sent", "skipped", "skipped"]
    assert len(mail.outbox) == 1
    assert some[0].also_about.count() == 2


def test_one_that_may_not_go_holds_up_none_of_the_others() -> None:
    gone, one, another = queued(3)
    close(gone.case, now=timezone.now())
    deliver_all([gone, one, another])

    assert states([gone, one, another]) == ["skipped", "sent", "sent"]


def test_one_that_breaks_its_worker_is_put_off_and_the_others_go(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    broken, one, another = queued(3)
    write = letters.write

    def break_down(message: DunningMessage, *facts: Any, **named: Any) -> AnymailMessage:
        if message == broken:
            raise RuntimeError("out of order")
        return write(message, *facts, **named)

    monkeypatch.setattr(letters, "write", break_down)
    deliver_all([broken, one, another])

    assert states([broken, one, another]) == ["queued", "sent", "sent"]
    assert broken.error == "It could not be written (RuntimeError)."
    assert not broken.case.links.exists()


def test_a_worker_that_fails_with_what_another_one_has_done_puts_nothing_off(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    [message] = queued(1)

    def break_down(_cases: object, **_now: object) -> None:
        DunningMessage.objects.filter(pk=message.pk).update(state="skipped")
        raise RuntimeError("out of order")

    monkeypatch.setattr(truth, "ask_all", break_down)
    deliver_all([message])

    assert states([message]) == ["skipped"]
    assert (message.error, message.tries) == ("", 0)
    assert f"Message {message.public_id} could not be delivered." in caplog.text


def test_a_message_that_goes_with_its_merchant_meanwhile_holds_up_no_other(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    gone, other = queued(2)
    ask_all = truth.ask_all

    def break_down(cases: Sequence[RecoveryCase], *, now: datetime) -> truth.Told:
        if gone.case in cases:
            DunningMessage.objects.filter(pk=gone.pk).delete()
            raise RuntimeError("out of order")
        return ask_all(cases, now=now)

    monkeypatch.setattr(truth, "ask_all", break_down)
    deliver_all([gone, other])

    assert states([other]) == ["sent"]


def test_one_that_cannot_be_recorded_costs_no_other_its_record(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    broken, one, another = queued(3)
    sent = messages.sent

    def break_down(some: list[Telling], **named: Any) -> None:
        if any(telling.message == broken for telling in some):
            raise RuntimeError("out of order")
        sent(some, **named)

    monkeypatch.setattr(messages, "sent", break_down)
    deliver_all([broken, one, another])

    assert states([broken, one, another]) == ["sending", "sent", "sent"]
    delivery.set_aside_unknown(now=timezone.now() + 2 * delivery.CLAIM)
    assert states([broken]) == ["unknown"]


def test_who_was_reached_is_known_though_a_record_had_to_be_made_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    some = queued(2)
    absorb = conversations._absorb
    failures = [RuntimeError("out of order")]

    def fail_once(*facts: Any, **named: Any) -> None:
        if failures:
            raise failures.pop()
        absorb(*facts, **named)

    monkeypatch.setattr(conversations, "_absorb", fail_once)
    deliver_all(some)

    assert states(some) == ["sent", "sent"]
    for message in some:
        message.case.refresh_from_db()
        assert message.case.is_reached


def test_what_fails_while_it_is_handed_over_is_unknown_and_left_to_a_person(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    broken, one = queued(2)
    hand_over = handover.hand_over

    def break_down(sent: AnymailMessage, **through: Any) -> Outcome:
        if sent.metadata["recover_message"] == broken.public_id:
            raise RuntimeError("out of order")
        return hand_over(sent, **through)

    monkeypatch.setattr(handover, "hand_over", break_down)
    deliver_all([broken, one])

    assert states([broken, one]) == ["unknown", "sent"]
    assert broken.case.tasks.get().kind == "message_unsent"


def test_mails_are_with_the_mail_server_at_the_same_time(
    monkeypatch: pytest.MonkeyPatch, settings: SettingsWrapper
) -> None:
    settings.MAIL_CONNECTIONS = 3
    together = threading.Barrier(3, timeout=WAITS)

    def wait(_mail: AnymailMessage, **_through: object) -> Outcome:
        together.wait()
        return Outcome(Fate.TAKEN)

    monkeypatch.setattr(handover, "hand_over", wait)
    some = queued(3)
    deliver_queued()

    assert states(some) == ["sent", "sent", "sent"]


def test_what_a_slow_mail_server_has_no_time_for_is_put_back_while_it_is_slow(
    monkeypatch: pytest.MonkeyPatch, settings: SettingsWrapper
) -> None:
    """Else the sweep would call it unknown, though it was never begun."""
    settings.MAIL_CONNECTIONS = 1
    recorded: list[int] = []
    may_answer = threading.Event()
    record = delivery._record

    def answer_late(_mail: AnymailMessage, **_through: object) -> Outcome:
        assert may_answer.wait(WAITS)
        return Outcome(Fate.TAKEN)

    def note(became: Sequence[Any], *, now: datetime) -> None:
        record(became, now=now)
        recorded.append(len(became))
        may_answer.set()

    monkeypatch.setattr(handover, "hand_over", answer_late)
    monkeypatch.setattr(delivery, "_record", note)
    monkeypatch.setattr(delivery, "BEGUN_WITHIN", timedelta(seconds=0.2))
    slow, *others = queued(3)
    deliver_all([slow, *others])

    assert recorded == [2, 1]
    assert states([slow, *others]) == ["sent", "queued", "queued"]
    assert {message.error for message in others} == {"The mail server had no time for it."}
    assert min(message.due_at for message in others) > timezone.now()


def test_a_mail_server_that_is_gone_is_tried_once_for_all(
    monkeypatch: pytest.MonkeyPatch, settings: SettingsWrapper
) -> None:
    """Each try takes ten seconds: so long a worker does nothing else."""
    settings.MAIL_CONNECTIONS = 1
    tried: list[object] = []

    def fail_to_reach() -> None:
        tried.append(object())
        raise TimeoutError

    monkeypatch.setattr(handover, "get_connection", fail_to_reach)
    some = queued(3)
    deliver_all(some)

    assert len(tried) == 1
    assert states(some) == ["queued", "queued", "queued"]
    assert {message.error for message in some} == {
        "The mail server can't be reached (TimeoutError)."
    }


def test_a_login_that_is_refused_holds_up_every_merchants_mail_of_a_set(
    settings: SettingsWrapper, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.MAIL_CONNECTIONS = 1
    some = queued(2)
    other = make_merchant("Second Club")
    Customer.objects.filter(cases=some[1].case_id).update(merchant=other)
    RecoveryCase.objects.filter(pk=some[1].case_id).update(merchant=other)
    DunningMessage.objects.filter(pk=some[1].pk).update(merchant=other)

    def refuse(_mail: AnymailMessage, **_through: object) -> Outcome:
        return Outcome(Fate.OUR_OWN, "The mail server doesn't know us (535).", is_there=False)

    monkeypatch.setattr(handover, "hand_over", refuse)
    deliver_all(some)

    assert states(some) == ["queued", "queued"]
    assert {message.error for message in some} == {"The mail server doesn't know us (535)."}
    held_up = OperatorTask.objects.filter(kind="mail_held_up")
    assert {task.merchant_id for task in held_up} == {message.merchant_id for message in some}


def test_a_sender_whom_the_mail_server_refuses_keeps_no_other_merchants_mail(
    settings: SettingsWrapper, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.MAIL_CONNECTIONS = 1
    refused, *others = queued(3)
    hand_over = handover.hand_over

    def refuse(sent: AnymailMessage, **through: Any) -> Outcome:
        if sent.metadata["recover_message"] == refused.public_id:
            return Outcome(Fate.OUR_OWN, "The mail server doesn't let us send (530).")
        return hand_over(sent, **through)

    monkeypatch.setattr(handover, "hand_over", refuse)
    deliver_all([refused, *others])

    assert states([refused, *others]) == ["queued", "sent", "sent"]


def test_a_debt_that_turns_out_to_be_somebody_elses_meanwhile_is_looked_at_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Who is held isn't who owes it: nobody keeps a third worker from writing to them."""
    message, other = queued(2)
    ask_all = truth.ask_all

    def learn(cases: Sequence[RecoveryCase], *, now: datetime) -> truth.Told:
        RecoveryCase.objects.filter(pk=message.case_id).update(customer=other.case.customer)
        return ask_all(cases, now=now)

    monkeypatch.setattr(truth, "ask_all", learn)
    deliver_all([message])
    assert states([message]) == ["queued"]

    deliver_all([message])
    assert states([message]) == ["sent"]
    assert message.recipient == other.case.customer_email


def test_a_debt_that_came_up_since_stripe_was_asked_is_not_told_of(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    [message] = queued(1)
    ask_all = truth.ask_all

    def fail_meanwhile(cases: Sequence[RecoveryCase], *, now: datetime) -> truth.Told:
        told = ask_all(cases, now=now)
        fail(email=message.case.customer_email)
        return told

    monkeypatch.setattr(truth, "ask_all", fail_meanwhile)
    deliver_all([message])

    assert states([message]) == ["sent"]
    assert RecoveryCase.objects.filter(customer=message.case.customer).count() == 2
    assert not message.also_about.exists()


def test_no_line_is_asked_for_that_has_no_mail() -> None:
    assert [*Lines(4).hand_over([], within=delivery.BEGUN_WITHIN)] == [{}]


def test_a_provider_who_told_first_is_not_contradicted(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its word may be here before the worker has written that it took the mail."""
    [message] = queued(1)
    told_all = conversations.told_all

    def tell_first(some: list[Telling], **named: Any) -> None:
        conversations.told(DunningMessage.objects.get(pk=message.pk), now=timezone.now())
        told_all(some, **named)

    monkeypatch.setattr(conversations, "told_all", tell_first)
    monkeypatch.setattr(
        conversations, "told", lambda one, *, now: told_all([Telling(one)], now=now)
    )
    deliver_all([message])

    assert states([message]) == ["sent"]
    assert message.case.timeline.filter(kind="message_sent").count() == 1
