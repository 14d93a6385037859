"""Back from Stripe's portal: what is open is charged to the new card, and told truthfully."""

import pytest
from django.db import connections
from django.utils import timezone

from billing_portal import links
from billing_portal.models import PaymentUpdateLink
from recovery.models import Merchant, RecoveryCase, StripeEvent
from tests.billing_portal.visits import Visit, save_card, stripe_customer
from tests.connected import KEY, ask, charges, down, fail_again, fail_renewal, hear
from tests.local_stripe import LocalStripe
from tests.local_stripe.exchange import Exchange

pytestmark = pytest.mark.django_db(transaction=True)
ALWAYS_3DS = "4000 0000 0000 3220"


def statuses() -> list[str]:
    return list(RecoveryCase.objects.order_by("failed_at").values_list("status", flat=True))


def test_without_a_new_card_nothing_is_charged(
    local_stripe: LocalStripe, debt: RecoveryCase, visit: Visit
) -> None:
    assert visit.come_back() == "unchanged"

    assert "nothing was charged" in visit.page
    assert charges(local_stripe) == []
    assert statuses() == ["open"]
    visit.link.refresh_from_db()
    assert visit.link.finished_at is None
    assert links.find(visit.again, now=timezone.now()).state == "valid"


def test_a_new_card_pays_everything_oldest_first_also_what_no_event_told_of(
    local_stripe: LocalStripe, merchant: Merchant
) -> None:
    local_stripe.scenarios.renewal_fails(reason="expired_card", email="jo@example.com", key=KEY)
    local_stripe.wait_until_delivered()
    oldest = StripeEvent.objects.get(type="invoice.payment_failed").concerns
    subscription = local_stripe.scenarios._find("invoice", oldest)[1]["_subscription"]
    StripeEvent.objects.all().delete()
    local_stripe.clock.advance(hours=6)
    newer = local_stripe.scenarios.renews(subscription=subscription, key=KEY)["invoice"]
    hear(local_stripe)
    known = RecoveryCase.objects.get()
    assert known.stripe_invoice_id == newer
    newest = fail_again(local_stripe, known)
    jo = Visit(known)
    jo.set_out()
    save_card(local_stripe, known)

    assert jo.come_back() == "success"

    assert charges(local_stripe) == [oldest, newer, newest]
    assert jo.outcomes == [("$49.00", "paid")] * 3
    assert statuses() == ["recovered"] * 3
    assert "all set" in jo.page


def test_a_declined_card_is_told_and_another_may_be_tried(
    local_stripe: LocalStripe, debt: RecoveryCase, visit: Visit
) -> None:
    save_card(local_stripe, debt, reason="insufficient_funds")

    assert visit.come_back() == "declined"

    assert "The card was declined" in visit.page
    assert visit.outcomes == [("$49.00", "declined")]
    debt.refresh_from_db()
    assert (debt.status, debt.decline_code) == ("open", "insufficient_funds")
    again = Visit(debt)
    again.token = visit.again
    assert again.set_out() == 303


def test_who_owes_more_than_the_links_debt_reads_so_before_setting_out(
    local_stripe: LocalStripe, debt: RecoveryCase
) -> None:
    assert "what else is open" not in Visit(debt).read()
    fail_again(local_stripe, debt)
    hear(local_stripe)
    assert "what else is open" in Visit(debt).read()


def test_two_payments_that_need_confirming_have_a_way_each(
    local_stripe: LocalStripe, debt: RecoveryCase, visit: Visit
) -> None:
    other = fail_again(local_stripe, debt)
    save_card(local_stripe, debt, number=ALWAYS_3DS)

    assert visit.come_back() == "needs_authentication"

    for invoice in (debt.stripe_invoice_id, other):
        case = RecoveryCase.objects.get(stripe_invoice_id=invoice)
        assert visit.page.count(f'href="{case.hosted_invoice_url}"') == 1
        assert f"<bdi>{case.invoice_number}</bdi>" in visit.page
    assert 'aria-labelledby="confirm-2 amount-2 invoice-2"' in visit.page


def test_a_debt_that_was_declined_can_be_paid_though_the_one_of_the_link_was_not(
    local_stripe: LocalStripe, debt: RecoveryCase, visit: Visit
) -> None:
    other = fail_again(local_stripe, debt)
    hear(local_stripe)
    save_card(local_stripe, debt)
    local_stripe.faults.add("decline", path=f"/v1/invoices/{other}/pay")

    assert visit.come_back() == "partly"

    assert visit.outcomes == [("$49.00", "paid"), ("$49.00", "declined")]
    assert "Paid in part" in visit.page
    assert statuses() == ["recovered", "open"]
    unpaid = RecoveryCase.objects.get(stripe_invoice_id=other)
    again = links.find(visit.again, now=timezone.now())
    assert again.state == "valid"
    assert again.link
    assert again.link.case == unpaid


