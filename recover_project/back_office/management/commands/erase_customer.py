"""Erase one person of one merchant; facts and money stay."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from dunning.erasure import Extent, NotErasedError, OpenCasesError, extent
from recover_project.back_office.customers import handling
from recover_project.back_office.management.people import add_arguments, customer_called
from recovery import clock, erasure
from recovery.timeline import Actor


class Command(BaseCommand):
    help = "Erase a customer of a merchant: the person goes, facts and money stay."

    def add_arguments(self, parser: CommandParser) -> None:
        add_arguments(parser)
        parser.add_argument(
            "--close-open-cases", action="store_true", help="give up what they still owe"
        )
        parser.add_argument(
            "--dry-run", action="store_true", help="say what there is, and erase nothing"
        )

    def handle(self, *args: Any, **options: Any) -> None:  # noqa: ARG002
        customer = customer_called(options["merchant"], options["customer"])
        found = extent(customer)
        self._say(found)
        if options["dry_run"]:
            self.stdout.write("Nothing was erased: this was a dry run.")
            return
        try:
            is_new = handling.erase(
                customer, closes_open_cases=options["close_open_cases"], actor=Actor.OPERATOR,
                now=clock.now(),
            )  # fmt: skip
        except OpenCasesError as error:
            raise CommandError(
                f"Nobody was erased: {error}. Say --close-open-cases to do that."
            ) from error
        except NotErasedError as error:
            raise CommandError(f"Nobody was erased: {error}.") from error
        customer.refresh_from_db()
        erasure.look_through_events(customer, until=None, now=clock.now())
        self.stdout.write("The person is erased." if is_new else "The person was erased already.")

    def _say(self, found: Extent) -> None:
        for name, count in found.rows.items():
            self.stdout.write(f"{name:<26}{count}")
        self.stdout.write(f"{'open cases':<26}{found.open_cases}")
