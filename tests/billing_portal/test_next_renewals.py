"""The next renewal is charged to the card that was updated, wherever the failed one stood."""

from collections.abc import Callable

import pytest

from billing_portal.tasks import charge_new_cards
from recovery.models import OperatorTask, RecoveryCase
from tests.billing_portal import levels
from tests.billing_portal.levels import DEFAULT, renews
from tests.billing_portal.visits import Visit, stripe_customer
from tests.connected import KEY, ask, charges, fail_again, hear
from tests.local_stripe import LocalStripe

pytestmark = pytest.mark.django_db(transaction=True)
LEVELS = [
    "subscription.default_payment_method", "subscription.default_source",
    "customer.invoice_settings", "customer.default_source",
]  # fmt: skip
Way = Callable[[LocalStripe, RecoveryCase], str]


def by_the_page(local_stripe: LocalStripe, debt: RecoveryCase) -> str:
    """Set out, save a card, come back; its id."""
    jo = Visit(debt)
    jo.set_out()
    card = local_stripe.scenarios.new_card(customer=stripe_customer(debt))["payment_method"]
    assert jo.come_back() == "success"
    return card


def by_webhook_alone(local_stripe: LocalStripe, debt: RecoveryCase) -> str:
    """Set out, save a card, close the tab; its id."""
    Visit(debt).set_out()
    card = local_stripe.scenarios.new_card(customer=stripe_customer(debt))["payment_method"]
    hear(local_stripe)
    charge_new_cards()
    return card


WAYS = pytest.mark.parametrize("update", [by_the_page, by_webhook_alone])


def put(debt: RecoveryCase) -> list[tuple[str, str]]:
    """The level and the object of each repair that the case's timeline tells of."""
    entries = debt.timeline.filter(kind="card_put").order_by("id")
    return [(one.facts["level"], one.facts["object"]) for one in entries]


@WAYS
@pytest.mark.parametrize("level", LEVELS)
def test_the_next_renewal_is_charged_to_the_new_card(
    local_stripe: LocalStripe, debt: RecoveryCase, level: str, update: Way
) -> None:
    levels.fails_by(local_stripe, debt, level)
    hear(local_stripe)

    card = update(local_stripe, debt)

    debt.refresh_from_db()
    assert (debt.status, debt.mechanism) == ("recovered", "card_update")
    assert charges(local_stripe) == [debt.stripe_invoice_id]
    assert renews(local_stripe, debt.stripe_subscription_id) == ("paid", card)
    place = ("default_payment_method of subscription", debt.stripe_subscription_id)
    assert put(debt) == ([place] if level.startswith("subscription") else [])
    assert OperatorTask.objects.count() == 0


@WAYS
def test_a_source_that_failed_is_not_left_behind_the_new_card(
    local_stripe: LocalStripe, debt: RecoveryCase, update: Way
) -> None:
    levels.fails_by(local_stripe, debt, "subscription.default_source")

    card = update(local_stripe, debt)

    found = levels.subscription(local_stripe, debt.stripe_subscription_id)
    assert (found["default_payment_method"], found["default_source"]) == (card, None)


@WAYS
def test_every_subscription_that_names_the_failed_card_is_put_right(
    local_stripe: LocalStripe, debt: RecoveryCase, update: Way
) -> None:
    failed = debt.payment_method_id
    levels.fails_by(local_stripe, debt, "subscription.default_payment_method")
    other = levels.another_subscription(local_stripe, debt, default_payment_method=failed)

    card = update(local_stripe, debt)

    assert renews(local_stripe, debt.stripe_subscription_id) == ("paid", card)
    assert renews(local_stripe, other) == ("paid", card)
    assert {place for _level, place in put(debt)} == {debt.stripe_subscription_id, other}


@WAYS
def test_a_card_that_a_subscription_was_given_on_purpose_stays(
    local_stripe: LocalStripe, debt: RecoveryCase, update: Way
) -> None:
    working = levels.attach(local_stripe, debt, "pm_card_mastercard")
    levels.fails_by(local_stripe, debt, "subscription.default_payment_method")
    other = levels.another_subscription(local_stripe, debt, default_payment_method=working)

    card = update(local_stripe, debt)

    assert renews(local_stripe, debt.stripe_subscription_id) == ("paid", card)
    assert renews(local_stripe, other) == ("paid", working)
    assert put(debt) == [("default_payment_method of subscription", debt.stripe_subscription_id)]


def test_a_card_that_was_set_after_the_failure_stays(
    local_stripe: LocalStripe, debt: RecoveryCase
) -> None:
    working = levels.attach(local_stripe, debt, "pm_card_mastercard")
    own = debt.stripe_subscription_id
    levels.subscription(local_stripe, own, default_payment_method=working)

    by_the_page(local_stripe, debt)

    assert renews(local_stripe, own) == ("paid", working)
    assert put(debt) == []


