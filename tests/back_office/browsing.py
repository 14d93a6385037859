"""A person at the back office in a real browser, on any width and in both themes.

    from tests.back_office.browsing import browser, Person, person_at

`browser` is a fixture; `person_at(browser, live_server, client)` is whoever the test client is
logged in as. Whatever the browser complains of is in `complaints`; whatever it asked of another
host is in `elsewhere`: both are to be empty.
"""

from pathlib import Path
from typing import Literal

from django.test import Client
from playwright.sync_api import Browser, ConsoleMessage, Page, Request, ViewportSize
from pytest_django.live_server_helper import LiveServer

from tests.journeys import rules
from tests.journeys.test_pages import browser

__all__ = ["DESK", "PHONE", "SCHEMES", "Person", "browser", "person_at"]

Scheme = Literal["light", "dark"]
SCHEMES: tuple[Scheme, ...] = ("light", "dark")
DESK, PHONE = ViewportSize(width=1280, height=900), ViewportSize(width=360, height=740)
WIDER_THAN_THE_SCREEN = "document.documentElement.scrollWidth - window.innerWidth"


class Person:
    def __init__(self, page: Page, site: str) -> None:
        self.page, self.site = page, site
        self.complaints: list[str] = []
        self.elsewhere: list[str] = []
        page.on("console", self._complain)
        page.on("request", self._ask)

    def _complain(self, told: ConsoleMessage) -> None:
        if told.type in {"error", "warning"}:
            self.complaints.append(told.text)

    def _ask(self, request: Request) -> None:
        if not request.url.startswith((self.site, "data:", "blob:")):
            self.elsewhere.append(request.url)

    def go(self, path: str) -> Page:
        self.page.goto(f"{self.site}{path}")
        return self.page

    def see(self, path: str, *, size: ViewportSize = DESK, scheme: Scheme = "light") -> Page:
        self.page.set_viewport_size(size)
        self.page.emulate_media(color_scheme=scheme)
        return self.go(path)

    def breaks(self) -> list[str]:
        """What of WCAG and of the screen's width the page that is shown breaks."""
        told = rules.broken(self.page, has_scripts=True)
        if (wider := self.page.evaluate(WIDER_THAN_THE_SCREEN)) > 0:
            told.append(f"The page is {wider} px wider than the screen.")
        return told

    def assert_fine(self, path: str, *, folder: Path | None = None) -> None:
        """On a desk and a phone, in both themes: no rule broken, nothing complained of, nobody
        else asked. With a folder, the screenshots are there to be looked at."""
        for size in (DESK, PHONE):
            for scheme in SCHEMES:
                self.see(path, size=size, scheme=scheme)
                where = f"{path} at {size['width']} px, {scheme}"
                if folder:
                    name = (
                        f"{path.strip('/').replace('/', '_') or 'home'}-{size['width']}-{scheme}"
                    )
                    self.page.screenshot(path=folder / f"{name}.png", full_page=True)
                found = [*self.breaks(), *self.complaints, *self.elsewhere]
                assert found == [], f"{where}: {found}"


def person_at(browser: Browser, live_server: LiveServer, client: Client) -> Person:
    context = browser.new_context()
    context.set_default_timeout(20_000)
    session = client.cookies["sessionid"].value
    context.add_cookies([{"name": "sessionid", "value": session, "url": live_server.url}])
    page = context.new_page()
    rules.bring(page)
    return Person(page, live_server.url)
