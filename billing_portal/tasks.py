"""What workers do for customers who updated their card."""

from celery import shared_task

from billing_portal import new_cards
from recovery import clock, customers, turns
from recovery.batches import apart


@shared_task(name="billing_portal.charge_new_cards")
def charge_new_cards(**_: object) -> None:
    for _go in turns.turn(charge_new_cards):
        claimed = customers.claim_new_cards(now=clock.now())
        if not claimed:
            return
        for customer in claimed:
            with apart(f"Customer {customer.pk}"):
                new_cards.take_up(customer, now=clock.now())
