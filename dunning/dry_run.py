"""What a version of a campaign would have changed in the cases of the last months."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from billing_portal import links
from dunning import campaigns, planning
from dunning.models import DunningCampaign
from dunning.plans.default_plans import DEFAULTS
from dunning.plans.replay import Campaigns, DryRun, PastCase, replay
from dunning.plans.selection import Contender
from recovery.models import Merchant, RecoveryCase

CHUNK = 1000


def dry_run(
    draft: DunningCampaign, *, now: datetime, days: int = 90, most: int | None = None
) -> DryRun:
    """Replay the merchant's cases of the last `days`, of very many the newest `most`, with
    `draft` in the place of its plan's current version, against what the current versions do; with
    the failures, closes, customers and send window that are known now."""
    merchant = draft.merchant
    before = _published(merchant)
    return replay(
        _past_cases(merchant, now=now, days=days, most=most),
        plan=draft.plan,
        before=before,
        after=_with(before, draft),
        last_chance=links.LIFETIME,
        days=days,
    )


def _published(merchant: Merchant) -> Campaigns:
    """A default that no case has needed yet is as Recover ships it."""
    known = [_contender(campaign) for campaign in campaigns.current(merchant)]
    shipped = {
        facts.default_for: Contender(facts.default_for, 1, facts) for facts in DEFAULTS.values()
    }
    own = {one.facts.default_for: one for one in known if one.facts.is_default}
    rivals = tuple(one for one in known if not one.facts.is_default)
    return Campaigns(rivals, {**shipped, **own})


def _contender(campaign: DunningCampaign) -> Contender[str]:
    return Contender(campaign.plan, campaign.version, campaigns.read(campaign))


def _with(published: Campaigns, draft: DunningCampaign) -> Campaigns:
    """The draft stands where its plan does, which may have been retired meanwhile."""
    new = _contender(draft)
    if new.facts.is_default:
        defaults = {**published.defaults, new.facts.default_for: new}
        return Campaigns(published.rivals, defaults)
    began = campaigns.began(draft.merchant)
    others = [one for one in published.rivals if one.key != new.key]
    rivals = sorted([*others, new], key=lambda one: began[one.key])
    return Campaigns(tuple(rivals), published.defaults)


def _past_cases(
    merchant: Merchant, *, now: datetime, days: int, most: int | None
) -> Iterator[PastCase]:
    known = RecoveryCase.objects.of(merchant).filter(
        opened_at__gte=now - timedelta(days=days), opened_at__lte=now
    )
    newest = known.select_related("customer", "merchant").order_by("-opened_at", "-id")[:most]
    for case in newest.iterator(CHUNK):
        yield PastCase(
            public_id=case.public_id,
            facts=campaigns.facts_of(case),
            failed_at=planning.failed_at(case),
            started_at=max(case.opened_at, case.settles_at or case.opened_at),
            ended_at=min(case.closed_at or now, now),
            where=planning.where_of(case),
        )
