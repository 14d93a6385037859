"""A merchant's own endpoints: what they hear, which secrets sign, when they are left alone."""

import secrets
from collections.abc import Iterable
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction

from recovery import operator_tasks, outbound, standard_webhooks
from recovery.addresses import RefusedUrlError, read_url
from recovery.models import Merchant, WebhookDelivery, WebhookRegistration
from recovery.operator_tasks import TaskKind
from recovery.outbound_events import CHOOSABLE
from recovery.redelivery import FAILING_TOO_LONG

MOST_OF_A_MERCHANT = 20
LONGEST_DESCRIPTION = 200
OVERLAP = timedelta(hours=24)
LONGEST_OVERLAP = timedelta(days=7)

State = WebhookRegistration.State
DisabledReason = WebhookRegistration.DisabledReason
WHY = {
    DisabledReason.GONE: "it answered 410 Gone",
    DisabledReason.FAILING: f"it took nothing for {FAILING_TOO_LONG.days} days",
}


class InvalidRegistrationError(ValueError):
    """Something about an endpoint can't be as it was given; `field` is which, the text why."""

    def __init__(self, field: str, why: str) -> None:
        super().__init__(why)
        self.field = field


class TooManyRegistrationsError(Exception):
    """A merchant has as many endpoints as one may have."""


class RegistrationDisabledError(Exception):
    """Nothing is sent to an endpoint that is disabled: enable it first."""


@transaction.atomic
def register(
    *,
    merchant: Merchant,
    url: str,
    event_types: Iterable[str],
    description: str = "",
    now: datetime,
) -> tuple[WebhookRegistration, str]:
    """The registration and its secret, which is shown this once.

    Raises InvalidRegistrationError, TooManyRegistrationsError.
    """
    Merchant.objects.select_for_update(no_key=True).get(pk=merchant.pk)  # two count one by one
    if WebhookRegistration.objects.of(merchant).count() >= MOST_OF_A_MERCHANT:
        raise TooManyRegistrationsError(
            f"There are {MOST_OF_A_MERCHANT} webhooks already: delete one first."
        )
    secret = standard_webhooks.new_secret()
    registration = WebhookRegistration.objects.create(
        merchant=merchant, url=_url(url), event_types=_event_types(event_types),
        description=_description(description), secret=secret, created_at=now, updated_at=now,
    )  # fmt: skip
    return registration, secret


def _url(url: str) -> str:
    try:
        read_url(url, allows_loopback=settings.WEBHOOKS_TO_LOOPBACK)
    except RefusedUrlError as error:
        raise InvalidRegistrationError("url", str(error)) from error
    return url


def _event_types(event_types: Iterable[str]) -> list[str]:
    """Each once, in the order of the list that the documentation has."""
    wanted = set(event_types)
    if unknown := sorted(wanted.difference(CHOOSABLE)):
        raise InvalidRegistrationError(
            "event_types", f"There is no event type {unknown[0]!r}; {', '.join(CHOOSABLE)} are."
        )
    if not wanted:
        raise InvalidRegistrationError("event_types", "Choose at least one event type.")
    return [str(type_) for type_ in CHOOSABLE if type_ in wanted]


def _description(description: str) -> str:
    text = description.strip()
    if len(text) > LONGEST_DESCRIPTION or "\x00" in text:
        raise InvalidRegistrationError(
            "description", f"Describe it in at most {LONGEST_DESCRIPTION} characters of text."
        )
    return text


@transaction.atomic
def update(
    *,
    registration: WebhookRegistration,
    url: str | None = None,
    event_types: Iterable[str] | None = None,
    description: str | None = None,
    state: str | None = None,
    now: datetime,
) -> WebhookRegistration:
    """Change what is given, all of it or nothing; what waits goes to the new URL.

    `state` active enables it and disabled disables it. Raises InvalidRegistrationError.
    """
    registration = _locked(registration)
    if url is not None and url != registration.url:
        registration.url, registration.failing_since = _url(url), None
    if event_types is not None:
        registration.event_types = _event_types(event_types)
    if description is not None:
        registration.description = _description(description)
    registration.updated_at = now
    registration.save(
        update_fields=["url", "failing_since", "event_types", "description", "updated_at"]
    )
    if state is None:
        return registration
    return (enable if state == State.ACTIVE else disable)(registration=registration, now=now)


