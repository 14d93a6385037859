"""What people in the back office read where there is no page to show them."""

from typing import Any

import pytest
from django.test import Client
from playwright.sync_api import Browser
from pytest_django import Settings
from pytest_django.live_server_helper import LiveServer

from recover_project.middleware import NO_NUL
from tests.back_office.browsing import DESK, LOOKS, browser, person_at
from tests.journeys import pictures

__all__ = ["browser"]  # a fixture

LOGIN = "/admin/account/login/"
WAY_BACK = '<a href="/admin/"'


@pytest.fixture(autouse=True)
def production(settings: Settings) -> None:
    settings.DEBUG = False


@pytest.fixture
def broken_login(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("allauth.account.views.LoginView.dispatch", lambda *_, **__: 1 / 0)


def read(answer: Any) -> tuple[int, str]:
    assert answer["Content-Type"] == "text/html; charset=utf-8"
    page = answer.content.decode()
    assert WAY_BACK in page
    return answer.status_code, page


@pytest.mark.django_db
def test_an_address_that_is_not_there_says_so_and_leads_back() -> None:
    status, page = read(Client().get("/nowhere"))

    assert (status, "There is nothing here" in page) == (404, True)


@pytest.mark.usefixtures("broken_login")
def test_what_went_wrong_is_named_so_that_it_is_found_in_the_log() -> None:
    answer = Client(raise_request_exception=False).get(LOGIN)

    status, page = read(answer)
    assert (status, answer["X-Request-Id"] in page) == (500, True)


def test_a_form_of_another_session_is_refused_and_told_what_to_do() -> None:
    status, page = read(Client(enforce_csrf_checks=True).post(LOGIN, {"login": "x"}))

    assert (status, "load the page anew" in page) == (403, True)


def test_a_request_to_another_host_is_refused_on_a_page_too(settings: Settings) -> None:
    settings.ALLOWED_HOSTS = ["recover.example"]

    status, page = read(Client().get(LOGIN))

    assert (status, "can’t be understood" in page) == (400, True)


def test_a_search_for_what_no_text_has_says_so_on_a_page_too() -> None:
    status, page = read(Client().get("/admin/recovery/recoverycase/?q=%00"))

    assert (status, NO_NUL in page) == (400, True)


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("broken_login")
@pytest.mark.parametrize("address", ["/nowhere", LOGIN, f"{LOGIN}?q=%00"])
def test_everybody_can_read_it(browser: Browser, live_server: LiveServer, address: str) -> None:
    person = person_at(browser, live_server, Client())
    person.see(address, size=DESK)
    broken = []
    for size, scheme, held_to in LOOKS:
        person.look(size, scheme)
        pictures.take(person.page, f"no page {address}-{size['width']}-{scheme}")
        broken += person.breaks(held_to)

    assert (broken, person.elsewhere) == ([], [])
