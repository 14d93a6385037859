"""The door for Stripe's events, as the contract's section 2 has it."""

import json
import time
from typing import Any

import pytest
from django.db import DatabaseError
from django.test import Client

from recovery import inbox
from recovery.models import RecoveryCase, StripeEvent
from recovery.signatures import sign
from tests.builders import (
    DOCUMENTED_EXAMPLE,
    SECRET,
    WEBHOOK,
    dashboard,
    event,
    make_merchant,
    post,
    receive,
)

pytestmark = pytest.mark.django_db

OTHER_SECRET = "whsec_of_somebody_else_0123456789abcdef"


def test_the_documented_example_opens_a_soft_case_without_any_stripe_key() -> None:
    merchant = make_merchant()

    response = post(DOCUMENTED_EXAMPLE)
    receive()

    assert (response.status_code, response.json()) == (200, {"received": True})
    shown = dashboard(merchant)["events"]
    assert len(shown) == 1
    assert shown[0]["customer_email_masked"] == "us***@example.com"
    assert (shown[0]["amount"], shown[0]["currency"]) == (4900, "usd")
    assert (shown[0]["decline_type"], shown[0]["status"]) == ("soft", "open")


def test_an_event_is_stored_before_it_is_acknowledged_and_once_however_often_it_comes() -> None:
    make_merchant()

    for _delivery in range(3):
        assert post(DOCUMENTED_EXAMPLE).status_code == 200

    assert StripeEvent.objects.count() == 1
    receive()
    receive(DOCUMENTED_EXAMPLE)
    assert RecoveryCase.objects.count() == 1
    assert RecoveryCase.objects.get().attempts.count() == 1


@pytest.mark.parametrize(
    "header",
    [None, "", "t=1", "v1=abc", "t=x,v1=abc", "t=1,v1=é", f"t={'9' * 400},v1=a", "t=-1,v1=a"],
)
def test_a_missing_or_malformed_signature_is_a_400_and_stores_nothing(header: str | None) -> None:
    make_merchant()
    headers = {} if header is None else {"Stripe-Signature": header}

    response = Client().post(WEBHOOK, b"{}", content_type="application/json", headers=headers)

    assert response.status_code == 400
    assert response.json()["error"]["code"] == "invalid_signature"
    assert StripeEvent.objects.count() == 0


@pytest.mark.parametrize("age", [-301, 301])
def test_a_signature_that_is_too_old_or_from_the_future_is_a_400(age: int) -> None:
    make_merchant()
    body = json.dumps(DOCUMENTED_EXAMPLE).encode()
    header = sign(body=body, secret=SECRET, timestamp=int(time.time()) - age)

    response = Client().post(
        WEBHOOK, body, content_type="application/json", headers={"Stripe-Signature": header}
    )

    assert response.status_code == 400
    assert StripeEvent.objects.count() == 0


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"not json",
        b"[]",
        b'"text"',
        b"{}",
        b'{"id": 7, "type": "invoice.paid"}',
        b'{"id": "evt_\\u0000", "type": "invoice.paid"}',
        b'{"id": "evt_1", "type": "invoice.paid"',
        b"\xff\xfe",
        b"[" * 200_000,
        b'{"id": "evt_1", "type": "invoice.paid", "a": ' + b"9" * 10_000 + b"}",
    ],
)
def test_a_signed_body_that_is_no_event_is_a_400_and_stores_nothing(body: bytes) -> None:
    make_merchant()

    response = post(body)

    assert response.status_code == 400
    assert response.json()["error"]["code"] == "not_an_event"
    assert StripeEvent.objects.count() == 0


def test_a_body_over_a_mebibyte_is_a_413() -> None:
    make_merchant()
    assert post(b" " * (1024 * 1024 + 1)).status_code == 413


