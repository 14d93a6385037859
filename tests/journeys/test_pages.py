"""Each page and the mail as customers see them: light and dark, on a phone and on a desk."""

import shutil
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Literal

import pytest
from django.core import mail
from django.core.mail import EmailMultiAlternatives
from django.utils import timezone
from playwright.sync_api import Browser, Page, ViewportSize, sync_playwright
from pytest_django import Settings as SettingsWrapper

from billing_portal import links
from billing_portal.models import PaymentUpdateLink
from dunning.tasks import deliver_queued, start_runs, work_due_steps
from recovery.models import Customer, Merchant, RecoveryCase
from tests.connected import ask, debt, down, fail_again, hear, local_stripe, merchant
from tests.journeys.looks import look
from tests.local_stripe import LocalStripe
from tests.suite import is_ci

__all__ = ["debt", "local_stripe", "merchant"]  # fixtures

pytestmark = pytest.mark.django_db(transaction=True)
UPDATE = "/fourthngoal/recover/update"
PHONE, DESK = ViewportSize(width=360, height=740), ViewportSize(width=1200, height=900)
SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")
LEAST_HEIGHT = 44  # CSS pixels, for a thumb
LEAST_CONTRAST = 4.5  # WCAG 2.2, 1.4.3
LONG_WORD = "Donaudampfschifffahrtsgesellschaftskapitänsmützenabonnement"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    program = shutil.which("chromium")
    if program is None:
        reason = "chromium is not installed (Debian: apt-get install chromium)."
        pytest.fail(reason) if is_ci() else pytest.skip(reason)
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        yield launched
        launched.close()


