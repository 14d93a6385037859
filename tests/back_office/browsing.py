"""A person at the back office in a real browser, on any width and in both themes.

    from tests.back_office.browsing import browser, Person, person_at

`browser` is a fixture; `person_at(browser, live_server, client)` is whoever the test client is
logged in as. Whatever the browser complains of is in `complaints`; whatever it asked of another
host is in `elsewhere`: both are to be empty.
"""

from collections.abc import Mapping
from typing import Any, Literal

from django.test import Client
from playwright.sync_api import Browser, ConsoleMessage, Page, Request, ViewportSize
from pytest_django.live_server_helper import LiveServer

from tests.journeys import pictures, rules
from tests.journeys.browsers import browser

__all__ = ["DESK", "PHONE", "SCHEMES", "Person", "browser", "person_at"]

Scheme = Literal["light", "dark"]
SCHEMES: tuple[Scheme, ...] = ("light", "dark")
DESK, PHONE = ViewportSize(width=1280, height=900), ViewportSize(width=360, height=740)
# A page that turns dark or light is the same but for its colors.
LOOKS: tuple[tuple[ViewportSize, Scheme, Mapping[str, Any]], ...] = (
    (DESK, "light", rules.PAGE), (DESK, "dark", rules.COLORS),
    (PHONE, "dark", rules.PAGE), (PHONE, "light", rules.COLORS),
)  # fmt: skip
# The theme's own switch is read when a page comes.
TURN = "(scheme) => document.documentElement.classList.toggle('dark', scheme == 'dark')"
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

    def breaks(self, held_to: Mapping[str, Any] = rules.PAGE) -> list[str]:
        """What of WCAG and of the screen's width the page that is shown breaks."""
        told = rules.broken(self.page, held_to, has_scripts=True)
        if (wider := self.page.evaluate(WIDER_THAN_THE_SCREEN)) > 0:
            told.append(f"The page is {wider} px wider than the screen.")
        return told

    def faults(self, path: str) -> list[str]:
        """What is wrong with the page on a desk and a phone, in both themes; it is asked for
        once."""
        self.complaints.clear()
        self.elsewhere.clear()
        self.see(path)
        found = []
        for size, scheme, held_to in LOOKS:
            self.look(size, scheme)
            pictures.take(self.page, f"{path}-{size['width']}-{scheme}")
            where = f"{path} at {size['width']} px, {scheme}"
            found += [f"{where}: {fault}" for fault in self.breaks(held_to)]
        return found + [f"{path}: {told}" for told in (*self.complaints, *self.elsewhere)]

    def look(self, size: ViewportSize, scheme: Scheme) -> None:
        """At the page that is there, as if it had been asked for so."""
        self.page.set_viewport_size(size)
        self.page.emulate_media(color_scheme=scheme)
        self.page.evaluate(TURN, scheme)

    def assert_fine(self, path: str) -> None:
        found = self.faults(path)
        assert found == [], "\n".join(found)


def person_at(browser: Browser, live_server: LiveServer, client: Client) -> Person:
    context = browser.new_context()
    context.set_default_timeout(20_000)
    if session := client.cookies.get("sessionid"):
        context.add_cookies(
            [{"name": "sessionid", "value": session.value, "url": live_server.url}]
        )
    page = context.new_page()
    rules.bring(page)
    return Person(page, live_server.url)
