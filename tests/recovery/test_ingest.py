"""What events do to cases, whatever their order and number, with and without Stripe to ask."""

import itertools
import time
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from recovery.models import Customer, Merchant, RecoveryCase, StripeEvent
from tests.builders import dashboard, event, make_merchant, receive
from tests.local_stripe import LocalStripe
from tests.recovery.stories import KEY, realm, sdk, told

T0 = int(time.time()) - 5 * 86_400
DAY = 86_400


def invoice(invoice_id: str = "in_1", **facts: Any) -> dict[str, Any]:
    return {
        "id": invoice_id, "object": "invoice", "customer": "cus_1", "customer_email": "jo@x.org",
        "currency": "eur", "amount_due": 4900, "amount_remaining": 4900, "attempt_count": 1,
        "billing_reason": "subscription_cycle", "status": "open",
        "parent": {"subscription_details": {"subscription": "sub_1"}}, **facts,
    }  # fmt: skip


def intent(intent_id: str = "pi_1", **facts: Any) -> dict[str, Any]:
    return {
        "id": intent_id, "object": "payment_intent", "amount": 2500, "currency": "eur",
        "customer": "cus_1", "receipt_email": "jo@x.org", "status": "requires_payment_method",
        "invoice": None, **facts,
    }  # fmt: skip


def failing(charge: str, code: str) -> dict[str, Any]:
    return {"last_payment_error": {"type": "card_error", "code": "card_declined",
                                   "decline_code": code, "charge": charge}}  # fmt: skip


def failed(attempt: int, day: int, invoice_id: str = "in_1") -> dict[str, Any]:
    return event(
        "invoice.payment_failed",
        invoice(invoice_id, attempt_count=attempt),
        created=T0 + day * DAY,
    )


def paid(day: int, invoice_id: str = "in_1", **facts: Any) -> dict[str, Any]:
    told = {"status": "paid", "amount_remaining": 0, "amount_paid": 4900, "attempt_count": 2}
    return event("invoice.paid", invoice(invoice_id, **told | facts), created=T0 + day * DAY)


def money_back(type_: str, day: int, invoice_id: str = "in_3", **facts: Any) -> dict[str, Any]:
    charge = {"id": "ch_3", "object": "charge", "amount": 4900, "invoice": invoice_id, **facts}
    return event(type_, charge, created=T0 + day * DAY)


def state() -> list[Any]:
    """Everything that a history leaves behind, but for our own clock and ids."""
    return [
        (
            case.stripe_invoice_id, case.stripe_payment_intent_id, case.status, case.reason,
            case.amount, case.amount_recovered, case.amount_refunded, case.mechanism,
            case.decline_type, case.decline_code, case.attempt_count, case.failed_at,
            case.closed_at, case.next_payment_attempt_at,
            sorted((a.key, a.decline_code, a.attempted_at) for a in case.attempts.all()),
        )
        for case in RecoveryCase.objects.order_by("stripe_invoice_id", "stripe_payment_intent_id")
    ]  # fmt: skip


def forget_everything() -> None:
    StripeEvent.objects.all().delete()
    RecoveryCase.objects.all().delete()


@pytest.mark.django_db
def test_a_failed_invoice_that_is_paid_is_recovered() -> None:
    merchant = make_merchant(currency="eur")
    receive(failed(1, 0), paid(3))
    case = RecoveryCase.objects.get()
    assert (case.status, case.amount_recovered, case.mechanism) == (
        "recovered", 4900, "stripe_retry",
    )  # fmt: skip
    assert [entry.kind for entry in case.timeline.order_by("id")][:2] == [
        "opened",
        "attempt_failed",
    ]
    assert dashboard(merchant)["events"][0]["status"] == "recovered"


@pytest.mark.django_db
def test_a_failure_that_arrives_after_the_payment_opens_no_case_to_work() -> None:
    make_merchant(currency="eur")
    receive(paid(3))
    assert RecoveryCase.objects.count() == 0
    receive(failed(1, 0))
    assert RecoveryCase.objects.filter(status="open").count() == 0


@pytest.mark.django_db
def test_an_abandoned_checkout_opens_nothing() -> None:
    make_merchant()
    receive(event("invoice.payment_failed", invoice(billing_reason="subscription_create")))
    assert RecoveryCase.objects.count() == 0


@pytest.mark.django_db
def test_an_invoice_of_nothing_opens_nothing() -> None:
    make_merchant()
    receive(event("invoice.payment_failed", invoice(amount_due=0, amount_remaining=0)))
    assert RecoveryCase.objects.count() == 0


