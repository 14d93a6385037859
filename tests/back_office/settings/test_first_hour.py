"""An owner's first hour, in a browser; and every page of the settings held to the rules."""

import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from django.core import mail
from django.utils import timezone
from playwright.sync_api import Browser, expect
from pytest_django import Settings
from pytest_django.live_server_helper import LiveServer

from recovery import credentials, logos, merchants, team, webhook_registrations
from recovery.declines import DeclineType
from recovery.models import ApiKey, Merchant, Role, WebhookRegistration
from tests.back_office.browsing import Person, browser, person_at
from tests.back_office.people import log_in
from tests.builders import make_merchant
from tests.connected import KEY
from tests.drawings import file_of, wordmark
from tests.journeys import pictures
from tests.local_stripe import LocalStripe

__all__ = ["browser"]
pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(300)]
HOME = "/admin/settings/"


@pytest.fixture(autouse=True)
def _mail_goes_nowhere(settings: Settings) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"


@pytest.fixture
def merchant(local_stripe: LocalStripe) -> Merchant:
    return make_merchant()


@pytest.fixture
def jo(browser: Browser, live_server: LiveServer, merchant: Merchant) -> Iterator[Person]:
    person = person_at(browser, live_server, log_in(merchant, Role.OWNER))
    yield person
    person.page.context.close()


def says(person: Person, text: str) -> None:
    expect(person.page.locator("main")).to_contain_text(text)


def test_an_owners_first_hour(
    jo: Person, merchant: Merchant, local_stripe: LocalStripe, tmp_path: Path
) -> None:
    jo.go(f"{HOME}account/")

    says_the_names(jo)
    shows_the_looks(jo, tmp_path)
    connects_stripe_with_a_key_that_is_mended(jo, local_stripe)
    makes_api_keys(jo)
    invites_a_colleague(jo)

    merchant.refresh_from_db()
    assert (merchant.product_name, merchant.time_zone, merchant.currency, merchant.color) == (
        "Fern Tea", "Europe/Berlin", "eur", "#0a6847",
    )  # fmt: skip
    assert logos.of(merchant) is not None
    assert merchant.stripe.is_connected
    assert [sent.to for sent in mail.outbox] == [["mo@example.com"]]
    assert (jo.complaints, jo.elsewhere) == ([], [])


def says_the_names(jo: Person) -> None:
    page = jo.page
    page.get_by_label("Product name").fill("Fern Tea")
    page.get_by_label("Time zone").select_option("Europe/Berlin")
    page.get_by_label("Currency of the figures").fill("zzz")
    page.get_by_role("button", name="Save").click()
    says(jo, "There is no such currency.")
    expect(page.get_by_label("Product name")).to_have_value("Fern Tea")
    page.get_by_label("Currency of the figures").fill("eur")
    page.get_by_role("button", name="Save").click()
    says(jo, "Saved.")


def shows_the_looks(jo: Person, folder: Path) -> None:
    page = jo.page
    (folder / "logo.png").write_bytes(file_of(wordmark()))
    page.get_by_role("link", name="Branding").click()
    page.get_by_label("Color of buttons and links").fill("#0a6847")
    page.get_by_label("Logo", exact=True).set_input_files(folder / "logo.png")
    page.get_by_role("button", name="Save").click()
    says(jo, "White text on #0a6847 has 6.8:1.")
    expect(page.get_by_role("img", name="Fern Tea")).to_be_visible()


def connects_stripe_with_a_key_that_is_mended(jo: Person, local_stripe: LocalStripe) -> None:
    page = jo.page
    local_stripe.world.restrict(KEY, missing=["rak_invoice_write"])
    page.get_by_role("link", name="Stripe", exact=True).click()
    page.get_by_label("Restricted key", exact=True).fill(KEY)
    page.get_by_role("button", name="Connect", exact=True).click()
    says(jo, "the key lacks what is marked below")
    lacking = page.get_by_role("row").filter(has_text="missing")
    expect(lacking).to_have_count(1)
    expect(lacking).to_contain_text("Invoices: Write")
    expect(page.get_by_label("Restricted key", exact=True)).to_have_value("")
    local_stripe.world.restrict(KEY, missing=[])
    page.get_by_label("Restricted key", exact=True).fill(KEY)
    page.get_by_role("button", name="Connect", exact=True).click()
    says(jo, "Connected. Stripe tells Recover of payments from now on.")
    says(jo, "test: no real money")


def makes_api_keys(jo: Person) -> None:
    """Each is shown once: reloaded or gone back to, the page has none."""
    page = jo.page
    page.get_by_role("link", name="Keys").click()
    page.get_by_label("What it is for").fill("reports")
    page.get_by_role("button", name="Make the key").click()
    secret = page.locator("[data-secret]")
    key = secret.inner_text()
    assert credentials.api_key(key, now=timezone.now())
    page.reload()
    says(jo, "is kept nowhere")
    assert key not in page.content()
    page.get_by_role("link", name="Keys").click()
    page.get_by_label("What it is for").fill("exports")
    page.get_by_role("button", name="Make the key").click()
    other = secret.inner_text()
    page.get_by_role("link", name="I have it").click()
    says(jo, "exports")
    page.go_back()
    page.wait_for_timeout(300)
    assert other not in page.content()


def invites_a_colleague(jo: Person) -> None:
    page = jo.page
    page.get_by_role("link", name="Team").click()
    page.get_by_label("E-mail address").fill("mo@example.com")
    page.get_by_label("Role", exact=True).select_option("operator")
    page.get_by_role("button", name="Invite").click()
    says(jo, "mo@example.com may come in: a mail says how.")
    says(jo, "invited")


