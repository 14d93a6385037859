"""Mail goes to an address that takes it, of a person who wants it, or to a person's desk."""

import itertools
from datetime import datetime, timedelta

import pytest
from django.core import mail
from django.utils import timezone

from dunning import runs
from dunning.mail import addresses, bounces, delivery, messages
from dunning.mail.addresses import Reason
from dunning.mail.bounce_rules import Verdict
from dunning.mail.bounces import Word
from dunning.mail.messages import Telling
from dunning.models import DunningMessage, SuppressedAddress
from dunning.tasks import deliver_queued
from recovery.models import Customer, Merchant, OperatorTask, RecoveryCase
from tests.builders import make_merchant
from tests.dunning.facts import ask_for_a_new_link, close, fail, queue
from tests.dunning.mail.sending import deliver_one

pytestmark = pytest.mark.django_db


@pytest.fixture
def merchant() -> Merchant:
    return make_merchant()


@pytest.fixture
def case(merchant: Merchant) -> RecoveryCase:
    return fail()


def suppress(merchant: Merchant, email: str, reason: Reason) -> None:
    addresses.suppress(
        merchant=merchant, email=email, reason=reason, detail="test", now=timezone.now()
    )


def send(case: RecoveryCase) -> DunningMessage:
    now = timezone.now()
    message = queue(case, now=now)
    deliver_one(message.pk, now=now)
    message.refresh_from_db()
    assert message.state == "sent"
    return message


def hear(message: DunningMessage, *verdicts: Verdict, at: datetime | None = None) -> None:
    for verdict in verdicts:
        now = timezone.now()
        found = DunningMessage.objects.select_related("case").get(pk=message.pk)
        bounces.take_in(Word(found, verdict, detail="550 no such user", at=at or now, now=now))
    message.refresh_from_db()


def reach(case: RecoveryCase, **wish: bool) -> str:
    return addresses.recipient(RecoveryCase.objects.get(pk=case.pk), **wish)


# --- who is written to ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("own", "other", "suppressed", "expected"),
    [
        ("jo@x.org", "books@x.org", {}, ["jo@x.org", "jo@x.org"]),
        ("", "books@x.org", {}, ["books@x.org", "books@x.org"]),
        ("", "", {}, ["", ""]),
        ("Jo@X.org", "books@x.org", {"jo@x.org": "bounced"}, ["books@x.org", "books@x.org"]),
        ("jo@x.org", "", {"jo@x.org": "bounced"}, ["", ""]),
        ("jo@x.org", "JO@x.org", {"jo@x.org": "bounced"}, ["", ""]),
        (
            "jo@x.org", "books@x.org", {"jo@x.org": "bounced", "books@x.org": "unsubscribed"},
            ["", ""],
        ),
        ("jo@x.org", "books@x.org", {"jo@x.org": "complained"}, ["", ""]),
        ("jo@x.org", "books@x.org", {"jo@x.org": "unsubscribed"}, ["", "jo@x.org"]),
    ],
)  # fmt: skip
def test_who_is_written_to_by_a_campaign_and_when_they_ask(
    case: RecoveryCase, own: str, other: str, suppressed: dict[str, str], expected: list[str]
) -> None:
    Customer.objects.update(email=own, alternate_email=other)
    for email, reason in suppressed.items():
        suppress(case.merchant, email, Reason(reason))

    assert [reach(case), reach(case, is_asked_for=True)] == expected


def test_an_address_is_suppressed_at_one_merchant_alone(case: RecoveryCase) -> None:
    suppress(make_merchant("Another"), "jo@example.com", Reason.BOUNCED)
    assert reach(case) == "jo@example.com"


@pytest.mark.parametrize("order", list(itertools.permutations(Reason)))
def test_the_weightiest_reason_stands_in_any_order(
    merchant: Merchant, order: tuple[Reason, ...]
) -> None:
    for reason in (*order, *order):
        suppress(merchant, "Jo@X.org", reason)

    kept = SuppressedAddress.objects.get()
    assert (kept.email, kept.reason, str(kept)) == ("jo@x.org", "complained", "complained address")


# --- a dead address ---------------------------------------------------------------------------


def test_a_hard_bounce_stops_mail_and_makes_a_task_for_each_open_debt(
    case: RecoveryCase,
) -> None:
    message = send(case)
    other, closed = fail(), fail()
    close(closed, now=timezone.now())
    at = timezone.now() - timedelta(minutes=3)
    hear(message, Verdict.HARD_BOUNCE, Verdict.HARD_BOUNCE, at=at)

    assert message.bounced_at == at
    assert reach(case) == ""
    assert sorted(OperatorTask.objects.values_list("case", "kind")) == [
        (case.pk, "address_failed"), (other.pk, "address_failed"),
    ]  # fmt: skip
    assert case.tasks.get().summary == (
        "Mail can't reach the customer: j***@example.com takes no mail. "
        "Please reach them otherwise."
    )
    assert case.timeline.get(kind="message_bounced").summary == (
        "The mail came back, for good: 550 no such user"
    )
    assert DunningMessage.objects.count() == 1

    next_one = queue(other, now=timezone.now())
    deliver_queued()
    next_one.refresh_from_db()
    assert (next_one.state, next_one.error) == ("skipped", "j***@example.com takes no mail")
    assert other.tasks.count() == 1
    assert len(mail.outbox) == 1


