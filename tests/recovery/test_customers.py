"""Who owes: the newest fact stands whatever comes last, and a new card is noticed once."""

import itertools
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from recovery import customers
from recovery.models import Customer, Merchant, RecoveryCase
from recovery.stripe_objects import Customer as StripeCustomer
from tests.builders import event, make_merchant, receive
from tests.local_stripe import LocalStripe
from tests.recovery.stories import (
    KEY,
    failed_payment,
    failed_renewal,
    new_card,
    sdk,
    stripe_is_down,
    told,
)

pytestmark = pytest.mark.django_db
T1 = datetime(2026, 11, 2, 9, tzinfo=UTC)
T2 = T1 + timedelta(hours=1)


def remember(merchant: Merchant, **facts: Any) -> Customer | None:
    return customers.remember(
        **{
            "merchant": merchant, "stripe_customer_id": "cus_1", "email": "jo@x.org",
            "name": "Jo", "at": T1, "debt": "in_1", **facts,
        }
    )  # fmt: skip


def facts(**changes: Any) -> StripeCustomer:
    return StripeCustomer(
        **{
            "id": "cus_1", "email": "jo@x.org", "name": "Jo", "locale": "", "country": "",
            "default_payment_method_id": "", "is_deleted": False, **changes,
        }
    )  # fmt: skip


# --- what is kept -----------------------------------------------------------------------------


def test_a_debt_that_names_nobody_has_no_customer() -> None:
    assert remember(make_merchant(), stripe_customer_id="", email="") is None
    assert Customer.objects.count() == 0


def test_a_guest_is_known_by_the_address_and_a_customer_by_the_id() -> None:
    merchant = make_merchant()
    guest = remember(merchant, stripe_customer_id="")
    known = remember(merchant)

    assert guest is not None
    assert known is not None
    assert (str(guest), str(known)) == ("jo@x.org", "cus_1")
    assert remember(merchant, stripe_customer_id="", at=T2) == guest
    assert remember(merchant, email="new@x.org", at=T2) == known
    assert Customer.objects.count() == 2


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_the_newest_address_stands_whichever_comes_last(order: tuple[int, int]) -> None:
    merchant = make_merchant()
    history = [("old@x.org", T1), ("new@x.org", T2)]
    for index in order:
        email, at = history[index]
        remember(merchant, email=email, at=at)
    kept = Customer.objects.get()
    assert (kept.email, kept.known_at) == ("new@x.org", T2)


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_of_two_addresses_of_one_second_the_same_one_stands_in_either_order(
    order: tuple[int, int],
) -> None:
    merchant = make_merchant()
    for index in order:
        remember(merchant, email=["a@x.org", "b@x.org"][index])
    assert Customer.objects.get().email == "b@x.org"


def test_what_stripe_leaves_out_does_not_erase_what_is_known() -> None:
    merchant = make_merchant()
    remember(merchant)
    remember(merchant, email="", name="", at=T2)
    assert (Customer.objects.get().email, Customer.objects.get().name) == ("jo@x.org", "Jo")


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_updates_are_taken_over_newest_first_in_whatever_order_they_come(
    order: tuple[int, int],
) -> None:
    merchant = make_merchant()
    remember(merchant, at=T1 - timedelta(days=1))
    history = [
        (facts(locale="de", country="DE", default_payment_method_id="pm_1"), T1),
        (facts(locale="fr", country="FR", default_payment_method_id="pm_2", name="Jo B"), T2),
    ]
    for index in order:
        told_of, at = history[index]
        assert customers.update(merchant=merchant, facts=told_of, at=at) is not None
    kept = Customer.objects.get()
    assert (kept.locale, kept.country, kept.default_payment_method_id, kept.name) == (
        "fr", "FR", "pm_2", "Jo B",
    )  # fmt: skip


@pytest.mark.parametrize("stripe_id", ["cus_2", ""])
def test_an_update_of_someone_who_owes_nothing_here_is_not_kept(stripe_id: str) -> None:
    merchant = make_merchant()
    remember(merchant)
    remember(merchant, stripe_customer_id="")
    assert customers.update(merchant=merchant, facts=facts(id=stripe_id), at=T2) is None
    assert Customer.objects.count() == 2


def test_an_update_is_kept_for_its_own_merchants_customer_alone() -> None:
    fern, moss = make_merchant("Fern"), make_merchant("Moss")
    remember(fern)
    assert customers.update(merchant=moss, facts=facts(), at=T2) is None


