"""An owner's afternoon in a real browser: a campaign of her own, and what its mails say."""

from datetime import timedelta

import pytest
from django.core import mail
from django.core.cache import cache
from django.utils import timezone
from playwright.sync_api import Browser
from pytest_django.live_server_helper import LiveServer

from dunning import campaigns
from dunning.models import DunningCampaign, DunningMessage, MessageTemplate
from recovery.declines import DeclineType
from recovery.models import Role
from tests.back_office.browsing import PHONE, browser, person_at
from tests.back_office.people import log_in, make_world
from tests.dunning.campaigns_of import draft, past_case, publish

__all__ = ["browser"]  # a fixture

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.any_database]
LIST = "/admin/dunning/dunningcampaign/"


def test_she_copies_a_campaign_and_puts_it_to_use(
    browser: Browser, live_server: LiveServer
) -> None:
    merchant = make_world("fern")
    past_case(merchant, 1, failed_at=timezone.now() - timedelta(days=20), currency="eur")
    campaigns.default(merchant=merchant, decline_type=DeclineType.SOFT, now=timezone.now())
    olga = person_at(browser, live_server, log_in(merchant, Role.OWNER, "olga@example.com"))
    page = olga.go("/admin/")

    page.get_by_role("navigation", name="Back office").get_by_role(
        "link", name="Campaigns"
    ).click()
    page.get_by_role("link", name="Default for soft declines").click()
    page.get_by_role("button", name="Copy as a new campaign").click()

    page.get_by_label("Name", exact=True).fill("Euros")
    page.get_by_label("Currencies", exact=True).first.fill("eur")
    page.get_by_label("It failed on").fill("2026-11-02T10:00")
    page.get_by_role("button", name="Show what it would do").click()
    page.locator(".bo-day", has_text="Fri 6 Nov").get_by_text("2. E-mail").wait_for()
    page.get_by_label("After", exact=True).nth(1).fill("6")
    page.get_by_role("button", name="Add a step").click()
    step = page.get_by_role("group", name="Step 6", exact=True)
    step.get_by_label("Does what").select_option("task")
    assert not step.get_by_label("The e-mail's words").is_visible()
    step.get_by_label("What it is called").fill("Call them.")
    page.get_by_role("button", name="Show what it would do").click()
    page.locator(".bo-day", has_text="Sun 8 Nov").get_by_text("2. E-mail").wait_for()
    page.locator(".bo-day", has_text="Mon 30 Nov").get_by_text("Call them.").wait_for()
    page.get_by_role("button", name="Save the draft").click()
    page.get_by_text("Euros (version 1) is saved.").wait_for()

    page.get_by_role("link", name="Dry run").click()
    page.get_by_text("The campaign took 0 of them, and would have taken 1.").wait_for()
    page.get_by_role("link", name="Publish…").click()
    page.get_by_text("It will take payments in eur.").wait_for()
    page.get_by_role("button", name="Publish version 1").click()
    page.get_by_text("Euros (version 1) is in use").wait_for()

    made = DunningCampaign.objects.get(name="Euros")
    facts = campaigns.read(made)
    assert (made.state, dict(facts.conditions)) == ("current", {"currencies": ["eur"]})
    assert [step.delay.days for step in facts.steps] == [1, 6, 10, 18, 27, 1]
    assert facts.steps[5].template == "Call them."
    assert (olga.complaints, olga.elsewhere) == ([], [])


