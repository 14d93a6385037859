"""Payment-update links: made for a mail, opened by a customer, dying with the case."""

import enum
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import urlencode

from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet

from billing_portal import link_rows, tokens
from billing_portal.link_rows import MAY_BE_PAID
from billing_portal.models import PaymentUpdateLink
from billing_portal.tokens import ExpiredTokenError, ForgedTokenError, Purpose
from recovery import cases, customers, desk, timeline
from recovery.models import RecoveryCase, TimelineEntry
from recovery.state_machine import Status
from recovery.timeline import Actor, Kind

LIFETIME = timedelta(days=7)
RETURN_LIFETIME = timedelta(hours=2)
UPDATE_PATH = "/fourthngoal/recover/update"
REPLACE_PATH = "/fourthngoal/recover/update/replace"
RETURN_PATH = "/fourthngoal/recover/update/return"
DONE = {"done": "1"}
CHECKOUT_RETURN_PATH = "/fourthngoal/recover/update/return/checkout"
INVOICE_PATH = "/fourthngoal/recover/update/invoice"


class LinkState(enum.StrEnum):
    VALID = "valid"
    EXPIRED = "expired"
    REVOKED = "revoked"
    FORGED = "forged"
    PAID = "paid"
    VOIDED = "voided"


@dataclass(frozen=True, slots=True)
class Found:
    """What a token turned out to be; `link` is None for a forged one. `owes_more`: its customer
    may pay something else too; `has_another_open`: and that wasn't given up."""

    state: LinkState
    link: PaymentUpdateLink | None = None
    owes_more: bool = False
    has_another_open: bool = False
    is_expired: bool = False


BY_STATUS = {
    Status.OPEN: LinkState.VALID,
    Status.LOST: LinkState.VALID,  # given up is not paid: the customer still may
    Status.RECOVERED: LinkState.PAID,
    Status.VOIDED: LinkState.VOIDED,
}


def create(*, case: RecoveryCase, now: datetime) -> str:
    """The address of a new link for the case; the token in it is kept nowhere."""
    link, address = make(case, now=now)
    keep(link)
    return address


def make(case: RecoveryCase, *, now: datetime) -> tuple[PaymentUpdateLink, str]:
    """A new link for the case and its address, which leads nowhere until the link is kept."""
    link = PaymentUpdateLink(
        merchant_id=case.merchant_id, case=case, created_at=now, expires_at=now + LIFETIME
    )
    token = _token(link)
    link.digest = tokens.digest(token)
    return link, _address(token)


def keep(link: PaymentUpdateLink) -> None:
    desk.gathered(link, _keep)


def _keep(links: list[PaymentUpdateLink]) -> None:
    PaymentUpdateLink.objects.bulk_create(links)


def _token(link: PaymentUpdateLink) -> str:
    return tokens.issue(
        link_id=link.public_id, purpose=Purpose.UPDATE, secret=settings.SECRET_KEY,
        now=link.created_at, lifetime=LIFETIME,
    )  # fmt: skip


def _address(token: str) -> str:
    return f"{settings.PUBLIC_URL}{UPDATE_PATH}?{urlencode({'token': token})}"


class NoLinkError(Exception):
    """There is nothing to pay behind a link; says why."""


@transaction.atomic
def create_by_hand(*, case: RecoveryCase, once: str, actor: str, now: datetime) -> str:
    """The address of a new link, for an operator to hand on. `once` is of one showing of the
    button: a second click gets the link of the first. Raises NoLinkError."""
    case = cases.locked(case)
    state = BY_STATUS[Status(case.status)]
    if state is not LinkState.VALID:
        raise NoLinkError(f"the case is {state}")
    if case.is_of_erased:
        raise NoLinkError(customers.ERASED)
    cause = f"link made:{actor}:{once}"
    if made := case.timeline.filter(once=cause).first():
        return _made_before(made)
    link, address = make(case, now=now)
    keep(link)
    timeline.append(
        case=case, kind=Kind.LINK_MADE, at=now, actor=actor, once=cause,
        summary=f"A link was made to be handed on; it works for {LIFETIME.days} days.",
        facts={"link": link.public_id},
    )  # fmt: skip
    return address


