"""A browser that fetches the ways back from Stripe ahead does nothing there; who comes does."""

import pytest
from django.test import Client
from django.utils import timezone

from billing_portal import links
from billing_portal.models import PaymentUpdateLink
from recovery.models import RecoveryCase
from tests.billing_portal.test_openings import AHEAD
from tests.billing_portal.visits import Visit, stripe_customer
from tests.connected import charges
from tests.local_stripe import LocalStripe

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.mark.parametrize("headers", AHEAD)
def test_a_new_card_is_charged_once_its_holder_is_back(
    local_stripe: LocalStripe, debt: RecoveryCase, headers: dict[str, str]
) -> None:
    jo = Visit(debt)
    jo.set_out()
    local_stripe.scenarios.new_card(customer=stripe_customer(debt))
    address = links.return_url(jo.link, now=timezone.now(), is_done=True)
    before = (rows(debt), len(local_stripe.requests))

    for _twice in range(2):
        answer = Client().get(address, headers=headers)
        assert (answer.status_code, answer["Cache-Control"]) == (503, "no-store")
        assert "noindex" in answer["X-Robots-Tag"]
        assert answer["Referrer-Policy"] == "no-referrer"

    assert (rows(debt), len(local_stripe.requests)) == before
    assert jo.come_back(is_done=True) == "success"
    assert charges(local_stripe) == [debt.stripe_invoice_id]


@pytest.mark.parametrize("headers", AHEAD)
def test_checkouts_outcome_is_looked_up_once_its_buyer_is_back(
    local_stripe: LocalStripe, debt: RecoveryCase, headers: dict[str, str]
) -> None:
    jo = Visit(debt)
    address = links.return_url(jo.link, now=timezone.now(), path=links.CHECKOUT_RETURN_PATH)
    before = (rows(debt), len(local_stripe.requests))

    answer = Client().get(address, headers=headers)

    assert (answer.status_code, answer["Cache-Control"]) == (503, "no-store")
    assert (rows(debt), len(local_stripe.requests)) == before
    assert Client().get(address).status_code == 200


def rows(case: RecoveryCase) -> list[object]:
    return [
        list(PaymentUpdateLink.objects.values()), list(RecoveryCase.objects.values()),
        list(case.timeline.values_list("kind", flat=True)),
    ]  # fmt: skip
