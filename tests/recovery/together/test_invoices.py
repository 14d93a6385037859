"""Failed invoices that are worked together end as if each had been worked by itself."""

import logging
from typing import Any
from unittest import mock

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from recovery import asking, customers, failed_invoices, hearing, ingest, together
from recovery.failed_invoices import Answers
from recovery.models import (
    Customer,
    Merchant,
    OutboundNotice,
    PaymentAttempt,
    RecoveryCase,
    StripeEvent,
)
from recovery.stripe_objects import Invoice
from recovery.tasks import process_inbox
from recovery.together import invoices
from tests.builders import make_merchant, post
from tests.local_stripe import LocalStripe
from tests.recovery.receivers import registered
from tests.recovery.stories import KEY, realm, told
from tests.recovery.together.sets import (
    INVOICE_FAILED,
    PAYMENT_FAILED,
    facts,
    forget_facts,
    of_the_same_account,
    outlived,
    store,
)

pytestmark = [pytest.mark.django_db, pytest.mark.both_databases]
NOW = timezone.now()


@pytest.mark.usefixtures("renewals")
def test_they_end_as_if_each_had_been_worked_by_itself(local_stripe: LocalStripe) -> None:
    events = store(*told(local_stripe, INVOICE_FAILED))
    for one in events:
        ingest.process(one, now=timezone.now())
    alone = facts()
    forget_facts()

    assert together.work(events) == []

    assert facts() == alone
    assert len(alone[1]) == 3
    assert set(StripeEvent.objects.values_list("state", flat=True)) == {"processed"}


@pytest.mark.usefixtures("renewals")
def test_more_of_them_take_no_more_transactions_and_hardly_more_statements(
    local_stripe: LocalStripe,
) -> None:
    few = store(*told(local_stripe, INVOICE_FAILED))
    with CaptureQueriesContext(connection) as asked_of_few:
        together.work(few)
    for number in range(12):
        local_stripe.scenarios.renewal_fails(email=f"liam{number}@example.com", key=KEY)
    many = store(*told(local_stripe, INVOICE_FAILED))

    with CaptureQueriesContext(connection) as asked_of_many:
        together.work(many)

    assert len(many) == 12
    assert len(asked_of_many) <= len(asked_of_few) <= 25


@pytest.mark.usefixtures("renewals")
def test_of_those_that_have_a_case_none_is_asked_for_by_itself(local_stripe: LocalStripe) -> None:
    failures = told(local_stripe, INVOICE_FAILED)
    together.work(store(*failures))
    read = []
    for many in (2, 3):
        events = store(*({**one, "id": f"{one['id']}_{many}"} for one in failures[:many]))
        with CaptureQueriesContext(connection) as asked:
            assert together.work(events) == []
        read.append(sum(query["sql"].startswith("SELECT") for query in asked))

    assert read[0] == read[1]


@pytest.mark.usefixtures("renewals")
def test_whoever_is_told_of_them_elsewhere_costs_them_no_row_of_their_own(
    local_stripe: LocalStripe, merchant: Merchant
) -> None:
    """Rows of a set go in together, in an order that all workers have; a notice waits for its
    case."""
    registered(merchant, None, "case.opened", "attempt.failed")
    few = store(*told(local_stripe, INVOICE_FAILED))

    with CaptureQueriesContext(connection) as asked:
        together.work(few)

    inserts = [query["sql"] for query in asked if query["sql"].startswith("INSERT")]
    tables = [sql.split('"')[1] for sql in inserts]
    for table in ("customer", "recoverycase", "paymentattempt", "timelineentry"):
        assert tables.count(f"recovery_{table}") == 1
    assert list(OutboundNotice.objects.order_by("id").values_list("type", flat=True)) == [
        "case.opened", "attempt.failed",
    ] * 3  # fmt: skip


