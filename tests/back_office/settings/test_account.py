"""Settings → Account, Branding and Mail: what is filled in is kept, or said to be wrong."""

import zoneinfo
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from recover_project.back_office.settings.account import time_zones
from recovery import logos
from recovery.models import DeclineOverride, Merchant, RecoveryCase, Role
from tests.back_office.people import log_in, make_world
from tests.back_office.settings.filling_in import ACCOUNT, address, refused, row, send
from tests.drawings import file_of, wordmark

pytestmark = pytest.mark.django_db
LOGO = file_of(wordmark())
NO_ROOM = "9 isn't after 9. A window ends on the day it begins."


def no_choice(value: str) -> str:
    return f"Select a valid choice. {value} is not one of the available choices."


@pytest.fixture
def merchant() -> Merchant:
    return make_world("fern")


@pytest.fixture
def owner(merchant: Merchant) -> Client:
    return log_in(merchant, Role.OWNER)


# --- account -----------------------------------------------------------------------------------


def test_what_is_filled_in_is_kept(merchant: Merchant, owner: Client) -> None:
    assert send(owner, "", **ACCOUNT) == ["Saved."]

    kept = row(merchant)
    assert {name: kept[name] for name in ACCOUNT} == {
        "name": "Fern Ltd", "product_name": "Fern Tea", "time_zone": "Asia/Tokyo",
        "currency": "jpy", "monthly_price": 3000, "settling_minutes": 5,
        "payload_days": 45, "message_days": 400,
    }  # fmt: skip


def test_the_form_shows_what_is_kept(merchant: Merchant, owner: Client) -> None:
    send(owner, "", **ACCOUNT | {"currency": "bhd", "monthly_price": "2.125"})

    form = owner.get(address("")).context["form"]

    assert form.initial == {
        "name": "Fern Ltd", "product_name": "Fern Tea", "time_zone": "Asia/Tokyo",
        "currency": "bhd", "monthly_price": "2.125", "settling_minutes": 5,
        "payload_days": 45, "message_days": 400,
    }  # fmt: skip


def test_without_a_price_there_is_none(merchant: Merchant, owner: Client) -> None:
    send(owner, "", **ACCOUNT | {"monthly_price": ""})

    assert row(merchant)["monthly_price"] is None


