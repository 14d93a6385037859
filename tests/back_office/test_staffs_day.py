"""A day of the platform's staff in a real browser; and a viewer, who may look."""

from collections.abc import Iterator

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import TOTP, generate_totp_secret
from django.core import mail
from django.core.cache import cache
from django.test import Client
from django.utils import timezone
from playwright.sync_api import Browser, Page, expect
from pytest_django import Settings
from pytest_django.live_server_helper import LiveServer

from recover_project.back_office.operations import checking
from recovery import heartbeats
from recovery.models import Merchant, RecoveryCase, Role, StripeEvent, User, WebhookDelivery
from tests.back_office.browsing import DESK, Person, browser, person_at
from tests.back_office.lived_in import code_of, comes_in, staff_and_her_code
from tests.back_office.people import PASSWORD, log_in, make_world

__all__ = ["browser"]  # a fixture

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.any_database]


@pytest.fixture(autouse=True)
def _mail_goes_nowhere(settings: Settings) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    cache.clear()


@pytest.fixture
def merchants() -> tuple[Merchant, Merchant]:
    fern, moss = make_world("fern"), make_world("moss")
    log_in(moss, Role.OWNER, "olga@moss.example")
    return fern, moss


@pytest.fixture
def ruth(browser: Browser, live_server: LiveServer) -> Iterator[Person]:
    """The platform's staff, not logged in yet."""
    person = person_at(browser, live_server, Client())
    yield person
    person.page.context.close()


def says(page: Page, text: str) -> None:
    expect(page.locator("main")).to_contain_text(text)


def go(page: Page, place: str) -> None:
    page.get_by_role("navigation", name="Back office").get_by_role(
        "link", name=place, exact=True
    ).click()


def test_a_day_of_the_platforms_staff(ruth: Person, merchants: tuple[Merchant, Merchant]) -> None:
    _fern, moss = merchants
    user, secret = staff_and_her_code()
    StripeEvent.objects.of(moss).update(state="failed", processed_at=None, error="odd", tries=12)
    WebhookDelivery.objects.of(moss).update(state="given_up", given_up_at=timezone.now())
    heartbeats.beat(now=timezone.now())
    checking.check(moss, now=timezone.now())

    logs_in_with_both_factors(ruth, user, secret)
    chooses_the_merchant(ruth.page)
    sees_whether_the_work_is_done(ruth.page)
    has_an_event_processed_anew(ruth.page)
    has_a_webhook_sent_again(ruth.page)
    looks_on_as_the_owner(ruth)
    finds_it_in_the_record(ruth.page)
    makes_a_merchant(ruth.page)

    assert StripeEvent.objects.of(moss).get().state == "pending"
    assert WebhookDelivery.objects.of(moss).get().state == "pending"
    assert Merchant.objects.filter(name="Birch Books").exists()
    assert (ruth.complaints, ruth.elsewhere) == ([], [])


def logs_in_with_both_factors(ruth: Person, user: User, secret: str) -> None:
    page = ruth.go("/admin/")
    page.get_by_label("Email").fill(user.email)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()
    page.get_by_role("heading", name="Your second factor").wait_for()
    assert ruth.breaks() == []
    page.get_by_role("textbox").fill(code_of(secret))
    page.get_by_role("button", name="Log in", exact=True).click()
    page.get_by_role("heading", level=1, name="Home").wait_for()


def chooses_the_merchant(page: Page) -> None:
    page.get_by_text("Switch to another merchant").click()
    page.get_by_role("button", name="moss", exact=True).click()
    says(page, "1 event of Stripe's that could not be processed")


def sees_whether_the_work_is_done(page: Page) -> None:
    go(page, "Health")
    says(page, "A worker works")
    says(page, "Nobody is dunned for a case that is closed. holds")


def has_an_event_processed_anew(page: Page) -> None:
    go(page, "Stripe events")
    chosen(page, "replay")
    page.get_by_text("Processed anew within seconds: 1.").wait_for()


def has_a_webhook_sent_again(page: Page) -> None:
    go(page, "Webhook deliveries")
    chosen(page, "resend")
    page.get_by_text("On their way again: 1.").wait_for()


def chosen(page: Page, action: str) -> None:
    page.get_by_role("checkbox", name="Select record").check()
    page.get_by_role("combobox").select_option(action)
    page.get_by_role("button", name="Run").click()


