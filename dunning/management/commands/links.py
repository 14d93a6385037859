"""The payment update links of a case: listed, taken back, sent anew."""

from datetime import datetime
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from billing_portal import links
from billing_portal.models import PaymentUpdateLink
from dunning.mail import replacements
from dunning.mail.replacements import NotSentError
from recovery import clock
from recovery.management.tenants import merchant_called
from recovery.models import Merchant, RecoveryCase
from recovery.timeline import Actor

WHEN = ("created_at", "expires_at", "opened_at", "started_at", "finished_at", "revoked_at")


class Command(BaseCommand):
    help = "The links of a case and what became of them; or revoke them, or send a new one."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("merchant_id", help="mer_…, from create_merchant")
        parser.add_argument("case_id", help="case_…")
        what = parser.add_mutually_exclusive_group()
        what.add_argument("--revoke", action="store_true", help="all links of the case")
        what.add_argument("--revoke-link", metavar="LINK", help="this one: pul_…")
        what.add_argument("--resend", action="store_true", help="mail a new link to the customer")

    def handle(self, *args: Any, **options: Any) -> None:  # noqa: ARG002
        case = _case(merchant_called(options["merchant_id"]), options["case_id"])
        now = clock.now()
        if options["revoke"]:
            revoked = links.revoke_all(case, now=now, actor=Actor.OPERATOR)
            self.stdout.write(f"Links revoked: {revoked}.")
        elif options["revoke_link"] is not None:
            self.stdout.write(_revoke(case, options["revoke_link"], now=now))
        elif options["resend"]:
            self.stdout.write(_send(case, now=now))
        else:
            self._list(case)

    def _list(self, case: RecoveryCase) -> None:
        found = case.links.order_by("created_at", "id")
        for link in found:
            self.stdout.write(_line(link, case))
        if not found:
            self.stdout.write(f"{case.public_id} has no link.")


def _case(merchant: Merchant, public_id: str) -> RecoveryCase:
    found = RecoveryCase.objects.of(merchant).select_related("merchant")
    case = found.filter(public_id=public_id).first()
    if case is None:
        raise CommandError(f"{merchant} has no case {public_id}.")
    return case


def _revoke(case: RecoveryCase, public_id: str, *, now: datetime) -> str:
    link = case.links.filter(public_id=public_id).select_related("case").first()
    if link is None:
        raise CommandError(f"{case.public_id} has no link {public_id}.")
    is_new = links.revoke(link, now=now, actor=Actor.OPERATOR)
    return f"{link} is revoked{'' if is_new else ' already'}."


def _send(case: RecoveryCase, *, now: datetime) -> str:
    try:
        message = replacements.send(case, actor=Actor.OPERATOR, now=now)
    except NotSentError as error:
        raise CommandError(f"No new link was sent: {error}.") from error
    return f"A new link is on its way, with message {message.public_id}."


def _line(link: PaymentUpdateLink, case: RecoveryCase) -> str:
    """The link, and when each thing happened to it, by the merchant's clock."""
    times = {name.removesuffix("_at"): getattr(link, name) for name in WHEN}
    told = [
        f"{name} {at.astimezone(case.merchant.zone):%Y-%m-%d %H:%M}"
        for name, at in times.items()
        if at
    ]
    return f"{link}  {', '.join(told)}"
