"""Answers that are not Stripe's: a proxy's page, half an object, an error that says nothing."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest
import stripe
from pytest_django import Settings

from recovery import permissions
from recovery.stripe_errors import (
    RefusedError,
    StripeUnavailableError,
)
from recovery.stripe_gateway import StripeGateway
from recovery.stripe_objects import Charged
from tests.recovery.stories import KEY


def pay(gateway: StripeGateway, invoice: str, method: str = "pm_card_visa") -> Charged:
    return gateway.pay_invoice(
        invoice, payment_method_id=method, key="key_1", is_customer_present=True
    )


@contextmanager
def answering(settings: Any, status: int, body: bytes) -> Iterator[StripeGateway]:
    """A Stripe, or a proxy before it, that answers everything with that."""

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_POST = do_DELETE = do_GET  # noqa: N815

        def log_message(self, *_: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Answer)
    thread = threading.Thread(target=server.serve_forever, args=[0.01], daemon=True)
    thread.start()
    settings.STRIPE_API_BASE = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        yield StripeGateway(api_key=KEY)
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)


MALFORMED = {
    "nothing": b"",
    "a page": b"<html>Bad gateway</html>",
    "a list": b"[]",
    "null": b"null",
    "a text": b'"ok"',
    "a number": b"7",
    "half": b'{"id": "in_1", ',
    "not UTF-8": b"\xff\xfe",
    "an empty object": b"{}",
}


@pytest.mark.parametrize("body", MALFORMED.values(), ids=MALFORMED.keys())
@pytest.mark.parametrize(
    "ask",
    [
        lambda stripe: stripe.invoice("in_1"),
        lambda stripe: stripe.payment_intent("pi_1"),
        lambda stripe: stripe.customer("cus_1"),
        lambda stripe: pay(stripe, "in_1"),
        lambda stripe: stripe.confirm_payment(
            "pi_1", payment_method_id="pm_1", key="k", is_customer_present=True
        ),
    ],
    ids=["invoice", "payment_intent", "customer", "pay", "confirm"],
)
def test_an_answer_that_is_no_object_of_stripes_is_unavailability(
    settings: Settings, body: bytes, ask: Callable[[StripeGateway], object]
) -> None:
    with answering(settings, 200, body) as gateway, pytest.raises(StripeUnavailableError):
        ask(gateway)


@pytest.mark.parametrize("status", [301, 400, 401, 402, 403, 404, 409, 429, 500, 503])
@pytest.mark.parametrize("body", MALFORMED.values(), ids=MALFORMED.keys())
def test_an_error_that_is_none_of_stripes_is_unavailability(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, status: int, body: bytes
) -> None:
    monkeypatch.setattr(stripe.HTTPClient, "INITIAL_DELAY", 0)
    with answering(settings, status, body) as gateway, pytest.raises(StripeUnavailableError):
        pay(gateway, "in_1")


@pytest.mark.parametrize("error", [{}, {"message": None}, {"type": "card_error"}])
def test_a_402_that_says_nothing_is_a_decline_for_no_reason_and_no_payment(
    settings: Settings, error: dict[str, Any]
) -> None:
    body = json.dumps({"error": error}).encode()
    with answering(settings, 402, body) as gateway:
        charged = pay(gateway, "in_1")
    assert charged.status == "declined"
    assert charged.failure is not None
    assert (charged.failure.decline.best_code, charged.charge_id) == ("", "")


def test_a_402_where_nothing_is_charged_is_a_refusal(settings: Settings) -> None:
    body = json.dumps({"error": {"type": "card_error", "message": "Upgrade first."}}).encode()
    with answering(settings, 402, body) as gateway, pytest.raises(RefusedError, match="Upgrade"):
        gateway.customer("cus_1")


def test_a_charge_refused_in_words_of_stripes_own_is_a_refusal_with_them(
    settings: Settings,
) -> None:
    body = json.dumps({"error": {"type": "invalid_request_error", "message": "Not today."}})
    with answering(settings, 400, body.encode()) as gateway:
        with pytest.raises(RefusedError, match=r"^Not today\.$"):
            pay(gateway, "in_1")
        with pytest.raises(RefusedError, match=r"^Not today\.$"):
            gateway.confirm_payment(
                "pi_1", payment_method_id="pm_1", key="k", is_customer_present=True
            )


def test_a_probe_that_finds_something_is_permitted(settings: Settings) -> None:
    with answering(settings, 200, b'{"object": "anything"}') as gateway:
        assert gateway.missing_permissions([*permissions.REQUIRED, *permissions.OPTIONAL]) == []


@pytest.mark.parametrize(
    ("status", "outcome"),
    [("succeeded", "paid"), ("processing", "pending"), ("requires_action", "requires_action")],
)
def test_a_bank_that_takes_days_leaves_a_payment_pending(
    settings: Settings, status: str, outcome: str
) -> None:
    intent = {"id": "pi_1", "object": "payment_intent", "status": status}
    with answering(settings, 200, json.dumps(intent).encode()) as gateway:
        charged = gateway.confirm_payment(
            "pi_1", payment_method_id="pm_1", key="key_1", is_customer_present=False
        )
    assert charged == Charged(outcome)


def test_an_invoice_that_is_open_after_it_was_charged_is_pending(settings: Settings) -> None:
    invoice = {"id": "in_1", "object": "invoice", "status": "open"}
    with answering(settings, 200, json.dumps(invoice).encode()) as gateway:
        assert pay(gateway, "in_1") == Charged("pending")
