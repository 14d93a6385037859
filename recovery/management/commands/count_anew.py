"""A merchant's figures, counted anew."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from recovery import days
from recovery.management.tenants import merchant_called
from recovery.metrics import tallying
from recovery.models import RecoveryCase


class Command(BaseCommand):
    help = "Count a merchant's cases anew; prints in how many places the figures were wrong."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("merchant_id", help="mer_…, from create_merchant")

    def handle(self, *args: Any, **options: Any) -> None:  # noqa: ARG002
        merchant = merchant_called(options["merchant_id"])
        if not tallying.is_possible():
            raise CommandError("There is nothing to count: only on PostgreSQL are figures kept.")
        wrong = tallying.miscounted(merchant, since=days.FIRST)
        tallying.count(merchant)
        cases = RecoveryCase.objects.of(merchant).count()
        self.stdout.write(f"{'cases':<16}{cases}")
        self.stdout.write(f"{'sums wrong':<16}{wrong}")
