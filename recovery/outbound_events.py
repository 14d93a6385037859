"""What may be told to a merchant's own systems (docs/webhooks.md)."""

import enum

VERSION = 1  # of the payload; a new field is no new version


class EventType(enum.StrEnum):
    CASE_OPENED = "case.opened"
    CASE_RECOVERED = "case.recovered"
    CASE_LOST = "case.lost"
    CASE_VOIDED = "case.voided"
    MESSAGE_SENT = "message.sent"
    MESSAGE_BOUNCED = "message.bounced"
    ATTEMPT_FAILED = "attempt.failed"
    ATTEMPT_SUCCEEDED = "attempt.succeeded"
    LINK_OPENED = "link.opened"
    TASK_CREATED = "task.created"
    DUNNING_STEP = "dunning.step"  # a campaign's step for in-app banners and text messages
    WEBHOOK_TEST = "webhook.test"


# A test goes to the registration that is tested, whatever it has chosen.
CHOOSABLE = tuple(type_ for type_ in EventType if type_ is not EventType.WEBHOOK_TEST)
# These say where the case has got to; each is told when it differs from what was told last.
STATES = (
    EventType.CASE_OPENED,
    EventType.CASE_RECOVERED,
    EventType.CASE_LOST,
    EventType.CASE_VOIDED,
)
