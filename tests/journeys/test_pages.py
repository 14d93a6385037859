"""Each page and the mail as customers see them: in their language, light and dark, on a phone and
on a desk, with nothing but a keyboard."""

from collections.abc import Iterator
from typing import Literal
from urllib.parse import urlsplit

import pytest
from django.core import mail
from django.core.mail import EmailMultiAlternatives
from django.utils import timezone
from playwright.sync_api import Browser, Route, ViewportSize
from pytest_django import Settings as SettingsWrapper

from billing_portal import languages, links
from billing_portal.languages import LANGUAGES
from billing_portal.page_words import PAGE_WORDS
from dunning.tasks import deliver_queued, start_runs, work_due_steps
from dunning.wording.words import PHRASES
from recovery import logos
from recovery.models import Customer, Merchant, MerchantLogo, RecoveryCase
from tests.connected import debt, local_stripe, merchant
from tests.drawings import file_of, photographed, wordmark
from tests.journeys import card_states, one_time_states, pictures, rules, states
from tests.journeys.browsers import browser
from tests.journeys.looks import Seen, look
from tests.journeys.states import FETCHED, SHOWN_ONCE, Jo, Way
from tests.local_stripe import LocalStripe

__all__ = ["browser", "debt", "local_stripe", "merchant"]  # fixtures

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.any_database]
Scheme = Literal["light", "dark"]
PHONE, DESK = ViewportSize(width=360, height=740), ViewportSize(width=1200, height=900)
SCHEMES: tuple[Scheme, ...] = ("light", "dark")
LEAST_HEIGHT = 44  # CSS pixels, for a thumb
MOST_BYTES = 50_000  # of a page with all that it loads, uncompressed
LEAST_OUTLINE = 2  # CSS pixels; WCAG 2.2, 2.4.13
# English is looked at everywhere, these where each is most likely to fail: the longest words, and
# another script. What a rule could find in the others alone is compared: which language it says.
ELSEWHERE: dict[str, Scheme] = {"de": "light", "ja": "dark"}
# The rules take longer than all else: each size and each scheme is held to them once.
HELD_TO_RULES = {("en", "light", 360), ("en", "dark", 1200), ("de", "light", 360),
                 ("ja", "dark", 360)}  # fmt: skip
HEAVY_LOGO = file_of(photographed(wordmark()))


@pytest.fixture
def jo(
    browser: Browser, local_stripe: LocalStripe, debt: RecoveryCase,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Jo]:  # fmt: skip
    context = browser.new_context(
        java_script_enabled=False, extra_http_headers={"Accept-Encoding": "identity"}
    )
    context.set_default_timeout(20_000)
    logos.put(merchant=debt.merchant, given=HEAVY_LOGO)
    page = context.new_page()
    rules.bring(page)
    yield Jo(page, local_stripe, debt, monkeypatch)
    context.close()


# --- every page in its languages --------------------------------------------------------------


@pytest.mark.parametrize(
    "go", [*FETCHED, *card_states.FETCHED, *one_time_states.FETCHED], ids=lambda go: go.__name__
)
def test_a_page_is_easy_to_read_and_to_use_everywhere(
    jo: Jo, go: Way, settings: SettingsWrapper
) -> None:
    name = go(jo)

    for size in (PHONE, DESK):
        for scheme in SCHEMES:
            assert_fit(jo, name, "en", size=size, scheme=scheme)
    for language in [one for one in LANGUAGES if one != "en"]:
        jo.read_in(language)
        scheme = ELSEWHERE.get(language, "light")
        assert_fit(jo, name, language, size=PHONE, scheme=scheme)
    assert_alone(jo, settings)
    assert_light(jo)