def _made_before(made: TimelineEntry) -> str:
    """Raises NoLinkError."""
    link = PaymentUpdateLink.objects.filter(
        case=made.case_id, public_id=made.facts.get("link", ""), revoked_at=None
    ).first()
    token = _token(link) if link else ""
    if link is None or tokens.digest(token) != link.digest:
        raise NoLinkError("the link that was made there works no more; make another")
    return _address(token)


def find(
    token: str, *, now: datetime, purpose: Purpose = Purpose.UPDATE, is_to_show: bool = False
) -> Found:
    """What a token opens now. What became of the debt matters more than the token's age. If it
    `is_to_show` and no more, little else is read than what its page shows."""
    is_expired = False
    try:
        link_id = tokens.read(token, purpose=purpose, secret=settings.SECRET_KEY, now=now)
    except ForgedTokenError:
        return Found(LinkState.FORGED)
    except ExpiredTokenError as error:
        is_expired, link_id = True, error.link_id
    found = (link_rows.as_shown if is_to_show else link_rows.whole)(link_id)
    if found is None:
        return Found(LinkState.FORGED)
    link, another = found
    if purpose is Purpose.UPDATE and link.digest != tokens.digest(token):
        return Found(LinkState.FORGED)
    if link.revoked_at:
        return Found(LinkState.REVOKED, link)
    state = BY_STATUS[Status(link.case.status)]
    if is_expired and state is LinkState.VALID:
        state = LinkState.EXPIRED
    return Found(
        state, link, owes_more=another is not None, has_another_open=another == Status.OPEN,
        is_expired=is_expired,
    )  # fmt: skip


def return_url(
    link: PaymentUpdateLink,
    *,
    now: datetime,
    language: str = "",
    path: str = RETURN_PATH,
    is_done: bool = False,
) -> str:
    """Where Stripe sends the customer back to, in the language that they chose, if they did;
    another address for who `is_done` there than for who turns back. The link's own token stays out
    of it: what is given to Stripe is in Stripe's logs."""
    back = tokens.issue(
        link_id=link.public_id, purpose=Purpose.RETURN, secret=settings.SECRET_KEY, now=now,
        lifetime=RETURN_LIFETIME,
    )  # fmt: skip
    query = {"r": back} | (DONE if is_done else {}) | ({"lang": language} if language else {})
    return f"{settings.PUBLIC_URL}{path}?{urlencode(query)}"


def were_used(case: RecoveryCase) -> bool:
    """Whether its customer set out to Stripe by one."""
    return case.links.filter(started_at__isnull=False).exists()


def owed(case: RecoveryCase) -> QuerySet[RecoveryCase]:
    """All that the case's customer may still pay."""
    return RecoveryCase.objects.of(case.merchant_id).filter(
        customer__isnull=False, customer=case.customer_id, status__in=MAY_BE_PAID
    )


def reissue(link: PaymentUpdateLink, *, now: datetime) -> str:
    """A token for trying again from the page that the customer came back to: for the link's own
    debt, or for another one of the customer's once that is settled."""
    case = min(
        owed(link.case),
        key=lambda case: (case.pk != link.case_id, not case.is_open, case.failed_at),
        default=link.case,
    )
    address = create(case=case, now=now)
    return address.partition("token=")[2]


def lead_on(link: PaymentUpdateLink, *, now: datetime) -> str:
    """A token for another open debt of the customer's, the oldest one; "" if there is none."""
    others = owed(link.case).filter(cases.settled(now), status=Status.OPEN)
    others = others.exclude(pk=link.case_id)
    case = others.order_by("failed_at", "id").first()
    return create(case=case, now=now).partition("token=")[2] if case else ""


