"""Make a merchant, and show its credentials once."""

import dataclasses
import json
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser

from recovery import clock, merchants
from recovery.management.extras import extras
from recovery.management.sentences import sentence
from recovery.management.tenants import merchant_called
from recovery.models.merchants import DEFAULT_SETTLING_MINUTES


class Command(BaseCommand):
    help = "Make a merchant. Its keys are shown now and never again."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name")
        parser.add_argument("--product-name", default="", help="what customers know it as")
        parser.add_argument(
            "--stripe-api-key", default="", help="a restricted key, to connect at once"
        )
        parser.add_argument("--webhook-secret", default="", help="of an endpoint made by hand")
        parser.add_argument("--currency", default="usd", help="of the figures (usd)")
        parser.add_argument("--timezone", default="UTC", help="Europe/Berlin, say (UTC)")
        parser.add_argument(
            "--monthly-price",
            help="of Recover, in major units of the currency, or none (29.00 where the currency "
            "has cents; none in yen, dinars and the like, and then roi_multiple is null)",
        )
        parser.add_argument(
            "--settling-minutes", type=int, default=DEFAULT_SETTLING_MINUTES,
            help="how long after a failed one-time payment its buyer is first written to "
            f"({DEFAULT_SETTLING_MINUTES})",
        )  # fmt: skip
        parser.add_argument("--json", action="store_true", help="print JSON")

    def handle(self, *args: Any, **options: Any) -> None:  # noqa: ARG002
        now, api_key = clock.now(), options["stripe_api_key"].strip()
        currency = options["currency"].lower()
        about = {
            "name": options["name"],
            "product_name": options["product_name"],
            "currency": options["currency"],
            "time_zone": options["timezone"],
            "monthly_price": _minor_units(options["monthly_price"], currency),
            "webhook_secret": options["webhook_secret"],
            "settling_minutes": options["settling_minutes"],
        }
        try:
            if api_key:
                made = merchants.create_connected(api_key=api_key, now=now, **about)
            else:
                _merchant, made = merchants.create(now=now, **about)
        except ValidationError as error:
            raise CommandError(sentence(error)) from error
        except merchants.ConnectError as error:
            raise CommandError(f"{error}\nNo merchant was made.") from error
        if api_key:  # what is printed besides is for programs to read
            for line in extras(merchant_called(made.merchant_id)):
                self.stderr.write(line)
        shown = dataclasses.asdict(made)
        if options["json"]:
            self.stdout.write(json.dumps(shown))
            return
        for name, value in shown.items():
            self.stdout.write(f"{name:<16}{value}")


def _minor_units(given: str | None, currency: str) -> int | None:
    """`29.00` → 2900; `none` → None."""
    price = merchants.default_price(currency) if given is None else given
    try:
        return merchants.read_price(price, currency)
    except merchants.InvalidPriceError as error:
        raise CommandError(f"--monthly-price is {price!r}. Write it as 29.00, or none.") from error
