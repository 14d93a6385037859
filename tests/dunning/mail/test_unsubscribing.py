"""The way out of a merchant's mail: one click, or a page with one button."""

from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from django.core import mail
from django.test import Client
from django.utils import timezone
from pytest_django import Settings as SettingsWrapper

from billing_portal import links
from dunning.mail import unsubscribing
from dunning.models import DunningMessage, SuppressedAddress
from dunning.tasks import deliver_queued
from recovery.models import Customer
from tests.builders import make_merchant
from tests.dunning.facts import fail, queue
from tests.dunning.mail.sending import deliver_one

pytestmark = pytest.mark.django_db


@pytest.fixture
def message(settings: SettingsWrapper) -> DunningMessage:
    settings.PUBLIC_URL = "https://pay.example.com"
    settings.ALLOWED_HOSTS = ["pay.example.com", "testserver"]
    make_merchant()
    message = queue(fail(), now=timezone.now())
    deliver_queued()
    message.refresh_from_db()
    return message


def way_out() -> str:
    header = str(mail.outbox[0].extra_headers["List-Unsubscribe"])
    assert mail.outbox[0].extra_headers["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert header.startswith("<https://pay.example.com/fourthngoal/recover/unsubscribe?token=")
    return header.strip("<>").removeprefix("https://pay.example.com")


def click(address: str) -> Any:
    """As a mail program does (RFC 8058): no cookie, no page before."""
    return Client(enforce_csrf_checks=True).post(address, {"List-Unsubscribe": "One-Click"})


def test_one_click_of_a_mail_program_stops_the_mail(message: DunningMessage) -> None:
    for _again in range(2):
        assert click(way_out()).status_code == 200
    another = queue(fail(), now=timezone.now() + timedelta(days=3))
    deliver_one(another.pk, now=timezone.now() + timedelta(days=3))
    another.refresh_from_db()

    kept = SuppressedAddress.objects.get()
    assert (kept.email, kept.reason) == ("jo@example.com", "unsubscribed")
    assert (another.state, len(mail.outbox)) == ("skipped", 1)
    assert message.case.timeline.filter(kind="unsubscribed").count() == 1


@pytest.mark.parametrize("method", ["get", "head"])
def test_a_mail_scanner_that_follows_the_link_changes_nothing(
    message: DunningMessage, method: str
) -> None:
    page = getattr(Client(), method)(way_out())
    assert page.status_code == 200
    assert not SuppressedAddress.objects.exists()
    assert page["Referrer-Policy"] == "no-referrer"
    assert page["Cache-Control"] == "no-store"


def test_the_page_has_one_button_that_stops_the_mail(message: DunningMessage) -> None:
    page = Client().get(way_out()).content.decode()
    assert page.count("<button") == 1
    assert "jo@example.com" not in page
    action = page.partition('action="')[2].partition('"')[0]
    answer = Client(enforce_csrf_checks=True).post(action)

    assert "No more reminders" in answer.content.decode()
    assert SuppressedAddress.objects.get().reason == "unsubscribed"


@pytest.mark.parametrize(
    ("known", "chosen", "heading", "done"),
    [
        ("fr", "", "Ne plus recevoir ces rappels\xa0?", "Vous ne recevrez plus de rappels"),
        ("fr", "it", "Non ricevere più questi promemoria?", "Non riceverà più promemoria"),
    ],
)
def test_the_page_speaks_the_readers_language(
    message: DunningMessage, known: str, chosen: str, heading: str, done: str
) -> None:
    Customer.objects.update(locale=known)
    page = Client().get(way_out() + (f"&lang={chosen}" if chosen else ""))
    action = page.content.decode().partition('action="')[2].partition('"')[0]
    answer = Client().post(action.replace("&amp;", "&"))

    assert f"<h1>{heading}</h1>" in page.content.decode()
    assert f"<h1>{done}</h1>" in answer.content.decode()
    assert page["Content-Language"] == (chosen or known)
    assert "j***@example.com" in answer.content.decode()
    switch = answer.content.decode().partition(f'href="{unsubscribing.PATH}?')[2]
    again = Client().get(
        f"{unsubscribing.PATH}?{switch.partition(chr(34))[0]}".replace("&amp;", "&")
    )
    assert "<h1>Stop these reminders?</h1>" in again.content.decode()


def test_a_link_that_is_cut_off_is_a_page_in_the_browsers_language(
    message: DunningMessage,
) -> None:
    page = Client(headers={"Accept-Language": "de"}).get(way_out()[:-9])

    assert page.status_code == 400
    assert "<h1>Dieser Link ist unvollständig</h1>" in page.content.decode()


def test_a_link_of_another_purpose_or_of_nobody_opens_nothing(message: DunningMessage) -> None:
    payment = links.create(case=message.case, now=timezone.now())
    [token] = parse_qs(urlsplit(payment).query)["token"]
    for wrong in (f"?token={token}", "?token=x", "", f"?token={'a' * 9000}"):
        assert click(unsubscribing.PATH + wrong).status_code == 400
    assert not SuppressedAddress.objects.exists()
    own = parse_qs(urlsplit(way_out()).query)["token"][0]
    assert links.find(own, now=timezone.now()).state == "forged"


def test_an_old_mail_can_still_be_answered(message: DunningMessage) -> None:
    long_ago = timezone.now() - timedelta(days=800)
    old = unsubscribing.url(message, now=long_ago).removeprefix("https://pay.example.com")
    assert click(old).status_code == 200
    assert SuppressedAddress.objects.exists()


def test_a_message_that_went_to_nobody_has_no_way_out(message: DunningMessage) -> None:
    queued = queue(fail(), now=timezone.now())
    address = unsubscribing.url(queued, now=timezone.now())
    assert click(address.removeprefix("https://pay.example.com")).status_code == 400


def test_other_methods_are_refused(message: DunningMessage) -> None:
    assert Client().put(way_out()).status_code == 405
