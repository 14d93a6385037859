"""What a key must be allowed, and what it may be: told apart where a merchant connects."""

import io
import json

import pytest
from django.core.management import CommandError, call_command

from recovery import merchants, permissions
from recovery.models import Merchant, StripeConnection
from tests.builders import make_merchant
from tests.connected import KEY
from tests.local_stripe import LocalStripe

pytestmark = pytest.mark.django_db
CONNECTED = "Fern Tea Club is connected; Stripe delivers to its endpoint now.\n"
HEADING = "Optional: allow these for the key in Stripe's dashboard, if you like.\n"


def line(name: str) -> str:
    return f"  {name}: {permissions.OPTIONAL[name]}\n"


def connect(merchant: Merchant) -> str:
    printed = io.StringIO()
    call_command("connect_stripe", merchant.public_id, "--stripe-api-key", KEY, stdout=printed)
    return printed.getvalue()


@pytest.mark.parametrize("name", permissions.OPTIONAL)
def test_a_permission_that_is_optional_is_told_of_with_what_it_is_for(
    local_stripe: LocalStripe, name: str
) -> None:
    local_stripe.world.restrict(KEY, missing=[name])

    assert connect(make_merchant()) == f"{CONNECTED}{HEADING}{line(name)}"
    assert StripeConnection.objects.get().api_key == KEY


def test_a_key_that_may_do_everything_is_told_of_nothing(local_stripe: LocalStripe) -> None:
    assert connect(make_merchant()) == CONNECTED


@pytest.mark.parametrize("name", permissions.REQUIRED)
def test_a_permission_that_is_needed_is_refused_without(
    local_stripe: LocalStripe, name: str
) -> None:
    local_stripe.world.restrict(KEY, missing=[name])

    with pytest.raises(CommandError, match=name):
        connect(make_merchant())
    assert StripeConnection.objects.get().api_key == ""


def test_what_is_optional_is_said_beside_the_credentials_of_a_new_merchant(
    local_stripe: LocalStripe,
) -> None:
    local_stripe.world.restrict(KEY, missing=["rak_checkout_session_write"])
    printed, beside = io.StringIO(), io.StringIO()

    call_command(
        "create_merchant", "Fern Tea Club", "--stripe-api-key", KEY, "--json",
        stdout=printed, stderr=beside,
    )  # fmt: skip

    assert json.loads(printed.getvalue())["merchant_id"].startswith("mer_")
    assert beside.getvalue() == HEADING + line("rak_checkout_session_write")


def test_where_stripe_cannot_be_asked_nothing_is_said_to_be_missing() -> None:
    assert merchants.missing_extras(make_merchant()) == {}
