"""What the local Stripe told or would tell, brought to Recover without an endpoint between."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, TypeVar

from django.db import connection
from django.utils import timezone

from recovery import attempts, failed_invoices, stripe_gateway
from recovery.attempts import ChargeResult
from recovery.mechanisms import AttemptTrigger
from recovery.models import Merchant, PaymentAttempt, RecoveryCase
from tests.builders import receive
from tests.local_stripe import LocalStripe
from tests.local_stripe.events import payload
from tests.local_stripe.realm import Realm

KEY = "rk_test_ferntea"
VERSION = "2026-10-28.endive"
Answer = TypeVar("Answer")
PATIENCE = 30  # seconds that a thread may take before a test gives it up


def realm(local_stripe: LocalStripe) -> Realm:
    return local_stripe.world.realm_of(KEY)


def sdk(merchant: Merchant) -> Any:
    """Stripe's own client, for what the merchant does there without Recover."""
    return stripe_gateway.of(merchant)._client.v1


def told(local_stripe: LocalStripe, *types: str) -> list[dict[str, Any]]:
    """The events of those types, oldest first, as an endpoint would get them."""
    events = realm(local_stripe).all("event")
    return [payload(event, VERSION) for event in events if event["type"] in types]


def failed_renewal(
    local_stripe: LocalStripe, merchant: Merchant, reason: str = "insufficient_funds"
) -> RecoveryCase:
    """The case of a renewal that failed, opened with all that Stripe knows of it."""
    ids = local_stripe.scenarios.renewal_fails(reason=reason, email="jo@example.com", key=KEY)
    now = timezone.now().replace(microsecond=0)  # as Stripe tells time
    invoice = stripe_gateway.of(merchant).invoice(ids["invoice"])
    case = failed_invoices.invoice_failed(merchant=merchant, told=invoice, failed_at=now, now=now)
    assert case is not None
    local_stripe.requests.clear()
    return RecoveryCase.objects.get(pk=case.pk)


def failed_payment(
    local_stripe: LocalStripe, merchant: Merchant, reason: str = "insufficient_funds"
) -> RecoveryCase:
    """The case of a one-time payment that failed."""
    local_stripe.scenarios.one_time_fails(reason=reason, key=KEY)
    receive(*told(local_stripe, "payment_intent.payment_failed"))
    local_stripe.requests.clear()
    return RecoveryCase.objects.get()


def new_card(local_stripe: LocalStripe, case: RecoveryCase, card: str = "pm_card_visa") -> str:
    """A payment method that the case's customer just saved."""
    assert case.customer
    customer = case.customer.stripe_customer_id
    return local_stripe.scenarios.new_card(customer=customer, card=card)["payment_method"]


def asked_for_money(local_stripe: LocalStripe) -> list[int]:
    """The answers' statuses, one for each time that Stripe was asked to charge."""
    return [
        request.status
        for request in local_stripe.requests
        if request.path.endswith(("/pay", "/confirm"))
    ]


def charge(case: RecoveryCase, method: str, **facts: Any) -> ChargeResult:
    """Ask for the case's money as the page does for a customer who is there."""
    return attempts.charge(
        **{
            "case": case, "payment_method_id": method, "trigger": AttemptTrigger.CUSTOMER,
            "is_customer_present": True, "now": timezone.now(), **facts,
        }
    )  # fmt: skip


def ours(case: RecoveryCase) -> PaymentAttempt:
    """The one attempt that Recover made, or is about to."""
    return case.attempts.get(trigger=AttemptTrigger.CUSTOMER)


def told_on(case: RecoveryCase) -> list[tuple[str, str]]:
    """The timeline's kinds and summaries, as they were written."""
    return list(case.timeline.order_by("id").values_list("kind", "summary"))


@contextmanager
def stripe_is_down(local_stripe: LocalStripe, path: str = "*") -> Iterator[None]:
    local_stripe.faults.add("reset", path=path, times=1000)
    yield
    local_stripe.faults.clear()


def at_once(*calls: Callable[[], Answer]) -> list[Answer]:
    """What the calls answer when threads make them together; what one raises is raised here."""
    barrier = threading.Barrier(len(calls), timeout=PATIENCE)
    with ThreadPoolExecutor(len(calls)) as threads:
        running = [threads.submit(_call, call, barrier) for call in calls]
        return [one.result(PATIENCE) for one in running]


def _call(call: Callable[[], Answer], barrier: threading.Barrier) -> Answer:
    try:
        barrier.wait()
        return call()
    finally:
        connection.close()
