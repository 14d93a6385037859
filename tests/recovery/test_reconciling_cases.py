"""Cases that Stripe has gone on from without a word, and access that is lost, in part or whole."""

from datetime import timedelta

import pytest
from django.utils import timezone
from pytest_django import Settings

from recovery import operator_tasks, stripe_gateway
from recovery.models import (
    Coverage,
    Merchant,
    OperatorTask,
    Reconciliation,
    RecoveryCase,
    StripeEvent,
)
from recovery.reconciliation import missed_events, moved_cases
from recovery.stripe_gateway import EventPage
from tests.local_stripe import LocalStripe
from tests.local_stripe.schedule import Schedule
from tests.recovery.purchases import DECLINED, failed_purchase, hear_all, set_out, type_in
from tests.recovery.reconciling import A_WHILE, connected, fails, only_case, reconcile
from tests.recovery.stories import KEY, failed_payment, failed_renewal, sdk, stripe_is_down

pytestmark = pytest.mark.django_db
A_DAY = timedelta(days=1)
READ_EVENTS = "rak_event_read"


@pytest.fixture
def merchant(db: None, local_stripe: LocalStripe) -> Merchant:
    return connected()


def aged(case: RecoveryCase, by: timedelta = A_DAY) -> RecoveryCase:
    """The case as if it had opened some days ago, of which Stripe no longer tells."""
    now = timezone.now()
    RecoveryCase.objects.filter(pk=case.pk).update(opened_at=now - by, known_at=now - by)
    Coverage.objects.update(covered_until=now)
    return RecoveryCase.objects.get(pk=case.pk)


def pay_long_ago(local_stripe: LocalStripe, case: RecoveryCase) -> None:
    """The invoice is paid, so that no list of events has it."""
    at = timezone.now() - timedelta(days=40)
    with local_stripe.world.time.pinned_at(int(at.timestamp())):
        local_stripe.scenarios.pay(invoice=case.stripe_invoice_id)


def asked(local_stripe: LocalStripe, case: RecoveryCase) -> int:
    about = [one.params.get("invoice") for one in local_stripe.requests]
    return about.count(case.stripe_invoice_id)


# --- cases ------------------------------------------------------------------------------------


def test_an_invoice_that_was_paid_without_a_word_closes_its_case(
    local_stripe: LocalStripe, merchant: Merchant
) -> None:
    case = aged(failed_renewal(local_stripe, merchant))
    pay_long_ago(local_stripe, case)

    run = reconcile(merchant)

    case.refresh_from_db()
    assert (case.status, case.reason, case.amount_recovered) == ("recovered", "invoice_paid", 4900)
    assert (run.cases_asked, run.cases_moved, run.moved_ids) == (1, 1, [case.public_id])
    assert run.has_drift


def test_an_invoice_that_owes_another_amount_is_asked_for_that(
    local_stripe: LocalStripe, merchant: Merchant
) -> None:
    case = aged(failed_renewal(local_stripe, merchant))
    RecoveryCase.objects.update(amount=1)

    run = reconcile(merchant)

    assert (run.cases_moved, only_case(merchant).amount) == (1, case.amount)


def test_a_one_time_payment_that_was_canceled_closes_its_case(
    local_stripe: LocalStripe, merchant: Merchant
) -> None:
    case = aged(failed_payment(local_stripe, merchant))
    sdk(merchant).payment_intents.cancel(case.stripe_payment_intent_id)

    assert reconcile(merchant).cases_moved == 1
    assert only_case(merchant).status == "voided"


def test_each_open_case_is_asked_about_once_a_day(
    local_stripe: LocalStripe, merchant: Merchant
) -> None:
    young = failed_renewal(local_stripe, merchant)
    assert reconcile(merchant).cases_asked == 0

    aged(young)
    runs = [reconcile(merchant), reconcile(merchant)]
    later = reconcile(merchant, now=timezone.now() + A_DAY)

    assert [run.cases_asked for run in [*runs, later]] == [1, 0, 1]
    assert [run.cases_moved for run in [*runs, later]] == [0, 0, 0]
    RecoveryCase.objects.update(
        status="lost", reason="subscription_canceled", closed_at=timezone.now()
    )
    assert reconcile(merchant, now=timezone.now() + 2 * A_DAY).cases_asked == 0


