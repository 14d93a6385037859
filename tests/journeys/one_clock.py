"""Recover and the local Stripe on one clock, which jumps from one thing that falls due to the
next."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from django.core import mail
from django.db import models

from billing_portal.tasks import charge_new_cards
from dunning.models import DunningMessage, DunningRetry, DunningRun
from dunning.tasks import (
    charge_due_retries,
    deliver_queued,
    replace_links,
    set_aside_unknown,
    start_runs,
    tell_stripe,
    work_due_steps,
)
from recovery.models import Customer, RecoveryCase, StripeEvent
from recovery.tasks import enrich_cases, process_inbox
from tests.local_stripe import LocalStripe

GRID = timedelta(minutes=15)  # what falls due within it happens together
MOST_PASSES = 6
TICKS = (
    process_inbox, enrich_cases, charge_new_cards, start_runs, work_due_steps, tell_stripe,
    charge_due_retries, replace_links, deliver_queued, set_aside_unknown,
)  # fmt: skip


class OneClock:
    """`set_clock` sets Recover's; Stripe's follows."""

    def __init__(
        self, stripe: LocalStripe, set_clock: Callable[[datetime], None], *, begin: datetime
    ) -> None:
        self.stripe = stripe
        # What a merchant chooses at Stripe for when its retries are used up.
        stripe.world.billing.after_retries = "past_due"
        self._set_clock = set_clock
        self.began_at = self.now = begin
        self._set_clock(begin)

    def next_due(self, *also: datetime | None) -> datetime:
        """When something falls due on either side, or `also`; on the grid, and ahead."""
        stripe = self.stripe.engine._next_due_at()
        moments = [
            datetime.fromtimestamp(stripe, UTC) if stripe else None, *also,
            _first(DunningRun, "due_at", state="live"), _first(DunningRun, "tell_stripe_at"),
            _first(DunningRetry, "due_at", state="due"),
            _first(DunningMessage, "due_at", state="queued"),
            _first(Customer, "new_payment_method_due_at"), _first(RecoveryCase, "enrich_at"),
            _first(StripeEvent, "due_at", state="pending"),
        ]  # fmt: skip
        earliest = min(filter(None, moments))
        steps = -(-(earliest - self.began_at) // GRID)
        return max(self.began_at + steps * GRID, self.now + GRID)

    def move_to(self, moment: datetime) -> None:
        self.now = moment
        self._set_clock(moment)
        self.stripe.engine.advance(int(moment.timestamp()) - self.stripe.clock.now())

    def settle(self) -> None:
        """Everything that is due now is done, and what follows from it too."""
        for _pass in range(MOST_PASSES):
            before = (len(self.stripe.requests), len(mail.outbox))
            self.stripe.engine.catch_up()
            for tick in TICKS:
                tick()
            self.stripe.engine.catch_up()
            pending = StripeEvent.objects.filter(state="pending", due_at__lte=self.now)
            if (len(self.stripe.requests), len(mail.outbox)) == before and not pending.exists():
                return


def _first(model: type[models.Model], name: str, **filters: str) -> datetime | None:
    rows = model._default_manager.filter(**{f"{name}__isnull": False}, **filters)
    moment: datetime | None = rows.order_by(name).values_list(name, flat=True).first()
    return moment
