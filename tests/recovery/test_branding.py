"""brand_merchant: what may be set, what is refused, and where it is seen."""

import pytest
from django.test import Client
from django.utils import timezone

from billing_portal import links
from recovery.models import Merchant, RecoveryCase
from tests.builders import DOCUMENTED_EXAMPLE, make_merchant, receive
from tests.recovery.test_commands import refused, run

pytestmark = pytest.mark.django_db
LOGO = "https://cdn.fern.example/logo.png"
BRAND = {
    "product_name": "Fern Tea", "color": "#0A6847", "logo_url": LOGO,
    "support_email": "help@fern.example", "sender_email": "billing@fern.example",
}  # fmt: skip


def brand(merchant: Merchant, **given: str) -> dict[str, str]:
    """What the command prints, by name."""
    options = [part for name, value in given.items()
               for part in (f"--{name.replace('_', '-')}", value)]  # fmt: skip
    lines = run("brand_merchant", merchant.public_id, *options).splitlines()
    return {line[:16].strip(): line[16:] for line in lines}


def test_all_of_it_at_once_is_kept_and_printed() -> None:
    merchant = make_merchant()

    assert brand(merchant, **BRAND) == BRAND
    merchant.refresh_from_db()
    assert {name: getattr(merchant, name) for name in BRAND} == BRAND


@pytest.mark.parametrize("name", BRAND)
def test_one_of_it_leaves_the_others_as_they_are(name: str) -> None:
    merchant = make_merchant("Moss")
    before = brand(merchant)
    assert before == {
        "product_name": "Moss", "color": "#1f5eff", "logo_url": "none", "support_email": "none",
        "sender_email": "none",
    }  # fmt: skip

    assert brand(merchant, **{name: f" {BRAND[name]} "}) == before | {name: BRAND[name]}


@pytest.mark.parametrize("name", ["logo_url", "support_email", "sender_email"])
def test_what_may_be_absent_is_taken_away_again(name: str) -> None:
    merchant = make_merchant()
    brand(merchant, **BRAND)

    assert brand(merchant, **{name: ""})[name] == "none"


@pytest.mark.parametrize(
    ("option", "value", "sentence"),
    [
        ("--product-name", " ", "This field cannot be blank."),
        ("--color", "green", "Write it as #rrggbb."),
        ("--color", "#fff;}", "Write it as #rrggbb."),
        ("--color", "", "This field cannot be blank."),
        ("--logo-url", "http://fern.example/logo.png",
         "Write an address that begins with https://."),
        ("--logo-url", "javascript:alert(1)", "Write an address that begins with https://."),
        ("--logo-url", "data:image/png;base64,AA", "Write an address that begins with https://."),
        ("--logo-url", "https://", "Enter a valid URL."),
        ("--logo-url", "https://fern.example/" + "x" * 200,
         "Ensure this value has at most 200 characters (it has 221)."),
        ("--support-email", "help", "Enter a valid email address."),
        ("--sender-email", "Fern <billing@fern.example>", "Enter a valid email address."),
        ("--sender-email", "a@b.example\nBcc: c@d.example", "Enter a valid email address."),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_in_a_sentence_and_nothing_is_kept(
    option: str, value: str, sentence: str
) -> None:
    merchant = make_merchant()
    before = Merchant.objects.values().get()

    said = refused("brand_merchant", merchant.public_id, "--product-name", "New", option, value)

    assert said == f"{option}: {sentence}"
    assert Merchant.objects.values().get() == before


def test_nobody_is_branded_who_is_not_there() -> None:
    assert refused("brand_merchant", "mer_x", "--color", "#000000") == (
        "There is no merchant mer_x."
    )


def test_the_customers_page_has_the_color_and_asks_no_other_host() -> None:
    merchant = make_merchant()
    brand(merchant, **BRAND)
    receive(DOCUMENTED_EXAMPLE)
    link = links.create(case=RecoveryCase.objects.get(), now=timezone.now())
    page = Client().get(f"{links.UPDATE_PATH}?{link.partition('?')[2]}")

    shown = page.content.decode()
    assert (page.status_code, "#0a6847" in shown.lower()) == (200, True)
    assert "Fern Tea" in shown
    assert "cdn.fern.example" not in shown + page["Content-Security-Policy"]
