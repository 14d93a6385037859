"""What came in from Stripe, to be processed anew; what went out to merchants' own systems, to be
sent again."""

import json
from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

from recover_project.back_office.rows import TenantAdmin, badge, shortly
from recovery import inbox, outbound_delivery
from recovery.models import StripeEvent, WebhookDelivery
from recovery.webhook_registrations import RegistrationDisabledError

MOST_AT_ONCE = 100
TONES = {"pending": "info", "processed": "good", "failed": "bad", "delivered": "good",
         "given_up": "bad"}  # fmt: skip


@admin.register(StripeEvent)
class StripeEventAdmin(TenantAdmin):
    list_display = (
        "stripe_event_id",
        "type",
        "concerns",
        "state_shown",
        "received_at",
        "error_shown",
    )
    fields = (
        "stripe_event_id", "type", "concerns", "state_shown", "error", "tries", "received_at",
        "due_at", "processed_at", "payload_shown",
    )  # fmt: skip
    readonly_fields = ("state_shown", "payload_shown")
    list_filter = ("state",)
    search_fields = ("=stripe_event_id", "=concerns")
    search_help_text = "evt_…, or the in_…, pi_…, sub_… or cus_… that it concerns"
    ordering = ("-id",)
    actions = ("replay",)
    when_empty = "Stripe has told of nothing yet. Every event that it sends is listed here."

    @admin.display(description="State", ordering="state")
    def state_shown(self, event: StripeEvent) -> SafeString:
        return badge(event.get_state_display(), TONES[event.state])

    @admin.display(description="Error")
    def error_shown(self, event: StripeEvent) -> str:
        return shortly(event.error)

    @admin.display(description="What Stripe sent")
    def payload_shown(self, event: StripeEvent) -> SafeString:
        try:
            shown = json.dumps(json.loads(event.payload), indent=2, ensure_ascii=False)
        except ValueError:
            shown = event.payload
        return format_html('<pre class="bo-raw" tabindex="0">{}</pre>', shown)

    @admin.action(description="Process anew", permissions=["operate"])
    def replay(self, request: HttpRequest, chosen: QuerySet[Any]) -> None:
        now = timezone.now()
        done = [inbox.replay(event, now=now) for event in chosen[:MOST_AT_ONCE]]
        self.message_user(request, f"Processed anew within seconds: {sum(done)}.")
        if waiting := len(done) - sum(done):
            told = f"Waiting to be processed already: {waiting}."
            self.message_user(request, told, messages.WARNING)


@admin.register(WebhookDelivery)
class WebhookDeliveryAdmin(TenantAdmin):
    list_display = ("public_id", "registration", "state_shown", "tries", "tried_at")  # fmt: skip
    fields = (
        "public_id", "notice", "registration", "state_shown", "tries", "due_at", "tried_at",
        "last_status", "last_error", "last_duration", "response_excerpt", "delivered_at",
        "given_up_at",
    )  # fmt: skip
    readonly_fields = ("state_shown",)
    list_filter = ("state",)
    search_fields = ("=public_id", "=notice__public_id", "=registration__public_id")
    list_select_related = ("notice", "registration")
    ordering = ("-id",)
    actions = ("resend",)
    when_empty = "Nothing was sent yet. What your own systems are told is listed here."

    @admin.display(description="State", ordering="state")
    def state_shown(self, delivery: WebhookDelivery) -> SafeString:
        return badge(delivery.get_state_display(), TONES[delivery.state])

    @admin.action(description="Send again", permissions=["operate"])
    def resend(self, request: HttpRequest, chosen: QuerySet[Any]) -> None:
        now, sent = timezone.now(), 0
        for delivery in chosen[:MOST_AT_ONCE]:
            try:
                outbound_delivery.resend(delivery=delivery, now=now)
                sent += 1
            except RegistrationDisabledError as error:
                self.message_user(request, f"{delivery.public_id}: {error}", messages.WARNING)
        self.message_user(request, f"On their way again: {sent}.")
