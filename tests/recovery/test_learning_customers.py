"""Who owes: asked for once, as no invoice says where they live or which segment they are of."""

import pytest
from django.utils import timezone

from recovery import stripe_gateway
from recovery.models import Customer, Merchant, RecoveryCase
from recovery.stripe_gateway import StripeGateway, invoices
from recovery.tasks import enrich_cases
from tests.builders import receive
from tests.local_stripe import LocalStripe
from tests.recovery.stories import KEY, realm, stripe_is_down, told

pytestmark = pytest.mark.django_db


def make_due() -> None:
    RecoveryCase.objects.filter(enrich_at__isnull=False).update(enrich_at=timezone.now())


def segment(local_stripe: LocalStripe) -> None:
    """Every customer at Stripe lives in California and has the gold plan."""
    for customer in realm(local_stripe).all("customer"):
        customer["address"] = {"country": "US", "state": "CA"}
        customer["metadata"] = {"plan": "gold"}


def who_owes() -> tuple[str, str, dict[str, str]]:
    customer = Customer.objects.get()
    return customer.country, customer.state, customer.metadata


@pytest.mark.parametrize(
    ("scenario", "type_"),
    [
        ("renewal_fails", "invoice.payment_failed"),
        ("one_time_fails", "payment_intent.payment_failed"),
    ],
)
def test_a_new_case_learns_where_its_customer_lives_and_which_segment_they_are_of(
    local_stripe: LocalStripe, merchant: Merchant, scenario: str, type_: str
) -> None:
    getattr(local_stripe.scenarios, scenario)(key=KEY)
    segment(local_stripe)

    receive(*told(local_stripe, type_))

    assert who_owes() == ("US", "CA", {"plan": "gold"})


@pytest.fixture
def bare_key(monkeypatch: pytest.MonkeyPatch) -> None:
    """It may not have who owes an invoice along."""
    monkeypatch.setattr(invoices, "_BARE", {StripeGateway(api_key=KEY)._key})


@pytest.mark.usefixtures("bare_key")
def test_a_customer_that_stripe_told_of_is_not_asked_for_again(
    local_stripe: LocalStripe, merchant: Merchant
) -> None:
    local_stripe.scenarios.renewal_fails(key=KEY)
    segment(local_stripe)
    receive(*told(local_stripe, "invoice.payment_failed"))
    local_stripe.requests.clear()

    [again] = told(local_stripe, "invoice.payment_failed")
    receive(again | {"id": "evt_again"})

    paths = [one.path for one in local_stripe.requests]
    assert any("/invoices/" in path for path in paths)
    assert [path for path in paths if "/customers/" in path] == []


def test_once_stripe_answers_again_who_owes_comes_along_with_the_debt(
    local_stripe: LocalStripe, merchant: Merchant
) -> None:
    local_stripe.scenarios.renewal_fails(key=KEY)
    with stripe_is_down(local_stripe):
        receive(*told(local_stripe, "invoice.payment_failed"))
    segment(local_stripe)
    local_stripe.requests.clear()

    make_due()
    enrich_cases()

    assert who_owes() == ("US", "CA", {"plan": "gold"})
    assert [one.path for one in local_stripe.requests if "/customers/" in one.path] == []


@pytest.mark.usefixtures("bare_key")
def test_a_customer_that_could_not_be_asked_for_is_asked_for_with_the_case(
    local_stripe: LocalStripe, merchant: Merchant
) -> None:
    local_stripe.scenarios.renewal_fails(key=KEY)
    with stripe_is_down(local_stripe):
        receive(*told(local_stripe, "invoice.payment_failed"))
    case = RecoveryCase.objects.get()
    segment(local_stripe)
    assert who_owes() == ("", "", {})
    local_stripe.faults.add("reset", path="*/customers/*", times=9)
    make_due()
    enrich_cases()
    case.refresh_from_db()
    assert case.enrich_at is not None
    local_stripe.faults.clear()

    make_due()
    enrich_cases()

    case.refresh_from_db()
    assert case.enrich_at is None
    assert who_owes() == ("US", "CA", {"plan": "gold"})


@pytest.mark.parametrize(
    ("scenario", "type_"),
    [
        ("renewal_fails", "invoice.payment_failed"),
        ("one_time_fails", "payment_intent.payment_failed"),
    ],
)
@pytest.mark.usefixtures("bare_key")
def test_a_customer_who_could_not_be_asked_for_is_asked_for_again(
    local_stripe: LocalStripe, merchant: Merchant, monkeypatch: pytest.MonkeyPatch,
    scenario: str, type_: str,
) -> None:  # fmt: skip
    monkeypatch.setattr(stripe_gateway, "NETWORK_RETRIES", 0)
    getattr(local_stripe.scenarios, scenario)(key=KEY)
    segment(local_stripe)
    local_stripe.faults.add("reset", path="/v1/customers/*", times=100)
    receive(*told(local_stripe, type_))
    assert who_owes() == ("", "", {})

    local_stripe.faults.clear()
    make_due()
    enrich_cases()
    assert who_owes() == ("US", "CA", {"plan": "gold"})
    assert RecoveryCase.objects.get().enrich_at is None