def looks_on_as_the_owner(ruth: Person) -> None:
    page = ruth.page
    go(page, "Team")
    page.get_by_role("button", name="Look on as olga@moss.example").click()
    band = page.get_by_role("complementary", name="Looking on as another user")
    expect(band).to_contain_text("You look on as olga@moss.example.")
    expect(page.get_by_text("Switch to another merchant")).to_have_count(0)
    go(page, "Cases")
    expect(band).to_be_visible()
    assert page.request.get(f"{ruth.site}/admin/account/sessions/").status == 403
    band.get_by_role("button", name="Stop looking on").click()
    page.get_by_role("heading", level=1, name="Team").wait_for()
    expect(band).to_have_count(0)
    expect(page.get_by_text("Switch to another merchant")).to_be_visible()


def finds_it_in_the_record(page: Page) -> None:
    go(page, "Changes")
    row = page.get_by_role("row").filter(has_text="began to look on as this user")
    expect(row).to_contain_text("root@example.com")
    expect(row).to_contain_text("olga@moss.example")
    page.get_by_text("stopped looking on as this user").wait_for()


def makes_a_merchant(page: Page) -> None:
    go(page, "Account")
    page.get_by_role("link", name="New merchant").click()
    at = page.get_by_role("navigation", name="Back office").locator("[aria-current=page]")
    expect(at).to_contain_text("Account")
    page.get_by_label("Name", exact=True).fill("Birch Books")
    page.get_by_role("button", name="Make").click()
    page.get_by_role("heading", level=1, name="Birch Books is made").wait_for()
    expect(page.locator("[data-secret]")).to_have_count(5)
    page.get_by_role("link", name="I have them").click()
    go(page, "Home")
    says(page, "First steps")
    page.get_by_role("link", name="Connect Stripe").click()
    page.get_by_label("Restricted key", exact=True).wait_for()


def test_a_lost_second_factor_is_taken_away_and_whose_it_was_is_told(
    browser: Browser, live_server: LiveServer, merchants: tuple[Merchant, Merchant]
) -> None:
    _fern, moss = merchants
    olga = User.objects.get(email="olga@moss.example")
    TOTP.activate(olga, generate_totp_secret())
    user, secret = staff_and_her_code()
    staff = comes_in(user.email, secret)
    staff.post("/admin/switch/", {"merchant": moss.public_id})
    mail.outbox.clear()
    ruth = person_at(browser, live_server, staff)
    page = ruth.go("/admin/settings/team/")

    row = page.get_by_role("row").filter(has_text="olga@moss.example")
    row.get_by_text("Second factor lost").first.click()
    ruth.look(DESK, "light")
    assert ruth.breaks() == []
    row.get_by_role("button", name="Second factor lost olga@moss.example").click()
    says(page, "olga@moss.example gets in with the password alone, and was told so.")
    expect(page.get_by_text("Second factor lost")).to_have_count(0)
    go(page, "Changes")
    says(page, "took it away: it was lost")

    assert not Authenticator.objects.filter(user=olga).exists()
    assert Authenticator.objects.filter(user=user).exists()
    [sent] = mail.outbox
    assert sent.to == ["olga@moss.example"]
    assert comes_in("olga@moss.example").get("/admin/").status_code == 200
    page.context.close()


def test_a_viewer_sees_everything_does_nothing_and_is_told_why(
    browser: Browser, live_server: LiveServer
) -> None:
    fern = make_world("fern")
    vi = person_at(browser, live_server, log_in(fern, Role.VIEWER, "vi@example.com"))
    page = vi.go("/admin/")

    go(page, "Cases")
    expect(page.get_by_role("button", name="Run")).to_have_count(0)
    page.get_by_role("link", name="fern@example.com").click()
    says(page, "was declined")
    says(page, "You may look at cases. An owner can let you work them, under Settings → Team.")
    expect(page.get_by_role("group", name="What you can do")).to_have_count(0)
    go(page, "Account")
    says(page, "Only owners change this.")
    expect(page.locator("main").get_by_role("button", name="Save")).to_have_count(0)
    assert (
        page.get_by_role("navigation", name="Back office").get_by_role("link", name="Team").count()
        == 0
    )
    refused = page.request.get(f"{vi.site}/admin/settings/team/")
    assert refused.status == 403
    assert "Your role doesn’t allow it" in refused.text()

    assert RecoveryCase.objects.get().status == "open"
    assert (vi.complaints, vi.elsewhere) == ([], [])
    page.context.close()
