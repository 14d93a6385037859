"""Where Stripe looks for a payment method: the levels as rules, without Stripe."""

import pytest

from recovery.payment_levels import (
    PERMISSIONS,
    Level,
    Place,
    Subscription,
    of_customer,
    of_invoices,
    of_subscriptions,
)
from recovery.stripe_objects import Customer, Invoice


def subscription(**told: object) -> Subscription:
    return Subscription.read({"id": "sub_1", "status": "active", **told})


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        ({}, ""),
        ({"default_payment_method": "pm_1"}, "pm_1"),
        ({"default_payment_method": {"id": "pm_1"}, "default_source": "src_1"}, "pm_1"),
        ({"default_payment_method": None, "default_source": "src_1"}, "src_1"),
    ],
)
def test_a_subscriptions_payment_method_stands_before_its_source(
    told: dict[str, object], expected: str
) -> None:
    assert subscription(**told).method_id == expected


@pytest.mark.parametrize(
    ("status", "collection_method", "expected"),
    [
        ("active", "charge_automatically", True),
        ("past_due", "charge_automatically", True),
        ("unpaid", "charge_automatically", True),
        ("paused", "charge_automatically", True),
        ("trialing", "", True),
        ("incomplete", "charge_automatically", True),
        ("incomplete_expired", "charge_automatically", False),
        ("canceled", "charge_automatically", False),
        ("active", "send_invoice", False),
    ],
)
def test_a_subscription_that_lives_and_charges_by_itself_has_a_place(
    status: str, collection_method: str, expected: bool
) -> None:
    one = subscription(
        status=status, collection_method=collection_method, default_payment_method="pm_1"
    )
    place = Place(Level.SUBSCRIPTION, "sub_1", "pm_1")

    assert list(of_subscriptions([one])) == ([place] if expected else [])


def test_a_place_tells_a_source_from_a_payment_method() -> None:
    found = list(
        of_subscriptions([subscription(default_source="src_1"), subscription(default_source=None)])
    )

    assert found == [
        Place(Level.SUBSCRIPTION, "sub_1", "src_1", is_source=True),
        Place(Level.SUBSCRIPTION, "sub_1", "", is_source=True),
    ]


def test_a_customers_place_names_what_stands_behind_every_subscription() -> None:
    customer = Customer.read({"id": "cus_1", "default_source": "src_1"})
    assert list(of_customer(customer)) == [Place(Level.CUSTOMER, "cus_1", "src_1")]


def test_each_invoice_has_a_place_of_its_own() -> None:
    told = [{"id": "in_1", "default_payment_method": "pm_1"}, {"id": "in_2"}]

    assert list(of_invoices([Invoice.read(one) for one in told])) == [
        Place(Level.INVOICE, "in_1", "pm_1"), Place(Level.INVOICE, "in_2", ""),
    ]  # fmt: skip


def test_a_place_says_in_stripes_words_what_is_to_be_set_and_each_has_its_permission() -> None:
    assert str(Place(Level.CUSTOMER, "cus_1", "pm_1")) == (
        "invoice_settings.default_payment_method of customer cus_1"
    )
    assert set(PERMISSIONS) == set(Level)
