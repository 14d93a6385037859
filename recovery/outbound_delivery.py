"""Webhooks go out at least once, under one id: claim, send, record."""

import logging
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from datetime import datetime, timedelta
from random import SystemRandom

from django.conf import settings
from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q, QuerySet, Window
from django.db.models.functions import RowNumber

from recovery import standard_webhooks, webhook_registrations
from recovery.models import WebhookDelivery, WebhookRegistration
from recovery.posting import Answer, post
from recovery.redelivery import GONE, is_taken, next_try
from recovery.webhook_registrations import RegistrationDisabledError

logger = logging.getLogger(__name__)

BATCH = 20  # sent at the same time, each by a thread of its own
SHARE = 5  # of a batch, for one endpoint: nobody's backlog stands before the others'
# Longer than a look-up and an exchange take (posting.py); then the worker is dead, and what it may
# have sent goes again under the same id.
LEASE = timedelta(seconds=50)
MOST_GIVEN_UP = 1000  # at a time
USER_AGENT = "Recover-Webhooks/1"

State = WebhookDelivery.State


def deliver_due(*, now: datetime, is_failing: bool) -> int:
    """Send a batch of what is due to endpoints that work, or to those that don't; its size.

    Apart, so that who waits for a dead endpoint keeps nobody waiting who can be reached.
    """
    batch = claim(now=now, is_failing=is_failing)
    if not batch:
        return 0
    with ThreadPoolExecutor(max_workers=len(batch)) as threads:
        answers = {threads.submit(_sending(one, now=now)): one for one in batch}
        for answer in as_completed(answers):
            _keep(answers[answer], answer, now=now)
    return len(batch)


def _keep(delivery: WebhookDelivery, sent: Future[Answer], *, now: datetime) -> None:
    """What goes wrong with one message stays with it."""
    try:
        answer = sent.result()
    except Exception as error:
        logger.exception("Webhook %s could not be sent.", delivery)
        answer = Answer(None, f"Not sent ({type(error).__name__}).", "", timedelta())
    jitter = SystemRandom().random()
    record(delivery, answer, now=now + answer.duration, jitter=jitter)


@transaction.atomic
def claim(*, now: datetime, is_failing: bool) -> list[WebhookDelivery]:
    """Ours until the lease ends. A worker that dies meanwhile leaves them to be sent again."""
    ids = list(_in_turn(now=now, is_failing=is_failing))
    batch = list(
        WebhookDelivery.objects.filter(pk__in=ids, state=State.PENDING, due_at__lte=now)
        .select_for_update(skip_locked=True, of=("self",))
        .select_related("registration", "notice")
        .order_by("due_at", "id")
    )
    for delivery in batch:
        delivery.due_at = now + LEASE
        delivery.tries += 1
    ours = WebhookDelivery.objects.filter(pk__in=[delivery.pk for delivery in batch])
    ours.update(due_at=now + LEASE, tries=F("tries") + 1)
    return batch


def _in_turn(*, now: datetime, is_failing: bool) -> QuerySet[WebhookDelivery, int]:
    """The ids of what may be tried now, fairly between endpoints.

    What tells of one case is first tried in its order: while the one before was never tried, the
    next one waits. One that was tried and failed holds nothing up.
    """
    untried_before = WebhookDelivery.objects.filter(
        registration=OuterRef("registration"), case=OuterRef("case"),
        sequence__lt=OuterRef("sequence"), state=State.PENDING, tried_at__isnull=True,
    )  # fmt: skip
    due = WebhookDelivery.objects.filter(
        ~Exists(untried_before), state=State.PENDING, due_at__lte=now,
        registration__state=WebhookRegistration.State.ACTIVE,
        registration__failing_since__isnull=not is_failing,
    )  # fmt: skip
    place = Window(RowNumber(), partition_by=F("registration"), order_by=["due_at", "id"])
    fair = due.annotate(place=place).filter(place__lte=SHARE)
    return fair.order_by("place", "due_at", "id").values_list("pk", flat=True)[:BATCH]


