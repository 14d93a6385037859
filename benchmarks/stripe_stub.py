"""python -m benchmarks.stripe_stub PORT: answers as Stripe would about the invoices of
benchmarks/events.py, in a tenth of a millisecond, whatever it was told before."""

import asyncio
import json
import re
import sys

_CARD = {
    "brand": "visa", "country": "US", "exp_month": 12, "exp_year": 2034, "last4": "0341",
    "fingerprint": "fp_NUMBER",
}  # fmt: skip
_METHOD = {"id": "pm_NUMBER", "object": "payment_method", "type": "card", "card": _CARD}
_CHARGE = {
    "id": "ch_NUMBER", "object": "charge", "created": 1795003600, "outcome": {
        "type": "issuer_declined", "network_decline_code": "51", "advice_code": "try_again_later",
    },
}  # fmt: skip
INTENT = {
    "id": "pi_NUMBER", "object": "payment_intent", "amount": 4900, "currency": "usd",
    "status": "requires_payment_method", "customer": "cus_NUMBER", "latest_charge": _CHARGE,
    "last_payment_error": {
        "type": "card_error", "code": "card_declined", "charge": "ch_NUMBER",
        "decline_code": "insufficient_funds", "payment_method": _METHOD,
    },
}  # fmt: skip
_INVOICE = {
    "id": "in_NUMBER", "object": "invoice", "status": "open", "customer": "cus_NUMBER",
    "customer_email": "jo.NUMBER@example.com", "customer_name": "Jo Mercer",
    "amount_due": 4900, "amount_remaining": 4900, "amount_paid": 0, "currency": "usd",
    "attempted": True, "attempt_count": 1, "billing_reason": "subscription_cycle",
    "collection_method": "charge_automatically", "number": "FERN-NUMBER",
    "livemode": False, "created": 1795003600, "next_payment_attempt": 1798000000,
    "parent": {"subscription_details": {"subscription": "sub_NUMBER"}},
}  # fmt: skip
_CUSTOMER = {
    "id": "cus_NUMBER", "object": "customer", "email": "jo.NUMBER@example.com",
    "name": "Jo Mercer", "preferred_locales": ["en"],
    "invoice_settings": {"default_payment_method": "pm_NUMBER"},
}  # fmt: skip
_ANSWERS = {
    "invoices": _INVOICE,
    "invoice_payments": {
        "object": "list", "has_more": False, "url": "/v1/invoice_payments", "data": [
            {"id": "inpay_NUMBER", "object": "invoice_payment", "created": 1795003600,
             "invoice": {**_INVOICE, "customer": _CUSTOMER},
             "payment": {"type": "payment_intent", "payment_intent": INTENT}},
        ],
    },
    "payment_intents": INTENT,
    "customers": _CUSTOMER,
}  # fmt: skip
ANSWERS = {name: json.dumps(answer) for name, answer in _ANSWERS.items()}
ASKED = re.compile(rb"GET /v1/(\w+)\S*?(\d{12})\S* HTTP")


def answer(request: bytes) -> bytes:
    """A 404 for anything that ingestion of a failed invoice doesn't ask for."""
    asked = ASKED.match(request)
    known = ANSWERS.get(asked[1].decode()) if asked else None
    if asked is None or known is None:
        return _written("404 Not Found", b"{}")
    return _written("200 OK", known.replace("NUMBER", asked[2].decode()).encode())


def _written(status: str, body: bytes) -> bytes:
    head = f"HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {len(body)}"
    return f"{head}\r\n\r\n".encode() + body


async def _serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while True:
        try:
            request = await reader.readuntil(b"\r\n\r\n")
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()
            return
        writer.write(answer(request))


async def main(port: int) -> None:
    server = await asyncio.start_server(_serve, "127.0.0.1", port)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1])))
