"""Compare a merchant's rows with Stripe now, and say what was found."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from recovery import clock, reconciliation, tasks
from recovery.management.moments import minute
from recovery.management.tenants import merchant_called

BY = "manage.py reconcile"


class Command(BaseCommand):
    help = "Compare a merchant's rows with Stripe, mend what differs, and say what did."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("merchant_id", help="mer_…, from create_merchant")

    def handle(self, *args: Any, **options: Any) -> None:  # noqa: ARG002
        merchant = merchant_called(options["merchant_id"])
        try:
            run = reconciliation.begin(merchant=merchant, by=BY, now=clock.now())
        except reconciliation.NotConnectedAnyMoreError as error:
            raise CommandError(f"{merchant.name} isn't connected to Stripe.") from error
        if run is None:
            raise CommandError("A run is under way already. Its result is in the back office.")
        tasks.reconcile_now(run)
        for sentence in reconciliation.sentences(run):
            self.stdout.write(sentence)
        covered = run.merchant.coverage.covered_until
        self.stdout.write(f"Covered until {minute(covered, merchant)} ({merchant.time_zone}).")
        if run.error:
            raise CommandError("Not all of it could be done.")
