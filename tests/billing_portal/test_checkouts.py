"""A one-time payment's page: to Stripe's Checkout, and the truth on the way back."""

from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from django.test import Client
from django.utils import timezone

from billing_portal import links
from billing_portal.models import PaymentUpdateLink
from billing_portal.tokens import Purpose
from recovery.models import Checkout, Merchant, OperatorTask, RecoveryCase
from recovery.stripe_gateway import StripeGateway
from tests.billing_portal.visits import PAGE, Visit
from tests.connected import KEY, ask, down
from tests.local_stripe import LocalStripe
from tests.recovery.purchases import (
    DECLINED,
    GOOD,
    failed_purchase,
    hear_all,
    intents,
    money_taken,
    sessions,
    standing,
    takes_days,
    type_in,
)
from tests.recovery.stories import realm

pytestmark = pytest.mark.django_db(transaction=True)
GUEST = pytest.mark.parametrize("is_guest", [True, False], ids=["a guest", "a customer"])


@pytest.fixture
def case(local_stripe: LocalStripe, merchant: Merchant) -> RecoveryCase:
    return failed_purchase(local_stripe, merchant)


@pytest.fixture
def guest(local_stripe: LocalStripe, merchant: Merchant) -> RecoveryCase:
    return failed_purchase(local_stripe, merchant, is_guest=True)


class Buyer(Visit):
    """A customer who pays once, at Checkout."""

    def is_back(self) -> str:
        """The page that Stripe sends the customer back to, by its name."""
        address = urlsplit(self.way_back)
        response = Client().get(f"{address.path}?{address.query}")
        self.page, self.status = response.content.decode(), response.status_code
        self.retry_after = response.headers.get("Retry-After", "")
        self.again = self.page.partition('name="token" value="')[2].partition('"')[0]
        return str(response.context["page"])

    @property
    def way_back(self) -> str:
        return links.return_url(self.link, now=timezone.now(), path=links.CHECKOUT_RETURN_PATH)


def tasks() -> list[str]:
    return list(OperatorTask.objects.order_by("id").values_list("kind", flat=True))


def shown_instead(case: RecoveryCase) -> list[str]:
    told = case.timeline.filter(kind="no_way_to_stripe").order_by("id")
    return list(told.values_list("summary", flat=True))


# --- there and back ---------------------------------------------------------------------------


@GUEST
def test_who_pays_at_checkout_is_thanked_before_any_event_is_heard(
    local_stripe: LocalStripe, merchant: Merchant, is_guest: bool
) -> None:
    case = failed_purchase(local_stripe, merchant, is_guest=is_guest)
    sam = Buyer(case)
    assert "Pay $25.00" in sam.read()

    assert sam.set_out() == 303
    assert type_in(sam.location, GOOD) == 303
    assert sam.is_back() == "paid"

    assert "this is paid" in sam.page
    assert standing(case) == ("recovered", "customer_paid", 2500)
    sam.link.refresh_from_db()
    assert sam.link.started_at
    assert sam.link.finished_at
    summaries = case.timeline.filter(actor="customer").order_by("id")
    assert list(summaries.values_list("summary", flat=True)) == [
        "The payment page was opened.",
        "The customer went to Stripe's Checkout to pay.",
        "The customer came back from Stripe.",
    ]
    assert [sam.is_back(), sam.set_out()] == ["paid", 200]
    hear_all(local_stripe, merchant)
    assert standing(case) == ("recovered", "customer_paid", 2500)
    assert money_taken(local_stripe) == 2500


def test_who_has_paid_once_and_owes_something_else_is_led_there(
    local_stripe: LocalStripe, case: RecoveryCase
) -> None:
    other = RecoveryCase.objects.create(
        merchant=case.merchant, customer=case.customer, livemode=case.livemode, amount=1200,
        currency="usd", decline_type="soft", stripe_invoice_id="in_2", failed_at=case.failed_at,
        opened_at=case.opened_at, known_at=case.known_at,
    )  # fmt: skip
    sam = Buyer(case)
    sam.set_out()
    type_in(sam.location, GOOD)
    for _again in range(2):
        assert sam.is_back() == "paid_with_more"
        assert "nothing left to do" not in sam.page

    onward = sam.page.partition("See what is open")[0].rpartition('href="')[2].partition('"')[0]
    assert PaymentUpdateLink.objects.latest("id").case == other
    assert "$12.00" in Client().get(onward).content.decode()