def test_a_colleague_is_let_go_after_being_asked_once_more(jo: Person, merchant: Merchant) -> None:
    operator = log_in(merchant, Role.OPERATOR, "mo@example.com")
    page = jo.go(f"{HOME}team/")
    row = page.get_by_role("row").filter(has_text="mo@example.com")

    row.locator("summary").click()
    row.get_by_role("button", name="Remove mo@example.com").click()

    says(jo, "sees nothing of Fern Tea Club any more.")
    expect(row).to_have_count(0)
    assert operator.get("/admin/").status_code == 302


def test_an_owner_connects_by_stripes_own_page(
    jo: Person, merchant: Merchant, local_stripe: LocalStripe, settings: Settings
) -> None:
    settings.STRIPE_CONNECT_BASE = local_stripe.url
    settings.STRIPE_API_KEY, settings.STRIPE_CONNECT_CLIENT_ID = "sk_test_platform", "ca_recover"
    settings.CONTENT_SECURITY_POLICY = {
        "DIRECTIVES": {
            **settings.CONTENT_SECURITY_POLICY["DIRECTIVES"],
            "form-action": ["'self'", local_stripe.url],
        }
    }
    page = jo.go(f"{HOME}stripe/")

    page.get_by_role("button", name="Connect with Stripe").click()
    page.get_by_role("button", name="Cancel").click()
    says(jo, "You didn't say yes at Stripe: nothing is connected.")
    page.get_by_role("button", name="Connect with Stripe").click()
    page.get_by_role("button", name="Connect", exact=True).click()

    says(jo, "Connected. Stripe tells Recover of payments from now on.")
    says(jo, "by Stripe’s Connect")
    merchant.stripe.refresh_from_db()
    assert merchant.stripe.is_connected
    assert merchant.stripe.api_key == ""


# --- every page --------------------------------------------------------------------------------


@pytest.fixture
def furnished(merchant: Merchant, local_stripe: LocalStripe) -> Merchant:
    """Something on each page, in each of its states."""
    now = timezone.now()
    local_stripe.world.restrict(KEY, missing=["rak_customer_write"])
    merchants.connect(merchant=merchant, api_key=KEY, now=now)
    merchants.brand(
        merchant=merchant, logo=file_of(wordmark()),
        given={"color": "#ffe94d", "sender_email": "billing@fern.example"},
    )  # fmt: skip
    merchants.override_decline(
        merchant=merchant, decline_code="do_not_honor", decline_type=DeclineType.HARD
    )
    credentials.new_api_key(merchant=merchant, name="exports", now=now)
    credentials.revoke_api_key(key=ApiKey.objects.of(merchant).latest("id"), now=now)
    credentials.new_internal_key(merchant=merchant, now=now, overlap=timedelta(hours=1))
    for state in ("active", "disabled"):
        made, _secret = webhook_registrations.register(
            merchant=merchant, url=f"https://{state}.fern.example/{'long-' * 20}", now=now,
            event_types=["case.opened", "case.lost"], description="The shop’s own ledger",
        )  # fmt: skip
        webhook_registrations.update(registration=made, state=state, now=now)
    team.invite(merchant=merchant, email="a.very.long.name@department.example.com",
                role=Role.VIEWER)  # fmt: skip
    return merchant


def pages_of(role: str) -> list[str]:
    everybody = ["account", "branding", "mail"]
    owners = ["stripe", "keys", "webhooks", "webhooks/new", "team", "shown-once"]
    return everybody + (owners if role == Role.OWNER else [])


@pytest.mark.parametrize("role", [Role.OWNER, Role.VIEWER])
def test_every_page_is_fine_on_a_desk_and_a_phone_in_both_themes(
    browser: Browser, live_server: LiveServer, furnished: Merchant, role: str
) -> None:
    person = person_at(browser, live_server, log_in(furnished, role, f"{role}@example.com"))
    paths = [f"{HOME}{name}/" for name in pages_of(role)]
    if role == Role.OWNER:
        paths += [f"{HOME}webhooks/{one.public_id}/" for one in WebhookRegistration.objects.all()]

    for path in paths:
        person.assert_fine(path)

    person.page.context.close()


def test_forms_that_are_wrong_and_secrets_that_are_shown_are_fine(
    jo: Person, merchant: Merchant, local_stripe: LocalStripe
) -> None:
    local_stripe.world.restrict(KEY, missing=["rak_invoice_write", "rak_customer_write"])
    wrong = [
        ("account", "What Recover costs a month", "free", "Save"),
        ("keys", "What it is for", "jo@example.com", "Make the key"),
        ("stripe", "Restricted key", KEY, "Connect"),
        ("stripe", "Restricted key", "pk_test_1", "Connect"),
        ("keys", "What it is for", "reports", "Make the key"),
    ]
    for width in (1280, 360):
        for number, (name, field, value, button) in enumerate(wrong):
            page = jo.see(
                f"{HOME}{name}/", size={"width": width, "height": 1400},
                scheme="dark" if width == 360 else "light",
            )  # fmt: skip
            page.get_by_label(field, exact=True).fill(value)
            page.get_by_role("button", name=re.compile(f"^{button}")).first.click()
            page.wait_for_load_state()
            pictures.take(page, f"wrong-{number}-{name}-{width}")
            assert jo.breaks() == [], (name, value, width)
        page = jo.go(f"{HOME}keys/")
        page.locator("summary", has_text="Revoke").first.click()
        assert jo.breaks() == []
    assert (jo.complaints, jo.elsewhere) == ([], [])