def test_a_card_that_needs_confirming_shows_the_way_to_stripes_page(
    local_stripe: LocalStripe, debt: RecoveryCase, visit: Visit
) -> None:
    save_card(local_stripe, debt, number=ALWAYS_3DS)

    assert visit.come_back() == "needs_authentication"

    assert debt.hosted_invoice_url
    assert f'href="{debt.hosted_invoice_url}"' in visit.page
    assert statuses() == ["open"]
    assert len(charges(local_stripe)) == 1

    local_stripe.scenarios.pay(invoice=debt.stripe_invoice_id)
    hear(local_stripe)
    assert visit.come_back() == "success"


def test_no_link_is_made_for_a_page_that_offers_no_other_card(
    local_stripe: LocalStripe, debt: RecoveryCase, visit: Visit,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    with down(local_stripe, monkeypatch):
        assert visit.come_back() == "unavailable"

    assert "Refresh this page" in visit.page
    assert visit.again == ""
    assert PaymentUpdateLink.objects.get() == visit.link


def test_refreshing_the_page_charges_nothing_twice(
    local_stripe: LocalStripe, debt: RecoveryCase, visit: Visit
) -> None:
    save_card(local_stripe, debt)

    assert [visit.come_back() for _again in range(3)] == ["success"] * 3
    assert charges(local_stripe) == [debt.stripe_invoice_id]
    hear(local_stripe)
    assert visit.come_back() == "success"
    assert charges(local_stripe) == [debt.stripe_invoice_id]
    assert statuses() == ["recovered"]


def test_refreshing_after_a_decline_tells_the_same_and_charges_nothing(
    local_stripe: LocalStripe, debt: RecoveryCase, visit: Visit
) -> None:
    save_card(local_stripe, debt, reason="insufficient_funds")

    assert [visit.come_back() for _again in range(2)] == ["declined", "declined"]
    assert charges(local_stripe) == [debt.stripe_invoice_id]


def test_what_was_given_up_but_is_still_open_at_stripe_is_paid(
    local_stripe: LocalStripe, debt: RecoveryCase
) -> None:
    local_stripe.scenarios.cancel(subscription=debt.stripe_subscription_id)
    hear(local_stripe)
    assert statuses() == ["lost"]
    jo = Visit(debt)
    assert jo.set_out() == 303
    save_card(local_stripe, debt)

    assert jo.come_back() == "success"
    assert statuses() == ["recovered"]


@pytest.mark.parametrize("has_new_card", [True, False])
def test_a_debt_that_was_voided_meanwhile_is_not_charged(
    local_stripe: LocalStripe, debt: RecoveryCase, visit: Visit, has_new_card: bool
) -> None:
    local_stripe.scenarios.void(invoice=debt.stripe_invoice_id)
    hear(local_stripe)
    if has_new_card:
        save_card(local_stripe, debt)

    assert visit.come_back() == "nothing_due"
    assert "Nothing to pay" in visit.page
    assert charges(local_stripe) == []


def test_a_new_card_pays_the_other_debts_though_the_one_of_the_link_was_voided(
    local_stripe: LocalStripe, debt: RecoveryCase, visit: Visit
) -> None:
    other = fail_again(local_stripe, debt)
    local_stripe.scenarios.void(invoice=debt.stripe_invoice_id)
    hear(local_stripe)
    save_card(local_stripe, debt)

    assert visit.come_back() == "success"
    assert charges(local_stripe) == [other]
    assert statuses() == ["voided", "recovered"]


def test_a_debt_that_stripe_no_longer_collects_is_not_called_declined(
    local_stripe: LocalStripe, debt: RecoveryCase, visit: Visit
) -> None:
    local_stripe.scenarios.void(invoice=debt.stripe_invoice_id)
    save_card(local_stripe, debt)

    assert visit.come_back() == "not_charged"
    assert "Nothing was charged" in visit.page
    assert visit.again == ""
    assert "declined" not in visit.page


@pytest.mark.parametrize(
    "why", [{"decline_code": "lost_card"}, {"advice_code": "do_not_try_again"}], ids=str
)
def test_a_card_that_the_bank_refused_before_is_not_called_settled(
    local_stripe: LocalStripe, debt: RecoveryCase, visit: Visit, why: dict[str, str]
) -> None:
    """The same number once more, whatever expiry was typed in."""
    saved = save_card(local_stripe, debt)
    found = local_stripe.world.find("payment_method", saved)
    assert found
    debt.attempts.update(fingerprint=found[1]["card"]["fingerprint"], decline_type="hard", **why)

    assert visit.come_back() == "card_refused"

    assert visit.outcomes == [("$49.00", "refused")]
    assert visit.again != ""
    assert "Please try another card" in visit.page
    assert charges(local_stripe) == []


def test_what_the_webhook_paid_is_told_with_what_is_paid_now(
    local_stripe: LocalStripe, debt: RecoveryCase, visit: Visit
) -> None:
    other = fail_again(local_stripe, debt)
    save_card(local_stripe, debt)
    local_stripe.scenarios.retry(invoice=debt.stripe_invoice_id)
    hear(local_stripe)
    assert statuses() == ["recovered", "open"]

    assert visit.come_back() == "success"

    assert visit.outcomes == [("$49.00", "already_paid"), ("$49.00", "paid")]
    assert charges(local_stripe) == [other]


@pytest.mark.parametrize("is_down", [False, True])
def test_nobody_is_told_that_all_is_paid_while_another_debt_is_open(
    local_stripe: LocalStripe, debt: RecoveryCase, visit: Visit, is_down: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    other = fail_again(local_stripe, debt)
    local_stripe.scenarios.pay(invoice=debt.stripe_invoice_id)
    hear(local_stripe)
    assert statuses() == ["recovered", "open"]

    if is_down:
        with down(local_stripe, monkeypatch):
            assert visit.come_back() == "unavailable"
    else:
        assert visit.come_back() == "unchanged"
        again = links.find(visit.again, now=timezone.now()).link
        assert again
        assert again.case.stripe_invoice_id == other
    assert "all set" not in visit.page
    assert charges(local_stripe) == []


@pytest.mark.parametrize("is_down", [False, True])
def test_a_debt_that_was_paid_otherwise_is_thanked_for(
    local_stripe: LocalStripe, debt: RecoveryCase, visit: Visit, is_down: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    local_stripe.scenarios.pay(invoice=debt.stripe_invoice_id)
    hear(local_stripe)

    if is_down:
        with down(local_stripe, monkeypatch):
            assert visit.come_back() == "success"
    assert visit.come_back() == "success"
    assert charges(local_stripe) == []


def test_a_payment_that_is_told_of_while_the_customer_comes_back_is_thanked_for(
    local_stripe: LocalStripe, debt: RecoveryCase, visit: Visit
) -> None:
    save_card(local_stripe, debt)

    def be_quicker(exchange: Exchange) -> None:
        if exchange.path.startswith("/v1/customers/"):
            local_stripe._on_exchange = None
            local_stripe.scenarios.retry(invoice=debt.stripe_invoice_id)
            hear(local_stripe)
            connections.close_all()

    local_stripe._on_exchange = be_quicker
    assert visit.come_back() == "success"
    assert visit.outcomes == [("$49.00", "already_paid")]
    assert charges(local_stripe) == []


def test_a_payment_that_the_webhook_has_yet_to_tell_of_is_recorded_and_not_repeated(
    local_stripe: LocalStripe, debt: RecoveryCase, visit: Visit
) -> None:
    local_stripe.scenarios.pay(invoice=debt.stripe_invoice_id)
    save_card(local_stripe, debt)

    assert visit.come_back() == "success"
    assert visit.outcomes == [("$49.00", "already_paid")]
    assert statuses() == ["recovered"]


def test_a_draft_is_never_charged(
    local_stripe: LocalStripe, debt: RecoveryCase, visit: Visit
) -> None:
    draft = ask(local_stripe, "POST", "invoices", customer=stripe_customer(debt))
    assert draft["status"] == "draft"
    save_card(local_stripe, debt)

    assert visit.come_back() == "success"

    assert charges(local_stripe) == [debt.stripe_invoice_id]
    assert ask(local_stripe, "GET", f"invoices/{draft['id']}")["status"] == "draft"


def test_known_debts_are_charged_though_stripe_cannot_list_them(
    local_stripe: LocalStripe, debt: RecoveryCase, visit: Visit,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    save_card(local_stripe, debt)
    with down(local_stripe, monkeypatch, "/v1/invoices"):
        assert visit.come_back() == "success"
    assert charges(local_stripe) == [debt.stripe_invoice_id]


def test_another_customers_debt_is_left_alone(
    local_stripe: LocalStripe, debt: RecoveryCase, visit: Visit
) -> None:
    other = fail_renewal(local_stripe, email="kim@example.com", name="Kim")
    save_card(local_stripe, debt)

    assert visit.come_back() == "success"
    other.refresh_from_db()
    assert other.status == "open"
    assert charges(local_stripe) == [debt.stripe_invoice_id]


def test_a_debt_of_nobody_known_is_nothing_to_charge(debt: RecoveryCase, visit: Visit) -> None:
    debt.customer = None
    debt.save()
    assert visit.come_back() == "nothing_due"