@transaction.atomic
def rotate_secret(
    *, registration: WebhookRegistration, now: datetime, overlap: timedelta = OVERLAP
) -> str:
    """A new secret, shown this once; the old one signs as well for `overlap`.

    A secret that was itself being replaced ends at once. No overlap: a leaked one ends at once.
    """
    registration = _locked(registration)
    registration.previous_secret = registration.secret if overlap else ""
    registration.previous_secret_expires_at = now + overlap if overlap else None
    registration.secret = secret = standard_webhooks.new_secret()
    registration.updated_at = now
    registration.save(
        update_fields=["secret", "previous_secret", "previous_secret_expires_at", "updated_at"]
    )
    return secret


@transaction.atomic
def enable(*, registration: WebhookRegistration, now: datetime) -> WebhookRegistration:
    """It hears what happens from now on; what it missed can be sent again one by one."""
    registration = _locked(registration)
    if registration.is_active:
        return registration
    registration.state, registration.disabled_reason = State.ACTIVE, ""
    registration.disabled_at = registration.failing_since = None
    registration.updated_at = now
    registration.save()
    return registration


@transaction.atomic
def disable(*, registration: WebhookRegistration, now: datetime) -> WebhookRegistration:
    """The merchant wants it left alone. What waits for it is given up."""
    registration = _locked(registration)
    if registration.is_active:
        _disable(registration, DisabledReason.BY_MERCHANT, now=now)
    return registration


def _disable(registration: WebhookRegistration, reason: DisabledReason, *, now: datetime) -> None:
    registration.state, registration.disabled_reason = State.DISABLED, reason
    registration.disabled_at = registration.updated_at = now
    registration.save(update_fields=["state", "disabled_reason", "disabled_at", "updated_at"])


def remove(*, registration: WebhookRegistration) -> None:
    """It goes with the log of its deliveries."""
    registration.delete()


@transaction.atomic
def send_test(*, registration: WebhookRegistration, now: datetime) -> WebhookDelivery:
    """A `webhook.test` is on its way. Raises RegistrationDisabledError."""
    registration = _locked(registration)
    if not registration.is_active:
        raise RegistrationDisabledError("The webhook is disabled: enable it to send a test.")
    once = f"{registration.public_id}:{secrets.token_hex(8)}"
    return outbound.write_test(registration=registration, once=once, now=now)


def has_taken(registration: WebhookRegistration) -> None:
    """A message was delivered: whatever failed before, the endpoint works."""
    WebhookRegistration.objects.filter(pk=registration.pk, failing_since__isnull=False).update(
        failing_since=None
    )


@transaction.atomic
def has_not_taken(registration: WebhookRegistration, *, is_gone: bool, now: datetime) -> None:
    """A message was refused or lost. After days of nothing else, or if the endpoint says that it
    is gone, it is disabled and a person is told."""
    found = (
        WebhookRegistration.objects.select_for_update(no_key=True)
        .filter(pk=registration.pk)
        .first()
    )
    if found is None or not found.is_active:
        return  # it was deleted or disabled while the message was on its way
    if found.failing_since is None:
        found.failing_since = now
        found.save(update_fields=["failing_since"])
    if is_gone:
        _disable_with_notice(found, DisabledReason.GONE, now=now)
    elif now - found.failing_since >= FAILING_TOO_LONG:
        _disable_with_notice(found, DisabledReason.FAILING, now=now)


def _disable_with_notice(
    registration: WebhookRegistration, reason: DisabledReason, *, now: datetime
) -> None:
    _disable(registration, reason, now=now)
    operator_tasks.create_for_merchant(
        merchant=registration.merchant, kind=TaskKind.WEBHOOK_DISABLED,
        summary=f"The webhook to {registration.url[:300]} was disabled: {WHY[reason]}. Repair "
        "the endpoint and enable it again.",
        once=f"{registration.public_id}:{now.isoformat()}", now=now,
    )  # fmt: skip


def _locked(registration: WebhookRegistration) -> WebhookRegistration:
    return WebhookRegistration.objects.select_for_update(no_key=True).get(pk=registration.pk)
