"""What is heard of an erased person afterwards brings nobody back; a new debt does."""

from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone

from dunning import erasure
from dunning.mail import addresses
from dunning.models import SuppressedAddress
from recovery import erasure as rows
from recovery import inbox
from recovery.models import (
    Customer,
    Merchant,
    RecoveryCase,
    StripeEvent,
)
from recovery.tasks import forget_erased, process_inbox
from tests.builders import (
    DOCUMENTED_EXAMPLE,
    event,
    make_merchant,
    post,
    receive,
)
from tests.dunning.people import (
    BY,
    CANARIES,
    EMAIL,
    NAME,
    OLD_EMAIL,
    erase,
    failure,
    fill,
    later,
    live,
    whereabouts,
)

pytestmark = [pytest.mark.django_db, pytest.mark.both_databases]


@pytest.fixture
def merchant() -> Merchant:
    return make_merchant()


# --- what is heard afterwards -----------------------------------------------------------------


def test_what_is_heard_of_an_old_debt_brings_nobody_back(merchant: Merchant) -> None:
    erase(live(merchant))

    receive(
        failure("in_1", hosted_invoice_url=f"https://pay.example/{NAME}", attempt_count=3),
        later("customer.updated", {"id": "cus_1", "email": EMAIL, "name": NAME,
                                   "metadata": {"pet": "goldfish"}}),
        later("invoice.updated", {"id": "in_1", "customer": "cus_1", "customer_email": EMAIL}),
        later("invoice.paid", {"id": "in_7", "customer": "cus_1", "customer_email": EMAIL}),
        later("invoice.paid", {"id": "in_1", "customer": "cus_1", "customer_name": NAME,
                               "amount_paid": 4900, "currency": "usd"}),
    )  # fmt: skip

    assert list(whereabouts()) == []
    case = RecoveryCase.objects.get()
    assert (case.status, case.amount_recovered) == ("recovered", 4900)
    assert set(StripeEvent.objects.values_list("state", "payload")) == {("processed", "")}


def test_a_debt_from_before_that_is_heard_of_late_has_no_person(merchant: Merchant) -> None:
    erase(live(merchant))
    late = failure("in_8", created=int(datetime(2026, 1, 1, tzinfo=UTC).timestamp()))

    receive(late)

    assert list(whereabouts()) == []
    case = RecoveryCase.objects.get(stripe_invoice_id="in_8")
    assert (case.status, case.amount, case.description) == ("open", 4900, "")
    assert addresses.recipient(case) == ""


def test_a_new_debt_brings_the_person_back_and_nothing_old(merchant: Merchant) -> None:
    customer = live(merchant)
    erase(customer)

    receive(
        failure("in_9"),
        later("customer.updated", {"id": "cus_1", "email": EMAIL, "name": "Zoe Quill"}),
    )

    customer.refresh_from_db()
    assert (customer.email, customer.name, customer.is_erased) == (EMAIL, "Zoe Quill", False)
    old, new = RecoveryCase.objects.order_by("pk")
    assert (old.description, new.description) == ("", f"Lessons for {NAME}")
    receive(failure("in_1"))
    old.refresh_from_db()
    assert old.description == ""
    assert erase(customer, closes_open_cases=True) is True
    assert list(whereabouts()) == []


def test_a_guest_is_known_again_by_no_address(merchant: Merchant) -> None:
    receive(DOCUMENTED_EXAMPLE)
    guest = Customer.objects.get()
    erase(guest, closes_open_cases=True)
    assert "user@example.com" not in str(list(StripeEvent.objects.values()))

    receive({**DOCUMENTED_EXAMPLE, "id": "evt_again"})

    guest.refresh_from_db()
    assert (Customer.objects.count(), guest.email, guest.is_erased) == (1, "", True)
    assert "user@example.com" not in str(list(StripeEvent.objects.values()))
    new = DOCUMENTED_EXAMPLE["data"]["object"] | {"id": "in_new"}
    receive(later("invoice.payment_failed", new))
    guest.refresh_from_db()
    assert (Customer.objects.count(), guest.email) == (1, "user@example.com")


def test_two_guests_can_be_erased(merchant: Merchant) -> None:
    for number in (1, 2):
        told = DOCUMENTED_EXAMPLE["data"]["object"] | {
            "id": f"in_{number}", "customer_email": f"{number}@example.com"
        }  # fmt: skip
        receive(later("invoice.payment_failed", told))

    for guest in Customer.objects.all():
        erase(guest, closes_open_cases=True)

    assert list(Customer.objects.values_list("email", flat=True)) == ["", ""]


# --- Stripe's events --------------------------------------------------------------------------


def test_an_event_that_waits_is_forgotten_once_it_is_processed(merchant: Merchant) -> None:
    customer = live(merchant)
    waits = event("customer.updated", {"id": "cus_1", "email": EMAIL, "name": NAME})
    assert post(waits, merchant=merchant).status_code == 200

    erase(customer)
    assert StripeEvent.objects.exclude(payload="").get().stripe_event_id == waits["id"]
    process_inbox()

    assert list(whereabouts()) == []


def test_an_event_that_was_given_up_is_forgotten_too(merchant: Merchant) -> None:
    customer = live(merchant)
    StripeEvent.objects.update(state="failed", processed_at=None, error=f"of {EMAIL}")

    erase(customer)

    assert list(whereabouts()) == []
    told = StripeEvent.objects.get(stripe_event_id="evt_in_1")
    assert told.error == "Given up, and forgotten with the person that it tells of."
    with pytest.raises(inbox.PayloadForgottenError):
        inbox.replay(told, now=timezone.now())


def test_a_worker_finds_what_names_the_person_elsewhere_and_goes_on_where_it_was(
    merchant: Merchant, monkeypatch: pytest.MonkeyPatch
) -> None:
    customer = live(merchant)
    receive(event("invoice.paid", {"id": "in_x", "customer": "cus_2", "customer_email": "a@b.c"}))
    monkeypatch.setattr("recovery.retention.BATCH", 1)
    erasure.erase(customer=customer, closes_open_cases=False, actor=BY, now=timezone.now())
    assert [one for one in whereabouts() if "stripeevent" in one] != []
    customer.refresh_from_db()
    past = timezone.now() - timedelta(seconds=1)
    rows.look_through_events(customer, until=past, now=timezone.now())
    customer.refresh_from_db()
    assert customer.events_read_to == 0

    forget_erased()

    customer.refresh_from_db()
    assert customer.events_read_to is None
    assert list(whereabouts()) == []
    assert "a@b.c" in StripeEvent.objects.exclude(payload="").get().payload


def test_no_address_is_logged(merchant: Merchant, caplog: pytest.LogCaptureFixture) -> None:
    customer = live(merchant)
    caplog.clear()

    with caplog.at_level("DEBUG"):
        erase(customer)

    assert [one for one in CANARIES if one in caplog.text.lower()] == []


def test_the_address_of_an_earlier_mail_is_suppressed_by_a_pseudonym_too(
    merchant: Merchant,
) -> None:
    customer = live(merchant)
    fill(customer)

    erase(customer)

    assert addresses.suppressed(merchant, OLD_EMAIL) == "bounced"
    assert set(SuppressedAddress.objects.values_list("detail", flat=True)) == {""}
