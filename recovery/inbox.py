"""The inbox of Stripe's events: stored once, claimed in batches, given up late and visibly."""

import logging
import re
import threading
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta

from django.db import DatabaseError, connection, transaction
from django.db.models import F, Prefetch, Q, QuerySet

from recovery import clock
from recovery.backoff import pause
from recovery.models import Customer, Merchant, StripeEvent
from recovery.prepared import Prepared
from recovery.pseudonyms import pseudonym
from recovery.redaction import ADDRESS
from recovery.stripe_events import Event, EventType, concerns

logger = logging.getLogger(__name__)

BATCH = 200
# A worker that says for so long no more that it lives is dead: what it held is somebody else's.
LEASE = timedelta(seconds=30)
SAYS_SO_EVERY = 10  # seconds
LONGEST = timedelta(minutes=5)  # one that lives and takes longer is stuck
MOST_TRIES = 12
# So long Stripe goes on delivering a live event (docs.stripe.com/webhooks, retries).
STRIPE_DELIVERS_WITHIN = timedelta(days=3)
LONGEST_ERROR = 1000
# Once one of these was said, nothing is owed any more, whatever comes later.
FINAL = (
    EventType.INVOICE_PAID, EventType.INVOICE_VOIDED,
    EventType.PAYMENT_INTENT_SUCCEEDED, EventType.PAYMENT_INTENT_CANCELED,
)  # fmt: skip
# An account may be a customer (stripe_objects/invoices.py); who it belongs to is none.
CUSTOMER = re.compile(r'"(cus_\w+)"|"customer(?:_account)?":\s*"([^"\\]+)"')
_INSERT = Prepared(
    "store_event",
    """
    INSERT INTO recovery_stripeevent (
        merchant_id, stripe_event_id, type, concerns, payload, received_at, due_at, state, tries,
        error
    ) VALUES ($1, $2, $3, $4, $5, $6, $6, 'pending', 0, '') ON CONFLICT DO NOTHING
    """,
)


class PayloadForgottenError(Exception):
    """What the event said is gone: it can't be processed anew."""

    def __init__(self, event: StripeEvent, *, forgotten_at: datetime) -> None:
        days = (forgotten_at - event.received_at).days
        super().__init__(
            f"{event.stripe_event_id} can't be processed anew: its payload was kept for {days} "
            "days, and is gone."
        )


def is_for(merchant: Merchant, event: Event) -> bool:
    """Events of another mode, of an account that isn't the merchant's or of a type that changes
    nothing here are nothing to keep."""
    connection = merchant.stripe
    is_ours = (
        not event.account or not connection.account_id or event.account == connection.account_id
    )
    return event.is_known and is_ours and connection.counts(livemode=event.livemode)


def store(*, merchant: Merchant, event: Event, payload: str, now: datetime) -> None:
    """Keep a verified event, once."""
    if connection.vendor == "postgresql":
        _INSERT.execute(
            str(merchant.pk), event.id, event.type, concerns(event), payload, now.isoformat()
        )
    else:
        row = _row(merchant, event, payload, now=now)
        StripeEvent.objects.bulk_create([row], ignore_conflicts=True)


def store_missing(
    *, merchant: Merchant, listed: Mapping[str, tuple[Event, str]], now: datetime
) -> list[str]:
    """Keep those of `listed` (id → event and payload) that never came; their ids. What comes of
    them later is seen to be here already."""
    here = StripeEvent.objects.of(merchant).filter(stripe_event_id__in=list(listed))
    known = set(here.values_list("stripe_event_id", flat=True))
    missing = [told for event_id, told in listed.items() if event_id not in known]
    rows = [_row(merchant, event, payload, now=now) for event, payload in missing]
    StripeEvent.objects.bulk_create(rows, ignore_conflicts=True)
    return [event.id for event, _payload in missing]


def _row(merchant: Merchant, event: Event, payload: str, *, now: datetime) -> StripeEvent:
    return StripeEvent(
        merchant=merchant, stripe_event_id=event.id, type=event.type, concerns=concerns(event),
        payload=payload, received_at=now, due_at=now,
    )  # fmt: skip


@transaction.atomic
def claim(*, now: datetime) -> list[StripeEvent]:
    """A batch of events that nobody else is processing; they are ours until the lease ends. One
    merchant is one object, with one connection to Stripe."""
    pending = StripeEvent.objects.filter(state=StripeEvent.State.PENDING, due_at__lte=now)
    whose = Prefetch("merchant", Merchant.objects.select_related("stripe"))
    batch = list(
        pending.select_for_update(skip_locked=True)
        .prefetch_related(whose)
        .order_by("due_at", "id")[:BATCH]
    )
    for event in batch:
        event.due_at = now + LEASE
        event.tries += 1
    ours = StripeEvent.objects.filter(pk__in=[event.pk for event in batch])
    ours.update(due_at=now + LEASE, tries=F("tries") + 1)
    return batch


@contextmanager
def held(batch: Sequence[StripeEvent]) -> Iterator[None]:
    """What was claimed stays ours for as long as its worker lives: a Stripe that is silent takes
    longer to ask than any lease that a dead worker's events could wait for."""
    is_over = threading.Event()
    thread = threading.Thread(target=_keep, args=(batch, is_over), name="lease", daemon=True)
    thread.start()
    try:
        yield
    finally:
        is_over.set()
        thread.join()


def _keep(batch: Sequence[StripeEvent], is_over: threading.Event) -> None:
    until, end = batch[0].due_at, clock.now() + LONGEST
    try:
        while not is_over.wait(SAYS_SO_EVERY) and (now := clock.now()) < end:
            until = renew(batch, until=until, now=now)
    except DatabaseError:
        logger.warning("The lease of %s events can't be renewed.", len(batch))
    finally:
        connection.close()


