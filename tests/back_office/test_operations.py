"""What operators see of the work itself: what came in, what went out, whether it is being done."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from dunning.models import DunningMessage, DunningRun
from recover_project.back_office.models import InvariantCheck
from recover_project.back_office.operations import checking, health, invariants
from recover_project.back_office.tasks import check_invariants
from recovery import heartbeats, retention, webhook_registrations
from recovery.metrics import tallying
from recovery.models import (
    Coverage,
    Merchant,
    OperatorTask,
    PaymentAttempt,
    RecoveryCase,
    Role,
    StripeConnection,
    StripeEvent,
    Tally,
    WebhookDelivery,
)
from recovery.tasks import process_inbox
from tests.back_office.people import log_in, make_world

pytestmark = pytest.mark.django_db
EVENTS, DELIVERIES = "recovery_stripeevent", "recovery_webhookdelivery"
HEALTH = "/admin/health/"


@pytest.fixture
def ours() -> Merchant:
    return make_world("fern")


@pytest.fixture
def jo(ours: Merchant) -> Client:
    return log_in(ours)


def act(client: Client, page: str, action: str, *rows: Any) -> list[str]:
    answer = client.post(
        reverse(f"admin:{page}_changelist"),
        {"action": action, "_selected_action": [row.pk for row in rows]}, follow=True,
    )  # fmt: skip
    return [str(message) for message in answer.context["messages"]]


# --- in and out ---------------------------------------------------------------------------------


def test_an_event_that_was_given_up_is_processed_anew(ours: Merchant, jo: Client) -> None:
    event = StripeEvent.objects.of(ours).get()
    StripeEvent.objects.update(state="failed", processed_at=None, error="odd", tries=12)

    assert act(jo, EVENTS, "replay", event) == ["Processed anew within seconds: 1."]
    process_inbox()

    event.refresh_from_db()
    assert (event.state, event.error) == ("processed", "")
    assert RecoveryCase.objects.of(ours).count() == 1


def test_what_waits_anyway_is_left_to_wait(ours: Merchant, jo: Client) -> None:
    event = StripeEvent.objects.of(ours).get()
    StripeEvent.objects.update(state="pending", processed_at=None)

    assert act(jo, EVENTS, "replay", event) == [
        "Processed anew within seconds: 0.", "Waiting to be processed already: 1.",
    ]  # fmt: skip


def test_an_event_shows_what_stripe_sent(ours: Merchant, jo: Client) -> None:
    event = StripeEvent.objects.of(ours).get()

    shown = jo.get(reverse(f"admin:{EVENTS}_change", args=[event.pk])).content.decode()

    assert "&quot;fern@example.com&quot;" in shown
    assert "processed" in shown


def forgotten(merchant: Merchant, *, copies: int = 1) -> list[StripeEvent]:
    """The merchant's event of a hundred days ago, and others like it, without what they said."""
    now, event = timezone.now(), StripeEvent.objects.of(merchant).get()
    for number in range(copies - 1):
        event.pk, event.stripe_event_id = None, f"evt_{number}"
        event.save()
    events = StripeEvent.objects.of(merchant).order_by("pk")
    events.update(received_at=now - timedelta(days=100))
    assert retention.forget_payloads(merchant, now=now) == copies
    return list(events)


def test_an_event_says_plainly_since_when_it_is_gone_what_stripe_sent(
    ours: Merchant, jo: Client
) -> None:
    [event] = forgotten(ours)
    StripeEvent.objects.update(payload_forgotten_at=datetime(2026, 11, 5, 14, 30, tzinfo=UTC))
    Merchant.objects.update(time_zone="Asia/Tokyo")

    shown = jo.get(reverse(f"admin:{EVENTS}_change", args=[event.pk])).content.decode()

    assert "Gone since 5 Nov 2026, 23:30." in shown
    assert "Settings → Account" in shown
    assert "in_fern" in shown


def test_an_event_can_t_be_processed_anew_once_it_is_gone_what_stripe_sent(
    ours: Merchant, jo: Client
) -> None:
    [event] = forgotten(ours)
    before = StripeEvent.objects.values().get()

    assert act(jo, EVENTS, "replay", event) == [
        "Processed anew within seconds: 0.",
        "evt_fern can't be processed anew: its payload was kept for 100 days, and is gone.",
    ]

    assert StripeEvent.objects.values().get() == before


