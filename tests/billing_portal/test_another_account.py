"""A merchant goes on with another Stripe account, or from test mode to live: what is owed where
nobody can be asked any more is neither written about nor charged."""

from datetime import timedelta

import pytest
from django.core import mail
from django.utils import timezone
from pytest_django import Settings

from dunning.models import DunningRun
from dunning.tasks import deliver_queued, start_runs, work_due_steps
from recovery import merchants, reconciliation
from recovery.models import (
    Merchant,
    OperatorTask,
    RecoveryCase,
    StripeConnection,
    StripeEvent,
)
from recovery.tasks import process_inbox
from tests.billing_portal.visits import Visit
from tests.connected import KEY, asked_to_pay, fail_renewal, hear
from tests.local_stripe import LocalStripe

pytestmark = pytest.mark.django_db(transaction=True)
OTHER = "rk_test_moss"


@pytest.fixture
def debt(local_stripe: LocalStripe, merchant: Merchant) -> RecoveryCase:
    """The open case of Jo, who is to be written to at once."""
    return fail_renewal(local_stripe)


def go_on_with(merchant: Merchant, key: str) -> None:
    merchants.disconnect(merchant=merchant, now=timezone.now())
    merchants.connect(merchant=merchant, api_key=key, now=timezone.now())


def work() -> None:
    """What beat asks for, with every run due."""
    start_runs()
    DunningRun.objects.update(due_at=timezone.now())
    work_due_steps()
    deliver_queued()


def tasks() -> list[str]:
    return list(OperatorTask.objects.order_by("id").values_list("kind", flat=True))


@pytest.mark.parametrize("is_taken_up", [False, True])
@pytest.mark.parametrize("missing", [set(), {"rak_connected_account_read"}], ids=["", "bare"])
def test_nobody_is_written_to_about_what_is_owed_at_the_account_before(
    local_stripe: LocalStripe,
    merchant: Merchant,
    debt: RecoveryCase,
    is_taken_up: bool,
    missing: set[str],
) -> None:
    """Also where the keys may not ask for their account, as the README's may not."""
    for key in (KEY, OTHER):
        local_stripe.world.restrict(key, missing=missing)
    merchants.connect(merchant=merchant, api_key=KEY, now=timezone.now())
    if is_taken_up:
        start_runs()

    go_on_with(merchant, OTHER)
    work()

    assert mail.outbox == []
    assert tasks() == ["other_account"]
    assert OperatorTask.objects.get().summary.startswith("Open cases of another Stripe account")
    assert "now: 1." in OperatorTask.objects.get().summary


def test_a_mail_that_waited_is_not_sent(merchant: Merchant, debt: RecoveryCase) -> None:
    start_runs()
    DunningRun.objects.update(due_at=timezone.now())
    work_due_steps()

    go_on_with(merchant, OTHER)
    deliver_queued()

    assert mail.outbox == []


def test_what_fails_at_the_new_account_is_recovered(
    local_stripe: LocalStripe, merchant: Merchant, debt: RecoveryCase
) -> None:
    local_stripe.scenarios.renewal_fails(reason="expired_card", email="al@x.org", key=OTHER)

    go_on_with(merchant, OTHER)
    work()

    assert [message.to for message in mail.outbox] == [["al@x.org"]]


def test_what_a_guest_owes_at_the_account_before_is_not_told_of_with_what_they_owe_now(
    local_stripe: LocalStripe, merchant: Merchant
) -> None:
    def orders(description: str, key: str) -> None:
        local_stripe.scenarios.one_time_fails(
            key=key,
            with_customer=False,
            email="jo@x.org",
            description=description,
            reason="expired_card",
        )
        hear(local_stripe)
        RecoveryCase.objects.update(settles_at=timezone.now())

    orders("The old order", KEY)
    go_on_with(merchant, OTHER)
    orders("The new order", OTHER)

    work()

    [sent] = mail.outbox
    assert "The new order" in sent.body
    assert "The old order" not in sent.body


def test_what_failed_at_the_account_before_and_is_heard_late_opens_nothing(
    local_stripe: LocalStripe, merchant: Merchant
) -> None:
    local_stripe.scenarios.renewal_fails(reason="expired_card", key=KEY)
    assert local_stripe.wait_until_delivered()
    go_on_with(merchant, OTHER)

    process_inbox()

    assert StripeEvent.objects.filter(type="invoice.payment_failed", state="processed").exists()
    assert not RecoveryCase.objects.exists()


def test_an_account_that_was_not_known_is_none_before() -> None:
    connection, now = StripeConnection(), timezone.now()
    for account in ("acct_a", "", "acct_b"):
        connection.is_of(account, now=now)
        connection.account_id = ""  # disconnected

    assert connection.account_since is None
    connection.is_of("acct_a", now=now)
    assert connection.account_since == now


def test_who_follows_an_old_link_is_led_to_the_invoice_and_nobody_is_called_deleted(
    local_stripe: LocalStripe, merchant: Merchant, debt: RecoveryCase
) -> None:
    jo = Visit(debt)
    go_on_with(merchant, OTHER)

    assert jo.set_out() == 200

    assert "invoice" in jo.page
    assert jo.location == ""
    assert tasks() == ["other_account"]
    assert asked_to_pay(local_stripe) == []


def test_reconciliation_passes_over_what_it_can_t_ask_about(
    merchant: Merchant, debt: RecoveryCase
) -> None:
    RecoveryCase.objects.update(opened_at=timezone.now() - timedelta(days=2))
    go_on_with(merchant, OTHER)
    run = reconciliation.begin(merchant=merchant, by="", now=timezone.now())
    assert run

    outcome = reconciliation.carry_out(run, now=timezone.now())

    assert (outcome.error, run.cases_asked) == ("", 0)


def test_the_account_that_is_connected_again_goes_on_where_it_was(
    merchant: Merchant, debt: RecoveryCase
) -> None:
    go_on_with(merchant, KEY)
    work()

    assert [message.to for message in mail.outbox] == [["jo@example.com"]]
    assert tasks() == []


def test_from_test_mode_to_live_the_trials_rest(
    merchant: Merchant, debt: RecoveryCase, settings: Settings
) -> None:
    settings.PUBLIC_URL = "https://pay.example.com"
    start_runs()

    merchants.connect(merchant=merchant, api_key="rk_live_ferntea", now=timezone.now())
    work()

    assert mail.outbox == []
    assert tasks() == ["other_account"]
