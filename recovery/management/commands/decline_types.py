"""What a merchant counts decline codes as, where that isn't what they are shipped as."""

from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser

from recovery import merchants
from recovery.declines import DeclineType
from recovery.management.sentences import sentence
from recovery.management.tenants import merchant_called
from recovery.models import DeclineOverride, Merchant


class Command(BaseCommand):
    help = "A merchant's own view of decline codes: list it, set one, remove one."

    def add_arguments(self, parser: CommandParser) -> None:
        types = [str(decline_type) for decline_type in DeclineType]
        parser.add_argument("merchant_id", help="mer_…, from create_merchant")
        parser.add_argument("code", metavar="CODE", nargs="?", help="do_not_honor, say")
        parser.add_argument("type", metavar="TYPE", nargs="?", help=", ".join(types))
        parser.add_argument("--remove", metavar="CODE", help="count it as it is shipped again")

    def handle(self, *args: Any, **options: Any) -> None:  # noqa: ARG002
        merchant = merchant_called(options["merchant_id"])
        code, counts_as, removed = options["code"], options["type"], options["remove"]
        if removed is not None and code is not None:
            raise CommandError("Set a code or remove one, not both at once.")
        try:
            if removed is not None:
                lines = _remove(merchant, removed)
            elif code is not None:
                lines = _set(merchant, code, counts_as)
            else:
                lines = _list(merchant)
        except ValidationError as error:
            raise CommandError(sentence(error)) from error
        for line in lines:
            self.stdout.write(line)


def _list(merchant: Merchant) -> list[str]:
    own = DeclineOverride.by_code(merchant.pk)
    if not own:
        return [f"{merchant} counts every code as it is shipped."]
    return [f"{code:<32}{own[code]} (shipped: {merchants.shipped(code)})" for code in sorted(own)]


def _set(merchant: Merchant, code: str, counts_as: str | None) -> list[str]:
    types = list(DeclineType)
    if counts_as not in types:
        raise CommandError(f"Say what {code} counts as: {', '.join(types)}.")
    showing = merchants.override_decline(
        merchant=merchant, decline_code=code, decline_type=DeclineType(counts_as)
    )
    return [f"{code} counts as {counts_as} from now on. {_shown(showing)}"]


def _remove(merchant: Merchant, code: str) -> list[str]:
    showing = merchants.forget_override(merchant=merchant, decline_code=code)
    return [f"{code} counts as it is shipped again: {merchants.shipped(code)}. {_shown(showing)}"]


def _shown(cases: int) -> str:
    """How many, so that a code that was misspelled is noticed."""
    if not cases:
        return "No open case shows it."
    return "1 open case shows it." if cases == 1 else f"{cases} open cases show it."
