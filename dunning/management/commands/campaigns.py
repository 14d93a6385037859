"""Campaigns as files: list, export, draft, compare, try on past cases, publish."""

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import transaction

from dunning import campaigns, dry_run
from dunning.models import DunningCampaign, PublishedError
from dunning.plans import comparison, plan_files
from dunning.plans.campaign_facts import CampaignFacts, InvalidCampaignError
from dunning.plans.replay import CALLED, DryRun
from recovery import clock
from recovery.declines import DeclineType
from recovery.management.tenants import merchant_called
from recovery.models import Merchant

MOST_DAYS = 3650  # ten years
State = DunningCampaign.State
REFUSALS = (
    InvalidCampaignError, PublishedError, campaigns.CampaignStateError, plan_files.PlanFileError,
)  # fmt: skip
PLAN = "plan_…, from list; or the type of decline that it is the default for: soft, hard, …"


class Command(BaseCommand):
    help = "A merchant's dunning campaigns: list, edit as TOML files, try on past cases, publish."

    def add_arguments(self, parser: CommandParser) -> None:
        actions = parser.add_subparsers(dest="action", required=True)
        for name, (_work, words) in ACTIONS.items():
            action = actions.add_parser(name, help=words, description=words)
            action.add_argument("--merchant", required=True, help="mer_…")
            if name not in {"list", "create"}:
                action.add_argument("plan", metavar="PLAN", help=PLAN)
            if name in {"create", "draft"}:
                action.add_argument("--file", required=name == "create", help="a TOML file")
            if name in {"export", "draft", "dry_run"}:
                action.add_argument("--version", type=int, help="not the newest, but this one")
            if name == "compare":
                action.add_argument(
                    "--versions", type=int, nargs=2, metavar=("OLD", "NEW"),
                    help="not the current one and the draft, but these",
                )  # fmt: skip
            if name == "dry_run":
                action.add_argument("--days", type=int, default=90, help="how far back (90)")

    def handle(self, *args: Any, **options: Any) -> None:  # noqa: ARG002
        merchant = merchant_called(options["merchant"])
        work, _words = ACTIONS[options["action"]]
        try:
            for line in work(merchant, options):
                self.stdout.write(line)
        except REFUSALS as error:
            raise CommandError(str(error)) from error


def _list(merchant: Merchant, _options: dict[str, Any]) -> list[str]:
    lines = []
    for decline_type in DeclineType:
        campaigns.default(merchant=merchant, decline_type=decline_type, now=clock.now())
    for campaign in campaigns.in_use(merchant):
        lines += [*_headline(campaign), *_indented(comparison.describe(campaigns.read(campaign)))]
    return lines


def _headline(campaign: DunningCampaign) -> list[str]:
    order = (
        f"default for {campaign.default_for}"
        if campaign.default_for
        else (f"priority {campaign.priority}")
    )
    state = f"version {campaign.version}, {campaign.state}"
    return [f"{campaign.plan}  {campaign.name}  ({state}, {order})"]


def _indented(lines: list[str]) -> list[str]:
    return [f"  {line}" for line in lines]


def _export(merchant: Merchant, options: dict[str, Any]) -> list[str]:
    campaign = _version(merchant, options["plan"], options["version"])
    return [plan_files.write(campaigns.read(campaign)).rstrip("\n")]


def _create(merchant: Merchant, options: dict[str, Any]) -> list[str]:
    facts = _file(options["file"])
    made = campaigns.create(
        merchant=merchant, name=facts.name, steps=facts.steps, conditions=facts.conditions,
        priority=facts.priority, retries=facts.retries, end_action=facts.end_action,
    )  # fmt: skip
    return [f"{made.plan}: {made} is a draft; dry_run and publish it."]


@transaction.atomic
def _draft(merchant: Merchant, options: dict[str, Any]) -> list[str]:
    if options["file"] and options["version"]:
        raise CommandError("A draft says what a file or what a version says, not both.")
    source = _version(merchant, options["plan"], options["version"])
    draft = campaigns.draft(campaign=source)
    if options["file"] or options["version"]:
        facts = _file(options["file"]) if options["file"] else campaigns.read(source)
        draft = campaigns.change(
            draft, name=facts.name, conditions=facts.conditions, priority=facts.priority,
            retries=facts.retries, end_action=facts.end_action, steps=facts.steps,
        )  # fmt: skip
    return [f"{draft} is a draft; compare, dry_run and publish it."]


