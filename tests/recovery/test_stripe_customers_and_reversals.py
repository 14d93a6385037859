"""Customers and reversals, as Stripe's payloads tell of them."""

from typing import Any

import pytest

from recovery.stripe_objects import Customer, Reversal

Payload = dict[str, Any]


def test_a_customer_is_read() -> None:
    value = {
        "id": "cus_1", "email": "jo@x.org", "name": "Jo", "preferred_locales": ["de-AT", "en"],
        "address": {"country": "AT"}, "invoice_settings": {"default_payment_method": "pm_1"},
        "default_source": "src_1",
    }  # fmt: skip

    assert Customer.read(value) == Customer(
        id="cus_1", email="jo@x.org", name="Jo", locale="de-AT,en", country="AT",
        default_payment_method_id="pm_1", is_deleted=False,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("preferred", "expected"),
    [
        (None, ""),
        ([], ""),
        ("de", ""),
        (["fr-CA", None, "", "en"], "fr-CA,en"),
        (["a" * 100, "en"], "a" * 100),
        (["a" * 99, "en"], "a" * 99),
        (["a" * 49, "b" * 50, "en"], f"{'a' * 49},{'b' * 50}"),
        (["a" * 101, "en"], ""),
    ],
)
def test_as_many_locales_are_kept_as_fit(preferred: object, expected: str) -> None:
    read = Customer.read({"id": "cus_1", "preferred_locales": preferred})

    assert read.locale == expected


def test_an_old_source_pays_where_there_is_no_payment_method() -> None:
    value = {"id": "cus_1", "invoice_settings": {"default_payment_method": None}}

    assert Customer.read(value | {"default_source": "c_1"}).default_payment_method_id == "c_1"


def test_a_deleted_customer_is_only_an_id() -> None:
    read = Customer.read({"id": "cus_1", "deleted": True})

    assert read == Customer(
        id="cus_1", email="", name="", locale="", country="",
        default_payment_method_id="", is_deleted=True,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({"id": "ch_1", "amount": 4900, "amount_refunded": 4900, "payment_intent": "pi_1"},
         Reversal("pi_1", "ch_1", 4900, is_whole=True)),
        ({"id": "ch_1", "amount": 4900, "amount_refunded": 900, "payment_intent": {"id": "pi_1"}},
         Reversal("pi_1", "ch_1", 900, is_whole=False)),
        ({"id": "ch_1", "amount": 4900, "amount_refunded": 0, "payment_intent": None},
         Reversal("", "ch_1", 0, is_whole=False)),
        ({"id": "dp_1", "charge": "ch_1", "amount": 4900, "payment_intent": "pi_1"},
         Reversal("pi_1", "ch_1", 4900, is_whole=True)),
    ],
)  # fmt: skip
def test_a_refund_and_a_dispute_say_how_much_went_back(value: Payload, expected: Reversal) -> None:
    assert Reversal.read(value) == expected


def test_where_a_customer_lives_and_which_segment_they_are_of_is_read() -> None:
    value = {
        "id": "cus_1", "address": {"country": "US", "state": "CA"},
        "metadata": {"plan": "gold", "seats": 3, "note": "a\x00b"},
    }  # fmt: skip

    read = Customer.read(value)

    assert (read.country, read.state) == ("US", "CA")
    assert read.metadata == {"plan": "gold", "note": "ab"}


@pytest.mark.parametrize(("metadata", "kept"), [(None, None), ("plan", None), ({}, {})])
def test_metadata_that_was_emptied_is_not_metadata_that_was_left_out(
    metadata: object, kept: object
) -> None:
    assert Customer.read({"id": "cus_1", "metadata": metadata}).metadata == kept


def test_metadata_is_kept_within_stripes_own_limits() -> None:
    value = {"id": "cus_1", "metadata": {f"{number:02}" * 30: "x" * 900 for number in range(60)}}

    kept = Customer.read(value).metadata

    assert kept is not None
    assert len(kept) == 50
    assert {len(key) for key in kept} == {40}
    assert {len(text) for text in kept.values()} == {500}
