"""What workers do for customers who updated their card."""

from celery import shared_task
from django.utils import timezone

from billing_portal import payment_updates
from recovery.models import Customer

BATCH = 100


@shared_task(name="billing_portal.charge_new_cards")
def charge_new_cards(**_: object) -> None:
    waiting = Customer.objects.filter(new_payment_method_at__isnull=False)
    for customer in waiting.select_related("merchant__stripe").order_by("new_payment_method_at")[
        :BATCH
    ]:
        payment_updates.charge_new_card(customer, now=timezone.now())
