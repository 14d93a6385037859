"""Two merchants in one database who differ in how much they have, and who looks after each."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from benchmarks import many_rows
from dunning import campaigns
from dunning.models import DunningCampaign
from dunning.plans.campaign_facts import EndAction
from dunning.plans.default_plans import DEFAULTS
from recover_project.back_office.cases import saved_views
from recovery import merchants, team, webhook_registrations
from recovery.declines import DeclineType
from recovery.metrics import tallying
from recovery.models import Merchant, Reconciliation, Role, User

PASSWORD = "nobody types it"  # noqa: S105 - of nobody
RECONCILED = 90 * 24  # hours that runs are kept for
VERSIONS = 5  # of a plan of the merchant's own, and a draft


@dataclass(frozen=True)
class Office:
    """A merchant, its owner, and the number that its rows are called by (many_rows.sql)."""

    merchant: Merchant
    owner: User
    number: int
    cases: int

    @property
    def newest(self) -> int:
        """The id of the newest case, which has the longest story."""
        return many_rows.APART * self.number + self.cases


def open_offices(*, few: int, many: int, now: datetime) -> tuple[Office, Office]:
    """The one with few cases and the one with many. The other way round in the tables: the newest
    rows of all are not those of whom most is."""
    large = _open(number=1, cases=many, now=now)
    small = _open(number=2, cases=few, now=now)
    tallying.keep()
    many_rows.ready()
    return small, large


def _open(*, number: int, cases: int, now: datetime) -> Office:
    merchant, _credentials = merchants.create(
        name=f"Merchant {number}", product_name="", currency="usd", time_zone="UTC",
        monthly_price=2900, webhook_secret="", settling_minutes=30, now=now,
    )  # fmt: skip
    owner = team.let_in(
        merchant=merchant, email=f"owner{number}@example.com", password=PASSWORD, role=Role.OWNER
    )
    registration, _secret = webhook_registrations.register(
        merchant=merchant, url="https://example.com/hooks", event_types=["case.lost"],
        description="", now=now,
    )  # fmt: skip
    saved_views.keep(
        merchant=merchant, user=owner, name="Lost ones", asked={"status__exact": "lost"}, now=now
    )
    many_rows.fill(
        merchant, cases=cases, number=number, now=now, registration=registration,
        campaign=_campaigns(merchant, now=now),
    )  # fmt: skip
    Reconciliation.objects.bulk_create(
        Reconciliation(merchant=merchant, state="done", began_at=at, ended_at=at)
        for at in (now - timedelta(hours=hour) for hour in range(RECONCILED, 0, -1))
    )
    return Office(merchant, owner, number, cases)


def _campaigns(merchant: Merchant, *, now: datetime) -> DunningCampaign:
    """The defaults, and a plan in versions whose last one works the cases."""
    for decline_type in DeclineType:
        campaigns.default(merchant=merchant, decline_type=decline_type, now=now)
    plan = campaigns.create(
        merchant=merchant, name="Our own", steps=DEFAULTS[DeclineType.SOFT].steps,
        conditions={"currencies": ["usd"], "amount_from": 5000}, end_action=EndAction.MARK_LOST,
    )  # fmt: skip
    for _version in range(VERSIONS):
        used = campaigns.publish(plan, now=now)
        plan = campaigns.draft(campaign=used)
    return used
