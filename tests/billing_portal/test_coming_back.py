"""Back from Stripe without a new card: what is on file is told, and charged when asked for."""

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from billing_portal import links, new_cards
from billing_portal.models import PaymentUpdateLink
from recovery import customers
from recovery.models import RecoveryCase
from tests.billing_portal import levels
from tests.billing_portal.levels import DEFAULT, renews
from tests.billing_portal.visits import PAGE, Visit, stripe_customer
from tests.connected import KEY, asked_to_pay, charges, down, fail_again, hear
from tests.local_stripe import LocalStripe

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def saved(local_stripe: LocalStripe, debt: RecoveryCase) -> str:
    """The subscription has the card that failed for itself; the customer's is a good one."""
    levels.fails_by(local_stripe, debt, "subscription.default_payment_method")
    card = levels.attach(local_stripe, debt)
    levels.customer(local_stripe, debt, **{DEFAULT: card})
    return card


@pytest.fixture
def visit(debt: RecoveryCase, saved: str) -> Visit:
    jo = Visit(debt)
    jo.set_out()
    return jo


def test_stripe_is_told_another_way_back_for_who_saved_a_card(
    local_stripe: LocalStripe, debt: RecoveryCase
) -> None:
    Visit(debt).set_out()

    [asked] = [one.params for one in local_stripe.requests if "flow_data" in one.params]
    done = asked["flow_data"]["after_completion"]["redirect"]["return_url"]
    assert done == f"{asked['return_url']}&done=1"


@pytest.mark.parametrize("is_done", [False, True])
def test_a_good_card_on_file_is_named_and_a_look_charges_nothing(
    local_stripe: LocalStripe, debt: RecoveryCase, visit: Visit, is_done: bool
) -> None:
    assert [visit.come_back(is_done=is_done) for _again in range(2)] == ["other_card"] * 2

    assert "Your saved card is Visa ending in 4242" in visit.page
    assert "the payment that failed used another one" in visit.page
    assert charges(local_stripe) == []
    own = levels.subscription(local_stripe, debt.stripe_subscription_id)
    assert own["default_payment_method"] == debt.payment_method_id
    told = debt.timeline.filter(kind="update_left")
    assert [entry.summary for entry in told] == [
        "The customer came back from Stripe without a new card."
    ]


def test_the_button_charges_all_that_is_open_to_it_and_the_next_renewal_too(
    local_stripe: LocalStripe, debt: RecoveryCase, visit: Visit, saved: str
) -> None:
    other = fail_again(local_stripe, debt)
    visit.come_back()

    assert visit.press() == "success"

    assert visit.outcomes == [("$49.00", "paid")] * 2
    assert charges(local_stripe) == [debt.stripe_invoice_id, other]
    assert renews(local_stripe, debt.stripe_subscription_id) == ("paid", saved)


def test_pressing_again_charges_nothing_twice(
    local_stripe: LocalStripe, debt: RecoveryCase, visit: Visit
) -> None:
    visit.come_back()
    shown = visit.page
    for _again in range(2):
        visit.page = shown
        assert visit.press() == "success"

    assert charges(local_stripe) == [debt.stripe_invoice_id]
    assert visit.come_back() == "success"


def test_a_saved_card_that_is_declined_is_told_as_declined_however_often_it_is_pressed(
    local_stripe: LocalStripe, debt: RecoveryCase, visit: Visit, saved: str
) -> None:
    local_stripe.scenarios.set_outcome(payment_method=saved, reason="insufficient_funds")
    visit.come_back()
    shown = visit.page
    for _again in range(2):
        visit.page = shown
        assert visit.press() == "declined"

    assert "The card was declined" in visit.page
    assert charges(local_stripe) == [debt.stripe_invoice_id]
    assert visit.come_back() == "unchanged"


def test_what_the_bank_asks_can_be_confirmed_on_the_spot(
    local_stripe: LocalStripe, debt: RecoveryCase, visit: Visit, saved: str
) -> None:
    local_stripe.scenarios.set_outcome(payment_method=saved, reason="3ds")
    visit.come_back()

    assert visit.press() == "needs_authentication"
    assert f'href="{debt.hosted_invoice_url}"' in visit.page


def test_an_answer_that_is_not_known_yet_is_asked_for_by_the_same_button(
    local_stripe: LocalStripe, debt: RecoveryCase, visit: Visit, monkeypatch: pytest.MonkeyPatch
) -> None:
    visit.come_back()
    with down(local_stripe, monkeypatch, "*/pay"):
        assert visit.press() == "unavailable"

    debt.attempts.update(attempted_at=timezone.now() - timedelta(minutes=3))
    assert visit.press() == "success"
    assert len({one.headers["idempotency-key"] for one in asked_to_pay(local_stripe)}) == 1


def test_a_button_for_a_card_that_is_no_longer_the_one_on_file_charges_nothing(
    local_stripe: LocalStripe, debt: RecoveryCase, visit: Visit
) -> None:
    visit.come_back()
    another = levels.attach(local_stripe, debt, "pm_card_mastercard")
    levels.customer(local_stripe, debt, **{DEFAULT: another})
    links.started(visit.link, payment_method_before=another, now=timezone.now())

    assert visit.press() == "other_card"

    assert "Mastercard ending in 4444" in visit.page
    assert charges(local_stripe) == []


