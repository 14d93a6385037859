"""A bank replaces a card, or the customer names another one at Stripe: the debts are charged."""

import copy
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from billing_portal import new_cards
from billing_portal.tasks import charge_new_cards
from recovery import customers
from recovery.models import Customer, Merchant, RecoveryCase
from recovery.tasks import process_inbox
from tests.builders import post, signing_secret
from tests.connected import KEY, ask, charges, fail_again, fail_renewal, hear
from tests.local_stripe import LocalStripe

pytestmark = pytest.mark.django_db(transaction=True)
MASTERCARD = "5555555555554444"


def customer_of(debt: RecoveryCase) -> Customer:
    assert debt.customer
    debt.customer.refresh_from_db()
    return debt.customer


def bank_replaces(local_stripe: LocalStripe, debt: RecoveryCase, **card: str) -> None:
    """The account updater tells, and a worker looks."""
    local_stripe.scenarios.card_updated(
        customer=customer_of(debt).stripe_customer_id,
        payment_method=debt.payment_method_id,
        **card,
    )
    hear(local_stripe)
    charge_new_cards()
    debt.refresh_from_db()


def updater_events(local_stripe: LocalStripe) -> list[dict[str, Any]]:
    told = [one.payload for one in local_stripe.deliveries]
    return [one for one in told if one["type"] == "payment_method.automatically_updated"]


def ours(debt: RecoveryCase) -> list[tuple[str, str]]:
    made = debt.attempts.exclude(trigger="stripe").order_by("id")
    return list(made.values_list("state", "card_expiry"))


@pytest.mark.parametrize(
    ("reason", "card"),
    [
        ("expired_card", {"exp": "2031-05"}),
        ("insufficient_funds", {"exp": "2031-05"}),
        ("stolen_card", {"number": MASTERCARD}),
        ("lost_card", {"exp": "2031-05"}),
        ("transaction_not_allowed", {"number": MASTERCARD, "exp": "2031-05"}),
    ],
)
def test_a_card_that_its_bank_replaced_is_charged_at_once_whatever_the_old_one_was_told(
    local_stripe: LocalStripe, merchant: Merchant, reason: str, card: dict[str, str]
) -> None:
    debt = fail_renewal(local_stripe, reason=reason)

    bank_replaces(local_stripe, debt, **card)

    assert (debt.status, debt.mechanism, debt.amount_recovered) == (
        "recovered", "card_update", 4900,
    )  # fmt: skip
    assert charges(local_stripe) == [debt.stripe_invoice_id]
    assert ours(debt) == [("succeeded", card.get("exp", "2034-12"))]
    assert customer_of(debt).new_payment_method_due_at is None


def test_all_open_debts_are_charged_to_the_replaced_card(
    local_stripe: LocalStripe, debt: RecoveryCase
) -> None:
    other = fail_again(local_stripe, debt)
    hear(local_stripe)

    bank_replaces(local_stripe, debt, exp="2031-05")

    assert charges(local_stripe) == [debt.stripe_invoice_id, other]
    assert set(RecoveryCase.objects.values_list("status", flat=True)) == {"recovered"}


def test_an_update_that_is_told_twice_makes_one_charge(
    local_stripe: LocalStripe, merchant: Merchant
) -> None:
    debt = fail_renewal(local_stripe, reason="stolen_card")
    bank_replaces(local_stripe, debt, number=MASTERCARD, reason="insufficient_funds")
    assert ours(debt) == [("failed", "2034-12")]
    [told] = updater_events(local_stripe)
    again = copy.deepcopy(told) | {"id": "evt_the_same_change"}

    for payload in (told, again):
        assert post(payload, merchant=merchant, secret=signing_secret(merchant)).status_code == 200
        process_inbox()
        charge_new_cards()

    assert charges(local_stripe) == [debt.stripe_invoice_id]
    assert ours(debt) == [("failed", "2034-12")]
    assert customer_of(debt).new_payment_method_due_at is None


def test_a_card_that_is_replaced_again_is_charged_again(
    local_stripe: LocalStripe, merchant: Merchant
) -> None:
    debt = fail_renewal(local_stripe, reason="expired_card")
    bank_replaces(local_stripe, debt, exp="2031-05", reason="stolen_card")
    assert (debt.status, debt.decline_code) == ("open", "stolen_card")

    bank_replaces(local_stripe, debt, exp="2032-06")

    assert debt.status == "recovered"
    assert ours(debt) == [("failed", "2031-05"), ("succeeded", "2032-06")]
    keys = debt.attempts.exclude(trigger="stripe").values_list("key", flat=True)
    assert len(set(keys)) == 2


def test_a_subscriptions_own_card_is_charged_though_the_customers_is_another(
    local_stripe: LocalStripe, debt: RecoveryCase
) -> None:
    ask(
        local_stripe, "POST", f"subscriptions/{debt.stripe_subscription_id}",
        default_payment_method=debt.payment_method_id,
    )  # fmt: skip
    customer = customer_of(debt).stripe_customer_id
    other = ask(local_stripe, "POST", "payment_methods/pm_card_visa/attach", customer=customer)
    ask(
        local_stripe, "POST", f"customers/{customer}",
        **{"invoice_settings[default_payment_method]": other["id"]},
    )  # fmt: skip
    hear(local_stripe)
    customers.new_card_was_handled(customer_of(debt))

    bank_replaces(local_stripe, debt, exp="2031-05")

    assert debt.status == "recovered"
    assert debt.attempts.get(state="succeeded").payment_method_id == debt.payment_method_id


