"""The official Stripe CLI triggers events; Recover does what its contract says."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone
from pytest_django import Settings
from pytest_django.live_server_helper import LiveServer

from recovery import cases, merchants
from recovery.models import Merchant, RecoveryCase, StripeEvent
from recovery.stripe_events import Event
from recovery.stripe_objects import Invoice
from recovery.tasks import process_inbox
from tests.builders import make_merchant
from tests.local_stripe import LocalStripe
from tests.local_stripe_tests.openapi import Validator

pytestmark = pytest.mark.django_db(transaction=True)
KEY = "sk_test_0123456789abcdef"
LOCAL_CLI = Path(__file__).resolve().parents[2] / ".tools/node_modules/.bin/stripe"


@pytest.fixture(scope="module")
def stripe_cli() -> str:
    found = shutil.which("stripe") or (str(LOCAL_CLI) if LOCAL_CLI.exists() else "")
    if not found:
        reason = "needs Stripe's CLI: npm install --prefix .tools @stripe/cli@1.52.0"
        pytest.fail(reason) if os.environ.get("CI") else pytest.skip(reason)
    return found


@pytest.fixture
def local_stripe(settings: Settings, live_server: LiveServer) -> Iterator[LocalStripe]:
    with LocalStripe(on_exchange=Validator().check) as running:
        settings.STRIPE_API_BASE = running.url
        settings.PUBLIC_URL = live_server.url
        yield running


@pytest.fixture
def merchant(local_stripe: LocalStripe) -> Merchant:
    made = make_merchant()
    merchants.connect(merchant=made, api_key=KEY, now=timezone.now())
    return made


def trigger(stripe_cli: str, event: str, local_stripe: LocalStripe, *overrides: str) -> None:
    command = [stripe_cli, "trigger", event, "--api-base", local_stripe.url, "--api-key", KEY]
    for override in overrides:
        command += ["--override", override]
    subprocess.run(
        command, check=True, capture_output=True, timeout=60,
        env={**os.environ, "STRIPE_CLI_TELEMETRY_OPTOUT": "1"},
    )  # fmt: skip
    assert local_stripe.wait_until_delivered()


def told(type_: str) -> Event:
    """The one event of that type in the inbox."""
    return Event.parse(StripeEvent.objects.get(type=type_).payload)


def open_case(merchant: Merchant, **invoice: Any) -> RecoveryCase:
    """The case of a renewal that failed a while ago and was never paid, as far as is known."""
    now, failed_at = timezone.now(), timezone.now() - timedelta(days=3)
    owed = {"currency": "usd", "amount_due": 4900, "status": "open"}
    return cases.open_for_invoice(
        merchant=merchant, invoice=Invoice.read(invoice | owed), failed_at=failed_at, now=now,
        known_at=failed_at, is_complete=True,
    )  # fmt: skip


def test_invoice_payment_failed_opens_one_case(
    stripe_cli: str, local_stripe: LocalStripe, merchant: Merchant
) -> None:
    trigger(stripe_cli, "invoice.payment_failed", local_stripe, "customer:email=jo@example.com")
    process_inbox()

    case = RecoveryCase.objects.get()
    assert case.status == "open"
    assert case.stripe_invoice_id.startswith("in_")
    assert case.attempts.count() == 1


def test_invoice_paid_recovers_the_invoices_case_and_opens_none(
    stripe_cli: str, local_stripe: LocalStripe, merchant: Merchant
) -> None:
    trigger(stripe_cli, "invoice.paid", local_stripe)
    paid = told("invoice.paid").object
    case = open_case(merchant, id=paid["id"])
    other = open_case(merchant, id="in_another")
    process_inbox()

    case.refresh_from_db()
    assert (case.status, case.reason) == ("recovered", "invoice_paid")
    assert case.amount_recovered == paid["amount_paid"] > 0
    assert list(RecoveryCase.objects.filter(status="open")) == [other]
    assert RecoveryCase.objects.count() == 2


def test_payment_intent_payment_failed_opens_a_one_time_case(
    stripe_cli: str, local_stripe: LocalStripe, merchant: Merchant
) -> None:
    trigger(stripe_cli, "payment_intent.payment_failed", local_stripe)
    process_inbox()

    case = RecoveryCase.objects.get()
    assert (case.status, case.is_one_time) == ("open", True)
    assert case.settles_at is not None


def test_customer_subscription_deleted_gives_up_its_open_cases_and_opens_none(
    stripe_cli: str, local_stripe: LocalStripe, merchant: Merchant
) -> None:
    trigger(stripe_cli, "customer.subscription.deleted", local_stripe)
    subscription = told("customer.subscription.deleted").object["id"]
    case = open_case(merchant, id="in_1", subscription=subscription)
    other = open_case(merchant, id="in_2", subscription="sub_another")
    process_inbox()

    case.refresh_from_db()
    assert (case.status, case.reason) == ("lost", "subscription_canceled")
    assert list(RecoveryCase.objects.filter(status="open")) == [other]
    assert RecoveryCase.objects.count() == 2
