"""One conversation with each customer, however many debts there are: a message tells of all."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Q, QuerySet

from dunning import planning
from dunning.mail import messages
from dunning.models import Channel, DunningMessage, DunningRun
from dunning.planning import Plan
from dunning.timing.schedule import Move
from recovery.models import Customer, RecoveryCase
from recovery.state_machine import Status

State = DunningMessage.State
# Who was told of a debt isn't told of it again by another debt's campaign for so long.
QUIET = timedelta(hours=48)
# Between two mails of campaigns about one debt, also of the same run: what was late doesn't push.
DISTANCE = timedelta(hours=24)
LAST, LAST_BUT_FOR_ANOTHER = "final", "reminder"  # the words of messages
OF_CAMPAIGNS = Q(run__isnull=False) | Q(instead_of__run__isnull=False)


def debts(case: RecoveryCase, *, now: datetime) -> QuerySet[RecoveryCase]:
    """What else the customer owes and may be told of: open, not paused, settled."""
    others = RecoveryCase.objects.filter(
        Q(settles_at=None) | Q(settles_at__lte=now),
        customer__isnull=False, customer=case.customer_id, status=Status.OPEN, is_paused=False,
    )  # fmt: skip
    return others.exclude(pk=case.pk).order_by("id")


def hold(case: RecoveryCase) -> Customer | None:
    """The customer as they are now, held until the transaction ends: two workers don't speak to
    one customer at once. Always held before the customer's cases and messages."""
    if case.customer_id is None:
        return None
    return Customer.objects.select_for_update(no_key=True).get(pk=case.customer_id)


def held_debts(
    case: RecoveryCase, *, now: datetime
) -> tuple[RecoveryCase, Sequence[RecoveryCase]]:
    """The case, and the customer's other debts, as they are now and stay until the transaction
    ends; in the order of their ids, so that nobody waits for each other."""
    customer = hold(case)
    wanted = [case.pk, *debts(case, now=now).values_list("pk", flat=True)]
    rows = RecoveryCase.objects.select_for_update(of=("self",)).select_related("merchant__stripe")
    held = {row.pk: row for row in rows.filter(pk__in=wanted).order_by("id")}
    lead = held.pop(case.pk)
    for row in (lead, *held.values()):
        row.customer = customer
    others = [row for row in held.values() if row.is_open and not row.is_paused]
    return lead, others


def was_told(
    case: RecoveryCase, *, by_other_than: DunningRun | None, since: datetime
) -> DunningMessage | None:
    """The newest message about the case, as its own or among the customer's other debts, that
    went out since then for another run or because the customer asked.

    What came back told nobody; what may have been sent may have told. A case's own answers to
    the customer don't count: they are about the link.
    """
    about = Q(also_about=case) | (Q(case=case) & OF_CAMPAIGNS)
    went = Q(state=State.SENT, sent_at__gte=since, bounced_at=None) | Q(
        state=State.UNKNOWN, claimed_at__gte=since
    )
    found = DunningMessage.objects.filter(about, went)
    if by_other_than is not None:
        found = found.exclude(run=by_other_than).exclude(instead_of__run=by_other_than)
    return found.order_by("-claimed_at", "-id").first()


def at_a_distance(message: DunningMessage, *, now: datetime) -> list[Move]:
    """The move to a day after the last mail about the case, none where that is past. To the
    alternate contact, what came back was no mail."""
    if message.instead_of:
        return []
    last = was_told(message.case, by_other_than=None, since=now - DISTANCE)
    told_at = last and (last.sent_at or last.claimed_at)
    if not told_at or told_at + DISTANCE <= now:
        return []
    rule = f"at least {DISTANCE // timedelta(hours=1)} hours between two mails about a debt"
    return [Move(rule, "one conversation per customer", now, told_at + DISTANCE)]


def words(message: DunningMessage, others: Sequence[RecoveryCase], *, now: datetime) -> str:
    """The words of the message's step; but nobody is told of a last reminder while another debt's
    campaign has mails to come."""
    if message.template != LAST or not _goes_on(others, now=now):
        return message.template
    return LAST_BUT_FOR_ANOTHER


def _goes_on(others: Sequence[RecoveryCase], *, now: datetime) -> bool:
    """Mails that come due sooner are skipped, since this one has told of their debts."""
    live = DunningRun.objects.filter(case__in=others, state=DunningRun.State.LIVE)
    cases = {case.pk: case for case in others}
    return any(
        plan.step.channel == Channel.EMAIL and plan.planned.at > now + QUIET
        for run in live
        for plan in _to_come(run, cases[run.case_id], now=now)
    )


def _to_come(run: DunningRun, case: RecoveryCase, *, now: datetime) -> Iterator[Plan]:
    """The steps that a run has left, each as it is taken if those before it are."""
    steps = planning.steps_of(run.campaign_id)
    after, stepped_at = run.next_position - 1, run.stepped_at
    while plan := planning.next_step(
        steps, case=case, stepped_at=stepped_at, now=now, after=after
    ):
        yield plan
        after, stepped_at = plan.planned.position, plan.planned.at
        now = max(now, stepped_at)


def is_being_told(message: DunningMessage) -> bool:
    """Another message to the same customer is with a worker."""
    others = DunningMessage.objects.filter(
        case__customer__isnull=False, case__customer=message.case.customer_id, state=State.SENDING
    )
    return others.exclude(pk=message.pk).exists()


@transaction.atomic
def told(message: DunningMessage, *, provider_id: str = "", now: datetime) -> None:
    """The message went out: what is due about its other debts needn't go any more."""
    hold(message.case)
    messages.sent(message, provider_id=provider_id, now=now)
    _absorb(message, now=now)


@transaction.atomic
def perhaps_told(message: DunningMessage, why: str, *, now: datetime) -> None:
    """The message may have gone out: to send the same under another name would repeat it."""
    hold(message.case)
    if messages.set_aside(message, why, now=now):
        _absorb(message, now=now)


def _absorb(message: DunningMessage, *, now: datetime) -> None:
    """A link that the customer asked for still goes."""
    due = DunningMessage.objects.filter(
        OF_CAMPAIGNS, case__in=message.also_about.all(), state=State.QUEUED, due_at__lte=now
    )
    for other in due.exclude(pk=message.pk).select_related("case", "step", "instead_of__step"):
        messages.skipped(other, f"told in message {message.public_id}", now=now)