def test_of_many_that_can_t_be_processed_anew_some_are_named_and_the_others_go_on(
    ours: Merchant, jo: Client
) -> None:
    gone = forgotten(ours, copies=7)
    StripeEvent.objects.filter(pk=gone[0].pk).update(
        state="failed", processed_at=None, payload="{", payload_forgotten_at=None
    )

    first, *named, last = act(jo, EVENTS, "replay", *gone)

    assert first == "Processed anew within seconds: 1."
    assert len(named) == 5
    assert last == "Nor can 1 more, whose payloads are gone as well."
    assert StripeEvent.objects.filter(state="pending").get() == gone[0]


def test_a_webhook_is_sent_again_unless_its_endpoint_is_off(ours: Merchant, jo: Client) -> None:
    delivery = WebhookDelivery.objects.of(ours).get()
    WebhookDelivery.objects.update(state="given_up", given_up_at=timezone.now())

    assert act(jo, DELIVERIES, "resend", delivery) == ["On their way again: 1."]
    delivery.refresh_from_db()
    assert (delivery.state, delivery.tries) == ("pending", 0)

    webhook_registrations.disable(registration=delivery.registration, now=timezone.now())
    refused, none = act(jo, DELIVERIES, "resend", delivery)
    assert "The webhook is disabled" in refused
    assert none == "On their way again: 0."


def test_a_viewer_and_another_merchant_do_nothing_here(ours: Merchant, jo: Client) -> None:
    theirs = make_world("moss")
    StripeEvent.objects.update(state="failed", processed_at=None)
    event, other = (StripeEvent.objects.of(merchant).get() for merchant in (ours, theirs))

    act(log_in(ours, Role.VIEWER, "vi@example.com"), EVENTS, "replay", event)
    act(jo, EVENTS, "replay", other)

    assert set(StripeEvent.objects.values_list("state", flat=True)) == {"failed"}


# --- whether it is being done -------------------------------------------------------------------


def test_a_worker_that_is_silent_is_told_with_what_that_means(jo: Client) -> None:
    assert "No worker works" in jo.get(HEALTH).content.decode()
    heartbeats.beat(now=timezone.now())
    assert "A worker works" in jo.get(HEALTH).content.decode()
    heartbeats.beat(now=timezone.now() - timedelta(minutes=5))
    assert "No worker works: the last sign of life was" in jo.get(HEALTH).content.decode()


def test_what_waits_is_counted_with_its_age_and_only_the_merchants_own(
    ours: Merchant, jo: Client
) -> None:
    make_world("moss")
    StripeEvent.objects.update(
        state="pending", processed_at=None, received_at=timezone.now() - timedelta(hours=3)
    )

    queues = {one["what"]: one for one in jo.get(HEALTH).context["queues"]}

    events = queues["Stripe's events to be processed"]
    assert events["count"] == 1
    assert events["oldest"].startswith("3")


def test_in_a_merchant_at_work_everything_holds(ours: Merchant) -> None:
    _compare_nothing()
    Coverage.objects.create(
        merchant=ours, account="", due_at=timezone.now(), covered_until=timezone.now()
    )

    found = invariants.check(ours, now=timezone.now())

    assert [one.says for one in found if one.broken] == []


