"""A client of the JSON API, and cases for it to ask about."""

from datetime import datetime
from typing import Any

from django.test import Client
from django.utils import timezone

from recovery import credentials
from recovery.models import Customer, Merchant, RecoveryCase

API = "/fourthngoal/recover/"
NOON = datetime.fromisoformat("2026-11-03T12:00:00Z")


def bearer(merchant: Merchant) -> dict[str, str]:
    key = credentials.new_api_key(merchant=merchant, name="shop", now=timezone.now())
    return {"Authorization": f"Bearer {key}"}


def get(merchant: Merchant, path: str, **query: Any) -> Any:
    return Client().get(API + path, query, headers=bearer(merchant))


def post(merchant: Merchant, path: str, body: Any = None, *, key: str | None = None) -> Any:
    headers = bearer(merchant) | ({"Idempotency-Key": key} if key else {})
    return Client().post(
        API + path, {} if body is None else body, content_type="application/json", headers=headers
    )


def customer(merchant: Merchant, stripe_id: str = "cus_jo", email: str = "jo@example.com") -> Any:
    return Customer.objects.get_or_create(
        merchant=merchant, stripe_customer_id=stripe_id,
        defaults={"email": email, "known_at": NOON},
    )[0]  # fmt: skip


def case(merchant: Merchant, **facts: Any) -> RecoveryCase:
    """An open case of Jo's, as of noon, unless said otherwise."""
    number = RecoveryCase.objects.count() + 1
    at = facts.get("opened_at", NOON)
    return RecoveryCase.objects.create(
        **{
            "merchant": merchant, "customer": customer(merchant), "livemode": False,
            "stripe_invoice_id": f"in_{number}", "amount": 4900, "currency": "usd",
            "decline_type": "soft", "decline_code": "insufficient_funds", "failed_at": at,
            "opened_at": at, "known_at": at, **facts,
        }
    )  # fmt: skip
