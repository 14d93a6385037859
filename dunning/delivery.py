"""A message goes out at most once: claim, look at the case again, send, record."""

import logging
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.utils import formataddr, parseaddr
from smtplib import SMTPException, SMTPRecipientsRefused, SMTPResponseException

from django.conf import settings
from django.core.mail import EmailMultiAlternatives, get_connection
from django.core.mail.backends.base import BaseEmailBackend
from django.db import transaction

from billing_portal import links
from dunning.models import DunningMessage
from dunning.rendering import Rendered, UnrenderableError, render
from recovery import cases, ingest, stripe_gateway, timeline
from recovery.backoff import pause
from recovery.batches import apart
from recovery.masking import mask_email
from recovery.models import RecoveryCase
from recovery.state_machine import Status
from recovery.stripe_errors import (
    NotConnectedError,
    ObjectMissingError,
    StripeError,
)
from recovery.timeline import Kind

logger = logging.getLogger(__name__)

BATCH = 200
MOST_TRIES = 10
FIRST_PAUSE = timedelta(minutes=1)
PAUSE_CASE_IS_PAUSED = timedelta(hours=1)
CLAIM = timedelta(minutes=10)  # a worker that takes longer to send is dead
PERMANENT = 500  # SMTP replies from here on are final
HIDDEN_LINK = "[payment update link]"


WRITTEN_TO = {Status.OPEN}
ANSWERED = {Status.OPEN, Status.LOST}  # who asks for a link may still pay what was given up


class StaleError(Exception):
    """What we know may be old, and Stripe can't be asked now: better late than wrong."""


def queued(*, now: datetime) -> list[int]:
    due = DunningMessage.objects.filter(state=DunningMessage.State.QUEUED, due_at__lte=now)
    return list(due.order_by("due_at", "id").values_list("id", flat=True)[:BATCH])


@dataclass(frozen=True, slots=True)
class Claimed:
    """A message that is ours to send, as it reads under the lock on its case."""

    message: DunningMessage
    content: Rendered
    link: str


def deliver(message_id: int, *, now: datetime) -> None:
    """Send one queued message, if it still should go and nobody else is sending it. One that
    fails is put off, or it would be at the head for ever; a claim that was made stands."""
    try:
        _deliver(message_id, now=now)
    except Exception as error:
        logger.exception("Message %s could not be delivered.", message_id)
        _failed_oddly(message_id, type(error).__name__, now=now)


@transaction.atomic
def _failed_oddly(message_id: int, what: str, *, now: datetime) -> None:
    queued = DunningMessage.objects.select_for_update(of=("self",)).filter(
        pk=message_id, state=DunningMessage.State.QUEUED
    )
    if message := queued.select_related("case", "step").first():
        message.tries += 1
        _put_off(message, f"It could not be written ({what}).", now=now)


def _deliver(message_id: int, *, now: datetime) -> None:
    message = DunningMessage.objects.select_related(
        "case__merchant__stripe", "case__customer", "step"
    ).get(pk=message_id)
    if message.state != DunningMessage.State.QUEUED:
        return
    try:
        _ask_stripe(message.case, now=now)
        claimed = _claim(message_id, now=now)
    except StaleError as error:
        _put_off(message, str(error), now=now)
    except UnrenderableError as error:
        logger.exception("Message %s can't be rendered.", message.public_id)
        message.tries += 1
        _put_off(message, str(error), now=now)
    else:
        if claimed and _hand_over(claimed, now=now):
            _sent(claimed, now=now)


def _hand_over(claimed: Claimed, *, now: datetime) -> bool:
    """Give the mail to the mail server; False if it certainly or possibly didn't take it."""
    message = claimed.message
    connection = get_connection()
    try:
        connection.open()
    except (SMTPException, OSError) as error:
        _put_off(message, f"The mail server can't be reached ({type(error).__name__}).", now=now)
        return False
    try:
        _mail(message, claimed.content, connection).send()
    except (SMTPRecipientsRefused, SMTPResponseException) as error:
        code = _reply_code(error)
        refuse = _failed if code >= PERMANENT else _put_off
        refuse(message, f"The mail server refused the mail ({code}).", now=now)
    except ValueError:  # Django refuses to build it, before the mail server hears of it
        _failed(message, "No mail can be written to this address.", now=now)
    except (SMTPException, OSError):
        _set_aside(message, "The mail server was lost while it took the mail.", now=now)
    else:
        return True
    finally:
        connection.close()
    return False


def _reply_code(error: SMTPRecipientsRefused | SMTPResponseException) -> int:
    """What the mail server answered; a refused recipient may be welcome later (greylisting)."""
    if isinstance(error, SMTPRecipientsRefused):
        return max(code for code, _text in error.recipients.values())
    return error.smtp_code


def _ask_stripe(case: RecoveryCase, *, now: datetime) -> None:
    """No mail about a debt that was paid a moment ago. Raises StaleError."""
    try:
        gateway = stripe_gateway.of(case.merchant)
        if case.is_one_time:
            intent = gateway.payment_intent(case.stripe_payment_intent_id)
            ingest.settle_payment(case=case, intent=intent, now=now)
        else:
            invoice = gateway.invoice(case.stripe_invoice_id)
            ingest.settle_invoice(case=case, invoice=invoice, now=now)
    except (NotConnectedError, ObjectMissingError):
        return  # the events are all there is to know
    except StripeError as error:
        raise StaleError("Stripe can't be asked whether the debt is still open.") from error


