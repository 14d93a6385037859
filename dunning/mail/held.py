"""Messages that are about to go and all that is asked about them, each kind of row read once,
however many messages there are, and held until the transaction ends.

To be read at a desk (recovery/desk.py): what Stripe says of a debt is written there, too.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Max, Q

from dunning.mail import addresses, conversations
from dunning.models import DunningMessage, DunningRetry, DunningStep
from recovery import desk
from recovery.charge_facts import RetryDriver
from recovery.models import Customer, Merchant, RecoveryCase

State = DunningMessage.State
SOON = timedelta(hours=1)  # what is asked for until then is waited for


@dataclass(frozen=True, slots=True)
class Lead:
    """A queued message, the case that it is about, and who owes that, if it is known."""

    message_id: int
    case_id: int
    customer_id: int | None


@dataclass(frozen=True, slots=True)
class Held:
    """`messages` have their cases, and these their customers and merchants.

    Of each case: `others`, what else its customer owes and may be told of, and `tellings`, newest
    first. `later`: those of which a later step of their campaign is queued or went. `being_told`:
    customers to whom another message is with a worker. `being_charged`: cases whose money a
    campaign asks for within the hour, and when.
    """

    messages: Sequence[DunningMessage]
    others: Mapping[int, Sequence[RecoveryCase]]
    tellings: Mapping[int, Sequence[DunningMessage]]
    later: Collection[int]
    being_told: Collection[int]
    being_charged: Mapping[int, datetime]


def leads(message_ids: Sequence[int]) -> list[Lead]:
    """Those of the messages that are still queued, in the order in which they are asked for."""
    queued = DunningMessage.objects.filter(pk__in=message_ids, state=State.QUEUED)
    found = queued.values_list("pk", "case_id", "case__customer_id")
    known = {message_id: Lead(message_id, *about) for message_id, *about in found}
    return [known[message_id] for message_id in message_ids if message_id in known]


def one_for_each_customer(some: Iterable[Lead]) -> tuple[list[Lead], list[Lead]]:
    """The first for each customer, and those that come after: a message that goes may tell of
    their debts, too."""
    first: list[Lead] = []
    after: list[Lead] = []
    met: set[int] = set()
    for lead in some:
        (after if lead.customer_id in met else first).append(lead)
        if lead.customer_id is not None:
            met.add(lead.customer_id)
    return first, after


def debts(some: Sequence[Lead], *, now: datetime) -> list[RecoveryCase]:
    """All that these messages may tell of, as it is now."""
    found = RecoveryCase.objects.filter(_owed(some, now=now))
    return list(found.select_related("merchant__stripe"))


def _owed(some: Sequence[Lead], *, now: datetime) -> Q:
    whose = [lead.customer_id for lead in some]
    its_own = Q(pk__in=[lead.case_id for lead in some])
    return its_own | conversations.may_be_told_of(whose, now=now)


def hold(some: Sequence[Lead], *, now: datetime) -> Held:
    """What is no longer queued, or whose customer is another one by now, isn't among them."""
    customers = conversations.hold_all(lead.customer_id for lead in some)
    cases = _cases(some, customers, now=now)
    known = {lead.message_id: lead for lead in some}
    messages = [
        message
        for message in _messages([*known], cases)
        if message.case.customer_id == known[message.pk].customer_id
    ]
    addresses.look_up(message.case for message in messages)
    return Held(
        messages=messages,
        others=_others(messages, cases.values()),
        tellings=conversations.tellings(
            [message.case_id for message in messages], since=now - conversations.QUIET
        ),
        later=_later(messages),
        being_told=conversations.being_told(customers, but=[*known]),
        being_charged=_being_charged(messages, now=now),
    )


def _cases(
    some: Sequence[Lead], customers: Mapping[int | None, Customer], *, now: datetime
) -> dict[int, RecoveryCase]:
    """In the order of their ids, so that nobody waits for each other."""
    rows = RecoveryCase.objects.select_for_update().filter(_owed(some, now=now)).order_by("id")
    here = desk.here()
    cases = {case.pk: here.hold(case) for case in rows}
    for customer in customers.values():
        here.hold(customer)
    whole = Merchant.objects.select_related("stripe", "logo").defer("logo__content")
    merchants = whole.in_bulk({case.merchant_id for case in cases.values()})
    for case in cases.values():
        case.merchant = merchants[case.merchant_id]
        if case.customer_id in customers:
            case.customer = customers[case.customer_id]
    return cases


def _messages(
    message_ids: Sequence[int], cases: Mapping[int, RecoveryCase]
) -> list[DunningMessage]:
    rows = DunningMessage.objects.select_for_update(of=("self",)).filter(pk__in=message_ids)
    rows = rows.filter(state=State.QUEUED).select_related("instead_of")
    # Tasks of merchants are made in this order, so that nobody waits for each other.
    messages = list(rows.order_by("merchant_id", "pk"))
    steps = DunningStep.objects.in_bulk(
        {message.original.step_id for message in messages} - {None}
    )
    for message in messages:
        message.case = cases[message.case_id]
        if step_id := message.original.step_id:
            message.original.step = steps[step_id]
    return messages


def _others(
    messages: Iterable[DunningMessage], cases: Iterable[RecoveryCase]
) -> Mapping[int, Sequence[RecoveryCase]]:
    owed: dict[int | None, list[RecoveryCase]] = defaultdict(list)
    for case in cases:
        if case.customer_id is not None:
            owed[case.customer_id].append(case)
    return {
        message.case_id: [
            case for case in owed.get(message.case.customer_id, ()) if case != message.case
        ]
        for message in messages
    }


def _later(messages: Iterable[DunningMessage]) -> Collection[int]:
    runs = {message.original.run_id for message in messages} - {None}
    rows = DunningMessage.objects.filter(run__in=runs).values_list("run")
    newest = dict(rows.annotate(Max("pk")).order_by())
    return {
        message.pk
        for message in messages
        if message.original.pk < newest.get(message.original.run_id, 0)
    }


def _being_charged(messages: Iterable[DunningMessage], *, now: datetime) -> Mapping[int, datetime]:
    ours = [one.case_id for one in messages if one.case.retry_driver == RetryDriver.RECOVER]
    rows = DunningRetry.objects.filter(
        case__in=ours, state=DunningRetry.State.DUE, due_at__lte=now + SOON
    )
    return dict(rows.order_by("due_at").values_list("case_id", "due_at"))
