"""When a merchant's customers are written to."""

from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser

from recovery import merchants
from recovery.management.sentences import sentence
from recovery.management.tenants import merchant_called

DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


class Command(BaseCommand):
    help = "Change when a merchant's customers are written to and charged; prints what holds now."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("merchant_id", help="mer_…, from create_merchant")
        parser.add_argument(
            "--from", dest="send_from_hour", type=int, help="from this hour of the customer's day"
        )
        parser.add_argument(
            "--until", dest="send_until_hour", type=int,
            help="and no later than this; 0 to 24 is the whole day",
        )  # fmt: skip
        parser.add_argument(
            "--weekdays", dest="send_weekdays",
            help="12345 for Monday to Friday, 1234567 for every day",
        )  # fmt: skip

    def handle(self, *args: Any, **options: Any) -> None:  # noqa: ARG002
        merchant = merchant_called(options["merchant_id"])
        given = {
            name: options[name] for name in merchants.SEND_WINDOW if options[name] is not None
        }
        try:
            merchants.set_send_window(merchant=merchant, given=given)
        except ValidationError as error:
            raise CommandError(sentence(error)) from error
        days = ", ".join(DAYS[int(day) - 1] for day in merchant.send_weekdays)
        self.stdout.write(f"{'from':<16}{merchant.send_from_hour}:00")
        self.stdout.write(f"{'until':<16}{merchant.send_until_hour}:00")
        self.stdout.write(f"{'weekdays':<16}{days}")
        self.stdout.write(
            f"{'clock':<16}the customer's; where it isn't known {merchant.time_zone}"
        )