def test_a_spare_card_that_is_replaced_is_no_order_to_charge_it(
    local_stripe: LocalStripe, debt: RecoveryCase
) -> None:
    customer = customer_of(debt).stripe_customer_id
    spare = ask(local_stripe, "POST", "payment_methods/pm_card_visa/attach", customer=customer)
    local_stripe.scenarios.card_updated(
        customer=customer, payment_method=spare["id"], exp="2031-05"
    )
    hear(local_stripe)
    charge_new_cards()

    assert len(updater_events(local_stripe)) == 1
    assert charges(local_stripe) == []
    assert customer_of(debt).new_payment_method_id == ""


@pytest.mark.parametrize("previous", [{}, {"card": {"networks": {}}}, {"metadata": {"a": "b"}}])
def test_an_update_of_neither_number_nor_expiry_is_no_new_card(
    local_stripe: LocalStripe, merchant: Merchant, debt: RecoveryCase, previous: dict[str, Any]
) -> None:
    method = ask(local_stripe, "GET", f"payment_methods/{debt.payment_method_id}")
    told = {
        "id": "evt_1", "object": "event", "type": "payment_method.automatically_updated",
        "created": int(timezone.now().timestamp()), "livemode": False,
        "data": {"object": method, "previous_attributes": previous},
    }  # fmt: skip

    post(told, merchant=merchant, secret=signing_secret(merchant))
    process_inbox()
    charge_new_cards()

    assert charges(local_stripe) == []
    assert customer_of(debt).new_payment_method_id == ""


def test_a_replaced_card_of_nobody_here_is_let_be(
    local_stripe: LocalStripe, merchant: Merchant
) -> None:
    ids = local_stripe.scenarios.subscriber(key=KEY)
    local_stripe.scenarios.card_updated(customer=ids["customer"], exp="2031-05")

    hear(local_stripe)

    assert len(updater_events(local_stripe)) == 1
    assert Customer.objects.count() == 0


def test_a_new_default_card_of_the_customer_is_charged(
    local_stripe: LocalStripe, debt: RecoveryCase
) -> None:
    customer = customer_of(debt).stripe_customer_id
    new = ask(local_stripe, "POST", "payment_methods/pm_card_visa/attach", customer=customer)
    hear(local_stripe)
    charge_new_cards()
    assert charges(local_stripe) == []

    ask(
        local_stripe, "POST", f"customers/{customer}",
        **{"invoice_settings[default_payment_method]": new["id"]},
    )  # fmt: skip
    hear(local_stripe)
    charge_new_cards()

    debt.refresh_from_db()
    assert (debt.status, debt.mechanism) == ("recovered", "card_update")


def test_a_new_card_of_the_subscription_is_charged(
    local_stripe: LocalStripe, debt: RecoveryCase
) -> None:
    customer = customer_of(debt).stripe_customer_id
    new = ask(local_stripe, "POST", "payment_methods/pm_card_visa/attach", customer=customer)

    ask(
        local_stripe, "POST", f"subscriptions/{debt.stripe_subscription_id}",
        default_payment_method=new["id"],
    )  # fmt: skip
    hear(local_stripe)
    charge_new_cards()

    debt.refresh_from_db()
    assert (debt.status, debt.mechanism) == ("recovered", "card_update")
    assert charges(local_stripe) == [debt.stripe_invoice_id]


def test_good_news_is_checked_by_the_rules_like_any_charge(
    local_stripe: LocalStripe, merchant: Merchant
) -> None:
    """The new card has another payment method's number, which its bank refused for good."""
    debt = fail_renewal(local_stripe, reason="stolen_card")
    local_stripe.scenarios.new_card(
        customer=customer_of(debt).stripe_customer_id, card="pm_card_chargeCustomerFail"
    )
    hear(local_stripe)
    charge_new_cards()

    debt.refresh_from_db()
    assert (debt.status, charges(local_stripe)) == ("open", [])
    refusal = debt.timeline.get(kind="attempt_refused")
    assert refusal.rule == "advice_code do_not_try_again"
    assert refusal.facts["trigger"] == "customer"
    assert customer_of(debt).new_payment_method_due_at is None


def test_a_new_card_that_has_to_wait_comes_due_when_the_rule_says(
    local_stripe: LocalStripe, debt: RecoveryCase
) -> None:
    other = fail_again(local_stripe, debt)
    hear(local_stripe)
    local_stripe.faults.add("decline", path="*/pay", reason="insufficient_funds",
                            network_advice_code="25")  # fmt: skip
    local_stripe.scenarios.new_card(
        customer=customer_of(debt).stripe_customer_id, card="pm_card_mastercard"
    )
    hear(local_stripe)

    charge_new_cards()

    declined = debt.attempts.get(trigger="customer")
    jo = customer_of(debt)
    assert charges(local_stripe) == [debt.stripe_invoice_id]
    assert jo.new_payment_method_due_at == declined.attempted_at + timedelta(hours=24)
    assert jo.new_payment_method_tries == 0
    waits = RecoveryCase.objects.get(stripe_invoice_id=other)
    told = waits.timeline.get(kind="attempt_refused")
    assert told.rule == "mastercard_mac 25 (Retry after 24h)"
    assert told.summary.startswith("Not charged before ")

    new_cards.take_up(jo, now=jo.new_payment_method_due_at)

    waits.refresh_from_db()
    assert waits.status == "recovered"
    assert customer_of(debt).new_payment_method_due_at is None