def _sending(delivery: WebhookDelivery, *, now: datetime) -> Callable[[], Answer]:
    """The exchange, with all that the database knows read already: its thread needs none."""
    url, allows_loopback = delivery.registration.url, settings.WEBHOOKS_TO_LOOPBACK
    body = delivery.notice.payload.encode()
    headers = {
        "Content-Type": "application/json",
        "User-Agent": USER_AGENT,
        **standard_webhooks.headers(
            message_id=delivery.public_id, body=body, at=now,
            signing_secrets=delivery.registration.secrets(now=now),
        ),
    }  # fmt: skip
    return lambda: post(url, body=body, headers=headers, allows_loopback=allows_loopback)


@transaction.atomic
def record(delivery: WebhookDelivery, answer: Answer, *, now: datetime, jitter: float) -> None:
    """What became of one try. `jitter` is in [0, 1)."""
    delivery.tried_at, delivery.last_status = now, answer.status
    delivery.last_duration, delivery.response_excerpt = answer.duration, answer.excerpt
    delivery.last_error = answer.error[:300]
    if is_taken(answer.status):
        webhook_registrations.has_taken(delivery.registration)
        delivery.state, delivery.delivered_at = State.DELIVERED, now
        # Also if the lease was over by then, and whatever another worker does: it was taken.
        _save(delivery, ~Q(state=State.DELIVERED))
        return
    webhook_registrations.has_not_taken(
        delivery.registration, is_gone=answer.status == GONE, now=now
    )
    due_at = next_try(tries=delivery.tries, now=now, jitter=jitter)
    if due_at is None:
        delivery.state, delivery.given_up_at = State.GIVEN_UP, now
        logger.info("Webhook %s is given up after %s tries.", delivery, delivery.tries)
    else:
        delivery.due_at = due_at
    # Who outlived the lease has no say in when it is tried next.
    _save(delivery, Q(state=State.PENDING, tries=delivery.tries))


def _save(delivery: WebhookDelivery, condition: Q) -> None:
    names = (
        "state", "due_at", "tried_at", "last_status", "last_error", "last_duration",
        "response_excerpt", "delivered_at", "given_up_at",
    )  # fmt: skip
    row = WebhookDelivery.objects.filter(condition, pk=delivery.pk)
    row.update(**{name: getattr(delivery, name) for name in names})


@transaction.atomic
def give_up_disabled(*, now: datetime) -> None:
    """What waits for endpoints that are to be left alone."""
    waiting = WebhookDelivery.objects.filter(
        state=State.PENDING, registration__state=WebhookRegistration.State.DISABLED
    )
    ids = waiting.select_for_update(skip_locked=True, of=("self",)).values_list("pk", flat=True)
    WebhookDelivery.objects.filter(pk__in=list(ids[:MOST_GIVEN_UP])).update(
        state=State.GIVEN_UP, given_up_at=now, last_error="The webhook was disabled."
    )


@transaction.atomic
def resend(*, delivery: WebhookDelivery, now: datetime) -> WebhookDelivery:
    """Send it again under the same id, whatever became of it. Raises RegistrationDisabledError."""
    delivery = (
        WebhookDelivery.objects.select_for_update(of=("self",))
        .select_related("registration")
        .get(pk=delivery.pk)
    )
    if not delivery.registration.is_active:
        raise RegistrationDisabledError("The webhook is disabled: enable it to send this again.")
    delivery.state, delivery.tries, delivery.due_at = State.PENDING, 0, now
    delivery.delivered_at = delivery.given_up_at = None
    delivery.save(update_fields=["state", "tries", "due_at", "delivered_at", "given_up_at"])
    return delivery


def deliveries(*, registration: WebhookRegistration) -> QuerySet[WebhookDelivery]:
    """The log of one endpoint, newest first."""
    log = WebhookDelivery.objects.filter(registration=registration)
    return log.select_related("registration", "notice", "case").order_by("-created_at", "-id")