def test_she_writes_a_mails_words_and_sends_herself_a_test(
    browser: Browser, live_server: LiveServer
) -> None:
    cache.clear()
    merchant = make_world("fern")
    mail.outbox.clear()
    before = DunningMessage.objects.count()
    olga = person_at(browser, live_server, log_in(merchant, Role.OWNER, "olga@example.com"))
    page = olga.go("/admin/wording/")

    page.get_by_role("link", name="Failed, English: shipped").click()
    frame = page.frame_locator("#preview")
    preview = frame.locator(".card")  # not the beginning that inboxes show
    preview.get_by_text("We tried to collect").wait_for()
    page.get_by_label("Text of the mail").fill("<p>Oh no, {{ amount }}!</p>")
    preview.get_by_text("Oh no, $49.00!").wait_for()
    page.get_by_label("About").select_option("several")
    preview.get_by_text("$147.00").first.wait_for()
    page.get_by_label("Text of the mail").fill("<p>{{ price }}</p>")
    frame.get_by_text("Line 1: there is no variable {{ price }}").wait_for()
    page.get_by_label("Text of the mail").fill("<p>Oh dear, {{ amount }}!</p>")
    preview.get_by_text("Oh dear, $49.00!").wait_for()
    page.get_by_role("button", name="Send a test to me").click()
    page.get_by_text("Sent to olga@example.com, marked as a test.").wait_for()
    page.get_by_role("button", name="Save").click()
    page.get_by_text("Saved. Mails from now on say it.").wait_for()

    assert [(sent.to, sent.subject[:6]) for sent in mail.outbox] == [
        (["olga@example.com"], "[Test]")
    ]
    assert "Oh dear, $49.00!" in mail.outbox[0].body
    assert DunningMessage.objects.count() == before
    assert MessageTemplate.objects.get().body == "<p>Oh dear, {{ amount }}!</p>"
    assert (olga.complaints, olga.elsewhere) == ([], [])


def test_without_scripts_rows_are_seen_the_preview_comes_by_its_button_and_steps_move(
    browser: Browser, live_server: LiveServer
) -> None:
    merchant = make_world("fern")
    client = log_in(merchant, Role.OWNER, "olga@example.com")
    context = browser.new_context(java_script_enabled=False)
    session = client.cookies["sessionid"].value
    context.add_cookies([{"name": "sessionid", "value": session, "url": live_server.url}])
    page = context.new_page()

    page.goto(f"{live_server.url}/admin/recovery/recoverycase/")
    page.get_by_role("link", name="fern@example.com").click()
    page.get_by_text("was declined").first.wait_for()

    page.goto(f"{live_server.url}/admin/wording/failed/en/")
    page.get_by_label("Text of the mail").fill("<p>Oh no, {{ amount }}!</p>")
    page.get_by_role("button", name="Show the preview").click()
    page.frame_locator("#preview").locator(".card").get_by_text("Oh no, $49.00!").wait_for()

    page.goto(f"{live_server.url}/admin/campaigns/{draft(merchant).plan}/edit/")
    page.locator("button[value=up-1]").click()
    assert page.get_by_label("After", exact=True).first.input_value() == "3"
    page.get_by_role("button", name="Save the draft").click()
    page.get_by_role("link", name="put the steps in order").wait_for()
    context.close()


def test_retired_campaigns_and_words_in_japanese_are_fine(
    browser: Browser, live_server: LiveServer
) -> None:
    merchant = make_world("fern")
    campaigns.retire(publish(merchant, "Euros and more of what comes in large invoices"))
    olga = person_at(browser, live_server, log_in(merchant, Role.OWNER, "olga@example.com"))

    for path in (f"{LIST}?which=retired", "/admin/wording/failed/ja/"):
        olga.assert_fine(path)


def test_a_sheet_with_faults_is_fine(browser: Browser, live_server: LiveServer) -> None:
    merchant = make_world("fern")
    olga = person_at(browser, live_server, log_in(merchant, Role.OWNER, "olga@example.com"))
    page = olga.see(f"/admin/campaigns/{draft(merchant).plan}/edit/", size=PHONE, scheme="dark")

    page.get_by_label("Name", exact=True).fill("")
    page.get_by_label("After", exact=True).nth(1).fill("400")
    page.get_by_role("button", name="Save the draft").click()
    page.get_by_role("link", name="more than 365 days").wait_for()

    assert olga.breaks() == []
    page.get_by_role("link", name="more than 365 days").click()
    assert page.url.endswith("#id_step-1-amount")
