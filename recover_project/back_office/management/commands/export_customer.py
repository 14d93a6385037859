"""All that is kept about one person of one merchant, as JSON."""

import json
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from recover_project.back_office.customers import handling
from recover_project.back_office.management.people import add_arguments, customer_called
from recovery import clock


class Command(BaseCommand):
    help = "Print, or write into a file, all that is kept about a customer of a merchant."

    def add_arguments(self, parser: CommandParser) -> None:
        add_arguments(parser)
        parser.add_argument("--to", metavar="FILE", help="a file that isn't there yet")

    def handle(self, *args: Any, **options: Any) -> None:  # noqa: ARG002
        customer = customer_called(options["merchant"], options["customer"])
        file = Path(options["to"]) if options["to"] else None
        if file and file.exists():
            raise CommandError(f"{file} is there already.")
        told = handling.export(customer, now=clock.now())
        written = json.dumps(told, indent=2, ensure_ascii=False)
        if file is None:
            self.stdout.write(written)
            return
        try:
            file.touch(mode=0o600, exist_ok=False)
            file.write_text(f"{written}\n", encoding="utf-8")
        except OSError as error:
            raise CommandError(f"{file} can't be written: {error}.") from error
        events = len(told["stripe_events"])
        self.stdout.write(f"{file}: {len(told['cases'])} cases, {events} Stripe events.")
