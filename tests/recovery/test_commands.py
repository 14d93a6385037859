"""The commands: what they print, what they refuse in a sentence, and that nothing is kept then."""

import io
import json
import re
from collections.abc import Iterator

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from recovery import credentials
from recovery.models import (
    ApiKey,
    InternalKey,
    Membership,
    Merchant,
    SigningSecret,
    StripeConnection,
    User,
)
from tests.builders import DASHBOARD, DOCUMENTED_EXAMPLE, make_merchant, post
from tests.local_stripe import LocalStripe

pytestmark = pytest.mark.django_db
KEY = "rk_test_ferntea"
PASSWORD = "a long pass phrase of jo's"


@pytest.fixture
def local_stripe(settings: Settings) -> Iterator[LocalStripe]:
    with LocalStripe() as running:
        settings.STRIPE_API_BASE = running.url
        yield running


def run(*arguments: str) -> str:
    printed = io.StringIO()
    call_command(*arguments, stdout=printed)
    return printed.getvalue()


def refused(*arguments: str) -> str:
    with pytest.raises(CommandError) as error:
        call_command(*arguments)
    return str(error.value)


def count_rows() -> list[int]:
    kept = (Merchant, StripeConnection, SigningSecret, InternalKey, ApiKey, User, Membership)
    return [model.objects.count() for model in kept]


# --- create_merchant --------------------------------------------------------------------------


def test_every_credential_that_is_printed_works() -> None:
    made = json.loads(run("create_merchant", "Fern Tea Club", "--json"))

    merchant = Merchant.objects.get(public_id=made["merchant_id"])
    event = DOCUMENTED_EXAMPLE | {"id": "evt_1"}
    assert post(event, merchant=merchant, secret=made["webhook_secret"]).status_code == 200
    shown = Client().get(DASHBOARD, headers={"X-Internal-Key": made["internal_key"]})
    assert shown.status_code == 200
    key = credentials.api_key(made["api_key"], now=timezone.now())
    assert key == ApiKey.objects.get()
    assert made["webhook_url"] == (
        f"{settings.PUBLIC_URL}/fourthngoal/recover/webhook?m={merchant.public_id}"
    )


def test_a_merchant_is_made_as_it_is_described() -> None:
    made = json.loads(
        run(
            "create_merchant", " Fern Ltd ", "--product-name", "Fern Tea", "--currency", "JPY",
            "--timezone", "Asia/Tokyo", "--monthly-price", "3000", "--webhook-secret",
            " whsec_by_hand ", "--json",
        )
    )  # fmt: skip

    merchant = Merchant.objects.get()
    assert (merchant.name, merchant.product_name) == ("Fern Ltd", "Fern Tea")
    assert (merchant.currency, merchant.monthly_price) == ("jpy", 3000)
    assert merchant.time_zone == "Asia/Tokyo"
    assert made["webhook_secret"] == SigningSecret.objects.get().secret == "whsec_by_hand"


@pytest.mark.parametrize(
    ("price", "currency", "minor_units"),
    [
        ("29.00", "usd", 2900), ("29", "usd", 2900), ("0.01", "usd", 1), ("29.000", "usd", 2900),
        ("29", "jpy", 29), ("2.125", "bhd", 2125), ("none", "usd", None), ("None", "usd", None),
    ],
)  # fmt: skip
def test_a_price_is_kept_in_minor_units(
    price: str, currency: str, minor_units: int | None
) -> None:
    run("create_merchant", "Fern", "--monthly-price", price, "--currency", currency)

    assert Merchant.objects.get().monthly_price == minor_units


@pytest.mark.parametrize(
    ("currency", "minor_units"),
    [("usd", 2900), ("EUR", 2900), ("isk", 2900), ("jpy", None), ("BHD", None)],
)
def test_the_default_price_is_29_where_a_currency_has_cents_and_none_elsewhere(
    currency: str, minor_units: int | None
) -> None:
    made = json.loads(run("create_merchant", "Fern", "--currency", currency, "--json"))

    assert Merchant.objects.get().monthly_price == minor_units
    shown = Client().get(DASHBOARD, headers={"X-Internal-Key": made["internal_key"]}).json()
    assert shown["roi_multiple"] == (0 if minor_units else None)


@pytest.mark.parametrize(("options", "minutes"), [([], 30), (["--settling-minutes", "1"], 1)])
def test_a_buyer_is_left_alone_for_as_long_as_is_said(options: list[str], minutes: int) -> None:
    run("create_merchant", "Fern", *options)

    assert Merchant.objects.get().settling_minutes == minutes


def test_a_merchant_has_no_price_of_its_own_accord() -> None:
    assert Merchant().monthly_price is None


