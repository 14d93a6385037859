"""Failed payments of known invoices that are worked together end as if each had been alone."""

from typing import Any
from unittest import mock

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from recovery import customers, effects, hearing, ingest, together
from recovery.models import (
    Checkout,
    Customer,
    Merchant,
    PaymentAttempt,
    RecoveryCase,
    StripeEvent,
)
from recovery.together import payments
from tests.builders import post
from tests.local_stripe import LocalStripe
from tests.recovery.stories import told
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


@pytest.fixture
def known(renewals: None, local_stripe: LocalStripe) -> None:
    """The renewals' invoices have cases."""
    assert together.work(store(*told(local_stripe, INVOICE_FAILED))) == []
    assert RecoveryCase.objects.exclude(stripe_payment_intent_id="").count() == 3


@pytest.mark.usefixtures("renewals")
def test_they_end_as_if_each_had_been_worked_by_itself(local_stripe: LocalStripe) -> None:
    events = store(*told(local_stripe, INVOICE_FAILED, PAYMENT_FAILED))
    for one in events:
        ingest.process(one, now=timezone.now())
    alone = facts()
    forget_facts()

    assert together.work(events) == []

    assert facts() == alone
    assert RecoveryCase.objects.count() == PaymentAttempt.objects.count() == 3
    assert set(StripeEvent.objects.values_list("state", flat=True)) == {"processed"}


@pytest.mark.usefixtures("known")
def test_more_of_them_take_no_more_statements(local_stripe: LocalStripe) -> None:
    failures = told(local_stripe, PAYMENT_FAILED)
    taken = []
    for many in (2, 3):
        events = store(*({**one, "id": f"{one['id']}_{many}"} for one in failures[:many]))
        with CaptureQueriesContext(connection) as asked:
            assert together.work(events) == []
        taken.append(len(asked))

    assert taken[0] == taken[1] <= 15


@pytest.mark.usefixtures("known")
def test_a_second_failure_of_the_same_payment_is_another_attempt(
    local_stripe: LocalStripe,
) -> None:
    first, *others = told(local_stripe, PAYMENT_FAILED)
    again: dict[str, Any] = {**first, "id": "evt_later", "created": first["created"] + 3600}
    error = {**first["data"]["object"]["last_payment_error"], "charge": "ch_later"}
    again["data"] = {"object": {**first["data"]["object"], "last_payment_error": error}}

    assert together.work(store(first, *others, again)) == []

    assert PaymentAttempt.objects.count() == 4


@pytest.mark.usefixtures("known")
def test_what_another_event_of_the_payment_names_is_not_what_this_one_is_about(
    local_stripe: LocalStripe,
) -> None:
    first, *others = told(local_stripe, PAYMENT_FAILED)
    of_other = {**first["data"]["object"], "invoice": "in_other"}
    strange = {**first, "id": "evt_strange", "data": {"object": of_other}}
    [of_other_invoice, *plain] = store(strange, first, *others)

    assert together.work([of_other_invoice, *plain]) == [of_other_invoice]


@pytest.mark.usefixtures("renewals")
def test_one_that_comes_with_its_invoice_is_heard_once(local_stripe: LocalStripe) -> None:
    events = store(*told(local_stripe, INVOICE_FAILED, PAYMENT_FAILED))

    with mock.patch.object(hearing, "tell_what_was_told") as told_anew:
        assert together.work(events) == []

    told_anew.assert_not_called()
    assert PaymentAttempt.objects.count() == 3


@pytest.mark.usefixtures("renewals")
def test_one_whose_case_is_not_known_is_left(local_stripe: LocalStripe) -> None:
    events = store(*told(local_stripe, PAYMENT_FAILED))

    assert together.work(events) == events
    assert not RecoveryCase.objects.exists()


