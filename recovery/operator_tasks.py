"""What only a person can do: one task for each cause."""

import enum
from datetime import datetime

from django.db import transaction

from recovery import outbound, timeline
from recovery.models import Merchant, OperatorTask, RecoveryCase
from recovery.outbound_events import EventType
from recovery.redaction import Redaction, without_addresses
from recovery.timeline import Actor, Kind


class TaskKind(enum.StrEnum):
    CAMPAIGN_STEP = "campaign_step"  # a merchant's campaign says so
    CHARGE_REFUSED = "charge_refused"  # a rule leaves it to a person
    CHARGE_UNRESOLVED = "charge_unresolved"  # what became of a charge could not be learnt
    ADDRESS_FAILED = "address_failed"  # mail doesn't reach the customer
    WEBHOOK_DISABLED = "webhook_disabled"  # the merchant's own endpoint fails
    STRIPE_REFUSED = "stripe_refused"  # Stripe would not do what is asked of it
    PERMISSION_MISSING = "permission_missing"  # the key may not do what a customer needs
    KEY_REFUSED = "key_refused"  # Stripe can't be reached for the merchant any more
    OTHER_ACCOUNT = "other_account"  # open cases of a Stripe account that isn't connected any more
    ENDPOINT_LOST = "endpoint_lost"  # Stripe doesn't tell of payments, and can't be made to
    CUSTOMER_DELETED = "customer_deleted"  # who still owes was deleted in Stripe
    MESSAGE_UNSENT = "message_unsent"  # a mail was refused for good, or it may not have gone
    CARD_NOT_PUT = "card_not_put"  # Stripe will charge the card that failed again
    MAIL_HELD_UP = "mail_held_up"  # no mail goes out until the merchant sets something right


def create(
    *,
    case: RecoveryCase,
    kind: TaskKind,
    summary: str,
    once: str,
    now: datetime,
    is_shared: bool = False,
) -> OperatorTask:
    """A task about a case; met again, the same cause (`once`, in the case's name unless it
    `is_shared` by several cases) adds nothing."""
    cause = f"{kind}:{once}" if is_shared else _cause(case, kind, once)
    if case.person_erased_at:
        summary = without_addresses(summary)
    task, created = OperatorTask.objects.get_or_create(
        merchant_id=case.merchant_id,
        once=cause[:300],
        defaults={"case": case, "kind": kind, "summary": summary[:500], "created_at": now},
    )
    if created:
        timeline.append(
            case=case, kind=Kind.TASK_CREATED, summary=f"For a person: {task.summary}", at=now,
            once=f"task:{task.public_id}", rule=kind,
        )  # fmt: skip
    return task


def has_settled(*, case: RecoveryCase, kind: TaskKind, once: str, now: datetime) -> None:
    """What the case's task of this cause was about has turned out well by itself."""
    waiting = OperatorTask.objects.filter(
        merchant_id=case.merchant_id, once=_cause(case, kind, once)[:300], done_at=None
    )
    for task in waiting.select_related("case"):
        is_done(task, actor=Actor.RECOVER, now=now)


def _cause(case: RecoveryCase, kind: TaskKind, once: str) -> str:
    return f"{case.public_id}:{kind}:{once}"


def redact(case: RecoveryCase, redaction: Redaction) -> None:
    """Take who owes out of the case's tasks."""
    tasks = list(case.tasks.all())
    for task in tasks:
        task.summary = redaction.text(task.summary)
        task.once = redaction.key(task.once)[:300]
    OperatorTask.objects.bulk_update(tasks, ["summary", "once"])


def create_for_merchant(
    *, merchant: Merchant, kind: TaskKind, summary: str, once: str, now: datetime
) -> OperatorTask:
    """A task about no case; met again, the same cause (`once`) adds nothing."""
    task, created = OperatorTask.objects.get_or_create(
        merchant=merchant,
        once=f"{kind}:{once}"[:300],
        defaults={"kind": kind, "summary": summary[:500], "created_at": now},
    )
    if created:
        outbound.emit_for_merchant(
            merchant_id=merchant.pk, type=EventType.TASK_CREATED, once=f"task:{task.public_id}",
            data={"summary": f"For a person: {task.summary}", "rule": kind}, now=now,
        )  # fmt: skip
    return task


def create_unless_open(
    *, merchant: Merchant, kind: TaskKind, summary: str, once: str, now: datetime
) -> None:
    """As `create_for_merchant`, where none of that kind waits: what is found again and again is
    one task, until somebody says that it is done."""
    if not OperatorTask.objects.of(merchant).filter(kind=kind, done_at=None).exists():
        create_for_merchant(merchant=merchant, kind=kind, summary=summary, once=once, now=now)


@transaction.atomic
def is_done(task: OperatorTask, *, actor: str, now: datetime) -> bool:
    """`actor` did it. False if it was done before, by whomever."""
    waiting = OperatorTask.objects.filter(pk=task.pk, done_at=None)
    if not waiting.update(done_at=now):
        return False
    if task.case:
        timeline.append(
            case=task.case, kind=Kind.TASK_DONE, summary=f"Done: {task.summary}", at=now,
            once=f"task done:{task.public_id}", actor=actor,
        )  # fmt: skip
    return True
