"""A customer with a browser, and the ways to each page that the customer can come to see."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import timedelta

import pytest
from django.core import mail
from django.utils import timezone
from playwright.sync_api import Page

from billing_portal import links
from billing_portal.languages import LANGUAGES
from billing_portal.models import PaymentUpdateLink
from dunning.tasks import deliver_queued, start_runs, work_due_steps
from recovery import logos
from recovery.limits import counting
from recovery.limits.usage import Limit
from recovery.models import Merchant, RecoveryCase
from tests.connected import ask, down, fail_again, hear
from tests.drawings import PALE, file_of, wordmark
from tests.journeys.transfers import Transfers
from tests.local_stripe import LocalStripe

LONG_WORD = "Donaudampfschifffahrtsgesellschaftskapitänsmützenabonnement"


FOCUSED = """() => {
  const style = getComputedStyle(document.activeElement);
  const width = style.outlineStyle === "none" ? 0 : parseFloat(style.outlineWidth);
  return [document.activeElement.innerText.trim(), width];
}"""


@dataclass(frozen=True, slots=True)
class Stop:
    """Where a keyboard is; the outline's width in CSS pixels."""

    name: str
    outline: float


@dataclass
class Jo:
    """A customer with a browser that runs no scripts, and what happens to the debt."""

    page: Page
    stripe: LocalStripe
    case: RecoveryCase
    monkeypatch: pytest.MonkeyPatch
    transfers: Transfers = field(init=False)
    requested: list[str] = field(default_factory=list)
    complaints: list[tuple[str, str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.transfers = Transfers(self.page)
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

    def read_in(self, language: str) -> None:
        """The page's own way to another language."""
        with self.page.expect_navigation():
            self.page.get_by_role("link", name=LANGUAGES[language], exact=True).click()

    def tab(self) -> Stop:
        self.page.keyboard.press("Tab")
        name, outline = self.page.evaluate(FOCUSED)
        return Stop(name, outline)

    def press_key(self, key: str) -> None:
        with self.page.expect_navigation():
            self.page.keyboard.press(key)

    def way_out(self) -> str:
        """Out of the first mail, as it says in its headers."""
        start_runs()
        work_due_steps()
        deliver_queued()
        return str(mail.outbox[0].extra_headers["List-Unsubscribe"]).strip("<>")

    def set_out(self) -> None:
        """To Stripe's portal, with the card that failed."""
        customer = ask(self.stripe, "GET", f"customers/{self.customer}")
        before = customer["invoice_settings"]["default_payment_method"]
        links.create(case=self.case, now=timezone.now())
        link = PaymentUpdateLink.objects.latest("id")
        links.started(link, payment_method_before=before, now=timezone.now())

    def come_back(self, *, age: timedelta = timedelta(0), is_done: bool = False) -> None:
        link = PaymentUpdateLink.objects.filter(started_at__isnull=False).latest("id")
        self.page.goto(links.return_url(link, now=timezone.now() - age, is_done=is_done))

    def come_back_with(self, **card: str) -> None:
        self.set_out()
        self.stripe.scenarios.new_card(customer=self.customer, **card)
        self.come_back()

    def is_down(self, path: str = "/v1/*") -> AbstractContextManager[None]:
        return down(self.stripe, self.monkeypatch, path)


Way = Callable[[Jo], str]

# --- the ways to each page, and its name ------------------------------------------------------


def valid(jo: Jo) -> str:
    jo.open()
    return "failed"


def valid_for_a_lost_case(jo: Jo) -> str:
    jo.stripe.scenarios.cancel(subscription=jo.case.stripe_subscription_id)
    hear(jo.stripe)
    jo.open()
    return "given_up"


def valid_and_to_be_confirmed(jo: Jo) -> str:
    RecoveryCase.objects.update(decline_code="authentication_required")
    jo.open()
    return "to_confirm"


def valid_with_long_words(jo: Jo) -> str:
    Merchant.objects.update(
        product_name=LONG_WORD * 3, support_email=f"help@{LONG_WORD.lower()}.example"
    )
    RecoveryCase.objects.update(description=LONG_WORD * 4, invoice_number="F" * 90, amount=10**15)
    jo.open()
    return "failed"


def valid_in_a_color_that_is_hard_to_read(jo: Jo) -> str:
    Merchant.objects.update(color="#ffe94d")
    jo.open()
    return "failed"


def valid_in_a_color_like_the_dark(jo: Jo) -> str:
    Merchant.objects.update(color="#1a1d23")
    jo.open()
    return "failed"


def valid_without_a_logo(jo: Jo) -> str:
    logos.remove(merchant=jo.case.merchant)
    jo.open()
    return "failed"


def valid_with_a_logo_on_no_ground(jo: Jo) -> str:
    logos.put(merchant=jo.case.merchant, given=file_of(wordmark()))
    jo.open()
    return "failed"


def valid_with_a_pale_logo(jo: Jo) -> str:
    logos.put(merchant=jo.case.merchant, given=file_of(wordmark(PALE)))
    jo.open()
    return "failed"


def valid_with_another_debt(jo: Jo) -> str:
    fail_again(jo.stripe, jo.case)
    hear(jo.stripe)
    jo.open()
    return "failed"


def expired(jo: Jo) -> str:
    jo.open(age=links.LIFETIME)
    return "expired"


def replaced(jo: Jo) -> str:
    jo.open(age=links.LIFETIME)
    jo.press()
    return "replaced"


def revoked(jo: Jo) -> str:
    address = links.create(case=jo.case, now=timezone.now())
    links.revoke(PaymentUpdateLink.objects.get(), now=timezone.now())
    jo.page.goto(address)
    return "revoked"


def forged(jo: Jo) -> str:
    jo.page.goto(links.create(case=jo.case, now=timezone.now())[:-9])
    return "forged"


def paid(jo: Jo) -> str:
    jo.stripe.scenarios.pay(invoice=jo.case.stripe_invoice_id)
    hear(jo.stripe)
    jo.open()
    return "paid"


def voided(jo: Jo) -> str:
    jo.stripe.scenarios.void(invoice=jo.case.stripe_invoice_id)
    hear(jo.stripe)
    jo.open()
    return "voided"


def no_portal(jo: Jo) -> str:
    ask(jo.stripe, "DELETE", f"customers/{jo.customer}")
    jo.open()
    jo.press()
    return "pay_at_stripe"


def no_portal_and_no_page_of_stripe(jo: Jo) -> str:
    RecoveryCase.objects.update(hosted_invoice_url="")
    no_portal(jo)
    return "no_portal"


def stripe_down(jo: Jo) -> str:
    jo.open()
    with jo.is_down():
        jo.press()
    return "unavailable"


def back_without_a_change(jo: Jo) -> str:
    jo.set_out()
    jo.come_back()
    return "back_unchanged"


def back_with_the_card_that_failed(jo: Jo) -> str:
    jo.set_out()
    jo.come_back(is_done=True)
    return "back_same_card"


def back_with_another_card_on_file(jo: Jo) -> str:
    """The subscription has the card that failed for itself."""
    ask(
        jo.stripe, "POST", f"subscriptions/{jo.case.stripe_subscription_id}",
        default_payment_method=jo.case.payment_method_id,
    )  # fmt: skip
    jo.stripe.scenarios.new_card(customer=jo.customer)
    jo.set_out()
    jo.come_back()
    return "back_other_card"


def back_and_paid_with_the_card_on_file(jo: Jo) -> str:
    back_with_another_card_on_file(jo)
    jo.press()
    return "back_success"


def back_and_all_is_paid(jo: Jo) -> str:
    jo.come_back_with(number="4242424242424242")
    return "back_success"


def back_and_declined(jo: Jo) -> str:
    jo.come_back_with(reason="insufficient_funds")
    return "back_declined"


def back_and_paid_in_part(jo: Jo) -> str:
    other = fail_again(jo.stripe, jo.case)
    jo.stripe.faults.add("decline", path=f"/v1/invoices/{other}/pay")
    jo.come_back_with(number="4242424242424242")
    return "back_partly"


def back_and_to_be_confirmed(jo: Jo) -> str:
    jo.come_back_with(number="4000000000003220")
    return "back_confirm"


def back_and_several_to_be_confirmed(jo: Jo) -> str:
    fail_again(jo.stripe, jo.case)
    back_and_to_be_confirmed(jo)
    return "back_confirm_each"


def back_and_to_be_confirmed_without_a_page(jo: Jo) -> str:
    RecoveryCase.objects.update(hosted_invoice_url="")
    back_and_to_be_confirmed(jo)
    return "back_confirm_by_mail"


def back_and_not_known_yet(jo: Jo) -> str:
    with jo.is_down("/v1/invoices/*/pay"):
        jo.come_back_with(number="4242424242424242")
    return "back_unavailable"


def back_and_under_way(jo: Jo) -> str:
    back_and_not_known_yet(jo)
    jo.come_back()
    return "back_pending"


def back_and_not_charged(jo: Jo) -> str:
    jo.set_out()
    jo.stripe.scenarios.void(invoice=jo.case.stripe_invoice_id)
    jo.stripe.scenarios.new_card(customer=jo.customer)
    jo.come_back()
    return "back_not_charged"


def back_and_nothing_due(jo: Jo) -> str:
    jo.set_out()
    voided(jo)
    jo.come_back()
    return "back_nothing_due"


def back_too_late(jo: Jo) -> str:
    jo.set_out()
    jo.come_back(age=links.RETURN_LIFETIME)
    return "return_expired"


def unsubscribe(jo: Jo) -> str:
    jo.page.goto(jo.way_out())
    return "unsubscribe"


def unsubscribed(jo: Jo) -> str:
    unsubscribe(jo)
    jo.press()
    return "unsubscribed"


def unsubscribe_unknown(jo: Jo) -> str:
    jo.page.goto(jo.way_out()[:-9])
    return "unsubscribe_unknown"


def an_address_that_is_not_there(jo: Jo) -> str:
    jo.page.goto(f"{links.create(case=jo.case, now=timezone.now()).partition('?')[0]}/nowhere")
    return "not_found"


def a_step_that_is_opened_directly(jo: Jo) -> str:
    jo.page.goto(f"{links.create(case=jo.case, now=timezone.now()).partition('?')[0]}/replace")
    return "not_this_way"


def what_nobody_foresaw(jo: Jo) -> str:
    jo.monkeypatch.setattr(links, "find", lambda *_args, **_options: 1 / 0)
    jo.open()
    return "broken"


def too_often(jo: Jo) -> str:
    jo.monkeypatch.setattr(counting, "REQUESTS", {Limit.ADDRESS: 1})
    jo.monkeypatch.setattr(counting, "PERIOD_SECONDS", 3600)  # looking at all of it takes long
    jo.open()
    jo.open()
    return "too_many"


# What can be fetched again, in another language.
FETCHED: list[Way] = [
    valid, valid_and_to_be_confirmed, valid_with_another_debt, valid_for_a_lost_case,
    valid_with_long_words, valid_in_a_color_that_is_hard_to_read, valid_in_a_color_like_the_dark,
    valid_without_a_logo, valid_with_a_logo_on_no_ground, valid_with_a_pale_logo,
    expired, revoked, forged, paid, voided, back_without_a_change, back_with_the_card_that_failed,
    back_with_another_card_on_file, back_and_all_is_paid,
    back_and_declined, back_and_paid_in_part, back_and_to_be_confirmed,
    back_and_several_to_be_confirmed, back_and_to_be_confirmed_without_a_page, back_and_under_way,
    back_and_not_charged, back_and_nothing_due, back_too_late, unsubscribe, unsubscribe_unknown,
    an_address_that_is_not_there, a_step_that_is_opened_directly, what_nobody_foresaw, too_often,
]  # fmt: skip
# What a button or an outage shows once.
SHOWN_ONCE: list[Way] = [
    replaced, no_portal, no_portal_and_no_page_of_stripe, stripe_down, back_and_not_known_yet,
    back_and_paid_with_the_card_on_file, unsubscribed,
]  # fmt: skip
