"""The one writer of suppressed addresses: whom a merchant's mail no longer goes to, and who else
may be written to."""

from collections import defaultdict
from collections.abc import Hashable, Iterable
from datetime import datetime

from django.db import transaction
from django.db.models import Q, QuerySet

from dunning.models import SuppressedAddress
from recovery import desk, timeline
from recovery.masking import mask_email
from recovery.models import Merchant, RecoveryCase
from recovery.models.base import TenantQuerySet
from recovery.pseudonyms import PREFIX, pseudonym
from recovery.state_machine import Status
from recovery.timeline import Kind

Reason = SuppressedAddress.Reason
# What is heard later of an address never softens what is known, so that the order in which a
# provider tells decides nothing.
BY_WEIGHT = (Reason.BOUNCED, Reason.UNSUBSCRIBED, Reason.COMPLAINED)
WHY = {
    Reason.BOUNCED: "takes no mail",
    Reason.UNSUBSCRIBED: "asked for no more mail",
    Reason.COMPLAINED: "called the mail unwanted",
}


class NotSuppressedError(LookupError):
    """Nothing is in the way of mail to the address."""


@transaction.atomic
def suppress(
    *, merchant: Merchant | int, email: str, reason: Reason, detail: str, now: datetime
) -> None:
    """No more mail of the merchant's goes to the address, or to that of a pseudonym; the
    weightiest reason is kept."""
    detail = "" if email.startswith(PREFIX) else detail[:500]
    told = {"reason": reason, "detail": detail, "suppressed_at": now}
    merchant_id = _pk(merchant)
    known = of(merchant_id, email).values_list("email", flat=True).first()
    address, created = SuppressedAddress.objects.get_or_create(
        merchant_id=merchant_id, email=known or email.lower(), defaults=told
    )
    if not created:
        lighter = BY_WEIGHT[: BY_WEIGHT.index(reason)]
        SuppressedAddress.objects.filter(pk=address.pk, reason__in=lighter).update(**told)
    desk.forget(_question(merchant_id, email))


def _pk(merchant: Merchant | int) -> int:
    return merchant.pk if isinstance(merchant, Merchant) else merchant


def of(merchant_id: int, *emails: str) -> TenantQuerySet[SuppressedAddress]:
    """Those of `emails` that are suppressed, by themselves or by their owner's pseudonym."""
    known_as = {email.lower() for email in emails}
    known_as |= {pseudonym(email, merchant_id=merchant_id) for email in emails}
    return SuppressedAddress.objects.of(merchant_id).filter(email__in=known_as - {""})


def forget(merchant_id: int, *emails: str) -> None:
    """Their owner is erased. That no mail goes there is still known, by a pseudonym."""
    for address in of(merchant_id, *emails):
        address.email, address.detail = pseudonym(address.email, merchant_id=merchant_id), ""
        address.save(update_fields=["email", "detail"])


@transaction.atomic
def lift(*, merchant: Merchant, email: str, actor: str, now: datetime) -> SuppressedAddress:
    """Mail of the merchant's goes to the address again, from the next step of each campaign on.
    The open cases of who is reached there tell so. Returns what was in the way; raises
    NotSuppressedError."""
    address = of(merchant.pk, email).select_for_update().first()
    if address is None:
        raise NotSuppressedError(f"{email} is not suppressed at {merchant}.")
    for case in _open_cases(merchant, email):
        timeline.append(
            case=case, kind=Kind.ADDRESS_LIFTED, at=now, actor=actor,
            summary=f"{mask_email(email.lower())} ({address.reason}) may be written to again.",
            once=f"lifted:{email.lower()}:{address.suppressed_at.isoformat()}",
            rule="an operator's decision",
        )  # fmt: skip
    address.delete()
    return address


def _open_cases(merchant: Merchant, email: str) -> QuerySet[RecoveryCase]:
    owner = Q(customer__email__iexact=email) | Q(customer__alternate_email__iexact=email)
    cases = RecoveryCase.objects.of(merchant).filter(owner, status=Status.OPEN)
    return cases.order_by("id")


def listed(merchant: Merchant) -> QuerySet[SuppressedAddress]:
    """All of the merchant's, newest first."""
    return SuppressedAddress.objects.of(merchant).order_by("-suppressed_at", "-id")


def suppressed_since(merchant: Merchant | int, email: str) -> datetime | None:
    """None if it isn't suppressed."""
    return of(_pk(merchant), email).values_list("suppressed_at", flat=True).first()


def suppressed(merchant: Merchant | int, email: str) -> Reason | None:
    """Why the merchant's mail doesn't go to the address; None if it does."""
    merchant_id = _pk(merchant)

    def found() -> str | None:
        return of(merchant_id, email).values_list("reason", flat=True).first()

    reason = desk.noted(_question(merchant_id, email), found)
    return Reason(reason) if reason else None


def look_up(cases: Iterable[RecoveryCase]) -> None:
    """Why mail doesn't go to the addresses of these cases' customers is noted on the desk in use,
    for who asks for one of them there."""
    found: dict[int, dict[str, str | None]] = defaultdict(dict)
    for case in cases:
        if case.customer:
            emails = (case.customer.email, case.customer.alternate_email)
            found[case.merchant_id] |= dict.fromkeys(emails)
    for merchant_id, reasons in found.items():
        stored = dict(of(merchant_id, *reasons).values_list("email", "reason"))
        for email in reasons:
            known = stored.get(email.lower()) or stored.get(
                pseudonym(email, merchant_id=merchant_id)
            )
            desk.here().noted[_question(merchant_id, email)] = known


def _question(merchant_id: int, email: str) -> Hashable:
    return "suppressed", merchant_id, email.lower()


def recipient(case: RecoveryCase, *, is_asked_for: bool = False) -> str:
    """Who is written to about a case, "" for nobody.

    The alternate contact takes the place of an address that is missing or dead. It doesn't take
    the place of a person who wants no mail; who then asks for a link gets that, and no more.
    """
    if case.customer is None:
        return ""
    own, other = case.customer.email, case.customer.alternate_email
    reason = suppressed(case.merchant_id, own)
    if own and (reason is None or (reason is Reason.UNSUBSCRIBED and is_asked_for)):
        return own
    if reason in {None, Reason.BOUNCED} and suppressed(case.merchant_id, other) is None:
        return other
    return ""


def why_unreachable(case: RecoveryCase) -> str:
    """What stands between us and a customer whom nobody is written to for."""
    own = case.customer_email
    reason = suppressed(case.merchant_id, own)
    if reason is None:
        return "no address of the customer is known"
    return f"{mask_email(own)} {WHY[reason]}"


def is_unwanted(case: RecoveryCase) -> bool:
    """The customer has an address and wants no mail there: nothing for a person to repair."""
    unwanted = {Reason.UNSUBSCRIBED, Reason.COMPLAINED}
    return suppressed(case.merchant_id, case.customer_email) in unwanted