@dataclass
class Jo:
    """A customer with a browser that runs no scripts, and what happens to the debt."""

    page: Page
    stripe: LocalStripe
    case: RecoveryCase
    monkeypatch: pytest.MonkeyPatch
    requested: list[str] = field(default_factory=list)
    complaints: list[tuple[str, str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.page.on("request", lambda request: self.requested.append(request.url))
        self.page.on(
            "console", lambda told: self.complaints.append((told.text, told.location["url"]))
        )

    @property
    def customer(self) -> str:
        assert self.case.customer
        return self.case.customer.stripe_customer_id

    def open(self, *, age: timedelta = timedelta(0)) -> None:
        self.page.goto(links.create(case=self.case, now=timezone.now() - age))

    def press(self) -> None:
        """The page's one button, until the next page is there: a click alone doesn't wait."""
        with self.page.expect_navigation():
            self.page.get_by_role("button").click()

    def set_out(self) -> None:
        """To Stripe's portal, with the card that failed."""
        customer = ask(self.stripe, "GET", f"customers/{self.customer}")
        before = customer["invoice_settings"]["default_payment_method"]
        links.create(case=self.case, now=timezone.now())
        link = PaymentUpdateLink.objects.latest("id")
        links.started(link, payment_method_before=before, now=timezone.now())

    def come_back(self, *, age: timedelta = timedelta(0)) -> None:
        link = PaymentUpdateLink.objects.filter(started_at__isnull=False).latest("id")
        self.page.goto(links.return_url(link, now=timezone.now() - age))

    def come_back_with(self, **card: str) -> None:
        self.set_out()
        self.stripe.scenarios.new_card(customer=self.customer, **card)
        self.come_back()

    def is_down(self, path: str = "/v1/*") -> AbstractContextManager[None]:
        return down(self.stripe, self.monkeypatch, path)


@pytest.fixture
def jo(
    browser: Browser, local_stripe: LocalStripe, debt: RecoveryCase,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Jo]:  # fmt: skip
    context = browser.new_context(java_script_enabled=False)
    context.set_default_timeout(20_000)
    yield Jo(context.new_page(), local_stripe, debt, monkeypatch)
    context.close()


# --- the ways to each page, and the heading there ---------------------------------------------


def valid(jo: Jo) -> str:
    jo.open()
    return "Your payment didn't go through"


def valid_for_a_lost_case(jo: Jo) -> str:
    jo.stripe.scenarios.cancel(subscription=jo.case.stripe_subscription_id)
    hear(jo.stripe)
    jo.open()
    return "This payment is still open"


def valid_and_to_be_confirmed(jo: Jo) -> str:
    RecoveryCase.objects.update(decline_code="authentication_required")
    jo.open()
    return "Please confirm your payment"


def valid_with_long_words(jo: Jo) -> str:
    Merchant.objects.update(
        product_name=LONG_WORD * 3, support_email=f"help@{LONG_WORD.lower()}.example"
    )
    RecoveryCase.objects.update(description=LONG_WORD * 4, invoice_number="F" * 90, amount=10**15)
    jo.open()
    return "Your payment didn't go through"


def valid_in_a_color_that_is_hard_to_read(jo: Jo) -> str:
    Merchant.objects.update(color="#ffe94d")
    jo.open()
    return "Your payment didn't go through"


def valid_in_a_color_like_the_dark(jo: Jo) -> str:
    Merchant.objects.update(color="#1a1d23")
    jo.open()
    return "Your payment didn't go through"


def valid_with_another_debt(jo: Jo) -> str:
    fail_again(jo.stripe, jo.case)
    hear(jo.stripe)
    jo.open()
    return "Your payment didn't go through"


def expired(jo: Jo) -> str:
    jo.open(age=links.LIFETIME)
    return "This link has expired"


def replaced(jo: Jo) -> str:
    jo.open(age=links.LIFETIME)
    jo.press()
    return "A new link is on its way"


def revoked(jo: Jo) -> str:
    address = links.create(case=jo.case, now=timezone.now())
    links.revoke(PaymentUpdateLink.objects.get(), now=timezone.now())
    jo.page.goto(address)
    return "This link is no longer valid"


def forged(jo: Jo) -> str:
    jo.page.goto(links.create(case=jo.case, now=timezone.now())[:-9])
    return "This link doesn't work"


def paid(jo: Jo) -> str:
    jo.stripe.scenarios.pay(invoice=jo.case.stripe_invoice_id)
    hear(jo.stripe)
    jo.open()
    return "Thank you, this is paid"


def voided(jo: Jo) -> str:
    jo.stripe.scenarios.void(invoice=jo.case.stripe_invoice_id)
    hear(jo.stripe)
    jo.open()
    return "Nothing to pay"


def no_portal(jo: Jo) -> str:
    ask(jo.stripe, "DELETE", f"customers/{jo.customer}")
    jo.open()
    jo.press()
    return "Pay this another way"


def no_portal_and_no_page_of_stripe(jo: Jo) -> str:
    RecoveryCase.objects.update(hosted_invoice_url="")
    return no_portal(jo)


def stripe_down(jo: Jo) -> str:
    jo.open()
    with jo.is_down():
        jo.press()
    return "Please try again in a few minutes"


def back_without_a_change(jo: Jo) -> str:
    jo.set_out()
    jo.come_back()
    return "Your card wasn't changed"


def back_and_all_is_paid(jo: Jo) -> str:
    jo.come_back_with(number="4242424242424242")
    return "Thank you, you're all set"


def back_and_declined(jo: Jo) -> str:
    jo.come_back_with(reason="insufficient_funds")
    return "The new card was declined"


def back_and_paid_in_part(jo: Jo) -> str:
    other = fail_again(jo.stripe, jo.case)
    jo.stripe.faults.add("decline", path=f"/v1/invoices/{other}/pay")
    jo.come_back_with(number="4242424242424242")
    return "Paid in part"


def back_and_to_be_confirmed(jo: Jo) -> str:
    jo.come_back_with(number="4000000000003220")
    return "One more step"


def back_and_several_to_be_confirmed(jo: Jo) -> str:
    fail_again(jo.stripe, jo.case)
    return back_and_to_be_confirmed(jo)


def back_and_to_be_confirmed_without_a_page(jo: Jo) -> str:
    RecoveryCase.objects.update(hosted_invoice_url="")
    return back_and_to_be_confirmed(jo)


def back_and_not_known_yet(jo: Jo) -> str:
    with jo.is_down("/v1/invoices/*/pay"):
        jo.come_back_with(number="4242424242424242")
    return "Please look again in a few minutes"


def back_and_under_way(jo: Jo) -> str:
    back_and_not_known_yet(jo)
    jo.come_back()
    return "Your payment is under way"


def back_and_not_charged(jo: Jo) -> str:
    jo.set_out()
    jo.stripe.scenarios.void(invoice=jo.case.stripe_invoice_id)
    jo.stripe.scenarios.new_card(customer=jo.customer)
    jo.come_back()
    return "Nothing was charged"


def back_and_nothing_due(jo: Jo) -> str:
    jo.set_out()
    voided(jo)
    jo.come_back()
    return "Nothing to pay"


def back_too_late(jo: Jo) -> str:
    jo.set_out()
    jo.come_back(age=links.RETURN_LIFETIME)
    return "This page has expired"


PAGES: list[Callable[[Jo], str]] = [
    valid, valid_and_to_be_confirmed, valid_with_another_debt, valid_for_a_lost_case,
    valid_with_long_words,
    valid_in_a_color_that_is_hard_to_read, valid_in_a_color_like_the_dark, expired, replaced,
    revoked, forged, paid, voided, no_portal, no_portal_and_no_page_of_stripe, stripe_down,
    back_without_a_change, back_and_all_is_paid, back_and_declined, back_and_paid_in_part,
    back_and_to_be_confirmed, back_and_several_to_be_confirmed,
    back_and_to_be_confirmed_without_a_page, back_and_not_known_yet, back_and_under_way,
    back_and_not_charged, back_and_nothing_due, back_too_late,
]  # fmt: skip


@pytest.mark.parametrize("go", PAGES, ids=lambda go: go.__name__)
def test_a_page_is_easy_to_read_and_to_use_everywhere(
    jo: Jo, go: Callable[[Jo], str], settings: SettingsWrapper, tmp_path: Path
) -> None:
    heading = go(jo)

    for size in (PHONE, DESK):
        for scheme in SCHEMES:
            jo.page.set_viewport_size(size)
            jo.page.emulate_media(color_scheme=scheme)
            seen = look(jo.page)
            jo.page.screenshot(
                path=tmp_path / f"{go.__name__}-{size['width']}-{scheme}.png", full_page=True
            )
            assert seen.headings == [heading]
            assert seen.width <= size["width"]
            assert all(seen.controls), seen.controls
            assert [name for name, high in seen.heights.items() if high < LEAST_HEIGHT] == []
            assert seen.contrasts
            assert seen.fainter_than(LEAST_CONTRAST) == []
            assert (bool(seen.title), seen.language) == (True, "en")
    assert [url for url in jo.requested if not url.startswith(settings.PUBLIC_URL)] == []
    assert [told for told in jo.complaints if not is_about_status(*told)] == []


def is_about_status(text: str, url: str) -> bool:
    """A page that is an error says so to developers, which is no complaint about it."""
    status = "Failed to load resource: the server responded with a status"
    return text.startswith(status) and UPDATE in url


BUTTONS = {
    "en": "Update payment details",
    "de-AT,en": "Zahlungsdaten aktualisieren",
    "ja": "お支払い情報を更新する",
}


@pytest.mark.parametrize("locale", BUTTONS)
@pytest.mark.parametrize("color", ["#1f5eff", "#ffe94d", "#1a1d23"])
def test_the_mail_is_easy_to_read_on_a_phone(
    jo: Jo, merchant: Merchant, color: str, locale: str, tmp_path: Path
) -> None:
    button = BUTTONS[locale]
    Merchant.objects.update(color=color, support_email="help@fern.example")
    Customer.objects.update(locale=locale)
    start_runs()
    work_due_steps()
    deliver_queued()
    message = mail.outbox[0]
    assert isinstance(message, EmailMultiAlternatives)
    jo.page.set_content(str(message.alternatives[0][0]))

    for scheme in SCHEMES:
        jo.page.set_viewport_size(PHONE)
        jo.page.emulate_media(color_scheme=scheme)
        seen = look(jo.page)
        jo.page.screenshot(path=tmp_path / f"mail-{scheme}.png", full_page=True)
        assert seen.language == locale[:2]
        assert seen.width <= PHONE["width"]
        assert seen.controls == [button, "help@fern.example"]
        assert seen.heights[button] >= LEAST_HEIGHT
        assert seen.fainter_than(LEAST_CONTRAST) == []
    assert jo.requested == []
    assert jo.complaints == []
