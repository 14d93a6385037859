"""The page behind a customer's link: how many a server shows, how heavy it is, how soon it is
there on a slow phone."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

from playwright.sync_api import Browser, ViewportSize, sync_playwright

from benchmarks import load
from benchmarks.measuring import Comparison, Fact, by_turns
from benchmarks.serving import Server, served

LEAST_THROUGHPUT = 0.5  # of a bare view's
MOST_BYTES = 50_000
MOST_PAINT = 2.0  # times an empty page's
PAINTS = 15
PHONE = ViewportSize(width=360, height=740)
SLOWER = 4  # than this machine's processor, as a cheap phone's is
PAINTED = """() => performance.getEntriesByName("first-contentful-paint")[0]?.startTime"""


def run() -> list[Comparison | Fact]:
    with served() as server:
        page, logo = server.python("-m", "benchmarks.scene").split()
        rate = partial(load.requests_per_second, port=server.port)
        product, yardstick = by_turns(partial(rate, path=page), partial(rate, path="/bare"))
        measured: list[Comparison | Fact] = [
            Comparison(
                "pages, against a bare template view", "a second", product, yardstick,
                at_least=LEAST_THROUGHPUT,
            ),
            Fact(
                "the page and the heaviest logo, uncompressed", "bytes",
                sum(load.size(port=server.port, path=path) for path in (page, logo)), MOST_BYTES,
            ),
        ]  # fmt: skip
        return [*measured, *_paints(server, page)]


def _paints(server: Server, page: str) -> list[Comparison | Fact]:
    """None where there is no browser."""
    program = shutil.which("chromium")
    if program is None:
        print("chromium is not installed (Debian: apt-get install chromium): nothing is painted.")
        return []
    with _browser(program) as browser:
        product, yardstick = by_turns(
            lambda: _first_paint(browser, server.url + page),
            lambda: _first_paint(browser, f"{server.url}/empty"),
            rounds=PAINTS,
        )
    return [
        Comparison(
            "first paint on a slow phone, against an empty page", "ms", product, yardstick,
            at_most=MOST_PAINT,
        )
    ]  # fmt: skip


@contextmanager
def _browser(program: str) -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        yield browser
        browser.close()


def _first_paint(browser: Browser, url: str) -> float:
    """Milliseconds from asking for the page, with nothing kept from before."""
    context = browser.new_context(viewport=PHONE)
    page = context.new_page()
    session = context.new_cdp_session(page)
    session.send("Emulation.setCPUThrottlingRate", {"rate": SLOWER})
    page.goto(url)
    painted = page.wait_for_function(PAINTED).json_value()
    context.close()
    return float(painted)
