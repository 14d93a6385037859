"""The official Stripe CLI triggers events; Recover does what its contract says."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.utils import timezone
from pytest_django import Settings
from pytest_django.live_server_helper import LiveServer

from recovery import merchants
from recovery.models import Merchant, RecoveryCase
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
    process_inbox()


def test_invoice_payment_failed_opens_one_case(
    stripe_cli: str, local_stripe: LocalStripe, merchant: Merchant
) -> None:
    trigger(stripe_cli, "invoice.payment_failed", local_stripe, "customer:email=jo@example.com")
    case = RecoveryCase.objects.get()
    assert case.status == "open"
    assert case.stripe_invoice_id.startswith("in_")
    assert case.attempts.count() == 1


def test_invoice_paid_without_a_failure_opens_nothing(
    stripe_cli: str, local_stripe: LocalStripe, merchant: Merchant
) -> None:
    trigger(stripe_cli, "invoice.paid", local_stripe)
    assert RecoveryCase.objects.count() == 0


def test_payment_intent_payment_failed_opens_a_one_time_case(
    stripe_cli: str, local_stripe: LocalStripe, merchant: Merchant
) -> None:
    trigger(stripe_cli, "payment_intent.payment_failed", local_stripe)
    case = RecoveryCase.objects.get()
    assert (case.status, case.is_one_time) == ("open", True)
    assert case.settles_at is not None


def test_customer_subscription_deleted_opens_nothing(
    stripe_cli: str, local_stripe: LocalStripe, merchant: Merchant
) -> None:
    trigger(stripe_cli, "customer.subscription.deleted", local_stripe)
    assert RecoveryCase.objects.count() == 0