def test_a_database_that_cannot_take_it_is_a_503_with_retry_after(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    make_merchant()

    def refuse(**_: Any) -> None:
        raise DatabaseError("locked")

    monkeypatch.setattr(inbox, "store", refuse)
    response = post(DOCUMENTED_EXAMPLE)

    assert response.status_code == 503
    assert int(response["Retry-After"]) > 0


def test_a_get_is_not_answered_with_a_redirect() -> None:
    assert Client().get(WEBHOOK).status_code == 405
    assert Client().post(WEBHOOK + "/").status_code == 404


def test_the_url_names_the_merchant_whose_secret_counts() -> None:
    ours = make_merchant()
    theirs = make_merchant("Other", webhook_secret=OTHER_SECRET)

    assert post(DOCUMENTED_EXAMPLE, merchant=ours, secret=OTHER_SECRET).status_code == 400
    assert post(DOCUMENTED_EXAMPLE, merchant=theirs, secret=OTHER_SECRET).status_code == 200
    assert post(DOCUMENTED_EXAMPLE).status_code == 400  # two merchants, and none is named

    assert StripeEvent.objects.get().merchant == theirs


def test_an_event_of_another_mode_or_unknown_type_is_acknowledged_and_forgotten() -> None:
    merchant = make_merchant()
    merchant.stripe.livemode = True
    merchant.stripe.save()

    invoice = {"id": "in_1", "amount_due": 100, "currency": "usd"}
    assert post(event("invoice.payment_failed", invoice, livemode=False)).status_code == 200
    assert post(event("invoice.created", invoice, livemode=True)).status_code == 200

    assert StripeEvent.objects.count() == 0


def test_the_connect_endpoint_finds_the_merchant_by_account(settings: Any) -> None:
    settings.STRIPE_CONNECT_WEBHOOK_SECRET = OTHER_SECRET
    make_merchant("First")
    second = make_merchant("Second")
    second.stripe.account_id = "acct_2"
    second.stripe.save()
    invoice = {"id": "in_1", "amount_due": 100, "currency": "usd"}

    known = event("invoice.payment_failed", invoice, account="acct_2", livemode=True)
    unknown = event("invoice.payment_failed", invoice, account="acct_9", livemode=True)
    assert post(known, secret=OTHER_SECRET).status_code == 200
    assert post(unknown, secret=OTHER_SECRET).status_code == 200

    assert StripeEvent.objects.get().merchant == second


def test_an_amount_larger_than_any_is_kept_for_a_person_and_stops_nothing_else() -> None:
    make_merchant()
    poison = event("invoice.payment_failed", {"id": "in_1", "amount_due": 2**70})
    sound = event("invoice.payment_failed", {"id": "in_2", "amount_due": 500})

    receive(poison, sound)

    failed = StripeEvent.objects.get(stripe_event_id=poison["id"])
    assert (failed.state, failed.error) == (
        "failed",
        "amount_due is larger than any amount can be (1,000,000,000,000,000)",
    )
    assert RecoveryCase.objects.get().stripe_invoice_id == "in_2"


def test_nul_and_half_a_surrogate_in_a_payload_are_stored_and_shown_without_them() -> None:
    merchant = make_merchant()
    receive(
        event(
            "invoice.payment_failed",
            {
                "id": "in_1",
                "amount_due": 500,
                "customer_email": "jo\x00@x.org",
                "number": "\ud800A",
            },
        )
    )
    assert dashboard(merchant)["events"][0]["customer_email_masked"] == "j***@x.org"


@pytest.mark.parametrize("length", ["abc", "-1", "1" * 5000, "²", ""])
def test_a_content_length_that_is_no_number_provokes_no_error_of_ours(length: str) -> None:
    make_merchant()
    response = Client().post(
        WEBHOOK, b"{}", content_type="application/json", CONTENT_LENGTH=length
    )
    assert response.status_code in {400, 413}
    assert StripeEvent.objects.count() == 0


def test_the_connect_endpoint_forgets_what_names_no_account_of_ours(settings: Any) -> None:
    settings.STRIPE_CONNECT_WEBHOOK_SECRET = OTHER_SECRET
    merchant = make_merchant()
    merchant.stripe.account_id, merchant.stripe.livemode = "acct_1", True
    merchant.stripe.save()
    invoice = {"id": "in_1", "amount_due": 100, "currency": "usd"}

    platforms_own = event("invoice.payment_failed", invoice)
    other_mode = event("invoice.payment_failed", invoice, account="acct_1", livemode=False)
    for payload in (platforms_own, other_mode):
        assert post(payload, secret=OTHER_SECRET).status_code == 200

    assert StripeEvent.objects.count() == 0


def test_the_platforms_secret_opens_no_merchants_own_endpoint(settings: Any) -> None:
    settings.STRIPE_CONNECT_WEBHOOK_SECRET = OTHER_SECRET
    merchant = make_merchant()
    assert post(DOCUMENTED_EXAMPLE, merchant=merchant, secret=OTHER_SECRET).status_code == 400
    assert StripeEvent.objects.count() == 0


def test_a_single_merchants_own_secret_works_beside_the_platforms(settings: Any) -> None:
    settings.STRIPE_CONNECT_WEBHOOK_SECRET = OTHER_SECRET
    merchant = make_merchant()
    assert post(DOCUMENTED_EXAMPLE).status_code == 200
    assert StripeEvent.objects.get().merchant == merchant


def test_an_event_of_another_account_is_acknowledged_and_forgotten() -> None:
    merchant = make_merchant()
    merchant.stripe.account_id = "acct_1"
    merchant.stripe.save()
    assert post({**DOCUMENTED_EXAMPLE, "account": "acct_2"}).status_code == 200
    assert StripeEvent.objects.count() == 0


def test_a_merchant_that_nobody_knows_is_a_400() -> None:
    make_merchant()
    for unknown in ("mer_unknown", "%00", "x" * 500):
        response = Client().post(f"{WEBHOOK}?m={unknown}", b"{}", content_type="application/json")
        assert response.status_code == 400
