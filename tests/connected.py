"""A merchant that is connected to a local Stripe, and what happens between the two."""

import json
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.utils import timezone
from pytest_django import Settings as SettingsWrapper
from pytest_django.live_server_helper import LiveServer

from recovery import merchants, stripe_gateway
from recovery.models import Merchant, RecoveryCase
from recovery.tasks import process_inbox
from tests.builders import make_merchant
from tests.local_stripe import LocalStripe
from tests.local_stripe.exchange import Exchange

KEY = "rk_test_ferntea"


@pytest.fixture
def local_stripe(settings: SettingsWrapper, live_server: LiveServer) -> Iterator[LocalStripe]:
    with LocalStripe() as running:
        settings.STRIPE_API_BASE = running.url
        settings.PUBLIC_URL = live_server.url
        yield running


@pytest.fixture
def merchant(local_stripe: LocalStripe) -> Merchant:
    made = make_merchant()
    merchants.connect(merchant=made, api_key=KEY, now=timezone.now())
    return made


@pytest.fixture
def debt(local_stripe: LocalStripe, merchant: Merchant) -> RecoveryCase:
    """The open case of Jo, whose renewal failed."""
    return fail_renewal(local_stripe)


def fail_renewal(local_stripe: LocalStripe, **about: Any) -> RecoveryCase:
    """A renewal fails and is heard of; its case."""
    told = {"reason": "expired_card", "email": "jo@example.com", "name": "Jo", "key": KEY}
    made = local_stripe.scenarios.renewal_fails(**told | about)
    hear(local_stripe)
    return RecoveryCase.objects.get(stripe_invoice_id=made["invoice"])


def fail_again(local_stripe: LocalStripe, case: RecoveryCase) -> str:
    """The next renewal fails too, hours later; the id of its invoice. Nobody heard of it yet."""
    local_stripe.clock.advance(hours=6)
    made = local_stripe.scenarios.renews(subscription=case.stripe_subscription_id, key=KEY)
    return made["invoice"]


def hear(local_stripe: LocalStripe) -> None:
    """What Stripe tells arrives and is worked through."""
    assert local_stripe.wait_until_delivered()
    process_inbox()


@contextmanager
def down(
    local_stripe: LocalStripe, monkeypatch: pytest.MonkeyPatch, path: str = "/v1/*"
) -> Iterator[None]:
    """Stripe cuts every connection; nobody waits to try again."""
    with monkeypatch.context() as patch:
        patch.setattr(stripe_gateway, "NETWORK_RETRIES", 0)
        local_stripe.faults.add("reset", path=path, times=1000)
        yield
    local_stripe.faults.clear()


def ask(
    local_stripe: LocalStripe, method: str, path: str, *, key: str = KEY, **form: str
) -> dict[str, Any]:
    """What the merchant does at Stripe by other means than Recover."""
    request = urllib.request.Request(
        f"{local_stripe.url}/v1/{path}", method=method, headers={"Authorization": f"Bearer {key}"},
        data=urllib.parse.urlencode(form).encode() if form else None,
    )  # fmt: skip
    with urllib.request.urlopen(request, timeout=10) as response:
        answer: dict[str, Any] = json.load(response)
    return answer


def charges(local_stripe: LocalStripe) -> list[str]:
    """The invoices that Recover asked Stripe to charge, in this order."""
    return [exchange.path.split("/")[3] for exchange in asked_to_pay(local_stripe)]


def asked_to_pay(local_stripe: LocalStripe) -> list[Exchange]:
    paid = [one for one in local_stripe.requests if one.path.endswith("/pay")]
    return [one for one in paid if "recover_probe" not in one.path]
