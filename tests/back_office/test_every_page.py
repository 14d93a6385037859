"""Every page of the back office in a browser, on a desk and a phone, in both themes."""

import pytest
from playwright.sync_api import Browser
from pytest_django import Settings
from pytest_django.live_server_helper import LiveServer

from tests.back_office import pages_there_are
from tests.back_office.browsing import browser, person_at
from tests.back_office.lived_in import arguments, lived_in, who_looks

__all__ = ["browser"]  # a fixture

pytestmark = [
    pytest.mark.django_db(transaction=True), pytest.mark.any_database, pytest.mark.timeout(900),
]  # fmt: skip


def test_every_page_is_fine(browser: Browser, live_server: LiveServer, settings: Settings) -> None:
    settings.PUBLIC_URL = live_server.url  # where the pictures of mails are
    merchant = lived_in()
    clients = who_looks(merchant)
    pages = pages_there_are.found(clients, arguments(merchant))
    people = [person_at(browser, live_server, client) for client in clients]

    broken = [fault for page in pages for fault in people[page.who].faults(page.path)]

    assert broken == [], "\n".join(broken)