def test_what_is_canceled_or_paid_by_hand_is_left_as_it_is(
    local_stripe: LocalStripe, debt: RecoveryCase
) -> None:
    failed = debt.payment_method_id
    ended = levels.another_subscription(local_stripe, debt, default_payment_method=failed)
    by_hand = levels.another_subscription(
        local_stripe, debt, default_payment_method=failed, collection_method="send_invoice",
        days_until_due="30",
    )  # fmt: skip
    local_stripe.scenarios.cancel(subscription=ended)

    by_the_page(local_stripe, debt)

    for each in (ended, by_hand):
        assert levels.subscription(local_stripe, each)["default_payment_method"] == failed
    assert put(debt) == []


def test_a_card_that_was_merely_attached_becomes_the_customers_where_the_failed_one_was(
    local_stripe: LocalStripe, debt: RecoveryCase
) -> None:
    """The merchant put it on one subscription; the other is charged to the customer's card."""
    other = levels.another_subscription(local_stripe, debt)
    new = levels.attach(local_stripe, debt)
    own = debt.stripe_subscription_id
    levels.subscription(local_stripe, own, default_payment_method=new)
    assert levels.customer(local_stripe, debt)["invoice_settings"]["default_payment_method"] == (
        debt.payment_method_id
    )
    hear(local_stripe)

    charge_new_cards()

    assert renews(local_stripe, other) == ("paid", new)
    assert put(debt) == [
        ("invoice_settings.default_payment_method of customer", stripe_customer(debt))
    ]


def test_a_subscription_that_got_a_new_source_has_its_debts_charged_to_it(
    local_stripe: LocalStripe, debt: RecoveryCase
) -> None:
    new = levels.attach(local_stripe, debt)
    levels.subscription(local_stripe, debt.stripe_subscription_id, default_source=new)
    hear(local_stripe)

    charge_new_cards()

    debt.refresh_from_db()
    assert (debt.status, debt.mechanism) == ("recovered", "card_update")


def test_an_open_invoices_own_card_is_put_right_for_stripes_next_retry(
    local_stripe: LocalStripe, debt: RecoveryCase
) -> None:
    ask(
        local_stripe, "POST", f"invoices/{debt.stripe_invoice_id}",
        default_payment_method=debt.payment_method_id,
    )  # fmt: skip
    local_stripe.faults.add("decline", path="*/pay", reason="processing_error")
    jo = Visit(debt)
    jo.set_out()
    card = local_stripe.scenarios.new_card(customer=stripe_customer(debt))["payment_method"]
    assert jo.come_back() == "declined"

    assert local_stripe.scenarios.retry(invoice=debt.stripe_invoice_id)["status"] == "paid"

    assert put(debt) == [("default_payment_method of invoice", debt.stripe_invoice_id)]
    invoice = ask(local_stripe, "GET", f"invoices/{debt.stripe_invoice_id}")
    assert invoice["default_payment_method"] == card


def test_the_cards_of_debts_that_no_event_told_of_are_put_right_too(
    local_stripe: LocalStripe, debt: RecoveryCase
) -> None:
    older = levels.attach(local_stripe, debt, "pm_card_chargeCustomerFail")
    own = debt.stripe_subscription_id
    levels.subscription(local_stripe, own, default_payment_method=older)
    fail_again(local_stripe, debt)

    card = by_the_page(local_stripe, debt)

    assert renews(local_stripe, own) == ("paid", card)


def test_a_declined_new_card_gives_way_to_the_next_one(
    local_stripe: LocalStripe, debt: RecoveryCase
) -> None:
    levels.fails_by(local_stripe, debt, "subscription.default_payment_method")
    jo = Visit(debt)
    jo.set_out()
    local_stripe.scenarios.new_card(customer=stripe_customer(debt), reason="insufficient_funds")
    assert jo.come_back() == "declined"

    card = local_stripe.scenarios.new_card(
        customer=stripe_customer(debt), card="pm_card_mastercard"
    )["payment_method"]
    assert jo.come_back() == "success"

    assert renews(local_stripe, debt.stripe_subscription_id) == ("paid", card)
    assert len(put(debt)) == 2


@WAYS
def test_another_customers_subscription_is_left_alone(
    local_stripe: LocalStripe, debt: RecoveryCase, update: Way
) -> None:
    kim = local_stripe.scenarios.subscriber(email="kim@example.com", key=KEY)
    local_stripe.world.find("subscription", kim["subscription"])[1][  # type: ignore[index]
        "default_payment_method"
    ] = debt.payment_method_id

    update(local_stripe, debt)

    found = levels.subscription(local_stripe, kim["subscription"])
    assert found["default_payment_method"] == debt.payment_method_id


def test_a_customers_default_that_works_is_no_reason_to_touch_anything(
    local_stripe: LocalStripe, debt: RecoveryCase
) -> None:
    levels.customer(local_stripe, debt, **{DEFAULT: levels.attach(local_stripe, debt)})
    hear(local_stripe)
    charge_new_cards()

    written = [
        one.path for one in local_stripe.requests
        if one.method == "POST" and one.headers.get("user-agent", "").startswith("Stripe")
    ]  # fmt: skip
    assert charges(local_stripe) == [debt.stripe_invoice_id]
    assert [path for path in written if path.endswith("/pay")] != []
    touched = [path for path in written if "/subscriptions" in path or "/customers/" in path]
    assert [path for path in touched if not path.endswith("_recover_probe")] == []