@pytest.mark.parametrize(
    ("field", "value", "sentence"),
    [
        ("name", " ", "This field is required."),
        ("name", "x" * 201, "Ensure this value has at most 200 characters (it has 201)."),
        ("product_name", "", "This field is required."),
        ("time_zone", "Mars/Olympus", no_choice("Mars/Olympus")),
        ("currency", "€", "There is no such currency. Write it as usd."),
        ("currency", "zzz", "There is no such currency. Write it as usd."),
        ("monthly_price", "29,00", "Write it as 29.00, or leave it empty."),
        ("monthly_price", "-3", "Write it as 29.00, or leave it empty."),
        ("monthly_price", "0.5", "Write it as 29.00, or leave it empty."),
        ("monthly_price", "1e9999", "Write it as 29.00, or leave it empty."),
        ("settling_minutes", "soon", "Enter a whole number."),
        ("settling_minutes", "-1", "Ensure this value is greater than or equal to 0."),
        ("settling_minutes", "10081", "Ensure this value is less than or equal to 10080."),
        ("payload_days", "", "This field is required."),
        ("payload_days", "for ever", "Enter a whole number."),
        ("message_days", "29", "Ensure this value is greater than or equal to 30."),
        ("payload_days", "29", "Ensure this value is greater than or equal to 30."),
        ("payload_days", "3651", "Ensure this value is less than or equal to 3650."),
        ("payload_days", "9" * 30, "Ensure this value is less than or equal to 3650."),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_at_its_field_and_nothing_is_lost(
    merchant: Merchant, owner: Client, field: str, value: str, sentence: str
) -> None:
    before = row(merchant)

    assert refused(owner, "", **ACCOUNT | {field: value}) == {field: [sentence]}

    assert row(merchant) == before
    page = owner.post(address(""), ACCOUNT | {field: value}).content.decode()
    assert 'value="Fern Tea"' in page or field == "product_name"


def test_a_clock_called_by_its_place_comes_before_other_names_for_it() -> None:
    names = [name for name, _shown in time_zones()]

    assert names[0] == "UTC"
    assert names.index("Pacific/Wallis") < min(names.index("US/Eastern"), names.index("W-SU"))
    assert set(names) == zoneinfo.available_timezones() | {"UTC"}


@pytest.mark.parametrize("days", ["30", "3650"])
def test_payloads_are_kept_for_a_month_to_ten_years(
    merchant: Merchant, owner: Client, days: str
) -> None:
    assert row(merchant)["payload_days"] == 90

    assert send(owner, "", **ACCOUNT | {"payload_days": days}) == ["Saved."]

    assert row(merchant)["payload_days"] == int(days)
    shown = owner.get("/admin/changes/").content.decode()
    assert "<strong>payload days</strong>" in shown
    assert "<del>90</del>" in shown
    assert f"<ins>{days}</ins>" in shown


# --- decline codes -----------------------------------------------------------------------------


def test_a_decline_code_counts_otherwise_and_as_before_again(
    merchant: Merchant, owner: Client
) -> None:
    case = RecoveryCase.objects.get()
    assert (case.decline_code, case.decline_type) == ("expired_card", "action_required")

    said = send(owner, "_declines", decline_code="expired_card", decline_type="soft")
    assert said == ["Saved. 1 open case shows it."]
    case.refresh_from_db()
    assert case.decline_type == "soft"
    assert ("expired_card", "soft: it may work later", "action_required") in owner.get(
        address("")
    ).context["views"]

    said = send(owner, "_declines_forget", decline_code="expired_card")
    assert said == ["expired_card counts as for everybody again. 1 open case shows it."]
    case.refresh_from_db()
    assert case.decline_type == "action_required"


@pytest.mark.parametrize(
    ("code", "counts_as", "field"),
    [
        ("lost_card", "soft", "decline_code"), ("Do Not", "soft", "decline_code"),
        ("", "soft", "decline_code"), ("do_not_honor", "maybe", "decline_type"),
    ],
)  # fmt: skip
def test_a_code_that_can_t_be_changed_stays(
    merchant: Merchant, owner: Client, code: str, counts_as: str, field: str
) -> None:
    told = refused(owner, "_declines", decline_code=code, decline_type=counts_as)

    assert list(told) == [field]
    assert DeclineOverride.objects.count() == 0


def test_a_view_that_isn_t_there_can_t_be_removed(merchant: Merchant, owner: Client) -> None:
    said = send(owner, "_declines_forget", decline_code="do_not_honor")

    assert said == ["fern has no view of its own on it."]


# --- branding ----------------------------------------------------------------------------------


def a_file(content: bytes, name: str = "logo.png") -> SimpleUploadedFile:
    return SimpleUploadedFile(name, content, content_type="image/png")


def test_a_logo_and_a_color_are_kept_and_shown(merchant: Merchant, owner: Client) -> None:
    said = send(owner, "_branding", color="#ffe94d", logo=a_file(LOGO))

    assert said == ["Saved. White text on #ffe94d would have 1.2:1, so black is used."]
    logo = logos.of(merchant)
    assert logo is not None
    page = owner.get(address("_branding")).content.decode()
    assert f"/logo/{logo.digest}.png" in page
    assert 'href="/admin/preview/"' in page


def test_a_logo_is_taken_away_and_a_color_alone_leaves_it(
    merchant: Merchant, owner: Client
) -> None:
    send(owner, "_branding", color="#112233", logo=a_file(LOGO))
    send(owner, "_branding", color="#223344")
    assert logos.of(merchant) is not None

    send(owner, "_branding", color="#223344", without_logo="on")

    assert logos.of(merchant) is None


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"color": "red"}, "color"),
        ({"color": "#fff;background:url(//x)"}, "color"),
        ({"color": ""}, "color"),
        ({"color": "#112233", "logo": b"<svg/>"}, "logo"),
        ({"color": "#112233", "logo": b""}, "logo"),
        ({"color": "#112233", "logo": b"x" * (5 * 1024 * 1024 + 1)}, "logo"),
    ],
)
def test_what_can_t_be_shown_is_refused_and_the_old_looks_stay(
    merchant: Merchant, owner: Client, fields: dict[str, Any], field: str
) -> None:
    send(owner, "_branding", color="#445566", logo=a_file(LOGO))
    before = (row(merchant), logos.of(merchant))
    given = {name: a_file(value) if name == "logo" else value for name, value in fields.items()}

    assert list(refused(owner, "_branding", **given)) == [field]

    assert (row(merchant), logos.of(merchant)) == before


