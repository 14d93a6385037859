"""What a customer reads where no page can be shown."""

import re
from typing import Any

import pytest
from django.test import Client, RequestFactory
from pytest_django import Settings

from billing_portal import error_pages
from billing_portal.languages import LANGUAGES
from billing_portal.page_words import PAGE_WORDS
from tests.builders import DASHBOARD

PAGE = "/fourthngoal/recover/update"
UNSUBSCRIBE = "/fourthngoal/recover/unsubscribe"
FORM = "application/x-www-form-urlencoded"
LARGE = b"token=" + b"x" * 1024 * 1024


@pytest.fixture(params=[True, False], ids=["DEBUG", "production"], autouse=True)
def debug(request: pytest.FixtureRequest, settings: Settings) -> bool:
    settings.DEBUG = request.param
    return bool(request.param)


@pytest.fixture
def broken(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Client:
    """Production, where every page of a link ends in an error that nobody foresaw."""
    settings.DEBUG = False
    monkeypatch.setattr("billing_portal.links.find", lambda *_args, **_options: 1 / 0)
    return Client(raise_request_exception=False)


def shown(answer: Any, language: str = "en") -> tuple[int, str]:
    """Status and name of a page; it is whole, in that language, and safe."""
    page = answer.content.decode()
    assert f'<html lang="{language}"' in page
    assert answer["Content-Language"] == language
    assert answer["Cache-Control"] == "no-store"
    assert answer["Referrer-Policy"] == "no-referrer"
    assert answer["X-Frame-Options"] == "DENY"
    assert page.count('hreflang="') == len(LANGUAGES)
    heading = re.findall(r"<h1>(.*?)</h1>", page)
    names = [name for name, words in PAGE_WORDS[language].pages.items()
             if [words.heading] == heading]  # fmt: skip
    return answer.status_code, names[0]


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("path", [f"{PAGE}/nowhere", f"{PAGE}/", f"{UNSUBSCRIBE}/é"])
def test_an_address_that_is_not_there(path: str, language: str) -> None:
    answer = Client().get(path, headers={"Accept-Language": language})

    assert shown(answer, language) == (404, "not_found")


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("PUT", PAGE, "GET, HEAD, POST"), ("DELETE", UNSUBSCRIBE, "GET, HEAD, POST"),
        ("GET", f"{PAGE}/replace", "POST"), ("PUT", f"{PAGE}/return", "GET, POST"),
    ],
)  # fmt: skip
def test_a_method_that_is_not_there(method: str, path: str, allowed: str) -> None:
    answer = Client().generic(method, path)

    assert shown(answer) == (405, "not_this_way")
    assert answer["Allow"] == allowed


@pytest.mark.parametrize("path", [PAGE, f"{PAGE}/return", UNSUBSCRIBE])
def test_a_nul_is_refused_on_a_page_that_repeats_nothing_of_it(path: str) -> None:
    answer = Client().get(f"{path}?token=a%00b&lang=de")

    assert shown(answer, "de") == (400, "forged")
    assert "%00" not in answer.content.decode()


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (b"token=a\x00b", FORM), (LARGE, FORM),
        (b"--x\r\nnot a form", "multipart/form-data; boundary="),
        (b"&".join(b"a=%d" % number for number in range(2000)), FORM),
    ],
    ids=["nul", "large", "malformed", "many"],
)  # fmt: skip
def test_what_cannot_be_read_is_refused_in_the_readers_language(
    body: bytes, content_type: str
) -> None:
    answer = Client().post(
        PAGE, body, content_type=content_type, headers={"Accept-Language": "fr"}
    )

    assert shown(answer, "fr") == (400, "forged")


def test_a_host_that_is_not_ours_is_a_page_too(settings: Settings) -> None:
    settings.ALLOWED_HOSTS = ["recover.example"]

    assert shown(Client().get(PAGE)) == (400, "forged")


def test_what_nobody_foresaw_is_a_page_that_needs_no_database(broken: Client) -> None:
    answer = broken.get(PAGE, {"token": "a.b.c", "lang": "ja"})

    assert shown(answer, "ja") == (500, "broken")
    assert "default-src 'none'" in answer["Content-Security-Policy"]
    nonce = re.findall(r"nonce=\"(\S+?)\"", answer.content.decode())
    assert f"'nonce-{nonce[0]}'" in answer["Content-Security-Policy"]


def test_in_debug_it_shows_where_it_happened(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.DEBUG = True
    monkeypatch.setattr("billing_portal.links.find", lambda *_args, **_options: 1 / 0)
    answer = Client(raise_request_exception=False).get(PAGE)

    assert answer.status_code == 500
    assert "ZeroDivisionError" in answer.content.decode()


def ways_on(answer: Any) -> list[str]:
    """The addresses that the page leads to, its languages among them."""
    return [
        way.replace("&amp;", "&") for way in re.findall('href="(/.*?)"', answer.content.decode())
    ]


def test_what_may_work_a_moment_later_can_be_tried_again_in_any_language(broken: Client) -> None:
    fetched = ways_on(broken.get(f"{PAGE}/return", {"r": "a.b", "other": "x"}))
    pressed = ways_on(broken.post(f"{PAGE}/replace", {"token": "a.b", "lang": "de"}))

    assert fetched[:2] == [f"{PAGE}/return?r=a.b", f"{PAGE}/return?r=a.b&lang=en"]
    assert pressed[0] == f"{PAGE}?token=a.b&lang=de"  # a GET, of what can be fetched
    assert len(pressed) == len(fetched) == 1 + len(LANGUAGES)


def test_what_will_not_leads_nowhere_but_to_other_languages() -> None:
    ways = ways_on(Client().get(f"{PAGE}/nö where?token=a.b"))

    assert ways == [f"{PAGE}/n%C3%B6%20where?lang={code}" for code in LANGUAGES]


@pytest.mark.parametrize("language", LANGUAGES)
def test_who_asks_too_often_is_told_when_to_come_back(language: str) -> None:
    request = RequestFactory().get(PAGE, {"token": "a.b", "lang": language})
    answer = error_pages.too_many(request, retry_after=42)

    assert answer.status_code == 429
    assert answer["Retry-After"] == "42"
    page = answer.content.decode()
    assert PAGE_WORDS[language].pages["too_many"].heading in page
    assert re.search(r"\b42\b|42 秒", page)
    assert f'<a class="button" href="{PAGE}?token=a.b&amp;lang={language}"' in page


def test_customers_have_no_page_for_what_only_clients_see() -> None:
    assert error_pages.for_status(RequestFactory().get(PAGE), 403) is None


@pytest.mark.django_db
def test_clients_still_read_json() -> None:
    assert Client().get(DASHBOARD).json()["error"]["code"] == "not_authenticated"