def test_a_deleted_customer_stays_deleted_and_keeps_the_address() -> None:
    merchant = make_merchant()
    remember(merchant)
    customers.update(merchant=merchant, facts=facts(email="", is_deleted=True), at=T2)
    customers.update(merchant=merchant, facts=facts(), at=T1)
    kept = Customer.objects.get()
    assert (kept.is_deleted, kept.email) == (True, "jo@x.org")


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_the_newest_segment_stands_in_whatever_order_it_is_told(order: tuple[int, int]) -> None:
    merchant = make_merchant()
    remember(merchant, at=T1 - timedelta(days=1))
    history = [
        (facts(state="TX", metadata={"plan": "basic"}), T1),
        (facts(state="CA", metadata={"plan": "gold"}), T2),
    ]
    for index in order:
        told_of, at = history[index]
        customers.update(merchant=merchant, facts=told_of, at=at)
    kept = Customer.objects.get()
    assert (kept.state, kept.metadata) == ("CA", {"plan": "gold"})


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_of_two_segments_of_one_second_the_same_one_stands_in_either_order(
    order: tuple[int, int],
) -> None:
    merchant = make_merchant()
    remember(merchant, at=T1 - timedelta(days=1))
    for index in order:
        plan = ["basic", "gold"][index]
        customers.update(merchant=merchant, facts=facts(metadata={"plan": plan}), at=T1)
    assert Customer.objects.get().metadata == {"plan": "gold"}


@pytest.mark.parametrize(("metadata", "kept"), [({}, {}), (None, {"plan": "gold"})])
def test_a_segment_goes_when_it_is_emptied_and_stays_when_it_is_left_out(
    metadata: dict[str, str] | None, kept: dict[str, str]
) -> None:
    merchant = make_merchant()
    remember(merchant)
    customers.update(merchant=merchant, facts=facts(metadata={"plan": "gold"}), at=T2)
    later = facts(metadata=metadata, name="Jo B")
    customers.update(merchant=merchant, facts=later, at=T2 + timedelta(seconds=1))
    assert (Customer.objects.get().metadata, Customer.objects.get().name) == (kept, "Jo B")


# --- a new card -------------------------------------------------------------------------------


def waiting_card() -> tuple[str, bool]:
    kept = Customer.objects.get()
    return kept.new_payment_method_id, kept.new_payment_method_due_at is not None


def test_a_new_default_card_waits_to_be_charged(
    local_stripe: LocalStripe, merchant: Merchant
) -> None:
    method = new_card(local_stripe, failed_renewal(local_stripe, merchant))
    receive(*told(local_stripe, "customer.updated"))
    assert waiting_card() == (method, True)
    assert Customer.objects.get().default_payment_method_id == method


def test_a_new_default_card_is_noticed_by_its_attachment_alone(
    local_stripe: LocalStripe, merchant: Merchant
) -> None:
    method = new_card(local_stripe, failed_renewal(local_stripe, merchant))
    receive(*told(local_stripe, "payment_method.attached"))
    assert waiting_card() == (method, True)


def test_a_card_that_is_attached_and_not_the_default_is_no_order_to_charge_it(
    local_stripe: LocalStripe, merchant: Merchant
) -> None:
    case = failed_renewal(local_stripe, merchant)
    assert case.customer
    sdk(merchant).payment_methods.attach(
        sdk(merchant).payment_methods.create({"type": "card", "card": {"token": "tok_visa"}}).id,
        {"customer": case.customer.stripe_customer_id},
    )
    receive(told(local_stripe, "payment_method.attached")[-1])
    assert waiting_card() == ("", False)


def test_an_attachment_to_nobody_is_no_new_card(merchant: Merchant) -> None:
    receive(event("payment_method.attached", {"id": "pm_1", "customer": None}))
    assert Customer.objects.count() == 0


@pytest.mark.parametrize("is_down", [True, False])
def test_an_old_event_that_comes_late_does_not_bring_an_old_card_back(
    local_stripe: LocalStripe, merchant: Merchant, is_down: bool
) -> None:
    case = failed_renewal(local_stripe, merchant)
    known = len(told(local_stripe, "customer.updated"))
    old, new = new_card(local_stripe, case), new_card(local_stripe, case, "pm_card_mastercard")
    first, second = told(local_stripe, "customer.updated")[known:]
    assert first["data"]["object"]["invoice_settings"]["default_payment_method"] == old
    if is_down:  # then the event's own word is all there is
        with stripe_is_down(local_stripe):
            receive(second)
    receive(first)
    assert waiting_card() == (new, True)


def test_a_subscriptions_new_card_waits_to_be_charged(
    local_stripe: LocalStripe, merchant: Merchant
) -> None:
    failed_renewal(local_stripe, merchant)
    changed = {"id": "sub_1", "customer": Customer.objects.get().stripe_customer_id}
    update = event("customer.subscription.updated", {**changed, "default_payment_method": "pm_9"})
    receive(update)
    assert waiting_card() == ("", False)  # something else changed

    update["id"] = "evt_with_card"
    update["data"]["previous_attributes"] = {"default_payment_method": "pm_8"}
    receive(update)

    assert waiting_card() == ("pm_9", True)


def test_a_change_that_is_not_about_cards_leaves_no_word(
    local_stripe: LocalStripe, merchant: Merchant
) -> None:
    case = failed_renewal(local_stripe, merchant)
    assert case.customer
    sdk(merchant).customers.update(case.customer.stripe_customer_id, {"name": "Jo B"})
    receive(told(local_stripe, "customer.updated")[-1])
    assert waiting_card() == ("", False)
    assert Customer.objects.get().name == "Jo B"


