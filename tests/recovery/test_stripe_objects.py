"""The same facts from every version of Stripe's payloads."""

import contextlib
import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recovery.declines import Decline
from recovery.reading import LARGEST, UnreadablePayloadError
from recovery.stripe_objects import (
    Customer,
    Failure,
    Invoice,
    PaymentIntent,
    PaymentMethod,
    Reversal,
    invoice_of_payment_intent,
)

Payload = dict[str, Any]

DOCUMENTED: Payload = {
    "id": "in_1PxKJ2HjQ9kdnRw7xyz",
    "customer_email": "user@example.com",
    "amount_due": 4900,
    "last_finalization_error": {"decline_code": "insufficient_funds"},
}
METHOD: Payload = {
    "id": "pm_1", "type": "card",
    "card": {"brand": "visa", "last4": "0341", "fingerprint": "f1", "country": "US"},
    "billing_details": {"email": "card@x.org"},
}  # fmt: skip
ERROR: Payload = {
    "type": "card_error", "code": "card_declined", "decline_code": "insufficient_funds",
    "charge": "ch_1", "payment_method": METHOD,
}  # fmt: skip
INTENT: Payload = {
    "id": "pi_1", "object": "payment_intent", "amount": 2500, "amount_received": 0,
    "currency": "eur", "customer": "cus_1", "created": 1_760_000_000, "livemode": True,
    "description": "A lamp", "receipt_email": "jo@x.org", "status": "requires_payment_method",
    "last_payment_error": ERROR,
}  # fmt: skip
FAILURE = Failure(
    decline=Decline(decline_code="insufficient_funds", code="card_declined", brand="visa"),
    payment_method=PaymentMethod(
        id="pm_1",
        type="card",
        brand="visa",
        last4="0341",
        fingerprint="f1",
        country="US",
        billing_email="card@x.org",
    ),
    charge_id="ch_1",
)

# The parts of an invoice that have moved, as each version has them.
SUBSCRIPTION_NEW = {"parent": {"subscription_details": {"subscription": "sub_1"}}}
SUBSCRIPTION_OLD = {"subscription": "sub_1"}
INTENT_NEW = {"payments": {"data": [{"payment": {"type": "payment_intent",
                                                 "payment_intent": INTENT}}]}}  # fmt: skip
INTENT_OLD = {"payment_intent": INTENT, "charge": "ch_1"}
SHAPES: dict[str, Payload] = {
    "new": SUBSCRIPTION_NEW | INTENT_NEW,
    "old": SUBSCRIPTION_OLD | INTENT_OLD | {"paid": False, "paid_out_of_band": False},
    "mixed": SUBSCRIPTION_NEW | SUBSCRIPTION_OLD | INTENT_OLD,
    "both": SUBSCRIPTION_NEW | SUBSCRIPTION_OLD | INTENT_NEW | INTENT_OLD,
    "new beside emptied old": SUBSCRIPTION_NEW | INTENT_NEW | {"subscription": None,
                                                               "payment_intent": None},
    "old beside emptied new": SUBSCRIPTION_OLD | INTENT_OLD | {"parent": None, "payments": None},
    "expanded": {"subscription": {"id": "sub_1", "object": "subscription"}} | INTENT_OLD,
}  # fmt: skip


def invoice(**facts: Any) -> Payload:
    return {
        "id": "in_1", "object": "invoice", "customer": "cus_1", "customer_email": "jo@x.org",
        "customer_name": "Jo", "currency": "EUR", "amount_due": 4900, "amount_remaining": 4900,
        "amount_paid": 0, "attempted": True, "attempt_count": 1, "livemode": False,
        "billing_reason": "subscription_cycle", "collection_method": "charge_automatically",
        "number": "A-1", "description": None, "hosted_invoice_url": "https://invoice.test/i",
        "created": 1_760_000_000, "next_payment_attempt": 1_760_086_400, "status": "open",
        "status_transitions": {"paid_at": None},
        "lines": {"data": [{"description": "1 \u00d7 Pro"}]}, **facts,
    }  # fmt: skip


