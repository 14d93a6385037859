"""What workers do for customers who updated their card."""

from celery import shared_task
from django.utils import timezone

from billing_portal import payment_updates
from recovery import customers
from recovery.batches import apart


@shared_task(name="billing_portal.charge_new_cards")
def charge_new_cards(**_: object) -> None:
    for customer in customers.claim_new_cards(now=timezone.now()):
        with apart(f"Customer {customer.pk}"):
            payment_updates.charge_new_card(customer, now=timezone.now())