@pytest.mark.parametrize("status", ["lost", "voided"])
def test_a_customer_without_open_cases_has_nothing_to_charge(
    local_stripe: LocalStripe, merchant: Merchant, status: str
) -> None:
    case = failed_renewal(local_stripe, merchant)
    end = "mark_uncollectible" if status == "lost" else "void"
    getattr(local_stripe.scenarios, end)(invoice=case.stripe_invoice_id)
    receive(*told(local_stripe, "invoice.voided", "invoice.marked_uncollectible"))
    assert RecoveryCase.objects.get().status == status

    new_card(local_stripe, case)
    receive(*told(local_stripe, "customer.updated"))

    assert waiting_card() == ("", False)


def test_the_card_that_failed_is_no_new_card(
    local_stripe: LocalStripe, merchant: Merchant
) -> None:
    case = failed_renewal(local_stripe, merchant)
    assert case.customer
    customers.has_new_card(
        merchant=merchant, stripe_customer_id=case.customer.stripe_customer_id,
        payment_method_id=case.payment_method_id, now=T1,
    )  # fmt: skip
    assert waiting_card() == ("", False)


@pytest.mark.parametrize(("customer", "method"), [("", "pm_1"), ("cus_9", "pm_1"), ("cus_1", "")])
def test_a_card_of_nobody_and_nobodys_card_leave_no_word(customer: str, method: str) -> None:
    merchant = make_merchant()
    remember(merchant)
    customers.has_new_card(
        merchant=merchant, stripe_customer_id=customer, payment_method_id=method, now=T1
    )
    assert waiting_card() == ("", False)


def test_a_card_that_was_handled_is_forgotten_unless_another_one_came_meanwhile(
    local_stripe: LocalStripe, merchant: Merchant
) -> None:
    local_stripe.scenarios.portal_default(key=KEY)
    case = failed_payment(local_stripe, merchant)
    new_card(local_stripe, case)
    receive(*told(local_stripe, "customer.updated"))
    handled = Customer.objects.get()
    newer = new_card(local_stripe, case, "pm_card_mastercard")
    receive(*told(local_stripe, "customer.updated"))

    customers.new_card_was_handled(handled)
    assert waiting_card() == (newer, True)
    customers.new_card_was_handled(Customer.objects.get())
    assert waiting_card() == ("", False)


# --- the alternate contact --------------------------------------------------------------------


def kept_addresses() -> tuple[str, str]:
    customer = Customer.objects.get()
    return customer.email, customer.alternate_email


@pytest.mark.parametrize("order", list(itertools.permutations(range(4))))
def test_the_newest_other_address_is_the_alternate_contact_whatever_comes_last(
    order: tuple[int, ...],
) -> None:
    merchant = make_merchant()
    remember(merchant, email="", at=T1 - timedelta(days=1))
    history: list[Callable[[], object]] = [
        lambda: remember(merchant, email="invoice@x.org", at=T1),
        lambda: customers.update(
            merchant=merchant, facts=facts(email="own@x.org"), at=T1 + timedelta(hours=2)
        ),
        lambda: customers.has_alternate(
            customer=Customer.objects.get(), email="card@x.org", at=T1 + timedelta(hours=1)
        ),
        lambda: customers.has_alternate(
            customer=Customer.objects.get(), email="old-card@x.org", at=T1 - timedelta(hours=1)
        ),
    ]
    for index in order:
        history[index]()

    assert kept_addresses() == ("own@x.org", "card@x.org")


def test_the_address_itself_is_no_other_one_however_it_is_written() -> None:
    merchant = make_merchant()
    remember(merchant, email="jo@x.org")
    remember(merchant, email="Jo@X.org", at=T2)
    customers.has_alternate(customer=Customer.objects.get(), email="JO@x.org", at=T2)
    customers.has_alternate(customer=Customer.objects.get(), email="", at=T2)
    customers.has_alternate(customer=None, email="card@x.org", at=T2)

    assert kept_addresses() == ("Jo@X.org", "")


def test_who_pays_by_a_card_of_somebody_elses_has_an_alternate_contact() -> None:
    make_merchant()
    method = {
        "id": "pm_1", "type": "card", "card": {"brand": "visa", "last4": "4242"},
        "billing_details": {"email": "books@x.org"},
    }  # fmt: skip
    error = {"decline_code": "lost_card", "payment_method": method}
    intent = {"id": "pi_1", "amount": 900, "receipt_email": "jo@x.org"}
    receive(event("payment_intent.payment_failed", {**intent, "last_payment_error": error}))

    assert kept_addresses() == ("jo@x.org", "books@x.org")


def test_an_invoice_sent_to_another_address_than_the_customers_leaves_that_as_alternate() -> None:
    merchant = make_merchant()
    receive(
        event(
            "invoice.payment_failed",
            {"id": "in_1", "customer": "cus_1", "customer_email": "old@x.org", "amount_due": 900},
        )
    )
    told_now = {"id": "cus_1", "object": "customer", "email": "own@x.org"}
    receive(event("customer.updated", told_now, created=int(T2.timestamp()) + 10**9))

    assert kept_addresses() == ("own@x.org", "old@x.org")
    assert Customer.objects.get().merchant == merchant
