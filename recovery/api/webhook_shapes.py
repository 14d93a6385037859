"""What the API takes and tells of webhooks and their deliveries."""

from datetime import datetime, timedelta
from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from recovery.addresses import LONGEST_URL
from recovery.api.paging import PageAnswer
from recovery.api.parameters import Parameters
from recovery.models import WebhookDelivery, WebhookRegistration
from recovery.outbound_events import CHOOSABLE, EventType
from recovery.webhook_registrations import LONGEST_DESCRIPTION, LONGEST_OVERLAP, OVERLAP

Serializer = serializers.Serializer
HOUR = 3600  # seconds


class WebhookParameters(Parameters):
    """A webhook as it is wanted."""

    url = serializers.CharField(
        min_length=1,
        max_length=LONGEST_URL,
        help_text="Where messages go: https, on port 443 or from 1024 up, on the public internet.",
    )
    event_types = serializers.ListField(
        child=serializers.ChoiceField(choices=[str(type_) for type_ in CHOOSABLE]),
        min_length=1,
        help_text="What it is told of.",
    )
    description = serializers.CharField(
        max_length=LONGEST_DESCRIPTION, allow_blank=True, required=False,
        help_text="A note for yourself.",
    )  # fmt: skip


class WebhookChanges(WebhookParameters):
    """What is to change; what is left out stays."""

    state = serializers.ChoiceField(
        choices=WebhookRegistration.State.choices,
        help_text="`disabled`: it is left alone, and what waits for it is given up. `active`: it "
        "hears what happens from now on.",
    )

    def get_fields(self) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
        fields = super().get_fields()
        for field in fields.values():
            field.required = False
        return fields


class Overlap(Parameters):
    """How long a secret that is replaced signs beside the new one."""

    overlap_hours = serializers.IntegerField(
        min_value=0, max_value=int(LONGEST_OVERLAP.total_seconds()) // HOUR,
        default=int(OVERLAP.total_seconds()) // HOUR,
        help_text="0 ends the old secret at once: for one that has leaked.",
    )  # fmt: skip


class Webhook(Serializer[Any]):
    """A URL of yours and what it is told of."""

    id = serializers.CharField(source="public_id")
    url = serializers.CharField()
    event_types = serializers.ListField(
        child=serializers.ChoiceField(choices=[str(type_) for type_ in CHOOSABLE])
    )
    description = serializers.CharField()
    state = serializers.ChoiceField(choices=WebhookRegistration.State.choices)
    disabled_reason = serializers.SerializerMethodField(
        help_text="You switched it off (`by_merchant`), it answered 410 (`gone`), or it took "
        "nothing for days (`failing`)."
    )
    disabled_at = serializers.DateTimeField(allow_null=True)
    failing_since = serializers.DateTimeField(
        allow_null=True, help_text="It has taken no message since then."
    )
    previous_secret_expires_at = serializers.DateTimeField(
        allow_null=True, help_text="Until then the secret that was replaced signs as well."
    )
    created_at = serializers.DateTimeField()
    updated_at = serializers.DateTimeField()

    @extend_schema_field(
        serializers.ChoiceField(choices=WebhookRegistration.DisabledReason.values, allow_null=True)
    )
    def get_disabled_reason(self, registration: WebhookRegistration) -> str | None:
        return registration.disabled_reason or None


class WebhookWithSecret(Webhook):
    """A webhook whose secret was just made."""

    secret = serializers.CharField(
        read_only=True, help_text="Signs its messages, shown this once: keep it."
    )


class Webhooks(PageAnswer):
    data = Webhook(many=True)  # type: ignore[assignment]  # a field, not Serializer's


class Delivery(Serializer[Any]):
    """One message to one webhook, and what became of it."""

    id = serializers.CharField(
        source="public_id", help_text="The `webhook-id` that the message carries, each time."
    )
    webhook = serializers.CharField(source="registration.public_id")
    event_type = serializers.ChoiceField(
        source="notice.type", choices=[str(type_) for type_ in EventType]
    )
    case = serializers.CharField(
        source="case.public_id", default=None, allow_null=True,
        help_text="The case that it tells of.",
    )  # fmt: skip
    sequence = serializers.IntegerField(
        allow_null=True, help_text="Its place among the messages of its case."
    )
    state = serializers.ChoiceField(choices=WebhookDelivery.State.choices)
    tries = serializers.IntegerField(help_text="So far, since it was last (re)sent.")
    next_try_at = serializers.SerializerMethodField(help_text="Null when it is over.")
    tried_at = serializers.DateTimeField(allow_null=True)
    last_status = serializers.IntegerField(
        allow_null=True, help_text="The HTTP status that your endpoint last answered."
    )
    last_error = serializers.CharField(help_text="Why there was no answer; else empty.")
    last_duration_ms = serializers.SerializerMethodField()
    created_at = serializers.DateTimeField()
    delivered_at = serializers.DateTimeField(allow_null=True)
    given_up_at = serializers.DateTimeField(allow_null=True)

    def get_next_try_at(self, delivery: WebhookDelivery) -> datetime | None:
        return delivery.due_at if delivery.state == WebhookDelivery.State.PENDING else None

    def get_last_duration_ms(self, delivery: WebhookDelivery) -> int | None:
        took = delivery.last_duration
        return None if took is None else round(took / timedelta(milliseconds=1))


class Deliveries(PageAnswer):
    data = Delivery(many=True)  # type: ignore[assignment]


class DeliveryInFull(Delivery):
    """A delivery with what was sent and what was answered."""

    request_body = serializers.CharField(
        source="notice.payload", help_text="The very characters that are signed."
    )
    response_body = serializers.CharField(
        source="response_excerpt", help_text="The beginning of the last answer."
    )