@pytest.mark.parametrize("purpose", ["update", "nonsense"])
def test_only_the_token_of_the_way_back_charges_the_card_on_file(
    local_stripe: LocalStripe, visit: Visit, saved: str, purpose: str
) -> None:
    token = visit.token if purpose == "update" else "nonsense"

    response = Client().post(f"{PAGE}/return", {"r": token, "card": saved})

    assert response.status_code == 400
    assert charges(local_stripe) == []


def test_who_saved_the_same_card_is_told_so_and_who_turned_back_is_told_that(
    local_stripe: LocalStripe, debt: RecoveryCase
) -> None:
    jo = Visit(debt)
    jo.set_out()

    assert jo.come_back(is_done=True) == "same_card"
    assert "still what the payment failed with" in jo.page
    assert links.find(jo.again, now=timezone.now()).state == "valid"
    assert jo.come_back() == "unchanged"
    assert "without saving a new card" in jo.page
    assert charges(local_stripe) == []


def test_the_same_number_saved_as_another_card_is_not_called_another(
    local_stripe: LocalStripe, debt: RecoveryCase
) -> None:
    again = levels.attach(local_stripe, debt, "pm_card_chargeCustomerFail")
    levels.customer(local_stripe, debt, **{DEFAULT: again})
    jo = Visit(debt)
    jo.set_out()

    assert jo.come_back() == "unchanged"


def test_a_payment_method_without_a_number_is_told_of_without_one(
    local_stripe: LocalStripe, visit: Visit, saved: str
) -> None:
    found = local_stripe.world.find("payment_method", saved)
    assert found
    found[1]["card"] = {**found[1]["card"], "last4": ""}

    assert visit.come_back() == "other_card"
    assert "Your saved payment method is not the one that the failed payment used" in visit.page


def test_a_card_on_file_is_not_offered_for_what_is_paid_already(
    local_stripe: LocalStripe, debt: RecoveryCase, visit: Visit
) -> None:
    local_stripe.scenarios.pay(invoice=debt.stripe_invoice_id)
    hear(local_stripe)

    assert visit.come_back() == "success"
    assert charges(local_stripe) == []


def test_a_card_that_cannot_be_looked_at_is_no_answer(
    local_stripe: LocalStripe, visit: Visit, monkeypatch: pytest.MonkeyPatch
) -> None:
    with down(local_stripe, monkeypatch, "/v1/payment_methods/*"):
        assert visit.come_back() == "unavailable"
    assert visit.come_back() == "other_card"


# --- what can't be put right, or not yet ------------------------------------------------------


def test_a_key_that_may_write_nowhere_still_has_everything_charged(
    local_stripe: LocalStripe, debt: RecoveryCase, saved: str
) -> None:
    missing = ["rak_subscription_write", "rak_customer_write"]
    local_stripe.world.restrict(KEY, missing=missing)
    jo = Visit(debt)
    jo.set_out()
    local_stripe.scenarios.new_card(customer=stripe_customer(debt))

    assert [jo.come_back() for _again in range(2)] == ["success", "success"]

    assert charges(local_stripe) == [debt.stripe_invoice_id]
    told = debt.timeline.filter(kind__in=["card_not_put", "task_created"]).order_by("id")
    assert [entry.kind for entry in told] == ["card_not_put", "task_created"]
    assert "rak_subscription_write" in told[0].summary


def test_what_an_outage_kept_from_being_put_right_is_done_by_the_sweep(
    local_stripe: LocalStripe, debt: RecoveryCase, saved: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    jo = Visit(debt)
    jo.set_out()
    card = local_stripe.scenarios.new_card(customer=stripe_customer(debt))["payment_method"]
    with down(local_stripe, monkeypatch, "/v1/subscriptions*"):
        assert jo.come_back() == "success"
    debt.refresh_from_db()
    assert (debt.status, debt.timeline.filter(kind="card_put").count()) == ("recovered", 0)

    sweep_later(debt)

    assert renews(local_stripe, debt.stripe_subscription_id) == ("paid", card)
    assert charges(local_stripe) == [debt.stripe_invoice_id]
    assert debt.customer
    debt.customer.refresh_from_db()
    assert (debt.customer.new_payment_method_id, debt.customer.new_payment_method_due_at) == (
        "", None,
    )  # fmt: skip


def sweep_later(debt: RecoveryCase) -> None:
    """The sweep's next look at what is left to do."""
    later = timezone.now() + timedelta(minutes=1)
    claimed = customers.claim_new_cards(now=later)
    assert claimed == [debt.customer]
    for customer in claimed:
        new_cards.take_up(customer, now=later)


@pytest.mark.parametrize(("became", "page"), [("paid", "paid"), ("voided", "voided_with_more")])
def test_a_page_that_is_read_again_when_its_way_back_is_over_charges_no_later_debt(
    local_stripe: LocalStripe, debt: RecoveryCase, visit: Visit, became: str, page: str
) -> None:
    old_way_back = links.return_url(visit.link, now=timezone.now() - links.RETURN_LIFETIME)
    if became == "paid":
        local_stripe.scenarios.new_card(customer=stripe_customer(debt))
        visit.come_back()
    else:
        RecoveryCase.objects.update(
            status="voided", reason="invoice_voided", closed_at=timezone.now()
        )
    asked = charges(local_stripe)
    fail_again(local_stripe, debt)
    hear(local_stripe)
    local_stripe.scenarios.new_card(customer=stripe_customer(debt))
    there_were = PaymentUpdateLink.objects.count()

    shown = Client().get(f"{PAGE}/return?{old_way_back.partition('?')[2]}")

    assert shown.context["page"] == page
    assert charges(local_stripe) == asked
    assert PaymentUpdateLink.objects.count() == there_were