def opened(link: PaymentUpdateLink, *, now: datetime) -> None:
    """The page was fetched, by the customer or by a mail scanner: it changes nothing else."""
    if link.opened_at is not None:
        return  # told the first time
    with transaction.atomic():
        if PaymentUpdateLink.objects.filter(pk=link.pk, opened_at=None).update(opened_at=now):
            link.opened_at = now
            _tell(link, Kind.LINK_OPENED, "The payment page was opened.", now=now)


@transaction.atomic
def started(link: PaymentUpdateLink, *, payment_method_before: str, now: datetime) -> None:
    link.started_at = now
    link.payment_method_before = payment_method_before
    link.save(update_fields=["started_at", "payment_method_before"])
    _tell(link, Kind.UPDATE_STARTED, "The customer went to Stripe to update the card.", now=now)


@transaction.atomic
def left_to_pay(link: PaymentUpdateLink, *, where: str, now: datetime) -> None:
    """To a page at Stripe where the debt itself is paid."""
    link.started_at = now
    link.save(update_fields=["started_at"])
    _tell(link, Kind.UPDATE_STARTED, f"The customer went to {where} to pay.", now=now)


@transaction.atomic
def finished(link: PaymentUpdateLink, *, now: datetime) -> None:
    link.started_at = link.started_at or now
    link.finished_at = now
    link.save(update_fields=["started_at", "finished_at"])
    _tell(link, Kind.UPDATE_FINISHED, "The customer came back from Stripe.", now=now)


def left(link: PaymentUpdateLink, *, now: datetime) -> None:
    """The customer came back without a new card: told once for each time of setting out."""
    timeline.append(
        case=link.case, kind=Kind.UPDATE_LEFT, at=now, actor=Actor.CUSTOMER,
        summary="The customer came back from Stripe without a new card.",
        once=f"{Kind.UPDATE_LEFT}:{link.public_id}:{link.started_at}",
    )  # fmt: skip


def _tell(
    link: PaymentUpdateLink, kind: Kind, summary: str, *, now: datetime,
    actor: str = Actor.CUSTOMER,
) -> None:  # fmt: skip
    once = f"{kind}:{link.public_id}:{now.isoformat()}"
    timeline.append(case=link.case, kind=kind, summary=summary, once=once, at=now, actor=actor)


@transaction.atomic
def request_replacement(link: PaymentUpdateLink, *, now: datetime) -> None:
    """The holder of an expired link asks for a new one. Asked again, a request that nobody has
    looked at yet stands; whether an earlier answer does is seen by who answers."""
    row = PaymentUpdateLink.objects.filter(pk=link.pk)
    if row.filter(replacement_requested_at=None).update(replacement_requested_at=now):
        _tell(link, Kind.LINK_REQUESTED, "A new link was asked for on an expired page.", now=now)
        return
    row.filter(replaced_at__isnull=False).update(replacement_requested_at=now, replaced_at=None)


def replaced(link: PaymentUpdateLink, *, now: datetime) -> None:
    """The newest request was looked at, and there is an answer to it."""
    link.replaced_at = now
    link.save(update_fields=["replaced_at"])


@transaction.atomic
def revoke(link: PaymentUpdateLink, *, now: datetime, actor: str = Actor.OPERATOR) -> bool:
    """The link opens nothing any more, nor does the way back from Stripe that was made for it.
    False if that was so already."""
    live = PaymentUpdateLink.objects.filter(pk=link.pk, revoked_at=None)
    if not live.update(revoked_at=now):
        return False
    link.revoked_at = now
    _tell(link, Kind.LINK_REVOKED, f"The link {link} was revoked.", now=now, actor=actor)
    return True


@transaction.atomic
def revoke_all(case: RecoveryCase, *, now: datetime, actor: str = Actor.OPERATOR) -> int:
    """Every link of the case that can still do something, an expired one's asking for a new one
    included; how many those were."""
    live = case.links.filter(revoked_at=None).select_related("case").order_by("id")
    return sum(revoke(link, now=now, actor=actor) for link in live)