@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
def test_an_invoice_of_any_version_says_the_same(shape: Payload) -> None:
    assert Invoice.read(invoice(**shape)) == Invoice(
        id="in_1", status="open", livemode=False, customer_id="cus_1",
        customer_email="jo@x.org", customer_name="Jo", subscription_id="sub_1",
        payment_intent_id="pi_1", amount_due=4900, amount_remaining=4900, amount_paid=0,
        currency="eur", attempted=True, attempt_count=1,
        next_payment_attempt_at=datetime(2025, 10, 10, 8, 53, 20, tzinfo=UTC),
        billing_reason="subscription_cycle", collection_method="charge_automatically",
        number="A-1", description="1 \u00d7 Pro", hosted_invoice_url="https://invoice.test/i",
        created_at=datetime(2025, 10, 9, 8, 53, 20, tzinfo=UTC), paid_at=None,
        is_paid_out_of_band=False, failure=FAILURE,
        payment_status="requires_payment_method",
    )  # fmt: skip


def test_the_documented_example_works_as_it_stands() -> None:
    read = Invoice.read(DOCUMENTED)

    assert read.id == "in_1PxKJ2HjQ9kdnRw7xyz"
    assert read.customer_email == "user@example.com"
    assert read.amount_owed == read.amount_due == 4900
    assert read.failure == Failure(
        decline=Decline(decline_code="insufficient_funds"), payment_method=PaymentMethod()
    )
    assert (read.status, read.currency, read.livemode, read.customer_id) == ("", "", None, "")
    assert (read.is_paid, read.amount_paid, read.attempt_count) == (False, None, 0)


def test_an_invoice_in_a_webhook_of_today_names_neither_intent_nor_decline() -> None:
    read = Invoice.read(invoice(**SUBSCRIPTION_NEW))

    assert (read.payment_intent_id, read.failure) == ("", None)


def test_an_invoice_made_by_hand_has_no_subscription() -> None:
    assert Invoice.read(invoice(parent=None)).subscription_id == ""


def test_the_first_payment_that_has_an_intent_names_it() -> None:
    payments = [
        {"payment": {"type": "out_of_band_payment"}},
        {"payment": {"payment_intent": "pi_2"}},
        {"payment": {"payment_intent": "pi_1"}},
    ]

    assert Invoice.read(invoice(payments=payments)).payment_intent_id == "pi_2"


@pytest.mark.parametrize(
    ("facts", "is_paid"),
    [
        ({"status": "paid"}, True),
        ({"status": None, "paid": True}, True),
        ({"status": "open", "paid": True}, False),
        ({"status": None, "paid": False}, False),
        ({"status": "void"}, False),
    ],
)
def test_an_invoice_is_paid_by_status_or_by_flag(facts: Payload, is_paid: bool) -> None:
    assert Invoice.read(invoice(**facts)).is_paid is is_paid


@pytest.mark.parametrize(
    ("facts", "amount_paid", "is_out_of_band"),
    [
        ({"amount_paid": 4900}, 4900, False),
        ({"amount_paid": 4900, "amount_paid_off_stripe": 0}, 4900, False),
        ({"amount_paid": 0, "amount_paid_off_stripe": 4900}, 4900, True),
        ({"amount_paid": None, "amount_paid_off_stripe": 4900}, 4900, True),
        ({"amount_paid": 4900, "paid_out_of_band": True}, 4900, True),
        ({"amount_paid": 0, "paid_out_of_band": True}, None, True),  # the money is not counted
        ({"amount_paid": 0}, 0, False),  # credited to nothing: no money came
        ({"amount_paid": 0, "amount_paid_off_stripe": 0}, 0, False),
        ({"amount_paid": None}, None, False),
    ],
)
def test_what_was_paid_is_told_from_what_is_not_said(
    facts: Payload, amount_paid: int | None, is_out_of_band: bool
) -> None:
    read = Invoice.read(invoice(**facts))

    assert (read.amount_paid, read.is_paid_out_of_band) == (amount_paid, is_out_of_band)


@pytest.mark.parametrize(
    ("due", "remaining", "owed"),
    [(4900, 4900, 4900), (4900, 1900, 1900), (4900, 0, 4900), (4900, None, 4900), (None, None, 0)],
)
def test_what_is_owed_is_what_remains(due: int | None, remaining: int | None, owed: int) -> None:
    assert Invoice.read(invoice(amount_due=due, amount_remaining=remaining)).amount_owed == owed


