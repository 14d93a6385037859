"""A customer who comes back, comes back twice, and a worker, all at the same moment."""

import re
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from billing_portal import links
from billing_portal.page_words import PAGE_WORDS
from billing_portal.tasks import charge_new_cards
from recovery.models import OperatorTask, RecoveryCase
from recovery.tasks import process_inbox
from tests.billing_portal import levels
from tests.billing_portal.levels import DEFAULT, renews
from tests.billing_portal.visits import PAGE, Visit, stripe_customer
from tests.connected import KEY, asked_to_pay, charges, hear
from tests.local_stripe import LocalStripe
from tests.local_stripe.exchange import Exchange
from tests.threads import at_once

pytestmark = pytest.mark.django_db(transaction=True)
TRUE = {"back_success", "back_pending"}


class Back:
    """A browser that comes back, once or more, and what it was shown."""

    def __init__(self, visit: Visit) -> None:
        self.query = links.return_url(visit.link, now=timezone.now()).partition("?")[2]
        self.shown: list[str] = []

    def __call__(self) -> None:
        self._read(Client().get(f"{PAGE}/return?{self.query}"))

    def presses(self, card: str) -> None:
        token = self.query.partition("r=")[2]
        self._read(Client().post(f"{PAGE}/return", {"r": token, "card": card}))

    def _read(self, answer: Any) -> None:
        """By what the page says: a test client's context has what other threads render too."""
        heading = re.findall("<h1>(.*?)</h1>", answer.content.decode())
        pages = {name: page for name, page in PAGE_WORDS["en"].pages.items() if "back" in name}
        self.shown += [name for name, page in pages.items() if [page.heading] == heading]


@pytest.fixture
def back(local_stripe: LocalStripe, debt: RecoveryCase) -> Back:
    """Jo's subscription has the failed card for itself; Jo is at Stripe."""
    levels.fails_by(local_stripe, debt, "subscription.default_payment_method")
    jo = Visit(debt)
    jo.set_out()
    return Back(jo)


def save_card(local_stripe: LocalStripe, debt: RecoveryCase) -> str:
    return local_stripe.scenarios.new_card(customer=stripe_customer(debt))["payment_method"]


def assert_paid_once(
    local_stripe: LocalStripe, debt: RecoveryCase, back: Back, card: str, *, readers: int
) -> None:
    assert charges(local_stripe) == [debt.stripe_invoice_id]
    assert [one.status for one in asked_to_pay(local_stripe)] == [200]
    assert len(back.shown) == readers
    assert set(back.shown) <= TRUE
    back()
    assert back.shown[-1] == "back_success"
    debt.refresh_from_db()
    assert (debt.status, debt.amount_recovered) == ("recovered", 4900)
    assert debt.timeline.filter(kind="card_put").count() == 1
    assert debt.timeline.filter(kind="moved").count() == 1
    assert renews(local_stripe, debt.stripe_subscription_id) == ("paid", card)


def test_a_return_and_the_webhook_at_once(
    local_stripe: LocalStripe, debt: RecoveryCase, back: Back
) -> None:
    card = save_card(local_stripe, debt)
    assert local_stripe.wait_until_delivered()

    def worker() -> None:
        process_inbox()
        charge_new_cards()

    at_once(back, worker)

    assert_paid_once(local_stripe, debt, back, card, readers=1)


def test_two_returns_at_once(local_stripe: LocalStripe, debt: RecoveryCase, back: Back) -> None:
    card = save_card(local_stripe, debt)

    at_once(back, back)

    assert "back_success" in back.shown
    assert_paid_once(local_stripe, debt, back, card, readers=2)


def test_a_return_while_the_sweep_charges(
    local_stripe: LocalStripe, debt: RecoveryCase, back: Back
) -> None:
    card = save_card(local_stripe, debt)
    hear(local_stripe)

    at_once(charge_new_cards, back, charge_new_cards)

    assert_paid_once(local_stripe, debt, back, card, readers=1)


def test_a_return_in_the_middle_of_the_sweeps_charge_is_told_that_it_is_under_way(
    local_stripe: LocalStripe, debt: RecoveryCase, back: Back
) -> None:
    card = save_card(local_stripe, debt)
    hear(local_stripe)

    def come_back(exchange: Exchange) -> None:
        if exchange.path.endswith("/pay"):
            local_stripe._on_exchange = None
            at_once(back)

    local_stripe._on_exchange = come_back
    charge_new_cards()

    assert back.shown == ["back_pending"]
    assert_paid_once(local_stripe, debt, back, card, readers=1)


def test_the_button_pressed_twice_at_once(local_stripe: LocalStripe, debt: RecoveryCase) -> None:
    levels.fails_by(local_stripe, debt, "subscription.default_payment_method")
    card = levels.attach(local_stripe, debt)
    levels.customer(local_stripe, debt, **{DEFAULT: card})
    jo = Visit(debt)
    jo.set_out()
    back = Back(jo)

    at_once(lambda: back.presses(card), lambda: back.presses(card))

    assert_paid_once(local_stripe, debt, back, card, readers=2)


def test_a_return_and_the_webhook_at_once_leave_one_task(
    local_stripe: LocalStripe, debt: RecoveryCase, back: Back
) -> None:
    local_stripe.world.restrict(KEY, missing=["rak_subscription_write"])
    save_card(local_stripe, debt)
    hear(local_stripe)

    at_once(back, back, charge_new_cards)

    assert charges(local_stripe) == [debt.stripe_invoice_id]
    assert OperatorTask.objects.count() == 1
    assert debt.timeline.filter(kind="card_not_put").count() == 1
