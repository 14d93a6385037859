"""The preview as an operator uses it: on a phone and on a desk, light and dark, without scripts,
and with nothing but a keyboard; what is in its frame can't be used at all."""

import urllib.parse
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Frame, Page, Request
from pytest_django.live_server_helper import LiveServer

from billing_portal import previews
from billing_portal.page_words import PAGE_WORDS
from recovery.models import Merchant
from tests.back_office.people import log_in_superuser
from tests.builders import make_merchant
from tests.journeys.browsers import browser
from tests.journeys.test_pages import DESK, PHONE, SCHEMES

__all__ = ["browser"]  # a fixture

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.any_database]
GROUNDS = {"light": "rgb(244, 245, 247)", "dark": "rgb(16, 18, 22)"}
GROUND = "() => getComputedStyle(document.body).backgroundColor"
PHONE_WIDE = 360  # CSS pixels


class Al:
    """An operator with a browser that runs no scripts."""

    def __init__(self, page: Page, address: str) -> None:
        self.page, self.address = page, address
        self.asked: list[str] = []
        self.complaints: list[str] = []
        page.on("request", self._ask)
        page.on("console", self._complain)

    def _ask(self, request: Request) -> None:
        self.asked.append(f"{request.method} {request.url}")

    def _complain(self, told: ConsoleMessage) -> None:
        if "favicon" not in told.location["url"]:
            self.complaints.append(told.text)

    def look(self, **chosen: str) -> Frame:
        """The page in the preview's frame."""
        self.page.goto(f"{self.address}?{urllib.parse.urlencode(chosen)}")
        return self.frame

    @property
    def frame(self) -> Frame:
        handle = self.page.wait_for_selector("iframe")
        assert handle
        frame = handle.content_frame()
        assert frame
        frame.wait_for_load_state()
        return frame


@pytest.fixture
def al(browser: Browser, live_server: LiveServer) -> Iterator[Al]:
    make_merchant()
    Merchant.objects.update(support_email="help@fern.example", color="#0a6847")
    client = log_in_superuser()
    context = browser.new_context(java_script_enabled=False)
    context.set_default_timeout(20_000)
    session = client.cookies["sessionid"].value
    context.add_cookies([{"name": "sessionid", "value": session, "url": live_server.url}])
    address = f"{live_server.url}/admin/preview/"
    yield Al(context.new_page(), address)
    context.close()


@pytest.mark.parametrize("language", ["en", "de", "ja"])
def test_every_page_is_shown_in_its_frame(al: Al, language: str) -> None:
    for name, _heading in previews.states():
        frame = al.look(state=name, language=language)
        heading = PAGE_WORDS[language].pages[name].heading
        assert frame.locator("h1").inner_text().replace("\n", "") == heading
    assert al.complaints == []


@pytest.mark.parametrize("size", [PHONE, DESK], ids=["phone", "desk"])
def test_the_preview_fits_and_has_the_theme_and_width_that_are_chosen(
    al: Al, size: dict[str, int]
) -> None:
    al.page.set_viewport_size(size)  # type: ignore[arg-type]
    for scheme in SCHEMES:
        al.page.emulate_media(color_scheme=scheme)
        for theme in ("", *SCHEMES):
            for width, wide in (("phone", PHONE_WIDE), ("desk", 1200)):
                frame = al.look(state="back_partly", language="ja", theme=theme, width=width)
                assert frame.evaluate(GROUND) == GROUNDS[theme or scheme]
                assert frame.evaluate("innerWidth") == wide
                whole = al.page.evaluate("document.documentElement.scrollWidth")
                assert whole <= size["width"]
                assert al.page.get_by_text("Preview, not a customer’s page.").is_visible()
    assert al.complaints == []


def test_nothing_in_the_frame_can_be_used(al: Al) -> None:
    for name in ("failed", "to_confirm", "back_confirm_each", "unsubscribe"):
        frame = al.look(state=name)
        before, address = len(al.asked), frame.url
        for control in frame.locator("button, a[href]").all():
            control.click(no_wait_after=True)
            assert frame.url.partition("#")[0] == address
        assert al.asked[before:] == []
        assert al.page.url.startswith(al.address)
        assert len(al.page.context.pages) == 1


def test_a_frame_that_is_opened_by_itself_leads_back_to_the_mark(al: Al) -> None:
    frame = al.look(state="paid", language="de")

    al.page.goto(frame.url)

    assert al.page.url.startswith(f"{al.address}?state=paid")
    assert al.page.get_by_text("Preview, not a customer’s page.").is_visible()
    assert al.frame.locator("h1").inner_text() == PAGE_WORDS["de"].pages["paid"].heading


def test_a_keyboard_alone_tries_another_color(al: Al) -> None:
    al.look()
    al.page.get_by_label("Try another color").focus()
    al.page.keyboard.type("#ffe94d")
    with al.page.expect_navigation():
        al.page.keyboard.press("Enter")

    assert "color=%23ffe94d" in al.page.url
    assert al.page.get_by_text("#ffe94d would have 1.2:1, so black is used.").is_visible()
    button = al.frame.get_by_role("button")
    assert button.evaluate("one => getComputedStyle(one).color") == "rgb(17, 17, 17)"


def test_each_choice_has_a_label_and_a_stop_of_the_keyboard(al: Al) -> None:
    al.look()
    al.page.get_by_label("Page", exact=True).focus()
    labels = []
    for _stop in range(7):
        labels.append(al.page.evaluate(
            "(document.activeElement.labels?.[0] ?? document.activeElement).innerText"
        ))  # fmt: skip
        al.page.keyboard.press("Tab")

    assert labels == [
        "Page", "Language", "Theme", "Width", "Try another color", "Try another product name",
        "Show",
    ]  # fmt: skip
