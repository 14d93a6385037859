"""Who is reconciled when, and by one worker only; what was asked for twice is done once."""

from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from recovery import merchants, reconciliation, tasks
from recovery.inbox import store_missing
from recovery.models import Coverage, Merchant, Reconciliation, StripeConnection
from recovery.reconciliation import Outcome, times
from recovery.reconciliation.times import Span
from tests.builders import make_merchant
from tests.local_stripe import LocalStripe
from tests.recovery.reconciling import A_WHILE, connected, fails, inbox, reconcile
from tests.recovery.stories import at_once
from tests.recovery.test_commands import refused, run

NOW = datetime(2026, 11, 26, 12, 20, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


# --- the clock --------------------------------------------------------------------------------


def test_merchants_have_moments_of_the_hour_that_lie_apart() -> None:
    minutes = [times.next_at(number, now=NOW).minute // 6 for number in range(1, 1001)]

    by_six_minutes = [minutes.count(part) for part in range(10)]
    assert min(by_six_minutes) > 80
    assert max(by_six_minutes) < 120


@pytest.mark.parametrize("number", [1, 2, 77, 2**31, 2**62])
def test_a_merchants_moment_is_the_same_every_hour(number: int) -> None:
    first = times.next_at(number, now=NOW)
    second = times.next_at(number, now=first + MINUTE)

    assert timedelta(minutes=10) <= first - NOW < timedelta(minutes=70)
    assert second - first == timedelta(hours=1)


def test_a_span_goes_from_a_bit_before_what_is_covered_to_a_while_ago() -> None:
    span = Span.of(
        covered_until=NOW - timedelta(hours=1), reading_until=None,
        connected_at=NOW - timedelta(days=9), now=NOW,
    )  # fmt: skip

    assert (NOW - span.since, NOW - span.until) == (75 * MINUTE, 10 * MINUTE)
    assert not span.has_gap
    assert not span.is_empty


def test_a_span_of_more_than_stripe_keeps_says_that_it_has_a_gap() -> None:
    long_ago = NOW - timedelta(days=31)
    span = Span.of(covered_until=long_ago, reading_until=None, connected_at=long_ago, now=NOW)

    assert (span.since, span.has_gap) == (NOW - timedelta(days=30), True)


def test_a_span_of_somebody_who_has_just_come_is_empty() -> None:
    assert Span.of(covered_until=NOW, reading_until=None, connected_at=NOW, now=NOW).is_empty


# --- whose turn it is -------------------------------------------------------------------------


@pytest.mark.django_db
def test_only_merchants_that_are_connected_are_reconciled() -> None:
    now = timezone.now()
    make_merchant("never connected")
    gone, ours = connected("gone"), connected("ours")
    gone.stripe.disconnected_at = now
    gone.stripe.save()

    begun = reconciliation.claim(now=now)

    assert begun is not None
    assert begun.merchant == ours
    assert reconciliation.claim(now=now) is None
    with pytest.raises(reconciliation.NotConnectedAnyMoreError):
        reconciliation.begin(merchant=gone, by="", now=now)


@pytest.mark.django_db
def test_who_was_never_reconciled_comes_first_then_who_has_waited_longest() -> None:
    now = timezone.now()
    waits = [connected(f"{minutes} minutes") for minutes in (1, 9, 5)]
    for merchant, minutes in zip(waits, (1, 9, 5), strict=True):
        begun = reconciliation.begin(merchant=merchant, by="", now=now - A_WHILE)
        assert begun
        reconciliation.end(begun, Outcome(), now=now - A_WHILE)
        Coverage.objects.filter(merchant=merchant).update(due_at=now - minutes * MINUTE)
    new = connected("new")

    found = [reconciliation.claim(now=now) for _each in range(5)]

    assert [one.merchant.name if one else None for one in found] == [
        new.name, "9 minutes", "5 minutes", "1 minutes", None,
    ]  # fmt: skip


@pytest.mark.django_db
def test_the_task_reconciles_everybody_who_is_due_each_apart_from_the_others(
    local_stripe: LocalStripe, monkeypatch: pytest.MonkeyPatch
) -> None:
    fails(local_stripe)
    broken, ours = connected("broken"), connected("ours")

    def odd(*, merchant: Merchant, **facts: Any) -> list[str]:
        if merchant == broken:
            raise RuntimeError("a bug")
        return store_missing(merchant=merchant, **facts)

    monkeypatch.setattr("recovery.inbox.store_missing", odd)
    tasks.reconcile()

    assert "invoice.payment_failed" in inbox(ours)
    states = dict(Reconciliation.objects.values_list("merchant__name", "state"))
    assert states == {"broken": "running", "ours": "done"}
    assert not Coverage.objects.filter(due_at__lte=timezone.now()).exists()


@pytest.mark.django_db
def test_a_run_whose_worker_died_is_begun_again_and_says_so(
    local_stripe: LocalStripe,
) -> None:
    merchant, now = connected(), timezone.now()
    dead = reconciliation.begin(merchant=merchant, by="", now=now - 11 * MINUTE)
    assert dead is not None

    tasks.reconcile()

    dead.refresh_from_db()
    assert (dead.state, dead.error[:18]) == ("failed", "It was cut off: th")
    assert Reconciliation.objects.latest("id").state == "done"
    with pytest.raises(reconciliation.OvertakenError):
        reconciliation.end(dead, Outcome(), now=now)


@pytest.mark.django_db
def test_a_run_that_is_overtaken_says_nothing_any_more(local_stripe: LocalStripe) -> None:
    merchant = connected()
    fails(local_stripe)
    begun = reconciliation.begin(merchant=merchant, by="", now=timezone.now())
    assert begun is not None
    reconciliation.forget(merchant=merchant, now=timezone.now())

    tasks.reconcile_now(begun)

    begun.refresh_from_db()
    assert (begun.state, begun.error) == ("failed", "Stripe was disconnected.")
    assert not Coverage.objects.exists()


@pytest.mark.django_db
def test_who_disconnects_begins_anew_the_next_time(local_stripe: LocalStripe) -> None:
    merchant = connected()
    reconcile(merchant)

    merchants.disconnect(merchant=merchant, now=timezone.now())

    assert not Coverage.objects.exists()
    assert reconciliation.claim(now=timezone.now()) is None


@pytest.mark.django_db
def test_runs_are_listed_for_ninety_days(local_stripe: LocalStripe) -> None:
    ours, others, now = connected(), connected("Moss"), timezone.now()
    for merchant, days in ((ours, 91), (ours, 89), (others, 91)):
        at = now - timedelta(days=days)
        Reconciliation.objects.create(merchant=merchant, state="done", began_at=at, ended_at=at)

    reconcile(ours)

    left = [run.began_at <= now for run in Reconciliation.objects.of(ours).order_by("id")]
    assert left == [True, False]
    assert Reconciliation.objects.of(others).count() == 1


@pytest.mark.django_db(transaction=True)
def test_two_workers_at_once_do_one_run(local_stripe: LocalStripe) -> None:
    """The embedded database has one writer at a time, and nothing to prove."""
    if connection.vendor != "postgresql":
        pytest.skip("needs row locks")
    merchant = connected()
    fails(local_stripe)

    at_once(*[tasks.reconcile] * 4)

    [done] = Reconciliation.objects.all()
    assert (done.state, done.merchant) == ("done", merchant)
    assert done.events_missed == len(inbox(merchant)) > 0

    due = timezone.now() - MINUTE
    for _round in range(5):
        Coverage.objects.update(due_at=due)
        begun = at_once(*[partial(reconciliation.claim, now=timezone.now())] * 4)
        assert len([one for one in begun if one]) == 1


# --- asked for by a person --------------------------------------------------------------------


@pytest.mark.django_db
def test_what_is_asked_for_begins_now_and_says_by_whom(local_stripe: LocalStripe) -> None:
    merchant = connected()
    last = reconcile(merchant)

    assert reconciliation.ask_for(merchant=merchant, by="jo", after=last.pk, now=timezone.now())
    tasks.reconcile()

    newest = Reconciliation.objects.latest("id")
    assert (newest.pk > last.pk, newest.asked_by, newest.state) == (True, "jo", "done")
    assert Coverage.objects.get().asked_by == ""


@pytest.mark.django_db
def test_a_second_click_is_no_second_run(local_stripe: LocalStripe) -> None:
    merchant = connected()
    last = reconcile(merchant)

    def click() -> bool:
        return reconciliation.ask_for(
            merchant=merchant, by="jo", after=last.pk, now=timezone.now()
        )

    assert [click(), click()] == [True, True]
    tasks.reconcile()
    assert click() is False
    tasks.reconcile()

    assert Reconciliation.objects.count() == 2


@pytest.mark.django_db
def test_nothing_is_asked_for_while_a_run_is_under_way() -> None:
    merchant, now = connected(), timezone.now()
    assert reconciliation.ask_for(merchant=merchant, by="jo", after=0, now=now)
    begun = reconciliation.begin(merchant=merchant, by="", now=now)
    assert begun is not None

    assert not reconciliation.ask_for(merchant=merchant, by="jo", after=begun.pk, now=now)
    assert reconciliation.begin(merchant=merchant, by="", now=now) is None


# --- manage.py reconcile ----------------------------------------------------------------------


@pytest.mark.django_db
def test_the_command_says_in_words_what_was_found(local_stripe: LocalStripe) -> None:
    merchant = connected()
    fails(local_stripe)

    printed = run("reconcile", merchant.public_id).splitlines()

    found = Reconciliation.objects.get()
    assert found.asked_by == "manage.py reconcile"
    count = found.events_missed
    assert printed[:3] == [
        f"{count} events were read; {count} had been missed and are processed like any other.",
        "No open case was due to be asked about.",
        "The endpoint was made by hand and is left alone.",
    ]
    assert printed[3].startswith("Covered until 20")
    assert "none had been missed" in run("reconcile", merchant.public_id)


@pytest.mark.django_db
def test_the_command_says_why_nothing_could_be_done(local_stripe: LocalStripe) -> None:
    merchant = connected()
    reconciliation.begin(merchant=merchant, by="", now=timezone.now())
    assert refused("reconcile", merchant.public_id).startswith("A run is under way already.")

    Reconciliation.objects.all().delete()
    local_stripe.world.revoke("rk_test_ferntea")
    assert refused("reconcile", merchant.public_id) == "Not all of it could be done."

    StripeConnection.objects.update(connected_at=None)
    assert "isn't connected to Stripe" in refused("reconcile", merchant.public_id)


@pytest.mark.parametrize(
    ("facts", "said"),
    [
        ({}, ["No events were read.", "No open case was due to be asked about."]),
        (
            {"covered_from": NOW, "events_read": 1, "cases_asked": 1},
            ["1 event was read; none had been missed.",
             "1 open case was asked about; none had moved."],
        ),
        (
            {"covered_from": NOW, "events_read": 9, "events_missed": 1, "cases_asked": 3,
             "cases_moved": 1, "cases_opened": 2, "error": "Stripe says: no."},
            ["Stripe says: no.",
             "9 events were read; 1 had been missed and is processed like any other.",
             "2 cases were opened whose events Stripe no longer keeps.",
             "3 open cases were asked about; 1 had moved and is as in Stripe now."],
        ),
    ],
)  # fmt: skip
def test_a_run_is_told_in_sentences(facts: dict[str, object], said: list[str]) -> None:
    told = reconciliation.sentences(Reconciliation(began_at=NOW, **facts))

    assert told == [*said, "The endpoint was not looked at."]
