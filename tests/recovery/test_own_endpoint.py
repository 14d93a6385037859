"""The endpoint by which Stripe tells of payments: deleted, disabled or changed, and mended."""

from typing import Any

import pytest
from django.utils import timezone

from recovery import endpoints, merchants
from recovery.endpoints import EVENTS, Mended
from recovery.models import Merchant, OperatorTask, SigningSecret, StripeConnection
from recovery.stripe_gateway import StripeGateway
from tests.builders import event, make_merchant, post
from tests.local_stripe import LocalStripe
from tests.recovery.reconciling import reconcile
from tests.recovery.stories import KEY, realm

pytestmark = pytest.mark.django_db


@pytest.fixture
def merchant(local_stripe: LocalStripe, db: None) -> Merchant:
    made = make_merchant()
    merchants.connect(merchant=made, api_key=KEY, now=timezone.now())
    return made


def at_stripe(local_stripe: LocalStripe) -> dict[str, Any]:
    [endpoint] = realm(local_stripe).all("webhook_endpoint")
    return endpoint


def kept(merchant: Merchant) -> StripeConnection:
    return StripeConnection.objects.get(merchant=merchant)


def believes(merchant: Merchant, secret: str) -> bool:
    told = event("customer.updated", {"id": "cus_1", "object": "customer"}, livemode=False)
    return bool(post(told, merchant=merchant, secret=secret).status_code == 200)


def test_one_that_is_as_it_should_be_is_left_alone(
    local_stripe: LocalStripe, merchant: Merchant
) -> None:
    before = dict(at_stripe(local_stripe))
    local_stripe.requests.clear()

    run = reconcile(merchant)

    assert (run.endpoint, run.has_drift) == ("fine", False)
    assert at_stripe(local_stripe) == before
    assert {one.method for one in local_stripe.requests} == {"GET"}


def test_one_that_was_disabled_is_enabled_again(
    local_stripe: LocalStripe, merchant: Merchant
) -> None:
    at_stripe(local_stripe)["status"] = "disabled"

    run = reconcile(merchant)

    assert (run.endpoint, run.state, run.has_drift) == ("enabled", "done", True)
    assert at_stripe(local_stripe)["status"] == "enabled"


@pytest.mark.parametrize(
    "change", [{"url": "http://127.0.0.1:9/elsewhere"}, {"enabled_events": ["invoice.paid"]}]
)
def test_one_that_was_changed_is_corrected(
    local_stripe: LocalStripe, merchant: Merchant, change: dict[str, Any]
) -> None:
    at_stripe(local_stripe).update(change)

    assert reconcile(merchant).endpoint == "corrected"

    endpoint = at_stripe(local_stripe)
    assert endpoint["url"] == merchants.webhook_url(merchant)
    assert endpoint["enabled_events"] == EVENTS


@pytest.mark.parametrize("more", [["*"], [*EVENTS, "charge.succeeded"]])
def test_one_that_hears_more_than_it_must_is_as_it_should_be(
    local_stripe: LocalStripe, merchant: Merchant, more: list[str]
) -> None:
    at_stripe(local_stripe)["enabled_events"] = more

    assert reconcile(merchant).endpoint == "fine"


def test_one_that_was_deleted_is_made_anew_and_its_new_secret_is_believed(
    local_stripe: LocalStripe, merchant: Merchant
) -> None:
    old = at_stripe(local_stripe)
    old["_deleted"] = True

    run = reconcile(merchant)

    new = at_stripe(local_stripe)
    assert run.endpoint == "made_anew"
    assert kept(merchant).endpoint_id == new["id"] != old["id"]
    assert believes(merchant, new["_secrets"][0]["value"])
    assert not believes(merchant, old["_secrets"][0]["value"])
    assert not SigningSecret.objects.filter(endpoint_id=old["id"]).exists()
    assert reconcile(merchant).endpoint == "fine"


def test_one_that_somebody_replaced_meanwhile_is_the_one_that_counts(
    local_stripe: LocalStripe, merchant: Merchant
) -> None:
    """The secret is rotated between our look and what we make of it."""
    at_stripe(local_stripe)["_deleted"] = True
    StripeConnection.objects.update(endpoint_id="we_another")

    mended = endpoints.mend(merchant, StripeGateway(api_key=KEY))

    assert (mended, kept(merchant).endpoint_id) == (Mended.NOTHING, "we_another")
    assert realm(local_stripe).all("webhook_endpoint") == []


def test_one_that_was_made_by_hand_is_left_alone(
    local_stripe: LocalStripe, merchant: Merchant
) -> None:
    StripeConnection.objects.update(endpoint_id="")
    local_stripe.requests.clear()

    assert reconcile(merchant).endpoint == "by_hand"

    assert not [one for one in local_stripe.requests if "webhook_endpoints" in one.path]


def test_where_the_key_may_not_mend_it_a_person_is_told_what_to_allow(
    local_stripe: LocalStripe, merchant: Merchant
) -> None:
    at_stripe(local_stripe)["status"] = "disabled"
    local_stripe.world.restrict(KEY, missing={"rak_webhook_write"})

    run = reconcile(merchant)

    assert (run.endpoint, run.state) == ("left", "failed")
    [task] = OperatorTask.objects.all()
    assert task.kind == "permission_missing"
    assert "“Webhook Endpoints: Write” (rak_webhook_write)" in task.summary
    assert at_stripe(local_stripe)["status"] == "disabled"


def test_where_stripe_has_no_room_for_it_a_person_is_told(
    local_stripe: LocalStripe, merchant: Merchant
) -> None:
    at_stripe(local_stripe)["_deleted"] = True
    gateway = StripeGateway(api_key=KEY)
    for number in range(16):
        gateway.create_endpoint(
            url=f"http://127.0.0.1:9/{number}", events=["invoice.paid"], merchant="x",
            key=str(number),
        )  # fmt: skip

    for _hour in range(2):
        run = reconcile(merchant)

    assert (run.endpoint, run.state) == ("left", "failed")
    [task] = OperatorTask.objects.all()
    assert task.kind == "endpoint_lost"
    assert "no room for another webhook endpoint" in task.summary
