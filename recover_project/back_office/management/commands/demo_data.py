"""Fill a merchant with six months of made-up cases, or take them away again."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from recover_project.back_office.demo import filling, rows
from recovery import clock
from recovery.management.tenants import merchant_called


class Command(BaseCommand):
    help = "Show a test-mode merchant with six months of made-up cases, or remove them."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("merchant", help="mer_…")
        parser.add_argument("--remove", action="store_true", help="remove them, and nothing else")

    def handle(self, *args: Any, **options: Any) -> None:  # noqa: ARG002
        merchant = merchant_called(options["merchant"])
        if options["remove"]:
            count = rows.remove(merchant)
            self.stdout.write(f"{count} demo cases of {merchant.name} were removed.")
            return
        try:
            count = filling.fill(merchant, now=clock.now())
        except rows.RefusedError as refused:
            raise CommandError(str(refused)) from refused
        self.stdout.write(
            f"{merchant.name} has {count} demo cases. Nobody is written to or charged for them. "
            f"Remove them with “manage.py demo_data {merchant.public_id} --remove”."
        )
