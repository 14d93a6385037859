"""Distinct events as Stripe signs and sends them: `invoice.payment_failed` of 2.7 kB, and what it
sends with each of these."""

import json
import time
from itertools import count

from benchmarks import load
from benchmarks.stripe_stub import INTENT
from recovery.signatures import sign

BYTES = 2_700
_numbers = count(1)
_INVOICE = {
    "id": "in_NUMBER",
    "object": "invoice",
    "account_country": "US",
    "account_name": "Fern Tea Club",
    "amount_due": 4900,
    "amount_overpaid": 0,
    "amount_paid": 0,
    "amount_remaining": 4900,
    "attempt_count": 1,
    "attempted": True,
    "auto_advance": True,
    "automatic_tax": {"enabled": False, "liability": None, "provider": None, "status": None},
    "billing_reason": "subscription_cycle",
    "collection_method": "charge_automatically",
    "currency": "usd",
    "customer": "cus_NUMBER",
    "customer_email": "jo.NUMBER@example.com",
    "customer_name": "Jo Mercer",
    "default_payment_method": None,
    "description": None,
    "hosted_invoice_url": "https://invoice.stripe.com/i/acct_1/test_NUMBER?s=ap",
    "lines": {
        "object": "list",
        "data": [
            {
                "id": "il_NUMBER",
                "object": "line_item",
                "amount": 4900,
                "currency": "usd",
                "description": "1 Tea every month (at $49.00 / month)",
                "livemode": False,
                "quantity": 1,
                "parent": {
                    "type": "subscription_item_details",
                    "subscription_item_details": {
                        "subscription": "sub_NUMBER",
                        "subscription_item": "si_NUMBER",
                    },
                },
            }
        ],
        "has_more": False,
        "total_count": 1,
        "url": "/v1/invoices/in_NUMBER/lines",
    },
    "livemode": False,
    "metadata": {},
    "next_payment_attempt": 1798000000,
    "number": "FERN-NUMBER",
    "parent": {
        "type": "subscription_details",
        "subscription_details": {"metadata": {}, "subscription": "sub_NUMBER"},
    },
    "period_end": 1795000000,
    "period_start": 1792000000,
    "status": "open",
    "status_transitions": {
        "finalized_at": 1795003600, "marked_uncollectible_at": None, "paid_at": None,
        "voided_at": None,
    },
    "subtotal": 4900,
    "total": 4900,
    "total_taxes": [],
    "webhooks_delivered_at": 1795000000,
}  # fmt: skip
_EVENT = {
    "id": "evt_NUMBER",
    "object": "event",
    "api_version": "2026-10-28",
    "created": 1795003600,
    "data": {"object": _INVOICE},
    "livemode": False,
    "pending_webhooks": 1,
    "request": {"id": None, "idempotency_key": None},
    "type": "invoice.payment_failed",
}
_NUMBER = f"{0:012}"  # as long as any


def _template() -> str:
    """Filled up to the length of a real one, in the metadata that a merchant has."""
    event = json.dumps(_EVENT, indent=2).replace("NUMBER", _NUMBER)
    missing = BYTES - len(event.encode())
    filled = {
        **_INVOICE,
        "metadata": {"plan": "x" * (missing - len('\n        "plan": ""\n      '))},
    }
    return json.dumps({**_EVENT, "data": {"object": filled}}, indent=2).replace("NUMBER", _NUMBER)


TEMPLATE = _template()
OF_PAYMENT = json.dumps(
    {
        **_EVENT,
        "id": "evt_pi_NUMBER",
        "data": {"object": {**INTENT, "latest_charge": "ch_NUMBER"}},
        "type": "payment_intent.payment_failed",
    }
).replace("NUMBER", _NUMBER)


def bodies(how_many: int) -> list[bytes]:
    return [_body(TEMPLATE, f"{next(_numbers):012}") for _one in range(how_many)]


def pairs(how_many: int) -> list[bytes]:
    """Of each failure the event of the invoice and that of its payment."""
    numbers = [f"{next(_numbers):012}" for _one in range(how_many // 2)]
    return [_body(told, number) for number in numbers for told in (TEMPLATE, OF_PAYMENT)]


def signed(how_many: int, *, path: str, secret: str) -> list[bytes]:
    """Requests that a server has not seen before."""
    return [_signed(body, path, secret) for body in bodies(how_many)]


def _body(template: str, number: str) -> bytes:
    return template.replace(_NUMBER, number).encode()


def _signed(body: bytes, path: str, secret: str) -> bytes:
    header = sign(body=body, secret=secret, timestamp=int(time.time()))
    return load.post(path, body, {"Stripe-Signature": header})