def test_without_json_each_credential_has_a_line() -> None:
    lines = run("create_merchant", "Fern").splitlines()

    assert [line.split()[0] for line in lines] == [
        "merchant_id", "webhook_url", "webhook_secret", "internal_key", "api_key",
    ]  # fmt: skip
    assert all(len(line.split()) == 2 for line in lines)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ([""], "name: This field cannot be blank."),
        (["  "], "name: This field cannot be blank."),
        (["x" * 201], "name: Ensure this value has at most 200 characters (it has 201)."),
        (["Fern", "--product-name", "x" * 201],
         "--product-name: Ensure this value has at most 200 characters (it has 201)."),
        (["Fern", "--timezone", "Mars/Olympus"],
         "--timezone: There is no time zone 'Mars/Olympus'."),
        (["Fern", "--timezone", "../../etc/passwd"],
         "--timezone: There is no time zone '../../etc/passwd'."),
        (["Fern", "--timezone", ""], "--timezone: There is no time zone ''."),
        (["Fern", "--settling-minutes", "-1"],
         "--settling-minutes: Ensure this value is greater than or equal to 0."),
        (["Fern", "--settling-minutes", "10081"], "--settling-minutes: At most 10080, a week."),
        (["Fern", "--settling-minutes", "soon"],
         "Error: argument --settling-minutes: invalid int value: 'soon'"),
        (["Fern", "--currency", "euros"], "--currency: Write it as usd."),
        (["Fern", "--currency", "zzz"], "--currency: There is no currency 'zzz'."),
        (["Fern", "--currency", "€"], "--currency: Write it as usd."),
        (["Fern", "--currency", ""], "--currency: This field cannot be blank."),
        *(
            (["Fern", "--monthly-price", price],
             f"--monthly-price is {price!r}. Write it as 29.00, or none.")
            for price in ("free", "0", "-3", "29,00", "29.005", "NaN", "sNaN", "Infinity", "",
                          "1e9999999", "1e-9999999", "9" * 5000, "1e9", "99999999999999999")
        ),
        (["Fern", "--monthly-price", "29.50", "--currency", "jpy"],
         "--monthly-price is '29.50'. Write it as 29.00, or none."),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_in_one_sentence_and_nothing_is_kept(
    arguments: list[str], sentence: str
) -> None:
    assert refused("create_merchant", *arguments) == sentence
    assert count_rows() == [0] * 7


