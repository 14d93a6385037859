"""The one writer of demo data: all of it at once, and away again.

Nothing here waits to be worked. Each row is put in as it would stand after the work was done:
runs have ended, messages were sent, charges have an answer, nothing is due, nothing is told
outside. Rows are written in bulk, past the use cases, because those would do what they write of.
"""

from dataclasses import dataclass, field

from django.db import transaction
from django.db.models import Q, QuerySet

from billing_portal.models import PaymentUpdateLink
from dunning.models import DunningCampaign, DunningMessage, DunningRun, DunningStep
from recovery.models import (
    Customer,
    Merchant,
    OperatorTask,
    PaymentAttempt,
    RecoveryCase,
    TimelineEntry,
)

CUSTOMERS, INVOICES, PLANS, MARK = "cus_demo_", "in_demo_", "plan_demo_", "Demo data"
AT_ONCE = 500


@dataclass(slots=True)
class Rows:
    """In the order in which they are put in."""

    campaigns: list[DunningCampaign] = field(default_factory=list)
    steps: list[DunningStep] = field(default_factory=list)
    customers: list[Customer] = field(default_factory=list)
    cases: list[RecoveryCase] = field(default_factory=list)
    attempts: list[PaymentAttempt] = field(default_factory=list)
    runs: list[DunningRun] = field(default_factory=list)
    links: list[PaymentUpdateLink] = field(default_factory=list)
    messages: list[DunningMessage] = field(default_factory=list)
    tasks: list[OperatorTask] = field(default_factory=list)
    timeline: list[TimelineEntry] = field(default_factory=list)


class RefusedError(Exception):
    """No demo data for this merchant; says why."""


def cases(merchant: Merchant) -> QuerySet[RecoveryCase]:
    """Those that were made up; of one whose person was erased the mark has gone with them."""
    return RecoveryCase.objects.of(merchant).filter(
        Q(description__startswith=MARK) | Q(person_erased_at__isnull=False),
        stripe_invoice_id__startswith=INVOICES,
        customer__stripe_customer_id__startswith=CUSTOMERS,
    )  # fmt: skip


def are_there(merchant: Merchant) -> bool:
    """Their plans come and go with them, and are few to look through."""
    plans = DunningCampaign.objects.of(merchant).filter(plan__startswith=PLANS)
    return plans.exists() and cases(merchant).exists()


def is_made_up(case: RecoveryCase) -> bool:
    is_marked = case.description.startswith(MARK) or case.person_erased_at is not None
    return case.stripe_invoice_id.startswith(INVOICES) and is_marked


def refuse(merchant: Merchant) -> None:
    """Raises RefusedError where real money is asked for, or where there are demo data already."""
    if merchant.stripe.livemode:
        raise RefusedError(
            f"{merchant.name} is in live mode: made-up cases would stand among real ones and "
            "count in its figures. Demo data are for a merchant whose Stripe is in test mode."
        )
    if cases(merchant).exists():
        raise RefusedError(
            f"{merchant.name} has demo data already; remove them first with "
            f"“manage.py demo_data {merchant.public_id} --remove”."
        )


@transaction.atomic
def put(merchant: Merchant, made: Rows) -> None:
    """Raises RefusedError; who asks twice at once gets one of them."""
    refuse(Merchant.objects.select_for_update(of=("self",)).get(pk=merchant.pk))
    DunningCampaign.objects.bulk_create(made.campaigns)
    DunningStep.objects.bulk_create(made.steps)
    Customer.objects.bulk_create(made.customers, batch_size=AT_ONCE)
    RecoveryCase.objects.bulk_create(made.cases, batch_size=AT_ONCE)
    PaymentAttempt.objects.bulk_create(made.attempts, batch_size=AT_ONCE)
    DunningRun.objects.bulk_create(made.runs, batch_size=AT_ONCE)
    PaymentUpdateLink.objects.bulk_create(made.links, batch_size=AT_ONCE)
    DunningMessage.objects.bulk_create(made.messages, batch_size=AT_ONCE)
    OperatorTask.objects.bulk_create(made.tasks)
    TimelineEntry.objects.bulk_create(made.timeline, batch_size=AT_ONCE)


@transaction.atomic
def remove(merchant: Merchant) -> int:
    """Delete what was made up, with what hangs on it; how many cases that were."""
    count = cases(merchant).count()
    cases(merchant).delete()
    Customer.objects.of(merchant).filter(
        stripe_customer_id__startswith=CUSTOMERS, cases=None
    ).delete()
    DunningCampaign.objects.of(merchant).filter(plan__startswith=PLANS, runs=None).delete()
    return count
