"""What pages cost to load: all the bytes that come over the wire, headers among them."""

from collections import Counter, defaultdict
from typing import Any

from playwright.sync_api import Page


class Transfers:
    """Counts from now on what a page and all that it loads weigh, without any cache."""

    def __init__(self, page: Page) -> None:
        self._page_of: dict[str, str] = {}
        self._bytes: defaultdict[str, Counter[str]] = defaultdict(Counter)
        session = page.context.new_cdp_session(page)
        session.on("Network.requestWillBeSent", self._asked)
        session.on("Network.loadingFinished", self._finished)
        session.send("Network.enable")
        session.send("Network.setCacheDisabled", {"cacheDisabled": True})

    def bytes_by_page(self) -> dict[str, int]:
        """By the name that the browser gives to each page that it loaded."""
        return {page: parts.total() for page, parts in self._bytes.items()}

    def _asked(self, event: dict[str, Any]) -> None:
        self._page_of[event["requestId"]] = event["loaderId"]

    def _finished(self, event: dict[str, Any]) -> None:
        page = self._page_of[event["requestId"]]
        self._bytes[page][event["requestId"]] = int(event["encodedDataLength"])
