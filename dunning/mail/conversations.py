"""One conversation with each customer, however many debts there are: a message tells of all."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import F, Q

from dunning import planning
from dunning.mail import messages
from dunning.mail.messages import Telling
from dunning.models import Channel, DunningMessage, DunningRun
from dunning.planning import Plan
from dunning.timing.schedule import Move
from recovery import cases, desk
from recovery.models import Customer, RecoveryCase
from recovery.state_machine import Status

State = DunningMessage.State
# Who was told of a debt isn't told of it again by another debt's campaign for so long.
QUIET = timedelta(hours=48)
# Between two mails of campaigns about one debt, also of the same run: what was late doesn't push.
DISTANCE = timedelta(hours=24)
LAST, LAST_BUT_FOR_ANOTHER = "final", "reminder"  # the words of messages
FIRST_RUN = "first_run"  # for which the message went that this one is in place of
ABOUT = "about"  # the case of which a message told
OF_CAMPAIGNS = Q(run__isnull=False) | Q(instead_of__run__isnull=False)


def may_be_told_of(customer_ids: Sequence[int | None], *, now: datetime) -> Q:
    """Any of what these customers owe."""
    open_ = Q(customer__in=_known(customer_ids), status=Status.OPEN, is_paused=False)
    return cases.settled(now) & open_


def _known(customer_ids: Iterable[int | None]) -> list[int]:
    return [customer_id for customer_id in customer_ids if customer_id is not None]


def hold(case: RecoveryCase) -> Customer | None:
    """The customer as they are now, held until the transaction ends: two workers don't speak to
    one customer at once. Always held before the customer's cases and messages."""
    return hold_all([case.customer_id]).get(case.customer_id)


def hold_all(customer_ids: Iterable[int | None]) -> dict[int | None, Customer]:
    """As `hold`, several of them, by id; in the order in which events' workers hold them, so that
    nobody waits for each other (recovery/together/sets.py)."""
    rows = Customer.objects.select_for_update(no_key=True).filter(pk__in=_known(customer_ids))
    return {customer.pk: customer for customer in rows.order_by("merchant_id", "pk")}


def tellings(
    case_ids: Collection[int], *, since: datetime
) -> Mapping[int, Sequence[DunningMessage]]:
    """The messages about each of these cases, as its own or among the customer's other debts, that
    went out since then by a campaign or because the customer asked; newest first.

    What came back told nobody; what may have been sent may have told. A case's own answers to
    the customer don't count: they are about the link.
    """
    went = Q(state=State.SENT, sent_at__gte=since, bounced_at=None) | Q(
        state=State.UNKNOWN, claimed_at__gte=since
    )
    found = DunningMessage.objects.filter(went).annotate(**{FIRST_RUN: F("instead_of__run")})
    found = found.only("public_id", "state", "claimed_at", "sent_at", "run")
    # Each by its own index: "or" across two tables would read every message that there is.
    its_own = found.filter(OF_CAMPAIGNS, case__in=case_ids).annotate(**{ABOUT: F("case")})
    mentions = found.filter(also_about__in=case_ids).annotate(**{ABOUT: F("also_about")})
    told: dict[int, list[DunningMessage]] = defaultdict(list)
    for message in its_own.union(mentions, all=True).order_by("-claimed_at", "-id"):
        told[getattr(message, ABOUT)].append(message)
    return told


def told_by(
    told: Iterable[DunningMessage], *, but: int | None, since: datetime
) -> DunningMessage | None:
    """The newest of the `tellings` since then, `but` for a run's and those in their place."""
    by_others = (
        message
        for message in told
        if but is None or but not in {message.run_id, getattr(message, FIRST_RUN)}
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
    told = tellings([case.pk], since=since).get(case.pk, [])
    return told_by(told, but=by_other_than.pk if by_other_than else None, since=since)


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


def being_told(customer_ids: Iterable[int | None], *, but: Collection[int]) -> set[int]:
    """Those to whom another message than these is with a worker."""
    others = DunningMessage.objects.filter(
        case__customer__in=_known(customer_ids), state=State.SENDING
    )
    return set(others.exclude(pk__in=but).values_list("case__customer", flat=True))


def told(message: DunningMessage, *, now: datetime) -> None:
    """The message went out, as its provider says: `told_all` of it and the debts it is about."""
    told_all([Telling(message, list(message.also_about.all()))], now=now)


def told_all(some: Sequence[Telling], *, now: datetime) -> None:
    """These messages went out: what is due about the debts that they are also about needn't go any
    more."""
    with desk.sitting():
        # Else who claims another one waits for us, and we for them.
        hold_all(telling.message.case.customer_id for telling in some)
        messages.sent(some, now=now)
        for telling in some:
            _absorb(telling.message, telling.others, now=now)


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