def test_what_waits_is_counted_as_far_as_anybody_reads(
    ours: Merchant, jo: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(health, "MOST", 1)
    now = timezone.now()
    for number in range(3):
        StripeEvent.objects.create(
            merchant=ours, stripe_event_id=f"evt_{number}", type="invoice.paid", concerns="in_1",
            payload="{}", received_at=now - timedelta(hours=number), due_at=now,
        )  # fmt: skip

    [events, *_others] = jo.get(HEALTH).context["queues"]

    assert events["count"] == "more than 1"


def test_nobody_has_looked_until_a_worker_has(ours: Merchant, jo: Client) -> None:
    assert "Nobody has looked yet" in jo.get(HEALTH).content.decode()

    check_invariants()

    shown = jo.get(HEALTH)
    assert "Looked at 0" in shown.content.decode()
    assert [one.says for one in shown.context["findings"]] == [
        one.says for one in invariants.INVARIANTS
    ]
    assert all(one.broken == 0 for one in shown.context["findings"])


def test_what_was_found_is_shown_and_is_of_the_merchant_alone(ours: Merchant, jo: Client) -> None:
    theirs = make_world("moss")
    OperatorTask.objects.of(theirs).update(case=RecoveryCase.objects.of(ours).get())

    check_invariants()

    assert "broken by 1" not in jo.get(HEALTH).content.decode()
    moss = log_in(theirs, Role.OWNER, "mo@example.com")
    assert "broken by 1" in moss.get(HEALTH).content.decode()


def test_each_merchant_is_looked_at_every_few_minutes_and_one_that_fails_holds_up_no_other(
    ours: Merchant, monkeypatch: pytest.MonkeyPatch
) -> None:
    theirs, now = make_world("moss"), timezone.now()
    assert [*checking.due(now=now)] == [ours, theirs]
    checking.check(ours, now=now)
    assert [*checking.due(now=now)] == [theirs]
    later = now + checking.EVERY
    assert [*checking.due(now=later)] == [theirs, ours]

    def fail_for_theirs(merchant: Merchant, **_: Any) -> list[Any]:
        if merchant == theirs:
            raise ValueError(merchant)
        return []

    monkeypatch.setattr(invariants, "check", fail_for_theirs)
    InvariantCheck.objects.all().delete()
    check_invariants()

    assert [check.merchant for check in InvariantCheck.objects.all()] == [ours]


LONG_AGO = timedelta(hours=1)


def _close(**facts: Any) -> None:
    RecoveryCase.objects.update(
        status="recovered", reason="invoice_paid", mechanism="card_update", amount_recovered=1,
        closed_at=timezone.now() - LONG_AGO, **facts,
    )  # fmt: skip


def _dun_a_closed_case() -> None:
    _close()


def _write_after_the_money() -> None:
    _close()
    DunningMessage.objects.update(state="sent", sent_at=timezone.now())


def _charge_after_the_money() -> None:
    _close()
    PaymentAttempt.objects.update(trigger="recover", attempted_at=timezone.now())


def _mix_currencies() -> None:
    PaymentAttempt.objects.update(currency="eur", state="claimed", resolved_at=None)


def _forget_a_story() -> None:
    case = RecoveryCase.objects.get(stripe_invoice_id="in_fern")
    case.timeline.model._default_manager.filter(case=case)._raw_delete("default")


def _mix_tenants() -> None:
    make_world("moss")
    other = RecoveryCase.objects.get(stripe_invoice_id="in_moss")
    OperatorTask.objects.filter(merchant__name="fern").update(case=other)


def _leave_an_event() -> None:
    StripeEvent.objects.update(
        state="pending", processed_at=None, tries=0, received_at=timezone.now() - LONG_AGO
    )


def _leave_a_step() -> None:
    DunningRun.objects.update(due_at=timezone.now() - LONG_AGO)


def _compare_nothing() -> None:
    StripeConnection.objects.update(connected_at=timezone.now() - timedelta(days=1))


def _compare_no_more() -> None:
    _compare_nothing()
    long_ago = timezone.now() - timedelta(hours=4)
    Coverage.objects.create(
        merchant=Merchant.objects.get(), account="", due_at=long_ago, covered_until=long_ago
    )


def _leave_a_mail() -> None:
    DunningMessage.objects.update(
        state="sending", sent_at=None, claimed_at=timezone.now() - LONG_AGO
    )


@pytest.mark.parametrize(
    ("break_it", "says"),
    [
        (_dun_a_closed_case, "Nobody is dunned for a case that is closed."),
        (_write_after_the_money, "Nobody was written to after the money had come."),
        (_charge_after_the_money, "Nothing was charged after the money had come."),
        (_mix_currencies, "A charge is in its case's own currency."),
        (_forget_a_story, "Every case has its story."),
        (_mix_tenants, "A merchant's tasks are about its own cases."),
        (_leave_an_event, "Events are processed within a quarter of an hour."),
        (_leave_a_step, "Steps are taken within a quarter of an hour."),
        (_compare_nothing, "What Stripe has is compared with what is here, every few hours."),
        (_compare_no_more, "What Stripe has is compared with what is here, every few hours."),
        (_leave_a_mail, "A mail is sent, or set aside, within a quarter of an hour."),
    ],
)
def test_what_breaks_an_invariant_is_found(
    ours: Merchant, break_it: Callable[[], None], says: str
) -> None:
    break_it()

    broken = {one.says for one in invariants.check(ours, now=timezone.now()) if one.broken}

    assert says in broken


@pytest.mark.skipif(connection.vendor != "postgresql", reason="PostgreSQL tallies alone.")
def test_figures_that_are_not_the_cases_are_found(ours: Merchant) -> None:
    tallying.keep()
    Tally.objects.of(ours).update(cases=7)
    ours.refresh_from_db()

    broken = {one.says for one in invariants.check(ours, now=timezone.now()) if one.broken}

    assert broken == {"Figures count each case once, as it is."}


def test_what_a_constraint_forbids_can_be_asked_for_all_the_same(ours: Merchant) -> None:
    asked = {one.says for one in invariants.check(ours, now=timezone.now())}

    assert {
        "A case has at most one live run of a campaign.",
        "What is recovered says how much came, and how.",
    } <= asked
