"""What each provider's word about a mail means."""

import itertools

import pytest
from anymail.signals import EventType, RejectReason

from dunning.mail import bounce_rules
from dunning.mail.bounce_rules import Verdict, judge

EVENTS = [value for name, value in vars(EventType).items() if name.isupper()]
REASONS = [value for name, value in vars(RejectReason).items() if name.isupper()]
ABOUT_OUR_MAIL = {"queued", "sent", "delivered", "autoresponded", "opened", "clicked", "deferred"}


@pytest.mark.parametrize(
    ("provider", "event_type", "reason", "said", "expected"),
    [
        ("Postmark", "bounced", "bounced", {"Type": "HardBounce"}, Verdict.HARD_BOUNCE),
        ("Postmark", "bounced", "bounced", {"Type": "SoftBounce"}, Verdict.SOFT_BOUNCE),
        ("Postmark", "rejected", "invalid", {"Type": "BadEmailAddress"}, Verdict.HARD_BOUNCE),
        ("Postmark", "rejected", "blocked", {"Type": "Blocked"}, Verdict.DROPPED),
        ("Postmark", "rejected", None, {"Type": "Unconfirmed"}, Verdict.DROPPED),
        ("Mailgun", "bounced", "bounced", {}, Verdict.HARD_BOUNCE),
        ("Mailgun", "bounced", "other", {}, Verdict.DROPPED),
        ("Mailgun", "bounced", None, {}, Verdict.HARD_BOUNCE),
        ("Mailgun", "bounced", "timed_out", {}, Verdict.SOFT_BOUNCE),
        ("Brevo", "bounced", "bounced", {"event": "hard_bounce"}, Verdict.HARD_BOUNCE),
        ("Brevo", "bounced", "bounced", {"event": "soft_bounce"}, Verdict.SOFT_BOUNCE),
        ("Mandrill", "bounced", "bounced", {"event": "soft_bounce"}, Verdict.SOFT_BOUNCE),
        ("Mailjet", "bounced", "bounced", {"hard_bounce": True}, Verdict.HARD_BOUNCE),
        ("Mailjet", "bounced", "bounced", {"hard_bounce": False}, Verdict.SOFT_BOUNCE),
        ("SendGrid", "bounced", "bounced", {"type": "bounce"}, Verdict.HARD_BOUNCE),
        ("SendGrid", "bounced", "bounced", {"type": "blocked"}, Verdict.SOFT_BOUNCE),
        ("SparkPost", "bounced", "bounced", {"bounce_class": "30"}, Verdict.HARD_BOUNCE),
        ("SparkPost", "bounced", "bounced", {"bounce_class": "22"}, Verdict.SOFT_BOUNCE),
        ("SparkPost", "bounced", "spam", {"bounce_class": "51"}, Verdict.DROPPED),
        (
            "Resend", "bounced", "bounced", {"data": {"bounce": {"type": "Transient"}}},
            Verdict.SOFT_BOUNCE,
        ),
        (
            "Resend", "bounced", "bounced", {"data": {"bounce": {"type": "Permanent"}}},
            Verdict.HARD_BOUNCE,
        ),
        ("Resend", "bounced", "bounced", {"data": ["bounce"]}, Verdict.HARD_BOUNCE),
        ("Resend", "bounced", "bounced", {"data": {"bounce": {"type": []}}}, Verdict.HARD_BOUNCE),
        ("Postmark", "rejected", "spam", {}, Verdict.COMPLAINED),
        ("Postmark", "rejected", "unsubscribed", {}, Verdict.UNSUBSCRIBED),
        ("Postmark", "rejected", "a reason of a later version", {}, Verdict.DROPPED),
        ("Postmark", "deferred", None, {}, Verdict.DELAYED),
        ("Postmark", "failed", None, {}, Verdict.DROPPED),
        ("Postmark", "complained", "spam", {}, Verdict.COMPLAINED),
        ("Postmark", "unsubscribed", "unsubscribed", {}, Verdict.UNSUBSCRIBED),
        ("Postmark", "subscribed", None, {}, Verdict.NOTHING),
        ("Postmark", "a word of a later version", None, {}, Verdict.NOTHING),
    ],
)  # fmt: skip
def test_a_providers_word(
    provider: str, event_type: str, reason: str | None, said: dict[str, object], expected: Verdict
) -> None:
    found = judge(provider=provider, event_type=event_type, reject_reason=reason, said=said)

    assert found is expected


@pytest.mark.parametrize("event_type", sorted(ABOUT_OUR_MAIL))
def test_a_mail_that_is_on_its_way_ends_no_address(event_type: str) -> None:
    for provider, reason in itertools.product([*bounce_rules.SOFT, "?"], [None, *REASONS]):
        found = judge(provider=provider, event_type=event_type, reject_reason=reason, said={})
        assert found in {Verdict.ACCEPTED, Verdict.DELAYED}


def test_every_reason_of_the_library_is_classified() -> None:
    assert set(REASONS) == set(bounce_rules.BY_REASON)
    about_the_mail = set(bounce_rules.BY_EVENT) | {"bounced", "rejected"}
    assert set(EVENTS) - about_the_mail == {
        "subscribed", "inbound", "inbound_failed", "unknown",
    }  # fmt: skip