def test_stripe_is_given_a_way_back_and_never_the_links_own_token(
    local_stripe: LocalStripe, case: RecoveryCase
) -> None:
    sam = Buyer(case)
    response = Client().post(PAGE, {"token": sam.token, "lang": "de"})
    assert response.status_code == 303

    [session] = realm(local_stripe).all("checkout.session")
    back = urlsplit(session["success_url"])
    query = parse_qs(back.query)
    assert session["cancel_url"] == session["success_url"]
    assert back.path == "/fourthngoal/recover/update/return/checkout"
    found = links.find(query["r"][0], now=timezone.now(), purpose=Purpose.RETURN)
    assert found.link == sam.link
    assert (query["lang"], session["locale"]) == (["de"], "de")
    assert sam.token not in str([request.params for request in local_stripe.requests])
    stored = str(list(Checkout.objects.values()))
    assert session["url"] not in stored


def test_who_comes_back_without_paying_may_try_again(
    local_stripe: LocalStripe, merchant: Merchant, case: RecoveryCase
) -> None:
    sam = Buyer(case)
    sam.set_out()
    assert type_in(sam.location, DECLINED) == 402

    assert sam.is_back() == "checkout_unpaid"

    assert "nothing was charged" in sam.page
    assert "Pay $25.00" in sam.page
    assert standing(case) == ("open", "", 0)
    sam.link.refresh_from_db()
    assert sam.link.finished_at is None
    again = Buyer(case)
    again.token = sam.again
    assert again.set_out() == 303
    assert sessions(local_stripe) == ["expired", "open"]
    assert type_in(again.location, GOOD) == 303
    hear_all(local_stripe, merchant)
    assert standing(case) == ("recovered", "customer_paid", 2500)
    assert RecoveryCase.objects.get().attempts.count() == 2


def test_who_abandons_checkout_and_takes_the_mail_again_later_can_pay(
    local_stripe: LocalStripe, case: RecoveryCase
) -> None:
    sam = Buyer(case)
    sam.set_out()
    ask(local_stripe, "POST", f"checkout/sessions/{Checkout.objects.get().session_id}/expire")

    assert "Pay $25.00" in sam.read()
    assert sam.set_out() == 303
    assert type_in(sam.location, GOOD) == 303
    assert sam.is_back() == "paid"


def test_a_payment_that_a_bank_works_on_is_under_way_and_not_asked_for_again(
    local_stripe: LocalStripe, case: RecoveryCase
) -> None:
    sam = Buyer(case)
    sam.set_out()
    type_in(sam.location, GOOD)
    takes_days(local_stripe)

    assert sam.is_back() == "checkout_pending"
    assert "no need to pay again" in sam.page
    assert sam.again == ""

    assert sam.set_out() == 303
    assert sam.location == f"{PAGE}?token={sam.token}"
    assert "Your payment is under way" in sam.read()
    assert len(sessions(local_stripe)) == 1


def test_while_stripe_is_down_nobody_is_told_that_nothing_was_paid(
    local_stripe: LocalStripe, case: RecoveryCase, monkeypatch: pytest.MonkeyPatch
) -> None:
    sam = Buyer(case)
    sam.set_out()
    type_in(sam.location, GOOD)

    with down(local_stripe, monkeypatch):
        assert sam.is_back() == "checkout_unavailable"

    assert (sam.status, sam.retry_after) == (503, "60")
    assert "no need to pay again" in sam.page
    assert sam.again == ""
    assert sam.is_back() == "paid"


def test_a_payment_that_was_canceled_by_the_merchant_is_nothing_to_pay(
    local_stripe: LocalStripe, case: RecoveryCase
) -> None:
    sam = Buyer(case)
    ask(local_stripe, "POST", f"payment_intents/{case.stripe_payment_intent_id}/cancel")

    assert sam.is_back() == "voided"
    assert standing(case) == ("voided", "payment_canceled", 0)


def test_a_payment_that_was_canceled_or_paid_meanwhile_leads_back_to_a_page_that_says_so(
    local_stripe: LocalStripe, case: RecoveryCase
) -> None:
    ask(local_stripe, "POST", f"payment_intents/{case.stripe_payment_intent_id}/cancel")
    sam = Buyer(case)

    assert sam.set_out() == 303

    assert sam.location == f"{PAGE}?token={sam.token}"
    assert "Nothing to pay" in sam.read()
    assert sessions(local_stripe) == []