@pytest.mark.parametrize(
    ("count", "kept"), [(0, 0), (9, 9), (-1, 0), (10**6, 32_767), (None, 0), ("2", 0), (True, 0)]
)
def test_the_attempt_count_fits_its_column(count: object, kept: int) -> None:
    assert Invoice.read(invoice(attempt_count=count)).attempt_count == kept


def test_an_account_stands_for_a_customer_where_there_is_none() -> None:
    facts = {"customer": None, "customer_account": "acct_1"}

    assert Invoice.read(invoice(**facts)).customer_id == "acct_1"
    assert PaymentIntent.read(INTENT | facts).customer_id == "acct_1"


def test_the_description_of_an_invoice_comes_before_that_of_its_line() -> None:
    assert Invoice.read(invoice(description="For you")).description == "For you"
    assert Invoice.read(invoice(lines=None)).description == ""


def test_the_time_of_payment_is_read() -> None:
    read = Invoice.read(invoice(status_transitions={"paid_at": 1_760_000_000}))

    assert read.paid_at == datetime(2025, 10, 9, 8, 53, 20, tzinfo=UTC)


# Amounts that no column holds

READERS: list[tuple[Callable[[Payload], object], str]] = [
    (Invoice.read, "amount_due"), (Invoice.read, "amount_remaining"),
    (Invoice.read, "amount_paid"), (Invoice.read, "amount_paid_off_stripe"),
    (Invoice.read, "attempt_count"), (PaymentIntent.read, "amount"),
    (PaymentIntent.read, "amount_received"), (Reversal.read, "amount"),
    (Reversal.read, "amount_refunded"),
]  # fmt: skip


@pytest.mark.parametrize("amount", [LARGEST + 1, -LARGEST - 1, 10**30])
@pytest.mark.parametrize(("read", "name"), READERS)
def test_an_amount_larger_than_any_is_refused_and_named(
    read: Callable[[Payload], object], name: str, amount: int
) -> None:
    with pytest.raises(UnreadablePayloadError, match=f"^{re.escape(name)} is larger than any"):
        read({"id": "x_1", name: amount})


def test_the_largest_amount_is_kept() -> None:
    assert Invoice.read(invoice(amount_due=LARGEST)).amount_due == LARGEST


# Payment intents

LINKS: dict[str, Payload] = {
    "old": {"invoice": "in_1"},
    "old, expanded": {"invoice": {"id": "in_1", "object": "invoice"}},
    "new": {"payment_details": {"order_reference": "in_1"}},
    "both": {"invoice": "in_1", "payment_details": {"order_reference": "in_1"}},
    "new beside emptied old": {"invoice": None, "payment_details": {"order_reference": "in_1"}},
    "old beside a merchant's own reference": {"invoice": "in_1",
                                              "payment_details": {"order_reference": "A-7"}},
}  # fmt: skip


@pytest.mark.parametrize("link", LINKS.values(), ids=LINKS)
def test_a_payment_intent_of_any_version_says_the_same(link: Payload) -> None:
    assert PaymentIntent.read(INTENT | link) == PaymentIntent(
        id="pi_1", status="requires_payment_method", livemode=True, customer_id="cus_1",
        email="jo@x.org", invoice_id="in_1", amount=2500, amount_received=0, currency="eur",
        description="A lamp", created_at=datetime(2025, 10, 9, 8, 53, 20, tzinfo=UTC),
        paid_at=None, failure=FAILURE,
    )  # fmt: skip


@pytest.mark.parametrize(
    "facts",
    [
        {}, {"invoice": None}, {"payment_details": None},
        {"payment_details": {"order_reference": "A-7"}}, {"payment_details": {}},
    ],
)  # fmt: skip
def test_a_one_time_payment_names_no_invoice(facts: Payload) -> None:
    assert invoice_of_payment_intent(facts) == ""


def test_the_address_on_the_card_is_used_where_there_is_no_other() -> None:
    assert PaymentIntent.read(INTENT | {"receipt_email": None}).email == "card@x.org"


def test_a_payment_intent_that_stripes_own_cli_makes_can_be_read() -> None:
    read = PaymentIntent.read({"id": "pi_1", "amount": 2000, "customer": None, "invoice": None})

    assert (read.customer_id, read.email, read.failure, read.livemode) == ("", "", None, None)


