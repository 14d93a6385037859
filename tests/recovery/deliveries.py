"""Messages on their way to merchants' endpoints, and workers that send them."""

from datetime import datetime, timedelta

from django.utils import timezone

from recovery import outbound_delivery, webhook_registrations
from recovery.models import Merchant, WebhookDelivery
from recovery.posting import Answer
from tests.recovery.receivers import Receiver, registered

REFUSED = Answer(500, "", "broken", timedelta())
TAKEN = Answer(204, "", "", timedelta())
GONE = Answer(410, "", "", timedelta())


def only() -> WebhookDelivery:
    return WebhookDelivery.objects.select_related("registration", "notice").get()


def a_test_to(merchant: Merchant, receiver: Receiver | None = None) -> WebhookDelivery:
    """A message that is due at once."""
    return webhook_registrations.send_test(
        registration=registered(merchant, receiver), now=timezone.now()
    )


def deliver(now: datetime) -> int:
    """What a tick of the timetable sends."""
    working = outbound_delivery.deliver_due(now=now, is_failing=False)
    return working + outbound_delivery.deliver_due(now=now, is_failing=True)


def claim(now: datetime) -> list[WebhookDelivery]:
    return [
        one
        for is_failing in (False, True)
        for one in outbound_delivery.claim(now=now, is_failing=is_failing)
    ]


def fails(now: datetime) -> None:
    """Whatever is due is sent and refused."""
    for delivery in claim(now):
        outbound_delivery.record(delivery, REFUSED, now=now, jitter=0.0)
