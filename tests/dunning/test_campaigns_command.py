"""Campaigns as files: a command prints what people can read, or says what is wrong."""

import io
from datetime import timedelta
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from dunning import campaigns
from dunning.models import DunningCampaign
from recovery.models import Merchant
from tests.builders import make_merchant
from tests.dunning.campaigns_of import mails, past_case, publish

pytestmark = pytest.mark.django_db
PLAN = """\
name = "Large invoices"
priority = 10
retries = "stripe"
end_action = "leave_open"

[conditions]
currencies = ["usd"]
amount_from = 4000

[[steps]]
delay = "1 day"
channel = "email"
template = "failed"

[[steps]]
delay = "5 days"
channel = "task"
template = "Call them."
"""


@pytest.fixture
def merchant() -> Merchant:
    return make_merchant()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "plan.toml"
    path.write_text(PLAN)
    return path


def run(merchant: Merchant, action: str, *arguments: object) -> str:
    printed = io.StringIO()
    words = [str(argument) for argument in arguments]
    call_command("campaigns", action, *words, "--merchant", merchant.public_id, stdout=printed)
    return printed.getvalue()


def refused(merchant: Merchant, action: str, *arguments: object) -> str:
    before = list(DunningCampaign.objects.order_by("id").values())
    with pytest.raises(CommandError) as error:
        run(merchant, action, *arguments)
    assert list(DunningCampaign.objects.order_by("id").values()) == before
    return str(error.value)


def create(merchant: Merchant, file: Path) -> str:
    return run(merchant, "create", "--file", file).partition(":")[0]


def test_a_plan_goes_from_a_file_to_its_cases_and_back_to_a_file(
    merchant: Merchant, file: Path
) -> None:
    plan = create(merchant, file)
    assert run(merchant, "export", plan) == PLAN
    said = run(merchant, "publish", plan)
    assert said == "Large invoices (version 1) is current: cases from now on are worked by it.\n"

    file.write_text(PLAN.replace("1 day", "2 days").replace("4000", "5000"))
    said = run(merchant, "draft", plan, "--file", file)
    assert said == "Large invoices (version 2) is a draft; compare, dry_run and publish it.\n"
    assert run(merchant, "compare", plan).splitlines() == [
        "Large invoices (version 1), current → Large invoices (version 2), draft",
        "  Condition amount from: 40.00 usd → 50.00 usd",
        "  Step 1 (failed): 1 day after the failure → 2 days after the failure",
    ]
    run(merchant, "publish", plan)
    assert run(merchant, "export", plan, "--version", 1) == PLAN
    assert run(merchant, "export", plan) == file.read_text()


def test_creating_a_plan_says_what_it_is_called(merchant: Merchant, file: Path) -> None:
    printed = run(merchant, "create", "--file", file)
    made = DunningCampaign.objects.get()
    assert printed == (
        f"{made.plan}: Large invoices (version 1) is a draft; dry_run and publish it.\n"
    )


def test_all_that_is_in_use_is_listed_defaults_included(merchant: Merchant, file: Path) -> None:
    plan = create(merchant, file)
    campaigns.retire(publish(merchant, "Retired"))

    lines = run(merchant, "list").splitlines()

    at = lines.index(f"{plan}  Large invoices  (version 1, draft, priority 10)")
    assert lines[at + 1 : at + 6] == [
        "  cases: currencies usd; amount from 40.00 usd",
        "  retries: Stripe's",
        '  1. 1 day after the failure: e-mail "failed"',
        '  2. 5 days after the failure: task "Call them."',
        "  at the end: leave open",
    ]
    heads = [line.partition("  ")[2] for line in lines if line.startswith("plan_")]
    assert heads == [
        "Large invoices  (version 1, draft, priority 10)",
        "Default for soft declines  (version 1, current, default for soft)",
        "Default for hard declines  (version 1, current, default for hard)",
        "Default for action required declines  (version 1, current, default for action_required)",
    ]


def test_a_default_goes_by_its_type_of_decline(merchant: Merchant, file: Path) -> None:
    exported = run(merchant, "export", "soft")
    assert exported.startswith('name = "Default for soft declines"\n')
    file.write_text(exported.replace("27 days", "28 days"))

    run(merchant, "draft", "soft", "--file", file)

    assert run(merchant, "compare", "soft").splitlines()[1:] == [
        "  Step 5 (final): 27 days after the failure → 28 days after the failure"
    ]


def test_versions_that_say_the_same_are_said_to(merchant: Merchant) -> None:
    plan = publish(merchant).plan
    run(merchant, "draft", plan)
    assert run(merchant, "compare", plan).endswith("\n  They say the same.\n")


