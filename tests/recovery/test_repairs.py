"""A new card goes where a failed one stands; what can't be done is told, or left to a person."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone

from recovery import repairs, stripe_gateway
from recovery.models import Merchant, OperatorTask, RecoveryCase
from recovery.stripe_errors import MissingPermissionError
from recovery.stripe_gateway import StripeGateway
from recovery.stripe_objects import Invoice
from tests.local_stripe import LocalStripe
from tests.recovery.stories import KEY, failed_renewal, new_card, realm, told_on

pytestmark = pytest.mark.django_db(transaction=True)
SOURCE = "docs.stripe.com/billing/subscriptions/payment-methods-setting#payment-method-priority"


@pytest.fixture
def case(local_stripe: LocalStripe, merchant: Merchant) -> RecoveryCase:
    """A renewal failed on the card that its subscription has for itself."""
    made = failed_renewal(local_stripe, merchant)
    at_stripe(local_stripe, made)["default_payment_method"] = made.payment_method_id
    return made


def at_stripe(local_stripe: LocalStripe, case: RecoveryCase) -> dict[str, Any]:
    return realm(local_stripe).tables["subscription"][case.stripe_subscription_id]


def repair(
    case: RecoveryCase, method: str, *, now: datetime | None = None,
    invoices: tuple[Invoice, ...] = (),
) -> bool:  # fmt: skip
    assert case.customer
    return repairs.repair(
        customer=case.customer, payment_method_id=method, invoices=invoices,
        gateway=stripe_gateway.of(case.merchant), now=now or timezone.now(),
    )  # fmt: skip


def writes(local_stripe: LocalStripe) -> list[str]:
    return [one.path for one in local_stripe.requests if one.method == "POST"]


@contextmanager
def down(local_stripe: LocalStripe, path: str) -> Iterator[None]:
    local_stripe.faults.add("reset", path=path, times=1000)
    yield
    local_stripe.faults.clear()


@pytest.fixture(autouse=True)
def _nobody_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stripe_gateway, "NETWORK_RETRIES", 0)


def test_a_repair_is_told_with_its_rule_and_its_source_and_done_once(
    local_stripe: LocalStripe, case: RecoveryCase
) -> None:
    old, new = case.payment_method_id, new_card(local_stripe, case)

    assert [repair(case, new) for _again in range(2)] == [True, True]

    assert at_stripe(local_stripe, case)["default_payment_method"] == new
    assert writes(local_stripe) == [f"/v1/subscriptions/{case.stripe_subscription_id}"]
    told = case.timeline.get(kind="card_put")
    own = case.stripe_subscription_id
    assert told.summary == f"The new card is now the default_payment_method of subscription {own}."
    assert (told.rule, told.source) == (repairs.RULE, SOURCE)
    assert told.facts == {
        "level": "default_payment_method of subscription", "object": own, "before": old,
        "now": new,
    }  # fmt: skip


def test_where_nothing_failed_on_a_known_card_stripe_is_not_even_asked(
    local_stripe: LocalStripe, case: RecoveryCase
) -> None:
    case.attempts.update(payment_method_id="")
    method = new_card(local_stripe, case)
    local_stripe.requests.clear()

    assert repair(case, method) is True
    assert local_stripe.requests == []


MISSING = {
    "rak_subscription_write": "Set the default_payment_method of subscription {subscription} to "
    "{new} in Stripe: {old}, which failed, would be charged again. The Stripe key lacks the "
    "permission rak_subscription_write.",
    "rak_subscription_read": "See in Stripe whether a subscription of {customer} names a card "
    "that failed: The Stripe key lacks the permission rak_subscription_read.",
    "rak_customer_read": "See in Stripe whether {customer} names a card that failed: The Stripe "
    "key lacks the permission rak_customer_read.",
}


@pytest.mark.parametrize("permission", MISSING)
def test_what_the_key_may_not_do_is_one_task_that_says_what_to_set_where(
    local_stripe: LocalStripe, case: RecoveryCase, permission: str
) -> None:
    new = new_card(local_stripe, case)
    local_stripe.world.restrict(KEY, missing=[permission])

    assert [repair(case, new) for _again in range(3)] == [True] * 3

    assert case.customer
    summary = MISSING[permission].format(
        subscription=case.stripe_subscription_id, customer=case.customer.stripe_customer_id,
        old=case.payment_method_id, new=new,
    )  # fmt: skip
    task = OperatorTask.objects.get()
    assert (task.case, task.kind, task.summary) == (case, "card_not_put", summary)
    told = case.timeline.get(kind="card_not_put")
    assert (told.summary, told.rule, told.source) == (summary, repairs.RULE, SOURCE)


def test_a_customers_own_card_needs_a_permission_of_its_own(
    local_stripe: LocalStripe, merchant: Merchant
) -> None:
    case = failed_renewal(local_stripe, merchant)
    assert case.customer
    new = new_card(local_stripe, case)
    at = realm(local_stripe).tables["customer"][case.customer.stripe_customer_id]
    at["invoice_settings"]["default_payment_method"] = case.payment_method_id
    local_stripe.world.restrict(KEY, missing=["rak_customer_write"])

    assert repair(case, new) is True

    task = OperatorTask.objects.get()
    assert task.summary.startswith("Set the invoice_settings.default_payment_method of customer ")
    assert task.summary.endswith("lacks the permission rak_customer_write.")


def test_a_permission_that_stripe_does_not_name_is_named(
    local_stripe: LocalStripe, case: RecoveryCase, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise MissingPermissionError("")

    monkeypatch.setattr(StripeGateway, "put_method", refuse)
    repair(case, new_card(local_stripe, case))

    assert OperatorTask.objects.get().summary.endswith("permission rak_subscription_write.")


def test_one_cause_is_one_task_though_its_debts_are_paid_one_by_one(
    local_stripe: LocalStripe, case: RecoveryCase
) -> None:
    new = new_card(local_stripe, case)
    local_stripe.world.restrict(KEY, missing=["rak_subscription_write"])
    repair(case, new)
    other = RecoveryCase.objects.get(pk=case.pk)
    other.pk, other.public_id, other.stripe_invoice_id = None, "case_other", "in_other"
    other.save()
    case.attempts.update(case=other)

    repair(other, new)

    assert OperatorTask.objects.get().case == case


def test_a_card_that_stripe_refuses_there_is_left_to_a_person(
    local_stripe: LocalStripe, case: RecoveryCase
) -> None:
    assert repair(case, "pm_gone") is True

    assert at_stripe(local_stripe, case)["default_payment_method"] == case.payment_method_id
    told = [task.summary for task in OperatorTask.objects.order_by("id")]
    assert ["No such PaymentMethod: 'pm_gone'" in summary for summary in told] == [True, True]


@pytest.mark.parametrize("path", ["/v1/subscriptions", "/v1/subscriptions/*", "/v1/customers/*"])
def test_an_outage_is_neither_a_task_nor_the_end(
    local_stripe: LocalStripe, case: RecoveryCase, path: str
) -> None:
    new = new_card(local_stripe, case)
    with down(local_stripe, path):
        assert repair(case, new) is False
    assert OperatorTask.objects.count() == 0

    assert repair(case, new) is True
    assert at_stripe(local_stripe, case)["default_payment_method"] == new
    assert len(told_on(case)) == len(set(told_on(case)))


def test_a_revoked_key_may_soon_be_a_better_one(
    local_stripe: LocalStripe, case: RecoveryCase
) -> None:
    new = new_card(local_stripe, case)
    local_stripe.world.revoke(KEY)

    assert repair(case, new) is False
    assert OperatorTask.objects.count() == 0


def test_what_could_not_be_asked_for_days_is_one_task(
    local_stripe: LocalStripe, case: RecoveryCase
) -> None:
    assert case.customer
    for _again in range(2):
        repairs.give_up(
            customer=case.customer, payment_method_id="pm_new",
            gateway=stripe_gateway.of(case.merchant), now=timezone.now(),
        )  # fmt: skip

    assert OperatorTask.objects.get().summary == (
        f"Set pm_new in Stripe wherever {case.customer.stripe_customer_id} or a subscription "
        "still names a card that failed: Stripe could not be asked for days."
    )


@pytest.mark.parametrize(
    ("fields", "is_put"),
    [
        ({"mechanism": "card_update"}, True),
        ({"mechanism": "customer_paid"}, True),
        ({"mechanism": "stripe_retry"}, False),
        ({"mechanism": "recover_retry"}, False),
        ({"mechanism": "card_update", "closed_at": timedelta(days=8)}, False),
    ],
)
def test_after_a_debt_was_paid_its_card_counts_as_failed_if_another_one_paid_just_now(
    local_stripe: LocalStripe, case: RecoveryCase, fields: dict[str, Any], is_put: bool
) -> None:
    now = timezone.now()
    age = fields.pop("closed_at", timedelta(0))
    RecoveryCase.objects.update(
        status="recovered", reason="invoice_paid", amount_recovered=4900, closed_at=now - age,
        **fields,
    )  # fmt: skip

    repair(case, new_card(local_stripe, case), now=now)

    assert case.timeline.filter(kind="card_put").exists() is is_put


def test_a_debt_that_was_given_up_still_tells_which_card_failed(
    local_stripe: LocalStripe, case: RecoveryCase
) -> None:
    RecoveryCase.objects.update(
        status="lost", reason="subscription_canceled", closed_at=timezone.now()
    )
    new = new_card(local_stripe, case)

    repair(case, new)

    assert at_stripe(local_stripe, case)["default_payment_method"] == new
