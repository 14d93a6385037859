"""Mailbox providers post for all their people from a few addresses (RFC 8058)."""

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from dunning.mail import unsubscribing
from dunning.models import DunningMessage, SuppressedAddress
from dunning.tasks import deliver_queued
from tests.builders import make_merchant
from tests.dunning.facts import fail, queue

pytestmark = pytest.mark.django_db
ONE_CLICK = {"List-Unsubscribe": "One-Click"}
URLENCODED = "application/x-www-form-urlencoded"


@pytest.fixture
def way_out() -> str:
    make_merchant()
    message = queue(fail(), now=timezone.now())
    deliver_queued()
    message.refresh_from_db()
    return address_of(message)


def address_of(message: DunningMessage, *, age: timedelta = timedelta(0)) -> str:
    return unsubscribing.url(message, now=timezone.now() - age).partition("8000")[2]


def post(address: str, data: Any = ONE_CLICK, **how: Any) -> Any:
    return Client().post(address, data, **how)


def use_up() -> None:
    """All that an address may ask for."""
    answers = {Client().get(unsubscribing.PATH).status_code for _each in range(60)}
    assert answers == {400}
    assert Client().get(unsubscribing.PATH).status_code == 429


@pytest.mark.parametrize("as_form", [{}, {"content_type": URLENCODED}], ids=["multipart", "url"])
def test_a_click_is_heard_whatever_else_came_from_its_address(
    way_out: str, as_form: dict[str, str]
) -> None:
    use_up()
    data = "List-Unsubscribe=One-Click" if as_form else ONE_CLICK

    answer = post(way_out, data, **as_form)

    assert (answer.status_code, answer["RateLimit-Remaining"]) == (200, "59")
    assert SuppressedAddress.objects.get().email == "jo@example.com"


def test_clicks_use_up_nothing_of_their_address(way_out: str) -> None:
    assert {post(way_out).status_code for _each in range(60)} == {200}

    assert Client().get(unsubscribing.PATH)["RateLimit-Remaining"] == "59"
    assert post(way_out).status_code == 429  # one mail's are enough


def test_a_click_on_an_old_mail_is_one(way_out: str) -> None:
    use_up()
    old = address_of(DunningMessage.objects.get(), age=timedelta(days=400))

    assert post(old).status_code == 200


@pytest.mark.parametrize(
    ("token", "data"),
    [
        ("", {}),
        ("", {"List-Unsubscribe": "no"}),
        ("", {**ONE_CLICK, "more": "x" * 1024}),
        ("x", ONE_CLICK),
    ],
    ids=["the page's own button", "another word", "too long", "a forged token"],
)
def test_what_is_no_click_counts_for_its_address(
    way_out: str, token: str, data: dict[str, str]
) -> None:
    use_up()

    assert post(f"{way_out}{token}", data).status_code == 429
    assert Client().get(way_out).status_code == 429
    assert not SuppressedAddress.objects.exists()


@pytest.mark.parametrize("length", ["", "x", "-1"])
def test_a_body_of_unknown_length_is_not_read_for_it(way_out: str, length: str) -> None:
    use_up()

    assert post(way_out, CONTENT_LENGTH=length).status_code == 429
