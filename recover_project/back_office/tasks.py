"""What workers do for the back office. Beat only ticks; the rows say what is to be done."""

from celery import shared_task

from recover_project.back_office.operations import checking
from recover_project.back_office.people import sessions
from recovery import clock
from recovery.batches import apart


@shared_task(name="recover_project.check_invariants")
def check_invariants(**_: object) -> None:
    for merchant in checking.due(now=clock.now()):
        with apart(f"Merchant {merchant.public_id}"):
            checking.check(merchant, now=clock.now())


@shared_task(name="recover_project.forget_sessions")
def forget_sessions(**_: object) -> None:
    sessions.forget_ended(now=clock.now())