def test_a_file_and_no_logo_at_once_are_refused(merchant: Merchant, owner: Client) -> None:
    send(owner, "_branding", color="#445566", logo=a_file(LOGO))

    told = refused(owner, "_branding", color="#112233", logo=a_file(LOGO), without_logo="on")

    assert told == {"logo": ["Choose a file or no logo, not both."]}
    assert row(merchant)["color"] == "#445566"


# --- mail --------------------------------------------------------------------------------------


def test_the_addresses_are_kept_and_the_page_says_what_their_domain_needs(
    merchant: Merchant, owner: Client
) -> None:
    send(owner, "_mail_addresses", sender_email="billing@fern.example",
         support_email="help@fern.example")  # fmt: skip

    kept = row(merchant)
    assert (kept["sender_email"], kept["support_email"]) == (
        "billing@fern.example", "help@fern.example",
    )  # fmt: skip
    page = owner.get(address("_mail")).content.decode()
    assert "_domainkey.fern.example" in page
    assert "_dmarc.fern.example" in page


def test_without_an_address_of_ones_own_there_is_nothing_to_do(
    merchant: Merchant, owner: Client
) -> None:
    send(owner, "_mail_addresses", sender_email="", support_email="")

    page = owner.get(address("_mail")).content.decode()
    assert "you need do nothing" in page
    assert "_domainkey" not in page


@pytest.mark.parametrize("field", ["sender_email", "support_email"])
def test_what_is_no_address_is_refused(merchant: Merchant, owner: Client, field: str) -> None:
    before = row(merchant)

    assert list(refused(owner, "_mail_addresses", **{field: "a@b\nBcc: c@d.de"})) == [field]

    assert row(merchant) == before


def test_the_send_window_is_kept(merchant: Merchant, owner: Client) -> None:
    send(owner, "_mail_window", send_from_hour="9", send_until_hour="17",
         send_weekdays=["5", "1", "3"])  # fmt: skip

    kept = row(merchant)
    assert (kept["send_from_hour"], kept["send_until_hour"], kept["send_weekdays"]) == (
        9, 17, "135",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"send_until_hour": "9"}, {"send_until_hour": [NO_ROOM]}),
        ({"send_weekdays": []}, {"send_weekdays": ["Choose at least one day."]}),
        ({"send_weekdays": ["8"]}, {"send_weekdays": [no_choice("8")]}),
        ({"send_from_hour": "25"}, {"send_from_hour": [no_choice("25")]}),
    ],
)  # fmt: skip
def test_a_window_without_room_is_refused(
    merchant: Merchant, owner: Client, changed: dict[str, Any], told: dict[str, list[str]]
) -> None:
    before = row(merchant)
    usual = {"send_from_hour": "9", "send_until_hour": "17", "send_weekdays": ["1"]}

    assert refused(owner, "_mail_window", **usual | changed) == told

    assert row(merchant) == before
