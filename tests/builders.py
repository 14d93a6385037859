"""Merchants and signed events for tests."""

import copy
import itertools
import json
from typing import Any

from django.test import Client
from django.utils import timezone

from recovery import credentials, merchants
from recovery.models import Merchant, SigningSecret
from recovery.signatures import sign
from recovery.tasks import process_inbox

SECRET = "whsec_for_tests_only_0123456789abcdef"
DOCUMENTED_EXAMPLE: dict[str, Any] = {
    "id": "evt_1PxKJ2HjQ9kdnRw7abcdef",
    "type": "invoice.payment_failed",
    "data": {
        "object": {
            "id": "in_1PxKJ2HjQ9kdnRw7xyz",
            "customer_email": "user@example.com",
            "amount_due": 4900,
            "last_finalization_error": {"decline_code": "insufficient_funds"},
        }
    },
}
# Only the customer can help, who is therefore written to at once.
EXPIRED_CARD: dict[str, Any] = copy.deepcopy(DOCUMENTED_EXAMPLE)
EXPIRED_CARD["data"]["object"]["last_finalization_error"]["decline_code"] = "expired_card"
WEBHOOK = "/fourthngoal/recover/webhook"
DASHBOARD = "/fourthngoal/recover/dashboard"
_numbers = itertools.count(1)


def make_merchant(name: str = "Fern Tea Club", **options: Any) -> Merchant:
    """A merchant whose endpoint signs with SECRET, and no Stripe key."""
    merchant, _credentials = merchants.create(
        **{
            "name": name, "product_name": "", "currency": "usd", "time_zone": "UTC",
            "monthly_price": 2900, "webhook_secret": SECRET, "settling_minutes": 30,
            "now": timezone.now(), **options,
        }
    )  # fmt: skip
    # Tests run at any hour.
    Merchant.objects.filter(pk=merchant.pk).update(send_from_hour=0, send_until_hour=24)
    return Merchant.objects.select_related("stripe").get(pk=merchant.pk)


def event(type_: str, obj: dict[str, Any], **envelope: Any) -> dict[str, Any]:
    return {
        "id": f"evt_{next(_numbers)}", "object": "event", "type": type_,
        "created": int(timezone.now().timestamp()),
        "data": {"object": obj}, **envelope,
    }  # fmt: skip


def post(
    payload: dict[str, Any] | bytes, *, merchant: Merchant | None = None, secret: str = SECRET
) -> Any:
    """Deliver an event as Stripe would."""
    body = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    header = sign(body=body, secret=secret, timestamp=int(timezone.now().timestamp()))
    query = f"?m={merchant.public_id}" if merchant else ""
    return Client().post(
        WEBHOOK + query, body, content_type="application/json",
        headers={"Stripe-Signature": header},
    )  # fmt: skip


def receive(*payloads: dict[str, Any], merchant: Merchant | None = None) -> None:
    """Deliver events and process them, as a worker would."""
    for payload in payloads:
        assert post(payload, merchant=merchant).status_code == 200
    process_inbox()


def dashboard(merchant: Merchant, **parameters: Any) -> dict[str, Any]:
    key = credentials.new_internal_key(merchant=merchant, now=timezone.now())
    response = Client().get(DASHBOARD, parameters, headers={"X-Internal-Key": key})
    assert response.status_code == 200, response.content
    answer: dict[str, Any] = response.json()
    return answer


def signing_secret(merchant: Merchant) -> str:
    return str(SigningSecret.objects.of(merchant).latest("id").secret)
