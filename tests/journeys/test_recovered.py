"""The main job, against the local Stripe: a failed payment becomes a recovered one."""

import re
import urllib.parse
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest
from django.core import mail
from django.test import Client
from django.utils import timezone
from pytest_django import Settings as SettingsWrapper
from pytest_django.live_server_helper import LiveServer

from billing_portal.tasks import charge_new_cards
from dunning.tasks import deliver_queued, start_runs, work_due_steps
from recovery import merchants
from recovery.models import Merchant, RecoveryCase
from recovery.tasks import process_inbox
from tests.builders import dashboard, make_merchant
from tests.local_stripe import LocalStripe
from tests.local_stripe_tests.openapi import Validator

pytestmark = pytest.mark.django_db(transaction=True)
KEY = "rk_test_ferntea"


@pytest.fixture
def local_stripe(settings: SettingsWrapper, live_server: LiveServer) -> Iterator[LocalStripe]:
    with LocalStripe(on_exchange=Validator().check) as running:
        settings.STRIPE_API_BASE = running.url
        settings.PUBLIC_URL = live_server.url
        yield running


@pytest.fixture
def merchant(local_stripe: LocalStripe) -> Merchant:
    made = make_merchant()
    merchants.connect(merchant=made, api_key=KEY, now=timezone.now())
    return made


def work(local_stripe: LocalStripe) -> None:
    """What worker and beat do in a few seconds."""
    local_stripe.wait_until_delivered()
    process_inbox()
    charge_new_cards()
    start_runs()
    work_due_steps()
    deliver_queued()


def link_in(message: Any) -> str:
    found = re.search(r"http\S+/update\?token=\S+", message.body)
    assert found
    return urllib.parse.urlsplit(found.group()).query.removeprefix("token=")


def add_card(portal_url: str, number: str) -> str:
    """Fill in the portal's form as a person would; the address that it sends the customer to."""

    class Stay(urllib.request.HTTPRedirectHandler):
        def redirect_request(self, *_: Any) -> None:
            return None

    form = {"number": number, "expiry": "12 / 40", "cvc": "123", "name": "Jo Doe"}
    request = urllib.request.Request(portal_url, urllib.parse.urlencode(form).encode())
    try:
        urllib.request.build_opener(Stay()).open(request)
    except urllib.error.HTTPError as error:
        return str(error.headers["Location"])
    raise AssertionError("the portal sent the customer nowhere")


def test_a_failed_payment_becomes_a_recovered_one(
    local_stripe: LocalStripe, merchant: Merchant
) -> None:
    local_stripe.scenarios.renewal_fails(
        reason="expired_card", email="jo@example.com", name="Jo", key=KEY
    )
    work(local_stripe)

    case = RecoveryCase.objects.get()
    assert (case.status, case.amount, case.decline_code) == ("open", 4900, "expired_card")
    assert len(mail.outbox) == 1
    assert mail.outbox[0].to == ["jo@example.com"]

    token = link_in(mail.outbox[0])
    page = Client().get("/fourthngoal/recover/update", {"token": token})
    assert page.status_code == 200
    assert "$49.00" in page.content.decode()
    portal = Client().post("/fourthngoal/recover/update", {"token": token})
    assert portal.status_code == 303

    back = urllib.parse.urlsplit(add_card(portal["Location"], "4242424242424242"))
    thanks = Client().get(f"{back.path}?{back.query}")
    assert thanks.status_code == 200

    case.refresh_from_db()
    assert (case.status, case.amount_recovered, case.mechanism) == (
        "recovered", 4900, "card_update",
    )  # fmt: skip
    work(local_stripe)
    figures = dashboard(merchant)
    assert figures["recovered_mtd"] == 49
    assert figures["recovery_rate"] == 1.0
    assert figures["events"][0]["customer_email_masked"] == "j***@example.com"
    assert len(mail.outbox) == 1
    charges = [r for r in local_stripe.requests if r.path.endswith("/pay") and r.status == 200]
    assert len(charges) == 1


def test_a_customer_who_closes_the_tab_is_charged_by_webhook_alone(
    local_stripe: LocalStripe, merchant: Merchant
) -> None:
    local_stripe.scenarios.renewal_fails(reason="expired_card", email="jo@example.com", key=KEY)
    work(local_stripe)
    token = link_in(mail.outbox[0])
    portal = Client().post("/fourthngoal/recover/update", {"token": token})

    add_card(portal["Location"], "4242424242424242")
    work(local_stripe)

    assert RecoveryCase.objects.get().status == "recovered"
    assert RecoveryCase.objects.get().mechanism == "card_update"


def test_an_invoices_own_payment_opens_no_second_case(
    local_stripe: LocalStripe, merchant: Merchant
) -> None:
    local_stripe.scenarios.renewal_fails(reason="insufficient_funds", email="jo@x.org", key=KEY)
    work(local_stripe)
    case = RecoveryCase.objects.get()
    assert case.decline_type == "soft"
    assert case.attempts.count() == 1
