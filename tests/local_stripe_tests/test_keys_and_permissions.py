"""Accounts by key, modes, restricted keys and connected accounts."""

import pytest
import stripe

from tests.local_stripe import LocalStripe
from tests.local_stripe_tests.conftest import KEY, MakeClient


def test_an_unknown_kind_of_key_is_401(make_client: MakeClient) -> None:
    with pytest.raises(stripe.AuthenticationError, match="Invalid API Key provided"):
        make_client("nonsense").v1.customers.list()


def test_a_revoked_key_is_401(local_stripe: LocalStripe, client: stripe.StripeClient) -> None:
    local_stripe.world.revoke(KEY)

    with pytest.raises(stripe.AuthenticationError) as error:
        client.v1.customers.list()
    assert error.value.error is not None
    assert error.value.error.code == "api_key_expired"


def test_secret_and_restricted_keys_of_one_account_see_the_same_objects(
    make_client: MakeClient,
) -> None:
    customer = make_client("sk_test_same").v1.customers.create()

    assert make_client("rk_test_same").v1.customers.retrieve(customer.id).id == customer.id


@pytest.mark.parametrize("key", ["sk_live_recover_demo", "sk_test_other"])
def test_another_mode_or_account_sees_nothing(
    make_client: MakeClient, client: stripe.StripeClient, key: str
) -> None:
    customer = client.v1.customers.create()

    with pytest.raises(stripe.InvalidRequestError) as error:
        make_client(key).v1.customers.retrieve(customer.id)
    assert error.value.http_status == 404
    assert error.value.code == "resource_missing"


def test_the_keys_mode_is_the_objects_livemode(make_client: MakeClient) -> None:
    assert make_client("sk_live_x1").v1.customers.create().livemode is True
    assert make_client("sk_test_x1").v1.customers.create().livemode is False


def test_a_restricted_key_is_refused_before_anyone_looks_whether_the_object_exists(
    local_stripe: LocalStripe, make_client: MakeClient
) -> None:
    local_stripe.world.restrict("rk_test_demo", missing={"rak_payment_intent_read"})
    client = make_client("rk_test_demo")

    with pytest.raises(stripe.PermissionError) as error:
        client.v1.payment_intents.retrieve("pi_none")

    account = local_stripe.world.account_of("rk_test_demo").id
    assert error.value.http_status == 403
    assert error.value.user_message == (
        "The provided key 'rk_test_demo' does not have the required permissions for this "
        f"endpoint on account '{account}'. Having the 'rak_payment_intent_read' permission would "
        "allow this request to continue."
    )
    with pytest.raises(stripe.InvalidRequestError, match="No such invoice"):
        client.v1.invoices.retrieve("in_none")


def test_reading_is_allowed_where_only_writing_is_not(
    local_stripe: LocalStripe, make_client: MakeClient
) -> None:
    ids = local_stripe.scenarios.renewal_fails(key="rk_test_demo")
    local_stripe.world.restrict("rk_test_demo", missing={"rak_invoice_write"})
    client = make_client("rk_test_demo")

    assert client.v1.invoices.retrieve(ids["invoice"]).status == "open"
    with pytest.raises(stripe.PermissionError):
        client.v1.invoices.pay(ids["invoice"])


def test_a_platform_acts_for_its_connected_account_only(
    client: stripe.StripeClient, make_client: MakeClient
) -> None:
    account = client.v1.accounts.create({"type": "standard", "email": "m@example.com"})
    options: stripe.RequestOptions = {"stripe_account": account.id}
    customer = client.v1.customers.create({"name": "Jane"}, options)

    assert client.v1.customers.retrieve(customer.id, {}, options).name == "Jane"
    with pytest.raises(stripe.InvalidRequestError):
        client.v1.customers.retrieve(customer.id)
    with pytest.raises(stripe.PermissionError, match="does not have access to account"):
        make_client("sk_test_stranger").v1.customers.retrieve(customer.id, {}, options)


def test_the_account_tells_who_it_is(
    local_stripe: LocalStripe, client: stripe.StripeClient
) -> None:
    account = client.v1.accounts.retrieve_current()

    assert account.id == local_stripe.world.account_of(KEY).id
    assert account.charges_enabled is True
