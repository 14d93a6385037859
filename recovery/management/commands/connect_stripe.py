"""Connect a merchant's Stripe account with a restricted key, or repair the connection."""

import getpass
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from recovery import clock, merchants
from recovery.management.extras import extras
from recovery.management.tenants import merchant_called


class Command(BaseCommand):
    help = "Connect a merchant's Stripe account with a restricted key. Safe to do again."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("merchant_id", help="mer_…, from create_merchant")
        parser.add_argument("--stripe-api-key", default="", help="asked for if it isn't given")

    def handle(self, *args: Any, **options: Any) -> None:  # noqa: ARG002
        merchant = merchant_called(options["merchant_id"])
        api_key = options["stripe_api_key"] or getpass.getpass("Restricted key: ")
        try:
            merchants.connect(merchant=merchant, api_key=api_key.strip(), now=clock.now())
        except merchants.ConnectError as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"{merchant.name} is connected; Stripe delivers to its endpoint now.")
        for line in extras(merchant):
            self.stdout.write(line)
