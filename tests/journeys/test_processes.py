"""The main job through real processes and a browser, as a newcomer is led through it."""

import os
import re
import signal
import uuid
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest
from playwright.sync_api import Browser, Page

from tests.journeys.browsers import browser
from tests.journeys.product import Product, is_closed, mail_server, running, wait_for

__all__ = ["browser"]  # a fixture

pytestmark = [pytest.mark.journey, pytest.mark.timeout(240)]
PHONE = {"width": 360, "height": 740}


@pytest.fixture
def settings_of_servers(request: pytest.FixtureRequest) -> Iterator[dict[str, str]]:
    """None for the embedded default; on PostgreSQL's pass a database of its own, and Redis."""
    server = os.environ.get("DATABASE_URL", "")
    if not server:
        yield {}
        return
    name = f"recover_journey_{uuid.uuid4().hex}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"')
        yield {
            "DATABASE_URL": urlsplit(server)._replace(path=f"/{name}").geturl(),
            "REDIS_URL": request.getfixturevalue("redis_url"),
        }
        connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


def page_of_a_phone(browser: Browser) -> Page:
    page = browser.new_page(viewport=PHONE)  # type: ignore[arg-type]
    page.set_default_timeout(20_000)
    return page


def make_the_renewal_fail(page: Page, product: Product) -> None:
    page.goto(product.stripe)
    page.get_by_role("button", name="Make the renewal fail").click()


def test_a_newcomer_sees_a_failed_payment_become_a_recovered_one(
    tmp_path: Path, browser: Browser, settings_of_servers: dict[str, str]
) -> None:
    with (
        mail_server() as (smtp_port, sink),
        running(
            tmp_path, EMAIL_URL=f"smtp://127.0.0.1:{smtp_port}", **settings_of_servers
        ) as product,
    ):
        page = page_of_a_phone(browser)
        make_the_renewal_fail(page, product)
        mail = wait_for(lambda: sink.mails)[0]
        body = mail.get_body(("plain",))
        assert body
        link = re.search(r"http\S+/update\?token=\S+", body.get_content())
        assert link
        assert product.dashboard()["events"][0]["status"] == "open"

        page.goto(link.group())
        assert "go through" in page.get_by_role("heading").inner_text()
        assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
        page.get_by_role("button", name="Update payment details").click()
        page.get_by_label("Card number").fill("4242 4242 4242 4242")
        page.get_by_label("Expiry").fill("12 / 40")
        page.get_by_label("CVC").fill("123")
        page.get_by_role("button", name="Save card").click()
        page.get_by_role("heading", name="all set").wait_for()

        figures = wait_for(
            lambda: _recovered(product), every=1
        )  # a key may ask 100 times a minute
        assert (figures["recovered_mtd"], figures["recovery_rate"]) == (49, 1.0)
        assert figures["failed_payments_mtd"] == 1
        _see_it_in_the_back_office(page, product)

        assert product.stop(signal.SIGINT) == 0
        assert all(is_closed(port) for port in range(product.port, product.port + 3))
        assert len(sink.mails) == 1
        _no_secret_and_no_address_in(product)
        is_embedded = (tmp_path / "run" / "recover.sqlite3").exists()
        assert is_embedded is not bool(settings_of_servers)
        assert (tmp_path / "run" / "broker").exists() is is_embedded


def _recovered(product: Product) -> dict[str, object]:
    figures = product.dashboard()
    return figures if figures["events"][0]["status"] == "recovered" else {}


def _see_it_in_the_back_office(page: Page, product: Product) -> None:
    email, password = product.login
    page.goto(f"{product.url}/admin/recovery/recoverycase/")
    page.get_by_label("Email").fill(email)
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Log in").click()
    page.get_by_text("recovered", exact=True).first.wait_for()


def _no_secret_and_no_address_in(product: Product) -> None:
    """The guide itself shows the operator's login; what the processes log shows nobody's."""
    logged = product.log.read_text().replace(product.said, "")
    assert not re.search(r"rk_test_\w|whsec_\w|eyJ\w|token=\w|@example\.(com|org)", logged), logged


def test_sigterm_stops_all_of_it_and_the_next_start_knows_the_merchant(tmp_path: Path) -> None:
    with running(tmp_path) as product:
        key = product.internal_key
        assert product.stop(signal.SIGTERM) == 0
    assert all(is_closed(port) for port in range(product.port, product.port + 3))

    with running(tmp_path) as again:
        assert again.internal_key == key
        assert again.dashboard()["events"] == []


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"PORT": "http"}, "PORT is 'http'. Write a whole number from 1 to 65533."),
        ({"DEBUG": "off"}, "SECRET_KEY is missing or too weak for production."),
        ({"DEBUG": "maybe"}, "DEBUG is 'maybe'. Write one of: true, on, 1, false, off, 0."),
    ],
)
def test_a_setting_that_cannot_be_used_is_one_sentence_and_no_process(
    tmp_path: Path, settings: dict[str, str], sentence: str
) -> None:
    with (
        pytest.raises(AssertionError, match="ended by itself") as ended,
        running(tmp_path, **settings),
    ):
        pass
    assert sentence in str(ended.value)
