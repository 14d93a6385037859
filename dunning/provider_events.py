"""What mail providers tell of our mails, through django-anymail's one signal
(docs/adr/0006-the-one-signal.md)."""

from collections.abc import Mapping
from typing import Any

from anymail.signals import AnymailTrackingEvent, tracking
from django.dispatch import receiver

from dunning.mail import bounces
from dunning.mail.bounce_rules import Verdict, judge
from dunning.mail.bounces import Word
from dunning.mail.letters import METADATA
from dunning.models import DunningMessage
from recovery import clock


@receiver(tracking)
def hear(event: AnymailTrackingEvent, esp_name: str, **_: Any) -> None:
    """An event about a mail of ours; the provider's account may send others too."""
    said = event.esp_event if isinstance(event.esp_event, Mapping) else {}
    verdict = judge(
        provider=esp_name, event_type=event.event_type, reject_reason=event.reject_reason,
        said=said,
    )  # fmt: skip
    message = _message(event)
    if message is None or verdict is Verdict.NOTHING:
        return
    now = clock.now()
    detail = event.mta_response or event.description or event.reject_reason or "no reason given"
    bounces.take_in(Word(message, verdict, detail=str(detail), at=event.timestamp or now, now=now))


def _message(event: AnymailTrackingEvent) -> DunningMessage | None:
    """By the name that we gave it; where a provider keeps none, by the provider's own."""
    claimed = DunningMessage.objects.filter(claimed_at__isnull=False).select_related(
        "case", "step", "instead_of__step"
    )
    metadata = event.metadata if isinstance(event.metadata, Mapping) else {}
    if public_id := metadata.get(METADATA):
        return claimed.filter(public_id=str(public_id)).first()
    if event.message_id:
        return claimed.filter(provider_id=str(event.message_id)).order_by("-id").first()
    return None