@pytest.mark.django_db
def test_a_one_time_payment_within_the_settling_delay_voids_its_case() -> None:
    make_merchant()
    receive(
        event(
            "payment_intent.payment_failed", intent(**failing("ch_1", "do_not_honor")), created=T0
        )
    )
    case = RecoveryCase.objects.get()
    assert (case.status, case.decline_code) == ("open", "do_not_honor")

    receive(event("payment_intent.succeeded", intent(amount_received=2500), created=T0 + 60))

    case.refresh_from_db()
    assert (case.status, case.reason) == ("voided", "paid_while_settling")


@pytest.mark.django_db
def test_a_one_time_payment_after_the_settling_delay_is_recovered() -> None:
    make_merchant()
    receive(event("payment_intent.payment_failed", intent(), created=T0))
    receive(event("payment_intent.succeeded", intent(amount_received=2500), created=T0 + DAY))
    assert RecoveryCase.objects.get().status == "recovered"


@pytest.mark.parametrize("shape", [{"invoice": "in_1"},
                                   {"payment_details": {"order_reference": "in_1"}}])  # fmt: skip
@pytest.mark.django_db
def test_an_invoices_own_payment_opens_no_second_case(shape: dict[str, Any]) -> None:
    make_merchant()
    own = event(
        "payment_intent.payment_failed",
        {**intent(), **shape, **failing("ch_1", "expired_card")},
        created=T0 + 2,
    )
    for order in itertools.permutations([own, failed(1, 0)]):
        receive(*order)
        case = RecoveryCase.objects.get()
        assert (case.stripe_invoice_id, case.decline_code) == ("in_1", "expired_card")
        assert case.attempts.count() == 1
        forget_everything()


@pytest.mark.parametrize(
    ("type_", "status", "reason"),
    [
        ("invoice.voided", "voided", "invoice_voided"),
        ("invoice.marked_uncollectible", "lost", "marked_uncollectible"),
    ],
)
@pytest.mark.django_db
def test_an_invoice_that_is_given_up_closes_its_case(type_: str, status: str, reason: str) -> None:
    make_merchant()
    receive(failed(1, 0), event(type_, invoice(), created=T0 + DAY))
    case = RecoveryCase.objects.get()
    assert (case.status, case.reason) == (status, reason)


@pytest.mark.django_db
def test_a_deleted_subscription_loses_its_cases_and_a_later_payment_still_recovers() -> None:
    make_merchant()
    receive(
        failed(1, 0), event("customer.subscription.deleted", {"id": "sub_1"}, created=T0 + DAY)
    )
    assert RecoveryCase.objects.get().status == "lost"
    receive(paid(4))
    assert RecoveryCase.objects.get().status == "recovered"


@pytest.mark.django_db
def test_a_zero_decimal_currency_is_counted_in_whole_units() -> None:
    merchant = make_merchant(currency="jpy", monthly_price=29)
    told: dict[str, Any] = {
        "currency": "jpy",
        "amount_due": 4900,
        "status_transitions": {"paid_at": time.time()},
    }
    receive(
        event("invoice.payment_failed", invoice(**told)),
        event("invoice.paid", invoice(**told, amount_paid=4900, status="paid")),
    )
    figures = dashboard(merchant)
    assert (figures["recovered_mtd"], figures["roi_multiple"]) == (4900, 169)


@pytest.mark.django_db
def test_the_first_live_event_tells_that_a_merchant_without_a_key_is_live() -> None:
    merchant = make_merchant()
    receive(event("invoice.payment_failed", invoice(), livemode=False))
    assert Merchant.objects.get().stripe.livemode is None

    receive(event("invoice.payment_failed", invoice("in_2"), livemode=True))
    receive(event("invoice.payment_failed", invoice("in_3"), livemode=False))

    assert Merchant.objects.get().stripe.livemode is True
    modes = RecoveryCase.objects.order_by("stripe_invoice_id").values_list("livemode", flat=True)
    assert list(modes) == [False, True]  # and nothing of in_3
    merchant.stripe.refresh_from_db()
    assert [shown["status"] for shown in dashboard(merchant)["events"]] == ["open"]


@pytest.mark.django_db
def test_a_customer_who_owes_nothing_is_not_kept() -> None:
    make_merchant()
    receive(event("customer.updated", {"id": "cus_9", "email": "al@x.org"}))
    assert Customer.objects.count() == 0