def test_any_two_versions_are_compared_and_an_old_one_is_drafted_again(
    merchant: Merchant,
) -> None:
    first = publish(merchant, steps=mails(0, 3))
    second = campaigns.change(campaigns.draft(campaign=first), steps=mails(0, 9))
    campaigns.publish(second, now=timezone.now())
    campaigns.draft(campaign=second)

    assert run(merchant, "compare", first.plan, "--versions", 2, 1).splitlines() == [
        "Plan (version 2), current → Plan (version 1), retired",
        "  Step 2 (reminder): 9 days after the failure → 3 days after the failure",
    ]
    run(merchant, "draft", first.plan, "--version", 1)
    drafted = campaigns.versions(merchant=merchant, plan=first.plan).get(version=3)
    assert campaigns.read(drafted).steps == mails(0, 3)


def test_a_draft_is_tried_on_past_cases(merchant: Merchant) -> None:
    plan = publish(merchant, steps=mails(0, 3)).plan
    failed_at = timezone.now() - timedelta(days=20)
    case = past_case(merchant, 1, failed_at=failed_at, lasted=10)
    campaigns.change(campaigns.draft(campaign=DunningCampaign.objects.get()), steps=mails(0, 5))

    assert run(merchant, "dry_run", plan).splitlines() == [
        "Plan (version 2), on the cases of the last 90 days:",
        "  Cases: 1",
        "  Taken by this plan: 1 → 1",
        "  Mails on them: 2 → 2",
        "  Of those, as before: 0",
        f"  1 case would have got the second mail 2 days later ({case.public_id}).",
    ]
    assert "Cases: 0\n" in run(merchant, "dry_run", plan, "--days", 10)
    assert "(version 1), on the cases" in run(merchant, "dry_run", plan, "--version", 1)


def test_a_draft_is_discarded_and_a_plan_retired(merchant: Merchant) -> None:
    plan = publish(merchant).plan
    run(merchant, "draft", plan)
    assert run(merchant, "discard", plan) == "Plan (version 2) is gone.\n"
    assert run(merchant, "retire", plan) == (
        "Plan (version 1) takes no case any more; the cases that it has go on.\n"
    )
    assert DunningCampaign.objects.get().state == "retired"


@pytest.mark.parametrize(
    ("action", "arguments", "sentence"),
    [
        ("export", ["plan_none"], "Fern Tea Club has no plan plan_none."),
        ("export", ["PLAN", "--version", "9"], "PLAN has no version 9."),
        ("compare", ["PLAN"], "PLAN has no draft version."),
        ("publish", ["PLAN"], "PLAN has no draft version."),
        ("discard", ["PLAN"], "PLAN has no draft version."),
        ("compare", ["PLAN", "--versions", "1", "7"], "PLAN has no version 7."),
        ("dry_run", ["PLAN", "--days", "0"], "--days must be 1 to 3650."),
        ("dry_run", ["PLAN", "--days", "800000"], "--days must be 1 to 3650."),
        ("draft", ["PLAN", "--file", "FILE", "--version", "1"],
         "A draft says what a file or what a version says, not both."),
        ("draft", ["PLAN", "--file", "nowhere.toml"],
         "nowhere.toml can't be read: [Errno 2] No such file or directory: 'nowhere.toml'."),
    ],
)  # fmt: skip
def test_what_is_not_there_is_said_in_a_sentence(
    merchant: Merchant, file: Path, action: str, arguments: list[str], sentence: str
) -> None:
    plan = publish(merchant).plan
    given = {"PLAN": plan, "FILE": str(file)}

    said = refused(merchant, action, *[given.get(one, one) for one in arguments])

    assert said == sentence.replace("PLAN", plan)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("name = ", "That is no TOML: "),
        ('name = "Plan"', "A campaign has 1 to 30 steps; this one has 0."),
        (PLAN.replace("usd", "dollars"),
         "currencies: 'dollars' is not written as Stripe does (usd)."),
        (PLAN.replace("failed", "welcome"), "Step 1 is an e-mail with the template 'welcome'"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("action", ["create", "draft"])
def test_a_file_that_cannot_be_used_changes_nothing(
    merchant: Merchant, file: Path, action: str, text: str, sentence: str
) -> None:
    plan = publish(merchant).plan
    file.write_text(text)
    arguments = [plan] if action == "draft" else []
    assert refused(merchant, action, *arguments, "--file", file).startswith(sentence)


def test_a_file_that_is_no_text_is_refused(merchant: Merchant, file: Path) -> None:
    file.write_bytes(b"name = \xff")
    assert "can't be read: " in refused(merchant, "create", "--file", file)


def test_another_merchants_plan_is_as_unknown_as_one_that_is_not_there(
    merchant: Merchant,
) -> None:
    theirs = publish(make_merchant("Moss"))
    for action in ("export", "draft", "compare", "dry_run", "publish", "discard", "retire"):
        said = refused(merchant, action, theirs.plan)
        assert said == f"Fern Tea Club has no plan {theirs.plan}."


def test_nobodys_campaigns_are_refused() -> None:
    with pytest.raises(CommandError, match=r"There is no merchant mer_none\."):
        call_command("campaigns", "list", "--merchant", "mer_none")


def test_a_default_is_not_retired(merchant: Merchant) -> None:
    run(merchant, "list")
    said = refused(merchant, "retire", "hard")
    assert said.endswith("is a default: it takes what no other campaign takes.")