@pytest.mark.parametrize("language", ["en", *ELSEWHERE])
@pytest.mark.parametrize(
    "go", [*SHOWN_ONCE, *one_time_states.SHOWN_ONCE], ids=lambda go: go.__name__
)
def test_what_is_shown_once_is_as_easy(
    jo: Jo, go: Way, language: str, settings: SettingsWrapper
) -> None:
    Customer.objects.update(locale=language)
    name = go(jo)

    for size in (PHONE, DESK) if language == "en" else (PHONE,):
        for scheme in SCHEMES if language == "en" else (ELSEWHERE[language],):
            assert_fit(jo, name, language, size=size, scheme=scheme)
    assert_alone(jo, settings)
    assert_light(jo)


def assert_fit(jo: Jo, name: str, language: str, *, size: ViewportSize, scheme: Scheme) -> None:
    jo.page.set_viewport_size(size)
    jo.page.emulate_media(color_scheme=scheme)
    seen = look(jo.page)
    pictures.take(jo.page, f"{name}-{language}-{size['width']}-{scheme}")
    assert seen.headings == [PAGE_WORDS[language].pages[name].heading]
    assert seen.title.startswith(seen.headings[0])
    assert (seen.language, seen.direction) == (language, "ltr")
    assert_usable(seen, size)
    if (language, scheme, size["width"]) in HELD_TO_RULES:
        assert rules.broken(jo.page) == []


def assert_usable(seen: Seen, size: ViewportSize) -> None:
    assert seen.width <= size["width"]
    assert all(seen.controls), seen.controls
    assert seen.controls[-len(LANGUAGES) :] == list(LANGUAGES.values())
    assert [name for name, high in seen.heights.items() if high < LEAST_HEIGHT] == []
    assert seen.runs == []
    assert 0 not in seen.pictures


def assert_alone(jo: Jo, settings: SettingsWrapper) -> None:
    """The page asked no other host for anything, and the browser had nothing to complain of."""
    assert [url for url in jo.requested if not url.startswith(settings.PUBLIC_URL)] == []
    assert [told for told in jo.complaints if not is_about_status(*told, settings)] == []


def assert_light(jo: Jo) -> None:
    """Every page on the way, with the heaviest logo that there can be."""
    heaviest = max(jo.transfers.bytes_by_page().values())
    print(f"The heaviest page on the way: {heaviest} bytes")
    assert heaviest < MOST_BYTES


def is_about_status(text: str, url: str, settings: SettingsWrapper) -> bool:
    """A page that is an error says so to developers, which is no complaint about it."""
    status = "Failed to load resource: the server responded with a status"
    return text.startswith(status) and url.startswith(f"{settings.PUBLIC_URL}/fourthngoal/")