@pytest.mark.usefixtures("known")
@pytest.mark.parametrize("odd", ["one-time", "twice", "checkout", "guest", "other invoice"])
def test_one_that_is_not_plainly_of_an_invoice_is_left(
    local_stripe: LocalStripe, merchant: Merchant, odd: str
) -> None:
    first, *others = told(local_stripe, PAYMENT_FAILED)
    intent = first["data"]["object"]
    case = RecoveryCase.objects.get(stripe_payment_intent_id=intent["id"])
    if odd == "one-time":
        RecoveryCase.objects.filter(public_id=case.public_id).update(stripe_invoice_id="")
    elif odd == "twice":
        case.pk, case.public_id, case.stripe_invoice_id = None, "cas_other", "in_other"
        case.save(force_insert=True)
    elif odd == "checkout":
        now = timezone.now()
        Checkout.objects.create(
            merchant=merchant, case=case, payment_intent_id=intent["id"], created_at=now,
            expires_at=now, due_at=now,
        )  # fmt: skip
    elif odd == "guest":
        Customer.objects.filter(cases=case).update(stripe_customer_id="")
    else:
        intent["invoice"] = "in_other"
    [strange, *plain] = store(first, *others)

    assert together.work([strange, *plain]) == [strange]


@pytest.mark.usefixtures("known")
@pytest.mark.parametrize(
    "odd", [{"amount": 2**70}, {"id": ""}, {"metadata": {"recover_checkout": "chk_1"}}]
)
def test_one_that_cannot_be_read_or_is_our_own_checkouts_is_left(
    local_stripe: LocalStripe, odd: dict[str, Any]
) -> None:
    first, *others = told(local_stripe, PAYMENT_FAILED)
    first["data"]["object"].update(odd)
    [strange, *plain] = store(first, *others)

    assert together.work([strange, *plain]) == [strange]


@pytest.mark.usefixtures("known")
def test_what_was_tried_before_or_is_of_a_merchant_whose_mode_is_unknown_is_left(
    local_stripe: LocalStripe, merchant: Merchant
) -> None:
    failures = told(local_stripe, PAYMENT_FAILED)
    tried, *plain = store(*failures)
    tried.tries = 2
    assert together.work([tried, *plain]) == [tried]

    events = store(*({**one, "id": f"{one['id']}_2"} for one in failures))
    for one in events:
        one.merchant.stripe.livemode = None
    assert together.work(events) == events


@pytest.mark.usefixtures("known")
def test_where_one_of_them_fails_nothing_is_written_and_each_is_left(
    local_stripe: LocalStripe, caplog: pytest.LogCaptureFixture
) -> None:
    RecoveryCase.objects.update(failed_at=timezone.now())
    before, events = facts(), store(*told(local_stripe, PAYMENT_FAILED))
    write = mock.Mock(wraps=effects.payment_failed_again, side_effect=[mock.DEFAULT, LookupError])

    with mock.patch.object(effects, "payment_failed_again", write):
        assert together.work(events) == events

    assert "A set of 3 events failed: they are worked one by one." in caplog.text
    assert facts() == before


@pytest.mark.usefixtures("known")
def test_who_has_outlived_the_lease_writes_nothing(local_stripe: LocalStripe) -> None:
    events = outlived(store(*told(local_stripe, PAYMENT_FAILED)))

    assert payments.work(events) == events


@pytest.mark.usefixtures("renewals")
def test_rows_of_several_merchants_are_locked_in_the_same_order_by_all_workers(
    local_stripe: LocalStripe, merchant: Merchant
) -> None:
    other = of_the_same_account()
    for type_ in (INVOICE_FAILED, PAYMENT_FAILED):
        for payload in told(local_stripe, type_):
            assert post(payload, merchant=other).status_code == 200
        events = store(*told(local_stripe, type_), merchant=merchant)
        with mock.patch.object(customers, "lay_out", wraps=customers.lay_out) as laid_out:
            assert together.work(events) == []

    assert [asked.args[0] for asked in laid_out.call_args_list] == [merchant, other]