def test_the_same_message_goes_to_the_alternate_contact_once(case: RecoveryCase) -> None:
    message = send(case)
    later = fail()
    Customer.objects.update(alternate_email="books@x.org")
    for _again in range(2):
        hear(message, Verdict.HARD_BOUNCE)
        deliver_queued()

    assert [sent.to for sent in mail.outbox] == [["jo@example.com"], ["books@x.org"]]
    assert mail.outbox[0].subject == mail.outbox[1].subject
    instead = DunningMessage.objects.get(instead_of=message)
    assert list(instead.also_about.all()) == [later]
    assert case.timeline.filter(kind="message_sent").last().rule == (  # type: ignore[union-attr]
        "step 1 of the campaign, to the alternate contact"
    )
    hear(instead, Verdict.HARD_BOUNCE)
    deliver_queued()
    assert DunningMessage.objects.filter(case=case).count() == 2
    assert case.tasks.count() == 2
    assert reach(case) == ""


def test_two_mails_that_bounce_late_are_one_to_the_alternate_contact(case: RecoveryCase) -> None:
    one, asked = send(case), ask_for_a_new_link(case, now=timezone.now())
    deliver_queued()
    Customer.objects.update(alternate_email="books@x.org")
    hear(one, Verdict.HARD_BOUNCE)
    hear(asked, Verdict.HARD_BOUNCE)
    deliver_queued()

    assert [sent.to for sent in mail.outbox] == [["jo@example.com"]] * 2 + [["books@x.org"]]


@pytest.mark.parametrize("is_first_tried_before", [True, False])
def test_two_mails_of_one_run_that_bounce_late_are_one_to_the_alternate_contact(
    case: RecoveryCase, is_first_tried_before: bool
) -> None:
    one = send(case)
    later = timezone.now() + timedelta(days=4)
    (two_id,) = runs.take_due_steps(now=later)
    deliver_one(two_id, now=later)
    two = DunningMessage.objects.get(pk=two_id)
    Customer.objects.update(alternate_email="books@x.org")
    hear(one, Verdict.HARD_BOUNCE)
    if is_first_tried_before:
        deliver_queued()
    hear(two, Verdict.HARD_BOUNCE)
    for _again in range(2):
        hear(one, Verdict.HARD_BOUNCE)
        hear(two, Verdict.HARD_BOUNCE)
        deliver_queued()

    assert [sent.to for sent in mail.outbox] == [["jo@example.com"]] * 2 + [["books@x.org"]]
    assert mail.outbox[2].subject == mail.outbox[1].subject
    instead = DunningMessage.objects.filter(instead_of__isnull=False).order_by("instead_of")
    assert list(instead.values_list("instead_of", "state")) == [
        (one.pk, "skipped"), (two.pk, "sent"),
    ]  # fmt: skip


def test_a_link_that_bounced_goes_to_the_alternate_contact_as_a_link(case: RecoveryCase) -> None:
    asked = ask_for_a_new_link(case, now=timezone.now())
    deliver_queued()
    Customer.objects.update(alternate_email="books@x.org")
    hear(asked, Verdict.HARD_BOUNCE)
    instead = DunningMessage.objects.get(instead_of=asked)

    assert (instead.is_asked_for, instead.template) == (True, "new_link")
    assert instead.cause == "asked for, to the alternate contact"


def test_a_debt_that_was_paid_meanwhile_is_told_to_nobody_else(case: RecoveryCase) -> None:
    message = send(case)
    Customer.objects.update(alternate_email="books@x.org")
    close(case, now=timezone.now())
    hear(message, Verdict.HARD_BOUNCE)
    deliver_queued()

    assert not case.tasks.exists()
    instead = DunningMessage.objects.get(instead_of=message)
    assert (instead.state, len(mail.outbox)) == ("skipped", 1)


def test_the_alternate_contact_is_not_told_twice_by_two_runs(case: RecoveryCase) -> None:
    message = send(case)
    Customer.objects.update(alternate_email="books@x.org")
    hear(message, Verdict.HARD_BOUNCE)
    other = fail()
    queued = queue(other, now=timezone.now())
    DunningMessage.objects.filter(pk=queued.pk).update(due_at=timezone.now() - timedelta(hours=1))
    deliver_queued()

    assert [sent.to for sent in mail.outbox] == [["jo@example.com"], ["books@x.org"]]
    instead = DunningMessage.objects.get(instead_of=message)
    assert instead.error == f"told in message {queued.public_id}"


