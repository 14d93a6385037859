"""WCAG's rules, as axe-core tells them of the page that the browser shows.

The customers' pages are looked at without scripts, as they are served. axe needs scripts: it gets
them on the very page that is there, for as long as it takes, and the page has none to run.
"""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from typing import Any

from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import CDPSession, Page

WCAG = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa")
PAGE = {"tags": (*WCAG, "best-practice"), "rules": {"target-size": {"enabled": True}}}
# Around a mail is a mail program, which has the landmarks and the ways past them.
MAIL = {"tags": WCAG, "rules": {"target-size": {"enabled": True}, "bypass": {"enabled": False}}}
# Of a page that was held to all of them, and has turned dark or light since.
COLORS = {"tags": ("cat.color",), "rules": {"color-contrast-enhanced": {"enabled": False}}}
# What axe can't tell by itself counts as broken as well.
RESULTS = ("violations", "incomplete")
RUN = """(options) => axe.run(document, options).then((told) =>
  options.resultTypes.flatMap((type) => told[type]).flatMap((rule) =>
    rule.nodes.map((node) => `${rule.id}: ${node.html.slice(0, 120)}`)))"""


def bring(page: Page) -> None:
    """axe comes with each page from now on, which is faster than to bring it to each."""
    session = page.context.new_cdp_session(page)
    session.send("Page.enable")
    session.send("Page.addScriptToEvaluateOnNewDocument", {"source": AXE_SCRIPT})


def broken(page: Page, rules: Mapping[str, Any] = PAGE, *, has_scripts: bool = False) -> list[str]:
    """Each broken rule with the element that breaks it; of a page with scripts, as they run on.

    What is in a frame is a page of its own, to be looked at by itself.
    """
    options = {
        "runOnly": {"type": "tag", "values": rules["tags"]},
        "rules": {**rules["rules"], "frame-tested": {"enabled": False}},
        "resultTypes": RESULTS,
        "iframes": False,
    }
    with nullcontext() if has_scripts else _scripts(page):
        if page.evaluate("typeof axe") == "undefined":
            page.evaluate(AXE_SCRIPT)
        told: list[str] = page.evaluate(f"({RUN})({json.dumps(options)})")
    return told


@contextmanager
def _scripts(page: Page) -> Iterator[None]:
    session = page.context.new_cdp_session(page)
    try:
        _allow(session)
        yield
    finally:
        session.send("Emulation.setScriptExecutionDisabled", {"value": True})
        session.detach()


def _allow(session: CDPSession) -> None:
    """A session takes back only what it has asked for itself, or believes that it has."""
    for is_disabled in (True, False):
        session.send("Emulation.setScriptExecutionDisabled", {"value": is_disabled})