@pytest.mark.parametrize(
    "go",
    [states.valid_with_long_words, states.back_and_several_to_be_confirmed],
    ids=lambda go: go.__name__,
)
def test_a_language_that_is_written_from_the_right_has_its_page_mirrored(
    jo: Jo, go: Way, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(languages, "RIGHT_TO_LEFT", frozenset({"nl"}))  # as it were
    Customer.objects.update(locale="nl")
    go(jo)

    for size in (PHONE, DESK):
        jo.page.set_viewport_size(size)
        seen = look(jo.page)
        pictures.take(jo.page, f"rtl-{size['width']}")
        label, main = jo.page.locator("dt").first.bounding_box(), jo.page.locator("main")
        whole = main.bounding_box()
        assert label
        assert whole
        assert label["x"] + label["width"] > whole["x"] + whole["width"] - 40
        assert (seen.language, seen.direction) == ("nl", "rtl")
        assert_usable(seen, size)


# --- the check itself -------------------------------------------------------------------------

BREAK = {
    "color-contrast": "document.querySelector('main p').style.color = '#b9bcc4'",
    "link-name": "document.querySelector('nav a').textContent = ''",
    "button-name": "document.querySelector('button').textContent = ''",
    "html-has-lang": "document.documentElement.removeAttribute('lang')",
    "image-alt": "document.images[0].removeAttribute('alt')",
    "target-size": "document.querySelectorAll('nav a').forEach((a) => a.style = "
    "'padding: 0; font-size: 4px; margin: -.6rem')",
}


@pytest.mark.parametrize("rule", BREAK)
def test_a_broken_rule_is_seen(jo: Jo, rule: str) -> None:
    states.valid(jo)
    assert rules.broken(jo.page) == []
    jo.page.evaluate(BREAK[rule])

    assert rule in {told.partition(":")[0] for told in rules.broken(jo.page)}


def test_looking_at_the_rules_leaves_the_browser_without_scripts(jo: Jo) -> None:
    states.valid(jo)
    rules.broken(jo.page)
    jo.page.set_content("<title>as it was</title><script>document.title = 'ran'</script>")

    assert jo.page.title() == "as it was"


def test_a_logo_moves_nothing_when_it_comes(jo: Jo) -> None:
    asked: list[Route] = []
    jo.page.route("**/logo/*", lambda route: asked.append(route))  # noqa: PLW0108 - it wants a function
    jo.page.goto(links.create(case=jo.case, now=timezone.now()), wait_until="domcontentloaded")
    before = jo.page.locator("main").bounding_box()
    assert look(jo.page).pictures == [0]
    asked[0].continue_()
    jo.page.wait_for_load_state("load")

    assert look(jo.page).pictures == [MerchantLogo.objects.get().width]
    assert jo.page.locator("main").bounding_box() == before


# --- with nothing but a keyboard --------------------------------------------------------------


@pytest.mark.parametrize(
    ("go", "first"),
    [
        (states.valid, "Update payment details"),
        (states.valid_and_to_be_confirmed, "Confirm the payment"),
        (states.expired, "Send me a new link"),
        (states.stripe_down, "Try again"),
        (states.back_and_declined, "Try another card"),
        (states.back_with_another_card_on_file, "Pay now"),
        (states.back_and_several_to_be_confirmed, "Confirm"),
        (states.unsubscribe, "Stop these reminders"),
    ],
    ids=lambda value: getattr(value, "__name__", None),
)
def test_the_first_stop_of_a_keyboard_is_what_the_page_is_for(jo: Jo, go: Way, first: str) -> None:
    Merchant.objects.update(support_email="help@fern.example")
    go(jo)
    names = look(jo.page).controls
    stops = [jo.tab() for _control in names]

    assert stops[0].name == first
    assert [stop.name for stop in stops] == [name.partition(" $")[0] for name in names]
    assert [stop for stop in stops if stop.outline < LEAST_OUTLINE] == []


def test_a_keyboard_alone_gets_a_new_link_in_another_language(jo: Jo) -> None:
    states.expired(jo)
    while jo.tab().name != "Deutsch":
        pass
    jo.press_key("Enter")
    assert jo.tab().name == "Neuen Link zusenden"
    jo.press_key("Enter")

    assert look(jo.page).headings == ["Ein neuer Link ist unterwegs"]


# --- the mail ---------------------------------------------------------------------------------


BUTTONS = {
    "en": "Update payment details",
    "de-AT,en": "Zahlungsdaten aktualisieren",
    "ja": "お支払い情報を更新する",
}


@pytest.mark.parametrize("locale", BUTTONS)
@pytest.mark.parametrize("color", ["#1f5eff", "#ffe94d", "#1a1d23"])
def test_the_mail_is_easy_to_read_on_a_phone(
    jo: Jo, merchant: Merchant, color: str, locale: str
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
        pictures.take(jo.page, f"mail-{scheme}")
        assert seen.language == locale[:2]
        assert seen.width <= PHONE["width"]
        way_out = PHRASES[locale[:2]]["unsubscribe"]
        assert seen.controls == [button, "help@fern.example", way_out]
        assert seen.heights[button] >= LEAST_HEIGHT
        assert rules.broken(jo.page, rules.MAIL) == []
        assert seen.pictures == [MerchantLogo.objects.get().width]
    assert [urlsplit(url).path for url in jo.requested] == [address_of_the_logo()]
    assert jo.complaints == []


def address_of_the_logo() -> str:
    return f"/fourthngoal/recover/logo/{MerchantLogo.objects.get().digest}.png"
