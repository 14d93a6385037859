"""Events that never came: what Stripe lists and the inbox lacks is put there."""

import logging
from collections.abc import Iterator
from datetime import datetime

from django.db import transaction

from recovery import imports, inbox
from recovery.endpoints import EVENTS
from recovery.models import Reconciliation
from recovery.reconciliation import rows
from recovery.reconciliation.times import Span
from recovery.stripe_errors import ObjectMissingError
from recovery.stripe_events import Event, UnreadableEventError
from recovery.stripe_gateway import EventPage, StripeGateway

logger = logging.getLogger(__name__)

MOST_PAGES = 30  # in one run; the next goes on


def take_in(run: Reconciliation, gateway: StripeGateway, *, now: datetime) -> bool:
    """Keep what was missed, a page at a time, and where that was left off; the usual worker
    processes it. False where a part of the list is left for the next run. Raises StripeError."""
    coverage, connection = run.merchant.coverage, run.merchant.stripe
    span = Span.of(
        covered_until=coverage.covered_until, reading_until=coverage.reading_until,
        connected_at=connection.connected_at or coverage.covered_until, now=now,
    )  # fmt: skip
    if span.is_empty:
        return True
    rows.note(run, covered_from=span.since)
    if not _read(run, span, gateway, now=now):
        return False
    if span.has_gap:
        opened = imports.failed_invoices(run.merchant, gateway, now=now)
        rows.note(run, cases_opened=opened)
    rows.is_covered(run, until=span.until)
    return True


def _read(run: Reconciliation, span: Span, gateway: StripeGateway, *, now: datetime) -> bool:
    for _page in range(MOST_PAGES):
        page = _next_page(run, span, gateway)
        _keep(run, page, until=span.until, now=now)
        if not page.has_more:
            return True
    return False


def _next_page(run: Reconciliation, span: Span, gateway: StripeGateway) -> EventPage:
    """An event that Stripe no longer keeps is older than all that it does keep."""
    down_to = run.merchant.coverage.read_down_to
    try:
        return gateway.events(EVENTS, since=span.since, until=span.until, after=down_to)
    except ObjectMissingError:
        return EventPage([], has_more=False)


@transaction.atomic
def _keep(run: Reconciliation, page: EventPage, *, until: datetime, now: datetime) -> None:
    listed = {event.id: (event, payload) for event, payload in _readable(page.payloads)}
    ours = {
        event_id: told for event_id, told in listed.items() if inbox.is_for(run.merchant, told[0])
    }
    missed = inbox.store_missing(merchant=run.merchant, listed=ours, now=now)
    down_to = next(reversed(listed), run.merchant.coverage.read_down_to)
    rows.note_page(
        run, until=until, down_to=down_to,
        events_read=run.events_read + len(ours),
        events_missed=run.events_missed + len(missed),
        missed_ids=[*run.missed_ids, *missed][: rows.MOST_NAMED],
    )  # fmt: skip


def _readable(payloads: list[str]) -> Iterator[tuple[Event, str]]:
    for payload in payloads:
        try:
            yield Event.parse(payload), payload
        except UnreadableEventError as error:
            logger.warning("Stripe lists what is no event: %s", error)