@pytest.mark.parametrize(
    ("key", "reason"),
    [
        ("pk_test_1", "That is no secret Stripe key"),
        ("rk_live_ferntea", "PUBLIC_URL"),
    ],
)
def test_a_key_that_cannot_work_makes_no_merchant(
    local_stripe: LocalStripe, key: str, reason: str
) -> None:
    said = refused("create_merchant", "Fern", "--stripe-api-key", key)

    assert reason in said
    assert said.endswith("\nNo merchant was made.")
    assert count_rows() == [0] * 7
    assert local_stripe.requests == []


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/v1/account"), ("*", "/v1/billing_portal/*"), ("POST", "/v1/webhook_endpoints"),
        ("GET", "/v1/invoices"),
    ],
)  # fmt: skip
def test_a_stripe_that_fails_on_the_way_makes_no_merchant(
    local_stripe: LocalStripe, method: str, path: str
) -> None:
    local_stripe.faults.add("500", method=method, path=path, times=20)

    said = refused("create_merchant", "Fern", "--stripe-api-key", KEY)

    assert said.endswith("\nNo merchant was made.")
    assert count_rows() == [0] * 7


# --- connect_stripe ---------------------------------------------------------------------------


def test_a_merchant_is_connected_by_its_id_and_key(local_stripe: LocalStripe) -> None:
    merchant = make_merchant()

    printed = run("connect_stripe", merchant.public_id, "--stripe-api-key", f" {KEY}\n")

    assert printed == ("Fern Tea Club is connected; Stripe delivers to its endpoint now.\n")
    merchant.stripe.refresh_from_db()
    assert merchant.stripe.api_key == KEY


def test_a_key_that_is_not_given_is_asked_for(
    local_stripe: LocalStripe, monkeypatch: pytest.MonkeyPatch
) -> None:
    merchant = make_merchant()
    monkeypatch.setattr("getpass.getpass", lambda _prompt: KEY)

    run("connect_stripe", merchant.public_id)

    merchant.stripe.refresh_from_db()
    assert merchant.stripe.api_key == KEY


@pytest.mark.parametrize("merchant_id", ["", "mer_unknown", "é"])
def test_connecting_nobody_says_so(merchant_id: str) -> None:
    said = refused("connect_stripe", merchant_id, "--stripe-api-key", KEY)

    assert said == f"There is no merchant {merchant_id}."


def test_a_refused_key_leaves_the_connection_as_it_was(local_stripe: LocalStripe) -> None:
    merchant = make_merchant()
    run("connect_stripe", merchant.public_id, "--stripe-api-key", KEY)
    before = StripeConnection.objects.values().get()

    said = refused("connect_stripe", merchant.public_id, "--stripe-api-key", "pk_test_1")

    assert re.match("That is no secret Stripe key", said)
    assert StripeConnection.objects.values().get() == before


# --- create_operator --------------------------------------------------------------------------


def create_operator(merchant: Merchant, email: str, *options: str) -> str:
    return run(
        "create_operator", email, "--merchant", merchant.public_id, "--password", PASSWORD,
        *options,
    )  # fmt: skip


def test_an_operator_may_log_in_and_look_and_nothing_else() -> None:
    merchant = make_merchant()

    printed = create_operator(merchant, " Jo@Example.COM ", "--role", "viewer")

    assert printed == "jo@example.com may log in at /admin/ as viewer of Fern Tea Club.\n"
    user = User.objects.get(email="jo@example.com")
    assert (user.is_staff, user.is_superuser, user.check_password(PASSWORD)) == (
        False,
        False,
        True,
    )
    assert user.get_all_permissions() == set()
    assert [(row.merchant, row.role) for row in user.memberships.all()] == [(merchant, "viewer")]


def test_doing_it_again_changes_role_and_password() -> None:
    merchant = make_merchant()
    create_operator(merchant, "jo@example.com")

    run("create_operator", "JO@example.com", "--merchant", merchant.public_id, "--role", "owner",
        "--password", "another long pass phrase")  # fmt: skip

    user = User.objects.get()
    assert user.check_password("another long pass phrase")
    assert [row.role for row in user.memberships.all()] == ["owner"]


def test_a_user_may_work_for_another_merchant_too() -> None:
    first, second = make_merchant(), make_merchant("Moss")
    create_operator(first, "jo@example.com", "--role", "owner")

    create_operator(second, "jo@example.com", "--role", "viewer")

    memberships = User.objects.get().memberships.order_by("pk")
    assert [(row.merchant, row.role) for row in memberships] == [
        (first, "owner"), (second, "viewer"),
    ]  # fmt: skip


def test_a_user_who_was_shut_out_is_let_in_again() -> None:
    merchant = make_merchant()
    create_operator(merchant, "jo@example.com")
    User.objects.update(is_active=False)

    create_operator(merchant, "jo@example.com")

    assert User.objects.get().is_active is True


@pytest.mark.parametrize(
    "email", ["", "jo", "jo@", "@example.com", "jo@example", "jo @example.com", "a@b.de, c@d.de"]
)
def test_what_is_no_address_is_refused(email: str) -> None:
    merchant = make_merchant()
    before = count_rows()

    said = refused(
        "create_operator", email, "--merchant", merchant.public_id, "--password", PASSWORD
    )

    assert said == "Enter a valid email address."
    assert count_rows() == before


@pytest.mark.parametrize(
    ("password", "reason"),
    [
        ("x1y2z3", "too short"),
        ("password", "too common"),
        ("8675309035", "entirely numeric"),
        ("jo@example.com", "too similar to the e-mail address"),
    ],
)
def test_a_weak_password_is_refused_and_an_old_one_stays(password: str, reason: str) -> None:
    merchant = make_merchant()
    create_operator(merchant, "jo@example.com", "--role", "viewer")

    said = refused(
        "create_operator", "jo@example.com", "--merchant", merchant.public_id, "--role", "owner",
        "--password", password,
    )  # fmt: skip

    assert reason in said
    assert User.objects.get().check_password(PASSWORD)
    assert Membership.objects.get().role == "viewer"


def test_a_password_that_is_asked_for_is_held_to_the_same(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    merchant = make_merchant()
    monkeypatch.setattr("getpass.getpass", lambda: "")

    said = refused("create_operator", "jo@example.com", "--merchant", merchant.public_id)

    assert "too short" in said
    assert User.objects.count() == 0


def test_without_anybody_to_ask_a_password_has_to_be_given(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def nobody() -> str:
        raise EOFError

    monkeypatch.setattr("getpass.getpass", nobody)
    merchant = make_merchant()

    said = refused("create_operator", "jo@example.com", "--merchant", merchant.public_id)

    assert said == "Nobody is there to be asked: give --password."


@pytest.mark.parametrize("merchant_id", ["", "mer_unknown"])
def test_nobody_works_for_a_merchant_that_is_not_there(merchant_id: str) -> None:
    said = refused("create_operator", "jo@example.com", "--merchant", merchant_id)

    assert said == f"There is no merchant {merchant_id}."
    assert count_rows() == [0] * 7


def test_a_role_that_is_not_there_is_refused() -> None:
    merchant = make_merchant()

    said = refused(
        "create_operator", "jo@example.com", "--merchant", merchant.public_id, "--role", "god"
    )

    assert "invalid choice: 'god'" in said
    assert User.objects.count() == 0
