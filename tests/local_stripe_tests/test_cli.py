"""Stripe's own command line drives it."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest
import stripe

from tests.local_stripe import LocalStripe
from tests.local_stripe_tests.conftest import MakeClient

TOOLS = Path(__file__).parent.parent.parent / ".tools"
INSTALL = "npm install --prefix .tools @stripe/cli@1.52.0"
KEY = "sk_test_0123456789abcdef"


@pytest.fixture
def cli() -> str:
    """Stripe's CLI. On CI its absence is an error: nothing else would notice it."""
    local = TOOLS / "node_modules" / ".bin" / "stripe"
    found = str(local) if local.exists() else shutil.which("stripe")
    if found is None and os.environ.get("CI"):
        pytest.fail(f"the Stripe CLI is missing: {INSTALL}")
    if found is None:
        pytest.skip(f"the Stripe CLI is not installed: {INSTALL}")
    return found


def _trigger(cli: str, local_stripe: LocalStripe, event: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [cli, "trigger", event, "--api-base", local_stripe.url, "--api-key", KEY],
        env={**os.environ, "STRIPE_CLI_TELEMETRY_OPTOUT": "1"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize(
    "event",
    [
        "invoice.payment_failed",
        "invoice.paid",
        "payment_intent.payment_failed",
        "customer.subscription.deleted",
        "customer.updated",
        "payment_method.attached",
        "charge.dispute.created",
        "charge.refunded",
        "checkout.session.completed",
        "invoice.voided",
        "invoice.marked_uncollectible",
        "invoice.payment_action_required",
        "customer.subscription.updated",
    ],
)
def test_a_trigger_makes_its_event_happen(
    cli: str, local_stripe: LocalStripe, make_client: MakeClient, event: str
) -> None:
    done = _trigger(cli, local_stripe, event)

    assert done.returncode == 0, done.stdout + done.stderr
    listed = make_client(KEY).v1.events.list({"type": event}).data
    assert {one.type for one in listed} == {event}


def test_a_triggered_failure_has_no_subscription_and_no_retry(
    cli: str, local_stripe: LocalStripe, make_client: MakeClient
) -> None:
    _trigger(cli, local_stripe, "invoice.payment_failed")

    invoice = make_client(KEY).v1.invoices.list().data[0]
    assert isinstance(invoice, stripe.Invoice)
    assert (invoice.parent, invoice.customer_email) == (None, None)
    assert (invoice.auto_advance, invoice.next_payment_attempt) == (False, None)