@pytest.mark.parametrize(
    ("age", "status", "words"),
    [(timedelta(hours=2), 410, "If you have paid"), (timedelta(0), 410, "no longer valid")],
)
def test_a_way_back_that_is_too_old_or_withdrawn_says_so(
    case: RecoveryCase, age: timedelta, status: int, words: str
) -> None:
    sam = Buyer(case)
    address = links.return_url(sam.link, now=timezone.now() - age, path=links.CHECKOUT_RETURN_PATH)
    if not age:
        links.revoke(sam.link, now=timezone.now())

    page = Client().get(f"{PAGE}/return/checkout?{address.partition('?')[2]}")

    assert page.status_code == status
    assert words in page.content.decode()
    assert Client().get(f"{PAGE}/return/checkout?r=x").status_code == 400
    assert Client().post(f"{PAGE}/return/checkout?r=x").status_code == 405


# --- where Checkout can't be opened -----------------------------------------------------------


def test_stripe_being_down_is_a_503_that_offers_no_invoice(
    local_stripe: LocalStripe, case: RecoveryCase, monkeypatch: pytest.MonkeyPatch
) -> None:
    sam = Buyer(case)
    with down(local_stripe, monkeypatch):
        assert sam.set_out() == 503

    assert "Please try again in a few minutes" in sam.page
    assert f'action="{PAGE}/invoice"' not in sam.page
    assert (tasks(), shown_instead(case)) == ([], [])


def test_who_may_have_paid_is_not_told_that_nothing_was_charged_while_stripe_is_down(
    local_stripe: LocalStripe, case: RecoveryCase, monkeypatch: pytest.MonkeyPatch
) -> None:
    sam = Buyer(case)
    sam.set_out()
    type_in(sam.location, GOOD)

    with down(local_stripe, monkeypatch):
        assert sam.set_out() == 503

    assert "no need to pay again" in sam.page
    assert "Nothing was charged" not in sam.page
    assert sam.retry_after == "60"


@pytest.mark.parametrize("missing", ["rak_checkout_session_write", "rak_payment_intent_write"])
def test_without_a_permission_a_customer_goes_to_the_portal_as_for_an_invoice(
    local_stripe: LocalStripe, case: RecoveryCase, missing: str
) -> None:
    local_stripe.world.restrict(KEY, missing=[missing])
    sam = Buyer(case)

    assert sam.set_out() == 303

    assert "/p/session/" in sam.location
    assert intents(local_stripe) == ["requires_payment_method"]
    assert shown_instead(case) == [
        "Stripe's Checkout could not be opened; the customer was shown Stripe's portal instead."
    ]
    [task] = OperatorTask.objects.all()
    assert (task.kind, task.summary.partition(" for ")[0]) == (
        "permission_missing", f"Allow {missing}",
    )  # fmt: skip


@pytest.mark.parametrize("missing", ["rak_checkout_session_write", "rak_payment_intent_write"])
def test_without_a_permission_a_guest_is_told_whom_to_write_to(
    local_stripe: LocalStripe, guest: RecoveryCase, missing: str
) -> None:
    Merchant.objects.update(support_email="help@fern.example")
    local_stripe.world.restrict(KEY, missing=[missing])
    sam = Buyer(guest)

    assert [sam.set_out(), sam.set_out()] == [200, 200]

    assert "Please write to us" in sam.page
    assert "help@fern.example" in sam.page
    assert tasks() == ["permission_missing"]
    assert shown_instead(guest) == [
        "Stripe's Checkout could not be opened; the customer was shown whom to write to."
    ]


def test_a_payment_that_was_given_up_before_a_permission_went_is_not_charged_by_the_portal(
    local_stripe: LocalStripe, case: RecoveryCase
) -> None:
    Buyer(case).set_out()
    local_stripe.world.restrict(KEY, missing=["rak_checkout_session_write"])
    sam = Buyer(case)

    assert sam.set_out() == 200

    assert "Please write to us" in sam.page


def test_a_click_that_was_overtaken_leads_back_to_the_page(
    local_stripe: LocalStripe, case: RecoveryCase, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = Buyer(case), Buyer(case)
    make = StripeGateway.create_checkout

    def make_while_the_button_is_pressed_again(self: StripeGateway, *what: Any, **how: Any) -> Any:
        monkeypatch.undo()
        made = make(self, *what, **how)
        assert second.set_out() == 303
        return made

    monkeypatch.setattr(StripeGateway, "create_checkout", make_while_the_button_is_pressed_again)
    assert first.set_out() == 303

    assert first.location == f"{PAGE}?token={first.token}"
    assert sorted(sessions(local_stripe)) == ["expired", "open"]
    assert type_in(second.location, GOOD) == 303