@transaction.atomic
def _claim(message_id: int, *, now: datetime) -> Claimed | None:
    """Ours to send, or None: the case is read again under lock. Raises UnrenderableError, and
    then nothing was claimed."""
    message = (
        DunningMessage.objects.select_for_update(of=("self",))
        .select_related("case__merchant__stripe", "case__customer", "step")
        .get(pk=message_id)
    )
    if message.state != DunningMessage.State.QUEUED:
        return None
    case = cases.locked(message.case)
    if case.status not in (ANSWERED if message.is_asked_for else WRITTEN_TO):
        _skip(message, f"the case is {case.status}", now=now)
        return None
    if message.case.merchant.stripe.disconnected_at:
        _skip(message, "the merchant has disconnected Stripe", now=now)
        return None
    if case.is_paused and not message.is_asked_for:
        message.due_at = now + PAUSE_CASE_IS_PAUSED
        message.save(update_fields=["due_at"])
        return None
    if message.run and message.run.messages.filter(pk__gt=message.pk).exists():
        _skip(message, "a later step of the campaign was due", now=now)
        return None
    if not case.customer_email:
        _skip(message, "no address of the customer is known", now=now)
        return None
    message.state, message.claimed_at = DunningMessage.State.SENDING, now
    message.recipient = case.customer_email
    message.tries += 1
    message.save(update_fields=["state", "claimed_at", "recipient", "tries"])
    link = links.create(case=case, now=now)
    return Claimed(message, render(case=case, template=message.template, link=link), link)


def _mail(
    message: DunningMessage, content: Rendered, connection: BaseEmailBackend
) -> EmailMultiAlternatives:
    merchant = message.case.merchant
    sender = merchant.sender_email or parseaddr(settings.DEFAULT_FROM_EMAIL)[1]
    domain = sender.rpartition("@")[2] or "localhost"
    name = " ".join(merchant.product_name.split())
    mail = EmailMultiAlternatives(
        subject=content.subject,
        body=content.text,
        from_email=formataddr((name, sender)),
        to=[message.recipient],
        reply_to=[merchant.support_email] if merchant.support_email else None,
        connection=connection,
        headers={
            # Made from the row, so that a provider that sees it twice can tell.
            "Message-ID": f"<{message.public_id}@{domain}>",
            "Auto-Submitted": "auto-generated",
        },
    )
    mail.attach_alternative(content.html, "text/html")
    return mail


def _sent(claimed: Claimed, *, now: datetime) -> None:
    message, content, link = claimed.message, claimed.content, claimed.link
    message.state, message.sent_at, message.error = DunningMessage.State.SENT, now, ""
    message.subject = content.subject
    message.body_text = content.text.replace(link, HIDDEN_LINK)
    message.body_html = content.html.replace(link, HIDDEN_LINK)
    message.save()
    timeline.append(
        case=message.case, kind=Kind.MESSAGE_SENT, once=f"sent:{message.public_id}", at=now,
        summary=f"“{content.subject}” was sent to {mask_email(message.recipient)}.",
        rule=message.cause,
    )  # fmt: skip


def _put_off(message: DunningMessage, error: str, *, now: datetime) -> None:
    if message.tries >= MOST_TRIES:
        _failed(message, error, now=now)
        return
    message.state, message.error = DunningMessage.State.QUEUED, error
    message.due_at = now + pause(message.tries, first=FIRST_PAUSE)
    message.save(update_fields=["state", "error", "due_at", "tries"])


def _failed(message: DunningMessage, error: str, *, now: datetime) -> None:
    message.state, message.error = DunningMessage.State.FAILED, error
    message.save(update_fields=["state", "error"])
    _not_sent(message, error, now=now)


def _skip(message: DunningMessage, why: str, *, now: datetime) -> None:
    message.state, message.error = DunningMessage.State.SKIPPED, why
    message.save(update_fields=["state", "error"])
    _not_sent(message, f"Not sent: {why}.", now=now)


def _not_sent(message: DunningMessage, summary: str, *, now: datetime) -> None:
    timeline.append(
        case=message.case, kind=Kind.MESSAGE_NOT_SENT, at=now, summary=summary,
        once=f"not sent:{message.public_id}:{message.state}",
        rule=message.cause,
    )  # fmt: skip


@transaction.atomic
def set_aside_unknown(*, now: datetime) -> None:
    """A worker died between claim and record: the mail may have gone, so it isn't repeated."""
    claimed = DunningMessage.objects.filter(
        state=DunningMessage.State.SENDING, claimed_at__lt=now - CLAIM
    ).select_for_update(skip_locked=True, of=("self",))
    for message in claimed.select_related("case", "step")[:BATCH]:
        with apart(f"Message {message.public_id}"), transaction.atomic():
            _set_aside(message, "The worker died while sending.", now=now)


def _set_aside(message: DunningMessage, why: str, *, now: datetime) -> None:
    message.state = DunningMessage.State.UNKNOWN
    message.error = f"{why} It may have been sent or not."
    message.save(update_fields=["state", "error"])
    _not_sent(message, message.error, now=now)
    logger.warning("Message %s may or may not have been sent.", message.public_id)
