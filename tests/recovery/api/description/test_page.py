"""GET docs in a browser: it reads well by day and night, on a telephone, and without a script."""

import shutil
from collections.abc import Iterator
from typing import Literal

import pytest
from playwright.sync_api import Browser, ViewportSize, sync_playwright
from pytest_django.live_server_helper import LiveServer

from tests.journeys import rules
from tests.journeys.looks import look
from tests.suite import is_ci

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.any_database]
DOCS = "/fourthngoal/recover/docs"
CHROMIUM = shutil.which("chromium")
needs_chromium = pytest.mark.skipif(
    CHROMIUM is None and not is_ci(), reason="chromium is not installed."
)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        yield playwright.chromium.launch(executable_path=CHROMIUM)


class Opened:
    """The page in a window of its own, and what it asked for and complained of."""

    def __init__(
        self, browser: Browser, url: str, *, width: int, scheme: Literal["light", "dark"] = "light"
    ) -> None:
        self.asked: list[str] = []
        self.complaints: list[str] = []
        size: ViewportSize = {"width": width, "height": 800}
        self.page = browser.new_context(viewport=size, color_scheme=scheme).new_page()
        self.page.on("request", lambda request: self.asked.append(request.url))
        self.page.on("console", lambda message: self.complaints.append(message.text))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.goto(url)


@pytest.fixture
def url(live_server: LiveServer) -> str:
    return live_server.url + DOCS


@needs_chromium
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 1440])
def test_the_page_reads_well_and_asks_nobody_for_anything(
    browser: Browser, url: str, width: int, scheme: Literal["light", "dark"]
) -> None:
    opened = Opened(browser, url, width=width, scheme=scheme)

    seen = look(opened.page)

    assert (opened.asked, opened.complaints) == ([url], [])
    assert (seen.title, seen.language, seen.width) == ("Recover API", "en", width)
    assert rules.broken(opened.page) == []


@needs_chromium
def test_the_contents_are_beside_the_text_and_on_a_telephone_folded_away(
    browser: Browser, url: str
) -> None:
    desk = Opened(browser, url, width=1440).page
    telephone = Opened(browser, url, width=360).page
    link = 'nav a[href="#create_webhook"]'

    assert desk.locator(link).is_visible()
    assert not telephone.locator(link).is_visible()
    telephone.locator("nav summary").click()
    telephone.locator(link).click()
    assert telephone.url.endswith("#create_webhook")
    assert telephone.locator("#create_webhook").is_visible()