def renew(batch: Sequence[StripeEvent], *, until: datetime, now: datetime) -> datetime:
    """When the lease of what is still to be processed ends now, which ended `until`: one that is
    over is somebody else's, and what was put off is nobody's."""
    if until <= now:
        return until
    ours = [event for event in batch if event.due_at == until]
    pending = StripeEvent.objects.filter(state=StripeEvent.State.PENDING, due_at=until)
    pending.filter(pk__in=[event.pk for event in ours]).update(due_at=now + LEASE)
    for event in ours:
        event.due_at = now + LEASE
    return now + LEASE


def processed(*events: StripeEvent, now: datetime) -> None:
    if not events:
        return
    done = StripeEvent.objects.filter(pk__in=[event.pk for event in events])
    done.update(state=StripeEvent.State.PROCESSED, processed_at=now, error="")
    about_erased = _about_erased(events)
    if about_erased:
        named = StripeEvent.objects.filter(pk__in=about_erased)
        named.update(payload="", payload_forgotten_at=now)


def _about_erased(events: Collection[StripeEvent]) -> list[int]:
    """Those that name a person who was erased and owes nothing new: what they say isn't kept
    (docs/adr/0025-erasing-a-person.md)."""
    named = {event.pk: _named(event) for event in events}
    ids, pseudonyms = (set().union(*names) for names in zip(*named.values(), strict=True))
    if not ids | pseudonyms:
        return []
    erased = Customer.objects.filter(
        Q(stripe_customer_id__in=ids) | Q(pseudonym__in=pseudonyms),
        merchant__in={event.merchant_id for event in events},
        erased_at__isnull=False, known_at__lte=F("erased_at"),
    )  # fmt: skip
    found = {
        (merchant_id, name)
        for merchant_id, *names in erased.values_list(
            "merchant", "stripe_customer_id", "pseudonym"
        )
        for name in filter(None, names)
    }
    return [
        event.pk
        for event in events
        if any((event.merchant_id, name) in found for name in set().union(*named[event.pk]))
    ]


def _named(event: StripeEvent) -> tuple[set[str], set[str]]:
    """The ids of customers in a payload; where there are none, the pseudonyms of addresses."""
    if ids := {one or other for one, other in CUSTOMER.findall(event.payload)}:
        return ids, set()
    addresses = set(ADDRESS.findall(event.payload))
    return set(), {pseudonym(one, merchant_id=event.merchant_id) for one in addresses}


def failed(event: StripeEvent, *, error: str, is_permanent: bool, now: datetime) -> None:
    """Try again later, longer each time; what can't ever succeed waits for a person."""
    event.error = error[:LONGEST_ERROR]
    if is_permanent or event.tries >= MOST_TRIES:
        event.state = StripeEvent.State.FAILED
    event.due_at = now + pause(event.tries)
    # A worker that outlived its lease may be too late to say so.
    still_pending = StripeEvent.objects.filter(pk=event.pk, state=StripeEvent.State.PENDING)
    still_pending.update(state=event.state, error=event.error, due_at=event.due_at)


def replay(event: StripeEvent, *, now: datetime) -> bool:
    """Process it anew, whatever became of it: facts that are known already change nothing. False
    for one that is waiting anyway. Raises PayloadForgottenError."""
    known = StripeEvent.objects.filter(pk=event.pk).exclude(state=StripeEvent.State.PENDING)
    if known.filter(payload_forgotten_at__isnull=True).update(
        state=StripeEvent.State.PENDING, tries=0, due_at=now, processed_at=None, error=""
    ):
        return True
    forgotten_at = known.values_list("payload_forgotten_at", flat=True).first()
    if forgotten_at is not None:
        raise PayloadForgottenError(event, forgotten_at=forgotten_at)
    return False


def failed_invoices(merchant: Merchant, *, around: datetime) -> list[StripeEvent]:
    """The latest failures of invoices that came within days of a moment, newest first, as far as
    it is known what they said."""
    near = _telling(merchant).filter(
        type=EventType.INVOICE_PAYMENT_FAILED,
        received_at__range=(around - STRIPE_DELIVERS_WITHIN, around + STRIPE_DELIVERS_WITHIN),
    )
    return list(near.order_by("-id")[:BATCH])


def told_of(merchant: Merchant, ids: list[str]) -> list[StripeEvent]:
    """Every stored event that concerns one of `ids`, processed or not, as they came; but for those
    of which nobody knows any more what they said."""
    return list(_telling(merchant).filter(concerns__in=ids).order_by("id"))


def concerned(merchant: Merchant, ids: Collection[str]) -> Mapping[str, set[int]]:
    """For each of `ids` the stored events that concern it and of which is known what they said."""
    found: dict[str, set[int]] = {id_: set() for id_ in ids}
    told = _telling(merchant).filter(concerns__in=list(found))
    for concerns_, pk in told.values_list("concerns", "pk"):
        found[concerns_].add(pk)
    return found


def _telling(merchant: Merchant) -> QuerySet[StripeEvent]:
    return StripeEvent.objects.of(merchant).filter(payload_forgotten_at__isnull=True)


def was_settled(merchant: Merchant, concerned: str) -> bool:
    """Whether an event of which no more is known said that nothing is owed any more."""
    forgotten = StripeEvent.objects.of(merchant).filter(payload_forgotten_at__isnull=False)
    return bool(concerned) and forgotten.filter(concerns=concerned, type__in=FINAL).exists()
