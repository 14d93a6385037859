"""A one-time payment that failed, and its customer on the way to Stripe's Checkout."""

import http.client
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode, urlsplit

from django.utils import timezone

from recovery import superseding
from recovery.models import Checkout, Merchant, RecoveryCase, StripeEvent
from tests.builders import receive
from tests.local_stripe import LocalStripe
from tests.recovery.stories import KEY, realm, told

BACK = "http://127.0.0.1:9/back"
GOOD, DECLINED = "4242 4242 4242 4242", "4000 0000 0000 0002"


def failed_purchase(
    local_stripe: LocalStripe, merchant: Merchant, *, is_guest: bool = False, **about: Any
) -> RecoveryCase:
    """The case of a one-time payment that failed; what Stripe told of it was heard."""
    made = local_stripe.scenarios.one_time_fails(key=KEY, with_customer=not is_guest, **about)
    hear_all(local_stripe, merchant)
    local_stripe.requests.clear()
    return RecoveryCase.objects.get(stripe_payment_intent_id=made["payment_intent"])


def set_out(case: RecoveryCase, *, now: datetime | None = None, locale: str = "") -> str:
    """The address of the Checkout page that a click leads to."""
    fresh = RecoveryCase.objects.select_related("merchant__stripe", "customer").get(pk=case.pk)
    return superseding.open_checkout(
        case=fresh, return_url=BACK, locale=locale, now=now or timezone.now()
    )


def type_in(url: str, number: str) -> int:
    """The customer pays, or tries to, with a card; the page's status."""
    parts = urlsplit(url)
    form = {"number": number, "expiry": "12 / 40", "cvc": "123", "email": "sam@example.com"}
    connection = http.client.HTTPConnection(str(parts.hostname), parts.port, timeout=10)
    try:
        connection.request("POST", parts.path, urlencode(form))
        return connection.getresponse().status
    finally:
        connection.close()


ABOUT_PAYMENTS = tuple(
    f"payment_intent.{end}" for end in ("payment_failed", "processing", "succeeded", "canceled")
)


def hear_all(local_stripe: LocalStripe, merchant: Merchant) -> None:
    """All that Stripe told of payments, again and again."""
    receive(*told(local_stripe, *ABOUT_PAYMENTS, "charge.refunded"), merchant=merchant)


def takes_days(local_stripe: LocalStripe) -> None:
    """As if the last payment were a direct debit, of which nobody was told how it went."""
    assert local_stripe.wait_until_delivered()
    realm(local_stripe).all("payment_intent")[-1] |= {"status": "processing", "amount_received": 0}
    StripeEvent.objects.filter(type="payment_intent.succeeded").delete()


def intents(local_stripe: LocalStripe) -> list[str]:
    """What became of each PaymentIntent, oldest first."""
    return [one["status"] for one in realm(local_stripe).all("payment_intent")]


def sessions(local_stripe: LocalStripe) -> list[str]:
    return [one["status"] for one in realm(local_stripe).all("checkout.session")]


def states(case: RecoveryCase) -> list[str]:
    return list(Checkout.objects.filter(case=case).order_by("pk").values_list("state", flat=True))


def standing(case: RecoveryCase) -> tuple[str, str, int]:
    case.refresh_from_db()
    return case.status, case.mechanism or case.reason, case.amount_recovered


def money_taken(local_stripe: LocalStripe) -> int:
    return sum(one["amount_received"] for one in realm(local_stripe).all("payment_intent"))


def age_checkouts(**by: float) -> None:
    """As if the sweep came so much later."""
    for checkout in Checkout.objects.exclude(due_at=None):
        assert checkout.due_at
        checkout.due_at -= timedelta(**by)
        checkout.expires_at -= timedelta(**by)
        checkout.save()