@pytest.mark.usefixtures("renewals")
def test_what_was_told_of_them_before_is_heard(local_stripe: LocalStripe) -> None:
    local_stripe.scenarios.pay(invoice=_invoices(local_stripe)[0])
    for earlier in told(local_stripe, "invoice.paid"):
        assert post(earlier).status_code == 200
    process_inbox()
    assert not RecoveryCase.objects.exists()

    assert together.work(store(*told(local_stripe, INVOICE_FAILED))) == []

    assert sorted(RecoveryCase.objects.values_list("status", flat=True)) == [
        "open", "open", "recovered",
    ]  # fmt: skip


@pytest.mark.usefixtures("renewals")
def test_an_invoice_that_is_told_of_twice_has_one_case(local_stripe: LocalStripe) -> None:
    first, *others = told(local_stripe, INVOICE_FAILED)

    assert together.work(store(first, {**first, "id": "evt_again"}, *others)) == []

    assert RecoveryCase.objects.count() == 3
    assert PaymentAttempt.objects.count() == 3


@pytest.mark.usefixtures("renewals")
def test_one_of_which_nothing_is_owed_any_more_is_heard_by_the_case_that_another_opened(
    local_stripe: LocalStripe,
) -> None:
    first, *others = told(local_stripe, INVOICE_FAILED)
    [opener, later, *rest] = store(first, {**first, "id": "evt_again"}, *others)
    settled = {first["data"]["object"]["id"]: iter([True, False])}

    def owed(invoice: Invoice, _answers: Answers) -> bool:
        return next(settled.get(invoice.id, iter([True])))

    with (
        mock.patch.object(failed_invoices, "is_owed", owed),
        mock.patch.object(hearing, "tell_what_was_told") as told_anew,
    ):
        assert invoices.work([opener, later, *rest]) == []

    [heard] = told_anew.call_args_list
    assert later.pk not in heard.kwargs["but"]
    assert opener.pk in heard.kwargs["but"]


@pytest.mark.usefixtures("renewals")
def test_a_case_that_is_there_already_is_added_to(local_stripe: LocalStripe) -> None:
    assert together.work(store(*told(local_stripe, INVOICE_FAILED))) == []
    local_stripe.clock.advance(hours=1)
    for invoice in _invoices(local_stripe):
        local_stripe.scenarios.retry(invoice=invoice)

    assert together.work(store(*told(local_stripe, INVOICE_FAILED))) == []

    assert RecoveryCase.objects.count() == 3
    assert PaymentAttempt.objects.count() == 6


@pytest.mark.usefixtures("renewals")
def test_where_stripe_cannot_be_asked_each_is_left_to_be_worked_by_itself(
    local_stripe: LocalStripe,
) -> None:
    events = store(*told(local_stripe, INVOICE_FAILED))
    local_stripe.faults.add("reset", path="/v1/*", times=1000)

    assert together.work(events) == events
    assert not RecoveryCase.objects.exists()


