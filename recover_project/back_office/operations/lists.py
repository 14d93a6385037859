"""What came in from Stripe, to be processed anew; what went out to merchants' own systems, to be
sent again."""

import json
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from django.contrib import admin, messages
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.dateformat import format as date_format
from django.utils.html import format_html
from django.utils.safestring import SafeString

from recover_project.back_office.rows import Searched, Tell, badge, shortly
from recovery import clock, inbox, outbound_delivery
from recovery.inbox import PayloadForgottenError
from recovery.models import (
    Merchant,
    OutboundNotice,
    StripeEvent,
    WebhookDelivery,
    WebhookRegistration,
)
from recovery.webhook_registrations import RegistrationDisabledError

MOST_AT_ONCE = 100
MOST_NAMED = 5  # of those that something can't be done with
# What else than a delivery's own id finds it.
FOUND_BY: Mapping[str, Any] = MappingProxyType(
    {"notice": OutboundNotice, "registration": WebhookRegistration}
)
TONES = {"pending": "info", "processed": "good", "failed": "bad", "delivered": "good",
         "given_up": "bad"}  # fmt: skip


def _told_by(merchant: Merchant, public_id: str) -> Q:
    """What it is the id of is read first: each then has an index of its own."""
    found = Q(public_id=public_id)
    for name, model in FOUND_BY.items():
        of_it = model.objects.of(merchant).filter(public_id=public_id)
        if pks := list(of_it.values_list("pk", flat=True)):
            found = Q(**{f"{name}__in": pks})
    return found


@admin.register(StripeEvent)
class StripeEventAdmin(Searched):
    list_display = (
        "stripe_event_id", "type", "concerns", "state_shown", "received_at", "error_shown",
    )  # fmt: skip
    fields = (
        "stripe_event_id", "type", "concerns", "state_shown", "error", "tries", "received_at",
        "due_at", "processed_at", "payload_shown",
    )  # fmt: skip
    readonly_fields = ("state_shown", "payload_shown")
    list_filter = ("state",)
    search_help_text = "evt_…, or the in_…, pi_…, sub_… or cus_… that it concerns"
    ordering = ("-id",)
    orders = {"received_at": "id"}
    actions = ("replay",)
    when_empty = "Stripe has told of nothing yet. Every event that it sends is listed here."

    def find(
        self,
        rows: QuerySet[Any],
        term: str,
        *,
        merchant: Merchant,  # noqa: ARG002 - the rows are the merchant's already
        tell: Tell,  # noqa: ARG002 - all of them are found
    ) -> QuerySet[Any]:
        return rows.filter(**{"stripe_event_id" if term.startswith("evt_") else "concerns": term})

    @admin.display(description="State", ordering="state")
    def state_shown(self, event: StripeEvent) -> SafeString:
        return badge(event.get_state_display(), TONES[event.state])

    @admin.display(description="Error")
    def error_shown(self, event: StripeEvent) -> str:
        return shortly(event.error)

    @admin.display(description="What Stripe sent")
    def payload_shown(self, event: StripeEvent) -> SafeString | str:
        if event.payload_forgotten_at is not None:
            since = date_format(timezone.localtime(event.payload_forgotten_at), "j M Y, H:i")
            return (
                f"Gone since {since}. It is kept for as many days as Settings → Account says. "
                "The rest of this page is kept for good."
            )
        try:
            shown = json.dumps(json.loads(event.payload), indent=2, ensure_ascii=False)
        except ValueError:
            shown = event.payload
        return format_html('<pre class="bo-raw" tabindex="0">{}</pre>', shown)

    @admin.action(description="Process anew", permissions=["operate"])
    def replay(self, request: HttpRequest, chosen: QuerySet[Any]) -> None:
        now, done, refused = clock.now(), [], []
        for event in chosen[:MOST_AT_ONCE]:
            try:
                done.append(inbox.replay(event, now=now))
            except PayloadForgottenError as error:
                refused.append(str(error))
        self.message_user(request, f"Processed anew within seconds: {sum(done)}.")
        if waiting := len(done) - sum(done):
            told = f"Waiting to be processed already: {waiting}."
            self.message_user(request, told, messages.WARNING)
        for sentence in refused[:MOST_NAMED]:
            self.message_user(request, sentence, messages.WARNING)
        if more := len(refused[MOST_NAMED:]):
            told = f"Nor can {more} more, whose payloads are gone as well."
            self.message_user(request, told, messages.WARNING)


@admin.register(WebhookDelivery)
class WebhookDeliveryAdmin(Searched):
    list_display = ("public_id", "registration", "state_shown", "tries", "tried_at")
    fields = (
        "public_id", "notice", "registration", "state_shown", "tries", "due_at", "tried_at",
        "last_status", "last_error", "last_duration", "response_excerpt", "delivered_at",
        "given_up_at",
    )  # fmt: skip
    readonly_fields = ("state_shown",)
    list_filter = ("state",)
    search_help_text = "The whole id of the delivery, of what it tells, or of the webhook"
    list_select_related = ("notice", "registration")
    ordering = ("-id",)
    actions = ("resend",)
    when_empty = "Nothing was sent yet. What your own systems are told is listed here."

    def find(
        self,
        rows: QuerySet[Any],
        term: str,
        *,
        merchant: Merchant,
        tell: Tell,  # noqa: ARG002 - as above
    ) -> QuerySet[Any]:
        return rows.filter(_told_by(merchant, term))

    @admin.display(description="State", ordering="state")
    def state_shown(self, delivery: WebhookDelivery) -> SafeString:
        return badge(delivery.get_state_display(), TONES[delivery.state])

    @admin.action(description="Send again", permissions=["operate"])
    def resend(self, request: HttpRequest, chosen: QuerySet[Any]) -> None:
        now, sent = clock.now(), 0
        for delivery in chosen[:MOST_AT_ONCE]:
            try:
                outbound_delivery.resend(delivery=delivery, now=now)
                sent += 1
            except RegistrationDisabledError as error:
                self.message_user(request, f"{delivery.public_id}: {error}", messages.WARNING)
        self.message_user(request, f"On their way again: {sent}.")