@pytest.mark.django_db
def test_what_was_said_of_a_subscription_before_its_case_opened_is_heard_without_harm() -> None:
    make_merchant()
    receive(event("customer.subscription.updated", {"id": "sub_1", "status": "past_due"}))
    receive(failed(1, 0))
    assert (RecoveryCase.objects.get().status, StripeEvent.objects.count()) == ("open", 2)


@pytest.mark.django_db
def test_a_first_invoice_that_stripe_knows_as_an_abandoned_checkout_opens_nothing(
    local_stripe: LocalStripe, merchant: Merchant
) -> None:
    ids = local_stripe.scenarios.renewal_fails(key=KEY)
    stored = realm(local_stripe).tables["invoice"][ids["invoice"]]
    [failure] = told(local_stripe, "invoice.payment_failed")
    stored["billing_reason"] = "subscription_create"
    receive(failure)
    assert RecoveryCase.objects.count() == 0


@pytest.mark.django_db
def test_a_failure_that_is_heard_once_stripe_says_paid_is_counted_and_never_worked(
    local_stripe: LocalStripe, merchant: Merchant
) -> None:
    ids = local_stripe.scenarios.renewal_fails(reason="lost_card", key=KEY)
    local_stripe.scenarios.pay(invoice=ids["invoice"])

    receive(*told(local_stripe, "invoice.payment_failed"))

    case = RecoveryCase.objects.get()
    assert (case.status, case.amount_recovered, case.mechanism) == (
        "recovered", 4900, "customer_paid",
    )  # fmt: skip
    assert not case.attempts.exclude(state="failed").exists()


@pytest.mark.django_db
def test_a_customer_who_was_deleted_in_stripe_still_has_the_case_and_its_address(
    local_stripe: LocalStripe, merchant: Merchant
) -> None:
    ids = local_stripe.scenarios.renewal_fails(email="jo@example.com", key=KEY)
    sdk(merchant).customers.delete(ids["customer"])

    receive(*told(local_stripe, "invoice.payment_failed"))

    assert RecoveryCase.objects.get().customer_email == "jo@example.com"


HISTORY = [
    failed(1, 0),
    failed(2, 1),
    event("invoice.updated", invoice(next_payment_attempt=T0 + 9 * DAY), created=T0 + DAY + 30),
    event("customer.subscription.deleted", {"id": "sub_1"}, created=T0 + 2 * DAY),
    paid(3),
    failed(1, 0, "in_2"),
    event("invoice.voided", invoice("in_2", status="void"), created=T0 + 4 * DAY),
    event("payment_intent.payment_failed", intent(**failing("ch_9", "lost_card")), created=T0),
    event(
        "payment_intent.payment_failed",
        intent(**failing("ch_10", "do_not_honor")),
        created=T0 + 500,
    ),
    event("payment_intent.succeeded", intent(amount_received=2500), created=T0 + 2000),
    failed(1, 0, "in_3"),
    paid(2, "in_3"),
    money_back("charge.refunded", 5, amount_refunded=4900),
    money_back("charge.dispute.created", 6, object="dispute", charge="ch_3"),
    failed(1, 0, "in_4"),
    paid(2, "in_4"),
    money_back("charge.refunded", 4, "in_4", amount_refunded=900),
    failed(1, 0, "in_5"),
    paid(2, "in_5"),
    event("invoice.voided", invoice("in_5", status="void"), created=T0 + 4 * DAY),
    failed(1, 0, "in_6"),
    event("invoice.payment_action_required", invoice("in_6"), created=T0 + 1),
    event("payment_intent.payment_failed", intent("pi_2"), created=T0),
    event("payment_intent.succeeded", intent("pi_2", amount_received=2500), created=T0 + DAY),
    event("charge.refunded", {
        "id": "ch_7", "object": "charge", "amount": 2500, "amount_refunded": 2500,
        "payment_intent": "pi_2",
    }, created=T0 + 2 * DAY),
]  # fmt: skip


@pytest.fixture
def state_in_order(db: None) -> list[Any]:
    make_merchant()
    receive(*HISTORY)
    return state()


@pytest.mark.any_database
@pytest.mark.no_cover
@pytest.mark.timeout(300)
@settings(
    max_examples=40,
    deadline=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    order=st.permutations(HISTORY),
    again=st.lists(st.sampled_from(HISTORY), max_size=6),
    batches=st.integers(1, 4),
)
def test_any_order_and_any_duplication_of_a_history_ends_in_the_same_state(
    state_in_order: list[Any],
    order: list[dict[str, Any]],
    again: list[dict[str, Any]],
    batches: int,
) -> None:
    forget_everything()
    history = [*order, *again]
    for start in range(batches):
        receive(*history[start::batches])

    assert state() == state_in_order