# Failures

OUTCOME = {
    "type": "issuer_declined", "reason": "generic_decline", "advice_code": "try_again_later",
    "network_decline_code": "51", "network_advice_code": "02",
}  # fmt: skip
CHARGES: dict[str, Payload] = {
    "since 2022-11-15": {"latest_charge": {"id": "ch_1", "outcome": OUTCOME}},
    "before": {"charges": {"data": [{"id": "ch_1", "outcome": OUTCOME}, {"id": "ch_0"}]}},
}


@pytest.mark.parametrize("charge", CHARGES.values(), ids=CHARGES)
def test_the_charge_tells_what_the_error_leaves_out(charge: Payload) -> None:
    failure = PaymentIntent.read(INTENT | charge).failure

    assert failure == Failure(
        decline=Decline(
            decline_code="insufficient_funds", code="card_declined", brand="visa",
            advice_code="try_again_later", network_decline_code="51", network_advice_code="02",
        ),
        payment_method=FAILURE.payment_method,
        charge_id="ch_1",
    )  # fmt: skip
    assert Invoice.read(invoice(payment_intent=INTENT | charge)).failure == failure


def test_what_the_error_says_itself_outranks_the_charge() -> None:
    error = ERROR | {"advice_code": "do_not_try_again"}

    failure = Failure.read(error, {"id": "ch_1", "outcome": OUTCOME})

    assert failure is not None
    assert failure.decline.advice_code == "do_not_try_again"


@pytest.mark.parametrize("shape", CHARGES.values(), ids=CHARGES)
def test_a_block_by_radar_is_told_from_an_issuers_refusal(shape: Payload) -> None:
    blocked = {"id": "ch_1", "outcome": {"type": "blocked", "reason": "highest_risk_level"}}
    charge = {"charges": [blocked]} if "charges" in shape else {"latest_charge": blocked}

    failure = PaymentIntent.read(INTENT | charge).failure

    assert failure is not None
    assert failure.decline.block_reason == "highest_risk_level"
    assert FAILURE.decline.block_reason == ""


@pytest.mark.parametrize("charge", ["ch_2", {"id": "ch_2"}])
def test_the_charge_is_named_by_whatever_names_it(charge: object) -> None:
    error = {"code": "expired_card"}

    failure = Failure.read(error, charge)

    assert failure == Failure(
        decline=Decline(code="expired_card"), payment_method=PaymentMethod(), charge_id="ch_2"
    )
    assert failure is not None
    assert failure.decline.best_code == "expired_card"


def test_without_an_error_nothing_failed() -> None:
    assert Failure.read({}, {"id": "ch_1", "outcome": OUTCOME}) is None


def test_an_error_without_a_code_is_no_decline_of_an_invoice() -> None:
    assert Invoice.read(invoice(last_finalization_error={"type": "api_error"})).failure is None


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("pm_1", PaymentMethod(id="pm_1")),
        (None, PaymentMethod()),
        ({"id": "pm_1", "type": "sepa_debit"}, PaymentMethod(id="pm_1", type="sepa_debit")),
        (METHOD, FAILURE.payment_method),
    ],
)
def test_a_payment_method_is_an_id_or_an_object(value: object, expected: PaymentMethod) -> None:
    assert PaymentMethod.read(value) == expected


# Whatever else is sent

NAMES = st.sampled_from(
    [
        "id", "status", "customer", "parent", "subscription_details", "subscription", "payments",
        "data", "payment", "payment_intent", "last_payment_error", "latest_charge", "outcome",
        "payment_method", "card", "lines", "status_transitions", "invoice_settings", "amount",
        "amount_due", "amount_paid", "created", "preferred_locales", "payment_details",
        "order_reference", "charges", "last_finalization_error", "billing_details", "currency",
    ]
)  # fmt: skip
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=8),
    max_leaves=30,
)


@pytest.mark.parametrize(
    "read", [Invoice.read, PaymentIntent.read, Customer.read, Reversal.read, PaymentMethod.read]
)
@given(value=st.dictionaries(NAMES, JSON, max_size=12))
def test_nothing_but_an_amount_larger_than_any_is_refused(
    read: Callable[[Payload], object], value: Payload
) -> None:
    with contextlib.suppress(UnreadablePayloadError):
        read(value)
