"""What a mail provider's word about a mail means, whichever provider it is.

django-anymail puts events and reasons in one language (anymail.signals.EventType and
RejectReason); it doesn't tell a bounce that ends an address from one that ends a mail, so each
provider's own word for that is looked up here.
"""

import enum
from collections.abc import Mapping
from types import MappingProxyType


class Verdict(enum.StrEnum):
    ACCEPTED = "accepted"  # the provider has the mail
    DELAYED = "delayed"  # it goes on trying
    SOFT_BOUNCE = "soft_bounce"  # this mail wasn't taken, the next one may be
    HARD_BOUNCE = "hard_bounce"  # the address takes no mail, for good
    DROPPED = "dropped"  # not delivered, for a reason that isn't the address's
    COMPLAINED = "complained"
    UNSUBSCRIBED = "unsubscribed"
    NOTHING = "nothing"


BY_EVENT: Mapping[str, Verdict] = MappingProxyType(
    {
        "queued": Verdict.ACCEPTED,
        "sent": Verdict.ACCEPTED,
        "delivered": Verdict.ACCEPTED,
        "autoresponded": Verdict.ACCEPTED,
        "opened": Verdict.ACCEPTED,
        "clicked": Verdict.ACCEPTED,
        "deferred": Verdict.DELAYED,
        "failed": Verdict.DROPPED,
        "complained": Verdict.COMPLAINED,
        "unsubscribed": Verdict.UNSUBSCRIBED,
    }
)
# Why a mail was rejected or came back; no reason counts as "bounced" where it came back.
BY_REASON: Mapping[str, Verdict] = MappingProxyType(
    {
        "bounced": Verdict.HARD_BOUNCE,
        "invalid": Verdict.HARD_BOUNCE,
        "spam": Verdict.COMPLAINED,
        "unsubscribed": Verdict.UNSUBSCRIBED,
        "blocked": Verdict.DROPPED,
        "timed_out": Verdict.SOFT_BOUNCE,
        "other": Verdict.DROPPED,
    }
)
# Where a provider's event says that a bounce is soft, and in which words. Sources: each
# provider's own description of its webhooks, as anymail/webhooks/*.py links to them.
SOFT: Mapping[str, tuple[tuple[str, ...], frozenset[object]]] = MappingProxyType(
    {
        "Brevo": (("event",), frozenset({"soft_bounce"})),
        "Mailjet": (("hard_bounce",), frozenset({False})),
        "Mandrill": (("event",), frozenset({"soft_bounce"})),
        "Postmark": (("Type",), frozenset({"SoftBounce"})),
        "Resend": (("data", "bounce", "type"), frozenset({"Transient", "Undetermined"})),
        "SendGrid": (("type",), frozenset({"blocked", "expired"})),
        # 20-24 soft, DNS, full, too large, timed out; 40 unspecified; 70 transient
        "SparkPost": (
            ("bounce_class",),
            frozenset({"20", "21", "22", "23", "24", "40", "70"}),
        ),
    }
)


def judge(
    *, provider: str, event_type: str, reject_reason: str | None, said: Mapping[str, object]
) -> Verdict:
    """`provider`, `event_type` and `reject_reason` as django-anymail names them; `said` is the
    provider's event as it came."""
    if event_type not in {"bounced", "rejected"}:
        return BY_EVENT.get(event_type, Verdict.NOTHING)
    if event_type == "bounced" and _is_soft(provider, said):
        return Verdict.SOFT_BOUNCE
    unsaid = "bounced" if event_type == "bounced" else "other"
    verdict = BY_REASON.get(reject_reason or unsaid, Verdict.DROPPED)
    # A filter that takes a mail for spam is no customer who complains.
    if event_type == "bounced" and verdict is Verdict.COMPLAINED:
        return Verdict.DROPPED
    return verdict


def _is_soft(provider: str, said: Mapping[str, object]) -> bool:
    path, words = SOFT.get(provider, ((), frozenset()))
    value: object = said
    for name in path:
        value = value.get(name) if isinstance(value, Mapping) else None
    return isinstance(value, str | bool) and value in words