@pytest.mark.usefixtures("renewals")
def test_a_stripe_that_is_silent_is_not_asked_for_each(
    local_stripe: LocalStripe,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    events = store(*told(local_stripe, INVOICE_FAILED))
    monkeypatch.setattr(asking, "AT_ONCE", 1)
    local_stripe.faults.add("reset", path="/v1/*", times=1000)
    local_stripe.requests.clear()

    left = together.work(events)

    assert len({one.path for one in local_stripe.requests}) == 1
    assert left == events
    assert [event.tries for event in left] == [1] * len(events)
    # It is away, and nothing is wrong with the events.
    assert max(record.levelno for record in caplog.records) < logging.WARNING


@pytest.mark.usefixtures("renewals")
def test_a_merchant_whose_key_was_revoked_holds_up_no_other(
    local_stripe: LocalStripe, merchant: Merchant
) -> None:
    revoked = make_merchant("Moss")
    revoked.stripe.api_key, revoked.stripe.livemode = "rk_test_revoked", False
    revoked.stripe.save()
    for payload in told(local_stripe, INVOICE_FAILED):
        assert post(payload, merchant=revoked).status_code == 200
    local_stripe.world.revoke("rk_test_revoked")
    events = store(*told(local_stripe, INVOICE_FAILED), merchant=merchant)

    left = together.work(events)

    assert {one.merchant_id for one in left} == {revoked.pk}
    assert RecoveryCase.objects.of(merchant).count() == 3


@pytest.mark.usefixtures("renewals")
def test_where_one_of_them_fails_each_is_left_to_be_worked_by_itself(
    local_stripe: LocalStripe, caplog: pytest.LogCaptureFixture
) -> None:
    events = store(*told(local_stripe, INVOICE_FAILED))

    with mock.patch("recovery.failed_invoices.take_in", side_effect=[mock.DEFAULT, LookupError]):
        assert together.work(events) == events

    assert "A set of 3 events failed: they are worked one by one." in caplog.text
    assert not Customer.objects.exists()


@pytest.mark.usefixtures("renewals")
def test_what_could_not_be_heard_together_is_heard_by_each(local_stripe: LocalStripe) -> None:
    [first, *_others] = _invoices(local_stripe)
    local_stripe.scenarios.pay(invoice=first)
    for one in told(local_stripe, "invoice.paid", INVOICE_FAILED):
        assert post(one).status_code == 200
    StripeEvent.objects.filter(type="invoice.paid").update(state="processed", processed_at=NOW)
    # Who asks now is told what was known before the payment.
    realm(local_stripe).tables["invoice"][first].update(status="open", amount_remaining=4900)

    with mock.patch("recovery.together.invoices._hear", side_effect=LookupError):
        process_inbox()

    assert RecoveryCase.objects.get(stripe_invoice_id=first).status == "recovered"
    assert not StripeEvent.objects.filter(state="pending").exists()


@pytest.mark.usefixtures("renewals")
def test_who_has_outlived_the_lease_writes_nothing(local_stripe: LocalStripe) -> None:
    events = outlived(store(*told(local_stripe, INVOICE_FAILED)))

    assert together.work(events) == events
    assert not RecoveryCase.objects.exists()


@pytest.mark.usefixtures("renewals")
def test_what_was_tried_before_or_is_no_failed_invoice_is_left(local_stripe: LocalStripe) -> None:
    events = store(*told(local_stripe, INVOICE_FAILED, PAYMENT_FAILED))
    next(one for one in events if one.type == INVOICE_FAILED).tries = 2

    left = invoices.work(events)

    assert left == [one for one in events if one.type != INVOICE_FAILED or one.tries == 2]


@pytest.mark.usefixtures("renewals")
def test_rows_of_several_merchants_are_locked_in_the_same_order_by_all_workers(
    local_stripe: LocalStripe, merchant: Merchant
) -> None:
    other = of_the_same_account()
    for payload in told(local_stripe, INVOICE_FAILED):
        assert post(payload, merchant=other).status_code == 200
    events = store(*told(local_stripe, INVOICE_FAILED), merchant=merchant)
    assert [one.merchant_id for one in events] == [other.pk] * 3 + [merchant.pk] * 3

    with mock.patch(
        "recovery.together.invoices.customers.lay_out", wraps=customers.lay_out
    ) as laid_out:
        assert together.work(events) == []

    assert [asked.args[0] for asked in laid_out.call_args_list] == [merchant, other]
    assert RecoveryCase.objects.of(merchant).count() == RecoveryCase.objects.of(other).count() == 3


@pytest.mark.usefixtures("renewals")
@pytest.mark.parametrize("odd", [{"amount_due": 2**70}, {"id": ""}])
def test_what_is_odd_is_left(local_stripe: LocalStripe, odd: dict[str, Any]) -> None:
    first, *others = told(local_stripe, INVOICE_FAILED)
    first["data"]["object"].update(odd)
    [strange, *plain] = store(first, *others)

    assert together.work([strange, *plain]) == [strange]


def _invoices(local_stripe: LocalStripe) -> list[str]:
    invoices = realm(local_stripe).all("invoice")
    return [invoice["id"] for invoice in invoices if invoice["status"] == "open"]
