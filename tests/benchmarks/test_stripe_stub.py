"""The stub that processing is measured against answers as Stripe would about its events."""

import json
from typing import Any

import pytest

from benchmarks import events
from benchmarks.stripe_stub import answer
from recovery.stripe_events import Event
from recovery.stripe_objects import Customer, Invoice, PaymentIntent


def asked(path: str) -> tuple[bytes, Any]:
    head, _, body = answer(f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode()).partition(
        b"\r\n\r\n"
    )
    assert f"Content-Length: {len(body)}".encode() in head
    return head.split(b" ")[1], json.loads(body)


def test_what_it_says_of_an_invoice_is_what_the_event_says() -> None:
    [body] = events.bodies(1)
    told = Invoice.read(Event.parse(body).object)

    status, invoice = asked(f"/v1/invoices/{told.id}")

    found = Invoice.read(invoice)
    assert status == b"200"
    assert (found.id, found.customer_id, found.amount_owed, found.subscription_id) == (
        told.id, told.customer_id, told.amount_owed, told.subscription_id,
    )  # fmt: skip


def test_it_leads_to_why_the_payment_failed_and_whose_it_was() -> None:
    _, payments = asked("/v1/invoice_payments?invoice=in_000000000007")
    [payment] = payments["data"]
    intent, invoice = payment["payment"]["payment_intent"], payment["invoice"]
    assert asked(f"/v1/invoices/{invoice['id']}")[1] == {
        **invoice, "customer": invoice["customer"]["id"],
    }  # fmt: skip
    assert asked(f"/v1/payment_intents/{intent['id']}?expand[0]=latest_charge")[1] == intent
    _, customer = asked(f"/v1/customers/{intent['customer']}")
    assert customer == invoice["customer"]

    failure = PaymentIntent.read(intent).failure
    assert failure is not None
    assert failure.decline.best_code == "insufficient_funds"
    assert failure.charge_id == "ch_000000000007"
    assert Customer.read(customer).id == "cus_000000000007"


@pytest.mark.parametrize("path", ["/v1/subscriptions/sub_000000000001", "/v1/invoices/in_1", "/"])
def test_what_it_does_not_know_is_missing(path: str) -> None:
    assert asked(path) == (b"404", {})