def _compare(merchant: Merchant, options: dict[str, Any]) -> list[str]:
    old, new = options["versions"] or (None, None)
    before = _version(merchant, options["plan"], old, state=State.CURRENT)
    after = _version(merchant, options["plan"], new, state=State.DRAFT)
    differences = comparison.compare(campaigns.read(before), campaigns.read(after))
    return [
        f"{before}, {before.state} → {after}, {after.state}",
        *(_indented([str(one) for one in differences]) or ["  They say the same."]),
    ]


def _dry_run(merchant: Merchant, options: dict[str, Any]) -> list[str]:
    if not 1 <= options["days"] <= MOST_DAYS:
        raise CommandError(f"--days must be 1 to {MOST_DAYS}.")
    campaign = _version(merchant, options["plan"], options["version"])
    result = dry_run.dry_run(campaign, now=clock.now(), days=options["days"])
    return [f"{campaign}, on the cases of the last {result.days} days:", *_indented(_told(result))]


def _told(result: DryRun) -> list[str]:
    acts = [
        f"{CALLED[channel][1].capitalize()} on them: {before} → {after}"
        for channel, (before, after) in result.acts.items()
        if before or after
    ]
    return [
        f"Cases: {result.cases}",
        f"Taken by this plan: {result.taken_before} → {result.taken_after}",
        *acts,
        f"Of those, as before: {result.unchanged}",
        *map(str, result.findings),
    ]


def _publish(merchant: Merchant, options: dict[str, Any]) -> list[str]:
    draft = _version(merchant, options["plan"], state=State.DRAFT)
    made = campaigns.publish(draft, now=clock.now())
    return [f"{made} is current: cases from now on are worked by it."]


def _discard(merchant: Merchant, options: dict[str, Any]) -> list[str]:
    draft = _version(merchant, options["plan"], state=State.DRAFT)
    campaigns.discard(draft)
    return [f"{draft} is gone."]


def _retire(merchant: Merchant, options: dict[str, Any]) -> list[str]:
    campaign = _version(merchant, options["plan"], state=State.CURRENT)
    campaigns.retire(campaign)
    return [f"{campaign} takes no case any more; the cases that it has go on."]


ACTIONS = {
    "list": (_list, "what is current, and what is drafted"),
    "export": (_export, "a version as a TOML file (the draft, else the current version)"),
    "create": (_create, "a new plan from a TOML file, as a draft"),
    "draft": (_draft, "the draft of a new version, from a TOML file or an old version"),
    "compare": (_compare, "what is different between the current version and the draft"),
    "dry_run": (_dry_run, "what the draft would have changed in past cases"),
    "publish": (_publish, "make the draft the current version"),
    "discard": (_discard, "throw the draft away"),
    "retire": (_retire, "give the plan no case any more"),
}


def _file(name: str) -> CampaignFacts:
    try:
        return plan_files.read(Path(name).read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise CommandError(f"{name} can't be read: {error}.") from error


def _version(
    merchant: Merchant, plan: str, version: int | None = None, *, state: str = ""
) -> DunningCampaign:
    """The version with that number; else the one in that state; else the newest."""
    if plan in tuple(DeclineType):
        plan = campaigns.default(
            merchant=merchant, decline_type=DeclineType(plan), now=clock.now()
        ).plan
    versions = campaigns.versions(merchant=merchant, plan=plan)
    if not versions.exists():
        raise CommandError(f"{merchant.name} has no plan {plan}.")
    if version is not None:
        found, wanted = versions.filter(version=version).first(), f"version {version}"
    elif state:
        found, wanted = versions.filter(state=state).first(), f"{state} version"
    else:
        found, wanted = versions.last(), "version"
    if found is None:
        raise CommandError(f"{plan} has no {wanted}.")
    return found