# --- people who want no mail ------------------------------------------------------------------


def test_who_calls_mail_unwanted_gets_no_more_and_nobody_else_does(case: RecoveryCase) -> None:
    message = send(case)
    Customer.objects.update(alternate_email="books@x.org")
    hear(message, Verdict.COMPLAINED, Verdict.HARD_BOUNCE, Verdict.COMPLAINED)
    other = queue(fail(), now=timezone.now())
    deliver_queued()

    other.refresh_from_db()
    assert (other.state, other.error) == ("skipped", "j***@example.com called the mail unwanted")
    assert message.complained_at
    assert not DunningMessage.objects.filter(instead_of__isnull=False).exists()
    assert case.timeline.filter(kind="message_complained").count() == 1


def test_who_unsubscribed_still_gets_the_link_that_they_ask_for(case: RecoveryCase) -> None:
    message = send(case)
    hear(message, Verdict.UNSUBSCRIBED, Verdict.UNSUBSCRIBED)
    new = fail()
    queued = queue(new, now=timezone.now())
    asked = ask_for_a_new_link(case, now=timezone.now())
    deliver_one(queued.pk, now=timezone.now())
    deliver_one(asked.pk, now=timezone.now())

    queued.refresh_from_db()
    assert (queued.state, queued.error) == ("skipped", "j***@example.com asked for no more mail")
    assert len(mail.outbox) == 2
    entry = case.timeline.get(kind="unsubscribed")
    assert (entry.summary, entry.actor) == ("j***@example.com asked for no more mail.", "customer")
    assert not OperatorTask.objects.exists()


# --- what is only noted -----------------------------------------------------------------------


def test_what_is_late_or_came_back_this_once_is_noted_and_ends_nothing(
    case: RecoveryCase,
) -> None:
    message = send(case)
    quiet = [Verdict.ACCEPTED, Verdict.NOTHING]
    hear(message, *quiet, Verdict.DELAYED, Verdict.SOFT_BOUNCE, Verdict.DELAYED)

    told = (
        case.timeline.filter(kind="message_bounced")
        .order_by("id")
        .values_list("summary", flat=True)
    )
    assert list(told) == [
        "The mail isn't through yet: 550 no such user",
        "The mail came back, this time: 550 no such user",
    ]
    assert (message.bounced_at, reach(case)) == (None, "jo@example.com")


def test_what_a_provider_drops_is_left_to_a_person(case: RecoveryCase) -> None:
    message = send(case)
    hear(message, Verdict.DROPPED, Verdict.DROPPED)

    assert case.tasks.get().kind == "message_unsent"
    assert reach(case) == "jo@example.com"


def test_what_a_person_was_to_find_out_is_done_once_the_provider_tells(case: RecoveryCase) -> None:
    now = timezone.now()
    message = queue(case, now=now)
    DunningMessage.objects.filter(pk=message.pk).update(
        state="sending", claimed_at=now - timedelta(hours=1), recipient="jo@example.com"
    )
    delivery.set_aside_unknown(now=now)
    assert case.tasks.get().done_at is None

    message.refresh_from_db()
    hear(message, Verdict.ACCEPTED)

    assert case.tasks.get().done_at is not None
    assert case.timeline.get(kind="task_done").actor == "recover"


@pytest.mark.parametrize("name", ["pm-1", ""])  # a mail server gives none
def test_a_worker_that_was_thought_dead_has_the_last_word(case: RecoveryCase, name: str) -> None:
    now = timezone.now()
    message = queue(case, now=now)
    DunningMessage.objects.filter(pk=message.pk).update(
        state="sending", claimed_at=now - timedelta(hours=1), recipient="jo@example.com"
    )
    message.refresh_from_db()
    delivery.set_aside_unknown(now=now)

    messages.sent([Telling(message, provider_id=name)], now=now)

    row = DunningMessage.objects.get()
    assert (row.state, row.provider_id, message.state) == ("sent", name, "sent")
    assert case.tasks.get().done_at is not None


@pytest.mark.parametrize("state", ["unknown", "sending", "queued", "failed", "skipped"])
def test_a_providers_word_proves_that_a_message_was_sent(case: RecoveryCase, state: str) -> None:
    other_case, now = fail(), timezone.now()
    message, other = queue(case, now=now), queue(other_case, now=now)
    DunningMessage.objects.filter(pk=message.pk).update(
        state=state, claimed_at=now, recipient="jo@example.com"
    )
    message.also_about.set([other.case])
    hear(message, Verdict.ACCEPTED)
    deliver_queued()

    other.refresh_from_db()
    assert (message.state, other.state, mail.outbox) == ("sent", "skipped", [])
