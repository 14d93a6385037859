"""A one-time payment that failed, from the mail to Stripe's Checkout and back, in a browser."""

import re
from collections.abc import Iterator

import pytest
from django.core import mail
from django.utils import timezone
from playwright.sync_api import Browser, Page
from pytest_django import Settings as SettingsWrapper
from pytest_django.live_server_helper import LiveServer

from dunning.tasks import deliver_queued, start_runs, work_due_steps
from recovery import merchants
from recovery.models import Merchant, RecoveryCase
from recovery.tasks import look_after_checkouts, process_inbox
from tests.builders import dashboard, make_merchant
from tests.connected import KEY
from tests.journeys.browsers import browser
from tests.local_stripe import LocalStripe
from tests.local_stripe_tests.openapi import Validator
from tests.recovery.purchases import intents, money_taken, sessions, standing

__all__ = ["browser"]  # a fixture

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.any_database]
GUEST = pytest.mark.parametrize("is_guest", [True, False], ids=["a guest", "a customer"])


@pytest.fixture
def local_stripe(settings: SettingsWrapper, live_server: LiveServer) -> Iterator[LocalStripe]:
    with LocalStripe(on_exchange=Validator().check) as running:
        settings.STRIPE_API_BASE = running.url
        settings.PUBLIC_URL = live_server.url
        directives = settings.CONTENT_SECURITY_POLICY["DIRECTIVES"]
        settings.CONTENT_SECURITY_POLICY = {
            "DIRECTIVES": directives | {"form-action": ["'self'", running.url]}
        }
        yield running


@pytest.fixture
def merchant(local_stripe: LocalStripe) -> Merchant:
    made = make_merchant(settling_minutes=0)
    merchants.connect(merchant=made, api_key=KEY, now=timezone.now())
    return made


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    context = browser.new_context(java_script_enabled=False)
    context.set_default_timeout(20_000)
    yield context.new_page()
    context.close()


def work(local_stripe: LocalStripe) -> None:
    """What worker and beat do in a few seconds."""
    assert local_stripe.wait_until_delivered()
    process_inbox()
    look_after_checkouts()
    start_runs()
    work_due_steps()
    deliver_queued()


def failed_payment(local_stripe: LocalStripe, *, is_guest: bool) -> RecoveryCase:
    """Sam's card has expired, and Sam is written to."""
    local_stripe.scenarios.one_time_fails(
        key=KEY, reason="expired_card", with_customer=not is_guest
    )
    work(local_stripe)
    return RecoveryCase.objects.get()


def open_mail(page: Page) -> None:
    found = re.search(r"http\S+/update\?token=\S+", str(mail.outbox[-1].body))
    assert found
    page.goto(found.group())


def press(page: Page, name: str) -> None:
    with page.expect_navigation():
        page.get_by_role("button", name=name).click()


def type_in(page: Page, number: str) -> None:
    page.get_by_label("Card number").fill(number)
    page.get_by_label("Expiry").fill("12 / 40")
    page.get_by_label("CVC").fill("123")
    press(page, "Pay")


def heading(page: Page) -> str:
    return page.get_by_role("heading", level=1).inner_text()


@GUEST
def test_a_failed_one_time_payment_is_paid_at_checkout(
    local_stripe: LocalStripe, merchant: Merchant, page: Page, is_guest: bool
) -> None:
    case = failed_payment(local_stripe, is_guest=is_guest)
    assert [message.to for message in mail.outbox] == [["sam@example.com"]]
    open_mail(page)
    assert heading(page) == "Your payment didn’t go through"

    press(page, "Pay $25.00")
    assert "/c/pay/cs_test_" in page.url
    type_in(page, "4000 0000 0000 9995")
    assert "insufficient funds" in page.inner_text("body")
    type_in(page, "4242 4242 4242 4242")

    assert heading(page) == "Thank you, this is paid"
    work(local_stripe)
    assert standing(case) == ("recovered", "customer_paid", 2500)
    assert RecoveryCase.objects.count() == 1
    assert case.attempts.count() == 2
    assert intents(local_stripe) == ["canceled", "succeeded"]
    assert len(mail.outbox) == 1
    assert dashboard(merchant)["recovered_mtd"] == 25
    open_mail(page)
    assert heading(page) == "Thank you, this is paid"


@GUEST
def test_who_turns_back_at_checkout_may_pay_by_the_same_mail_later(
    local_stripe: LocalStripe, merchant: Merchant, page: Page, is_guest: bool
) -> None:
    case = failed_payment(local_stripe, is_guest=is_guest)
    open_mail(page)
    press(page, "Pay $25.00")
    with page.expect_navigation():
        page.get_by_role("link").first.click()
    assert heading(page) == "This payment is still open"
    work(local_stripe)
    assert standing(case) == ("open", "", 0)

    page.get_by_role("link", name="Deutsch", exact=True).click()
    press(page, "25,00")
    assert sessions(local_stripe) == ["expired", "open"]
    type_in(page, "4242 4242 4242 4242")

    assert heading(page) == "Danke, das ist bezahlt"
    work(local_stripe)
    assert standing(case) == ("recovered", "customer_paid", 2500)
    assert money_taken(local_stripe) == 2500


def test_two_tabs_pay_once(local_stripe: LocalStripe, merchant: Merchant, page: Page) -> None:
    case = failed_payment(local_stripe, is_guest=True)
    other = page.context.new_page()
    for tab in (page, other):
        open_mail(tab)
        press(tab, "Pay $25.00")

    type_in(page, "4242 4242 4242 4242")
    assert "This Checkout page is closed." in page.inner_text("body")
    type_in(other, "4242 4242 4242 4242")

    assert heading(other) == "Thank you, this is paid"
    work(local_stripe)
    assert standing(case) == ("recovered", "customer_paid", 2500)
    assert money_taken(local_stripe) == 2500
