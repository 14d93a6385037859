"""One conversation with each customer, however many debts there are: a message tells of all."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import F, Q, QuerySet

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
FIRST_RUN = "first_run"  # for which the message went that this one is in place of
OF_CAMPAIGNS = Q(run__isnull=False) | Q(instead_of__run__isnull=False)


def debts(case: RecoveryCase, *, now: datetime) -> QuerySet[RecoveryCase]:
    """What else the customer owes and may be told of: open, not paused, settled."""
    others = RecoveryCase.objects.filter(may_be_told_of([case.customer_id], now=now))
    return others.exclude(pk=case.pk).order_by("id")


def may_be_told_of(customer_ids: Sequence[int | None], *, now: datetime) -> Q:
    """Any of what these customers owe."""
    return (Q(settles_at=None) | Q(settles_at__lte=now)) & Q(
        customer__in=[known for known in customer_ids if known is not None],
        status=Status.OPEN, is_paused=False,
    )  # fmt: skip


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
    wanted = Q(pk=case.pk) | may_be_told_of([case.customer_id], now=now)
    rows = RecoveryCase.objects.select_for_update(of=("self",)).select_related("merchant__stripe")
    held = {row.pk: row for row in rows.filter(wanted).order_by("id")}
    lead = held.pop(case.pk)
    for row in (lead, *held.values()):
        row.customer = customer
    return lead, list(held.values())


def tellings(case: RecoveryCase, *, since: datetime) -> list[DunningMessage]:
    """The messages about the case, as its own or among the customer's other debts, that went out
    since then by a campaign or because the customer asked; newest first.

    What came back told nobody; what may have been sent may have told. A case's own answers to
    the customer don't count: they are about the link.
    """
    went = Q(state=State.SENT, sent_at__gte=since, bounced_at=None) | Q(
        state=State.UNKNOWN, claimed_at__gte=since
    )
    found = DunningMessage.objects.filter(went).annotate(**{FIRST_RUN: F("instead_of__run")})
    found = found.only("public_id", "state", "claimed_at", "sent_at", "run")
    # Each by its own index: "or" across two tables would read every message that there is.
    its_own, mentions = found.filter(OF_CAMPAIGNS, case=case), found.filter(also_about=case)
    return list(its_own.union(mentions, all=True).order_by("-claimed_at", "-id"))


def told_by(
    told: Iterable[DunningMessage], *, but: DunningRun | None, since: datetime
) -> DunningMessage | None:
    """The newest of the `tellings` since then, `but` for a run's and those in their place."""
    by_others = (
        message
        for message in told
        if but is None or but.pk not in {message.run_id, getattr(message, FIRST_RUN)}
    )
    return next((message for message in by_others if _told_at(message) >= since), None)


def _told_at(message: DunningMessage) -> datetime:
    at = message.sent_at if message.state == State.SENT else message.claimed_at
    assert at is not None  # noqa: S101 - that is what was looked for
    return at


def was_told(
    case: RecoveryCase, *, by_other_than: DunningRun | None, since: datetime
) -> DunningMessage | None:
    """The newest of the case's `tellings` since then for anything else than the run."""
    return told_by(tellings(case, since=since), but=by_other_than, since=since)


def at_a_distance(
    message: DunningMessage, told: Iterable[DunningMessage], *, now: datetime
) -> list[Move]:
    """The move to a day after the last mail that `told` of the case, none where that is past. To
    the alternate contact, what came back was no mail."""
    if message.instead_of:
        return []
    last = told_by(told, but=None, since=now - DISTANCE)
    if last is None or _told_at(last) + DISTANCE <= now:
        return []
    rule = f"at least {DISTANCE // timedelta(hours=1)} hours between two mails about a debt"
    return [Move(rule, "one conversation per customer", now, _told_at(last) + DISTANCE)]


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
def told(
    message: DunningMessage,
    *,
    others: Sequence[RecoveryCase] | None = None,
    provider_id: str = "",
    now: datetime,
) -> None:
    """The message went out: what is due about its `others`, the debts that it is also about,
    needn't go any more. None: they are looked for."""
    hold(message.case)  # else who claims another one waits for us, and we for them
    if others is None:
        others = list(message.also_about.all())
    messages.sent(message, others, provider_id=provider_id, now=now)
    _absorb(message, others, now=now)


@transaction.atomic
def perhaps_told(message: DunningMessage, why: str, *, now: datetime) -> None:
    """The message may have gone out: to send the same under another name would repeat it."""
    hold(message.case)
    if messages.set_aside(message, why, now=now):
        _absorb(message, list(message.also_about.all()), now=now)


def _absorb(message: DunningMessage, others: Sequence[RecoveryCase], *, now: datetime) -> None:
    """A link that the customer asked for still goes."""
    if not others:
        return
    due = DunningMessage.objects.filter(
        OF_CAMPAIGNS, case__in=others, state=State.QUEUED, due_at__lte=now
    )
    for other in due.exclude(pk=message.pk).select_related("case", "step", "instead_of__step"):
        messages.skipped(other, f"told in message {message.public_id}", now=now)
