"""A new merchant by the platform's staff: made, shown its keys once, worked for at once."""

import pytest
from django.test import Client
from django.utils import timezone

from recovery import credentials
from recovery.models import ApiKey, Merchant, Role, SigningSecret, StripeConnection
from tests.back_office.people import log_in, log_in_superuser
from tests.back_office.settings.filling_in import address, refused, shown
from tests.builders import make_merchant
from tests.connected import KEY
from tests.local_stripe import LocalStripe

pytestmark = pytest.mark.django_db
WANTED = {
    "name": "Moss Ltd", "product_name": "Moss", "time_zone": "Europe/Berlin", "currency": "eur",
    "monthly_price": "", "settling_minutes": "30",
}  # fmt: skip


@pytest.fixture
def staff() -> Client:
    return log_in_superuser()


def test_the_first_merchant_is_made_and_its_keys_are_shown_once(staff: Client) -> None:
    answer = staff.post(address("_new_merchant"), WANTED)
    merchant_id, url, secret, internal_key, api_key = shown(staff, answer)

    merchant, now = Merchant.objects.get(), timezone.now()
    assert (merchant.public_id, merchant.name, merchant.currency) == (
        merchant_id, "Moss Ltd", "eur",
    )  # fmt: skip
    assert (merchant.time_zone, merchant.monthly_price) == ("Europe/Berlin", 2900)
    assert url.endswith(f"?m={merchant_id}")
    assert SigningSecret.objects.get().secret == secret
    assert credentials.internal_key(internal_key, now=now)
    assert credentials.api_key(api_key, now=now) == ApiKey.objects.get()
    assert shown(staff, answer) == []
    assert staff.get(address("")).context["merchant"] == merchant


def test_staff_works_for_the_merchant_that_they_made(staff: Client) -> None:
    make_merchant("Fern")

    staff.post(address("_new_merchant"), WANTED)

    assert staff.get(address("")).context["merchant"].name == "Moss Ltd"


@pytest.mark.parametrize(
    ("currency", "price", "kept"),
    [("jpy", "", None), ("usd", "none", None), ("usd", "49.50", 4950), ("jpy", "3000", 3000)],
)
def test_a_price_is_the_usual_one_where_none_is_given(
    staff: Client, currency: str, price: str, kept: int | None
) -> None:
    fields = WANTED | {"currency": currency, "monthly_price": price}
    shown(staff, staff.post(address("_new_merchant"), fields))

    assert Merchant.objects.get().monthly_price == kept


def test_a_merchant_is_connected_at_once(staff: Client, local_stripe: LocalStripe) -> None:
    shown(staff, staff.post(address("_new_merchant"), WANTED | {"stripe_api_key": KEY}))

    assert StripeConnection.objects.get().is_connected


@pytest.mark.parametrize(
    ("field", "value", "wrong"),
    [
        ("name", "", "name"), ("currency", "euros", "currency"), ("time_zone", "", "time_zone"),
        ("monthly_price", "free", "monthly_price"), ("settling_minutes", "", "settling_minutes"),
        ("stripe_api_key", "pk_test_1", "__all__"),
    ],
)  # fmt: skip
def test_what_is_wrong_makes_no_merchant(
    staff: Client, field: str, value: str, wrong: str
) -> None:
    assert list(refused(staff, "_new_merchant", **WANTED | {field: value})) == [wrong]

    assert Merchant.objects.count() == 0


def test_a_key_that_lacks_something_makes_no_merchant(
    staff: Client, local_stripe: LocalStripe
) -> None:
    local_stripe.world.restrict(KEY, missing=["rak_charge_read"])

    told = refused(staff, "_new_merchant", **WANTED | {"stripe_api_key": KEY})

    assert "rak_charge_read" in told["__all__"][0]
    assert Merchant.objects.count() == 0


@pytest.mark.parametrize("role", Role.values)
def test_no_member_makes_a_merchant(role: str) -> None:
    client = log_in(make_merchant(), role)

    assert client.get(address("_new_merchant")).status_code == 403
    assert client.post(address("_new_merchant"), WANTED).status_code == 403
    assert "New merchant" not in client.get(address("")).content.decode()
    assert Merchant.objects.count() == 1