def test_the_longest_unasked_come_first_and_the_next_run_goes_on(
    local_stripe: LocalStripe, merchant: Merchant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(moved_cases, "BATCH", 2)
    cases = [aged(failed_renewal(local_stripe, merchant)) for _each in range(3)]
    RecoveryCase.objects.filter(pk=cases[0].pk).update(reconciled_at=timezone.now() - A_DAY)

    first = reconcile(merchant)

    assert [asked(local_stripe, case) > 0 for case in cases] == [False, True, True]
    assert Coverage.objects.get().due_at <= timezone.now()
    assert (first.cases_asked, reconcile(merchant).cases_asked) == (2, 1)


def test_a_case_that_stripe_knows_nothing_of_holds_up_no_other(
    local_stripe: LocalStripe, merchant: Merchant
) -> None:
    strange, other = (aged(failed_renewal(local_stripe, merchant)) for _each in range(2))
    RecoveryCase.objects.filter(pk=strange.pk).update(stripe_invoice_id="in_of_nobody")
    pay_long_ago(local_stripe, other)

    run = reconcile(merchant)

    assert (run.state, run.cases_asked, run.moved_ids) == ("done", 2, [other.public_id])
    assert RecoveryCase.objects.get(pk=strange.pk).status == "open"


def test_a_case_that_could_not_be_asked_about_is_asked_about_in_the_next_run(
    local_stripe: LocalStripe, merchant: Merchant
) -> None:
    case = aged(failed_renewal(local_stripe, merchant))
    pay_long_ago(local_stripe, case)
    with stripe_is_down(local_stripe, "/v1/invoice*"):
        assert "Stripe can't be asked now" in reconcile(merchant).error

    assert reconcile(merchant).moved_ids == [case.public_id]


def fails_long_ago(local_stripe: LocalStripe, merchant: Merchant) -> dict[str, str]:
    """Stripe keeps events for thirty days, and nobody reconciled for longer."""
    merchant.stripe.connected_at = timezone.now() - timedelta(days=60)
    merchant.stripe.save()
    with local_stripe.world.lock:
        ids = fails(local_stripe, ago=timedelta(days=31))
        local_stripe.world.schedule = Schedule()  # Stripe has long given up trying again
    return ids


def test_what_stripe_no_longer_tells_of_is_found_among_what_is_owed(
    local_stripe: LocalStripe, merchant: Merchant
) -> None:
    ids = fails_long_ago(local_stripe, merchant)

    run = reconcile(merchant)

    assert only_case(merchant).stripe_invoice_id == ids["invoice"]
    assert (run.events_missed, run.cases_opened, run.state) == (0, 1, "done")
    assert reconcile(merchant).cases_opened == 0


def test_a_list_that_was_left_for_longer_than_stripe_keeps_events_is_begun_anew(
    local_stripe: LocalStripe, merchant: Merchant
) -> None:
    fails_long_ago(local_stripe, merchant)
    left_at = timezone.now() - timedelta(days=32)
    reconcile(merchant, now=left_at)
    Coverage.objects.update(reading_until=left_at + A_DAY, read_down_to="evt_of_then")

    run = reconcile(merchant)

    coverage = Coverage.objects.get()
    assert run.cases_opened == 1
    assert (coverage.reading_until, coverage.read_down_to) == (None, "")
    assert coverage.covered_until > timezone.now() - A_WHILE


@pytest.mark.parametrize("has_tried", [True, False], ids=["declined", "not tried"])
def test_a_payment_at_checkout_that_a_key_may_not_ask_about_holds_up_no_other(
    local_stripe: LocalStripe, merchant: Merchant, has_tried: bool
) -> None:
    order = failed_purchase(local_stripe, merchant)
    page = set_out(order)
    if has_tried:
        type_in(page, DECLINED)
        hear_all(local_stripe, merchant)
    aged(order, by=2 * A_DAY)
    renewal = aged(failed_renewal(local_stripe, merchant))
    pay_long_ago(local_stripe, renewal)
    local_stripe.world.restrict(KEY, missing={"rak_checkout_session_read"})

    run = reconcile(merchant)

    assert (run.cases_asked, run.moved_ids) == (2, [renewal.public_id])
    assert RecoveryCase.objects.get(pk=order.pk).status == "open"


# --- access -----------------------------------------------------------------------------------


def open_tasks() -> list[str]:
    return list(OperatorTask.objects.filter(done_at=None).values_list("kind", flat=True))


def test_a_key_without_a_permission_goes_on_to_do_what_it_may(
    local_stripe: LocalStripe, merchant: Merchant
) -> None:
    case = aged(failed_renewal(local_stripe, merchant))
    pay_long_ago(local_stripe, case)
    local_stripe.world.restrict(KEY, missing={READ_EVENTS})

    run = reconcile(merchant)

    assert (run.state, run.cases_moved) == ("failed", 1)
    assert run.error == (
        "The key lacks “Events: Read” (rak_event_read), by which events that got lost on their "
        "way are looked up."
    )
    [task] = OperatorTask.objects.all()
    assert (task.kind, task.summary) == (
        "permission_missing",
        f"{run.error} Allow it in Stripe's dashboard, under Developers → API keys.",
    )


def test_what_a_person_must_do_is_one_task_until_it_is_said_to_be_done(
    local_stripe: LocalStripe, merchant: Merchant
) -> None:
    local_stripe.world.restrict(KEY, missing={READ_EVENTS})
    for _hour in range(3):
        reconcile(merchant)
    assert open_tasks() == ["permission_missing"]

    operator_tasks.is_done(OperatorTask.objects.get(), actor="jo", now=timezone.now())
    assert open_tasks() == []
    reconcile(merchant)
    assert open_tasks() == ["permission_missing"]


def test_a_key_that_is_refused_is_a_task_and_nothing_is_lost(
    local_stripe: LocalStripe, merchant: Merchant
) -> None:
    fails(local_stripe)
    local_stripe.world.revoke(KEY)

    run = reconcile(merchant)

    assert (run.state, run.error) == ("failed", "Stripe doesn't accept the key.")
    assert open_tasks() == ["key_refused"]
    coverage = Coverage.objects.get()
    assert coverage.covered_until == merchant.stripe.connected_at
    assert coverage.due_at > timezone.now() + timedelta(minutes=9)
    local_stripe.world._revoked_keys.clear()
    assert reconcile(merchant).events_missed > 0


def test_an_outage_is_over_soon_and_asked_about_ever_more_rarely(
    local_stripe: LocalStripe, merchant: Merchant
) -> None:
    now, pauses = timezone.now(), []
    with stripe_is_down(local_stripe):
        for _time in range(8):
            run = reconcile(merchant, now=now)
            pauses.append((Coverage.objects.get().due_at - now).total_seconds() / 60)

    assert pauses == [1, 2, 4, 8, 16, 32, 60, 60]
    assert (run.state, open_tasks()) == ("failed", [])
    assert reconcile(merchant).state == "done"
    assert Coverage.objects.get().tries == 0


def test_a_platform_without_a_key_bothers_no_merchant(
    local_stripe: LocalStripe, merchant: Merchant
) -> None:
    merchant.stripe.api_key, merchant.stripe.account_id = "", "acct_linked"
    merchant.stripe.save()

    run = reconcile(merchant)

    assert (run.state, run.error, open_tasks()) == (
        "failed", "The merchant has no Stripe key.", [],
    )  # fmt: skip


# --- whose events -----------------------------------------------------------------------------


@pytest.fixture
def linked(local_stripe: LocalStripe, settings: Settings) -> Merchant:
    """A merchant linked by Connect, whom Stripe is asked about with the platform's key."""
    settings.STRIPE_API_KEY = "sk_test_platform"
    world = local_stripe.world
    platform = world.account_of("sk_test_platform")
    world.open_account("acct_linked", platform=platform.id)
    merchant = connected("Moss")
    merchant.stripe.api_key, merchant.stripe.account_id = "", "acct_linked"
    merchant.stripe.save()
    return merchant


def test_a_linked_accounts_events_are_asked_for_in_its_name(
    local_stripe: LocalStripe, linked: Merchant
) -> None:
    ours = fails(local_stripe, key="sk_test_platform", stripe_account="acct_linked")
    others = fails(local_stripe, key="sk_test_platform")

    run = reconcile(linked)

    assert (run.state, run.endpoint) == ("done", "platforms")
    about = set(StripeEvent.objects.of(linked).values_list("concerns", flat=True))
    assert ours["invoice"] in about
    assert about.isdisjoint(others.values())
    assert {one.account for one in local_stripe.requests} == {"acct_linked"}


def test_an_account_that_took_its_access_back_is_a_task(
    local_stripe: LocalStripe, linked: Merchant
) -> None:
    local_stripe.world.accounts["acct_linked"].platform = None

    run = reconcile(linked)

    assert run.error == "Stripe lets Recover no longer act for the account."
    assert open_tasks() == ["key_refused"]


def test_what_the_platforms_own_key_lacks_is_no_merchants_task(
    local_stripe: LocalStripe, linked: Merchant
) -> None:
    local_stripe.world.restrict("sk_test_platform", missing={READ_EVENTS})

    run = reconcile(linked)

    assert "rak_event_read" in run.error
    assert open_tasks() == []


def test_events_of_the_other_mode_are_nobodys_here(
    local_stripe: LocalStripe, merchant: Merchant
) -> None:
    fails(local_stripe)
    merchant.stripe.livemode = True
    merchant.stripe.save()

    run = reconcile(merchant)

    assert (run.events_read, run.events_missed, run.state) == (0, 0, "done")


def test_what_is_no_event_is_passed_over(
    local_stripe: LocalStripe, merchant: Merchant, monkeypatch: pytest.MonkeyPatch
) -> None:
    def odd(*_: object, **__: object) -> EventPage:
        return EventPage(['{"object": "event"}', "[]"], has_more=False)

    monkeypatch.setattr(stripe_gateway.StripeGateway, "events", odd)

    assert (reconcile(merchant).state, Reconciliation.objects.get().events_read) == ("done", 0)


def test_where_a_list_was_left_may_be_gone_with_all_that_is_older(
    local_stripe: LocalStripe, merchant: Merchant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(missed_events, "MOST_PAGES", 1)
    monkeypatch.setattr("recovery.stripe_gateway.events.PAGE", 2)
    fails(local_stripe)
    reconcile(merchant)
    until = Coverage.objects.get().reading_until
    Coverage.objects.update(read_down_to="evt_gone")

    run = reconcile(merchant)

    assert (run.state, run.events_read, run.covered_until) == ("done", 0, until)


def test_of_more_types_than_stripe_takes_all_events_are_asked_for(
    local_stripe: LocalStripe, merchant: Merchant
) -> None:
    fails(local_stripe)
    now = timezone.now()
    gateway = stripe_gateway.of(merchant)

    def listed(*types: str) -> int:
        page = gateway.events(types, since=now - 2 * A_WHILE, until=now)
        return len(page.payloads)

    assert listed("invoice.payment_failed") == 1
    assert listed(*(f"made.up{number}" for number in range(20))) == 0
    assert listed(*(f"made.up{number}" for number in range(21))) > 4
