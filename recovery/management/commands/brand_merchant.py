"""How a merchant's mails and pages look, and who they are from."""

from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser

from recovery import merchants
from recovery.management.sentences import sentence
from recovery.management.tenants import merchant_called


class Command(BaseCommand):
    help = "Change how a merchant's mails and pages look; prints what holds now."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("merchant_id", help="mer_…, from create_merchant")
        parser.add_argument("--product-name", help="what customers know it as")
        parser.add_argument("--color", help="of buttons and the like: #rrggbb")
        parser.add_argument("--logo-url", help='an https image for the mails; "" for none')
        parser.add_argument("--support-email", help='where answers go; "" for nowhere')
        parser.add_argument("--sender-email", help="""who mail is from; "" for the platform's""")

    def handle(self, *args: Any, **options: Any) -> None:  # noqa: ARG002
        merchant = merchant_called(options["merchant_id"])
        given = {name: options[name] for name in merchants.BRAND if options[name] is not None}
        try:
            merchants.brand(merchant=merchant, given=given)
        except ValidationError as error:
            raise CommandError(sentence(error)) from error
        for name in merchants.BRAND:
            self.stdout.write(f"{name:<16}{getattr(merchant, name) or 'none'}")
