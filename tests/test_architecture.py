"""The rules that no linter knows: who writes what, what a name promises, what is classified."""

import ast
import inspect
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from django.apps import apps
from django.db import models, transaction
from django.utils import timezone

from dunning.tasks import start_runs, work_due_steps
from recover_project.celery import app as celery_app
from recovery import customer_events, effects, ingest, outbound
from recovery.models import TimelineEntry, WebhookDelivery
from recovery.models.base import AppendOnly, AppendOnlyError, Mutable, TenantOwned
from recovery.stripe_events import CONCERNS, EventType
from recovery.timeline import Kind
from tests.builders import DOCUMENTED_EXAMPLE, make_merchant, receive
from tests.recovery.receivers import registered

ROOT = Path(__file__).resolve().parent.parent
APPS = ("recovery", "billing_portal", "dunning")
LONGEST_FILE = 400
MODELS: Mapping[str, type[models.Model]] = {
    model.__name__: model
    for label in (*APPS, "back_office")
    for model in apps.get_app_config(label).get_models()
}

# Rows as they stand when all is done, which the use cases would do first: it is its own writer.
DEMO = "recover_project/back_office/demo/rows.py"
# Who else may create, change or delete a row is nobody.
WRITERS: Mapping[str, set[str]] = {
    "ApiKey": {
        "recovery/credentials/api_keys.py",
        "recovery/credentials/internal_keys.py",
        "recovery/credentials/pruning.py",
        "recovery/credentials/use.py",
    },  # made and ended, forgotten, used (internal keys too)
    "Checkout": {"recovery/checkouts.py"},
    "Closing": {"dunning/closings.py"},  # made by the database
    "Coverage": {"recovery/reconciliation/rows.py"},
    "Customer": {"recovery/customers.py", DEMO},
    "DeclineOverride": {"recovery/merchants/decline_views.py"},
    "DunningCampaign": {"dunning/campaigns.py", DEMO},
    "DunningMessage": {
        "dunning/mail/messages.py",
        "dunning/mail/replacements.py",
        "dunning/steps.py",
        DEMO,
    },  # the others only queue what delivery sends
    "DunningRetry": {"dunning/retries.py"},
    "DunningRun": {"dunning/runs.py", DEMO},
    "DunningStep": {"dunning/campaigns.py", DEMO},
    "Heartbeat": {"recovery/heartbeats.py"},
    "IdempotentRequest": {"recovery/idempotency.py"},
    "InvariantCheck": {"recover_project/back_office/operations/checking.py"},
    "FailedLogins": {
        "recovery/credentials/failed_logins.py",
        "recovery/credentials/pruning.py",
    },
    "InternalKey": {
        "recovery/credentials/internal_keys.py",
        "recovery/credentials/pruning.py",
    },
    "MessageTemplate": {"dunning/wording/templates.py"},
    "Membership": {"recovery/team.py"},
    "Merchant": {"recovery/merchants/accounts.py", "recovery/metrics/tallying.py"},
    "MerchantLogo": {"recovery/logos.py"},
    "OperatorTask": {"recovery/operator_tasks.py", DEMO},
    "OutboundNotice": {"recovery/outbound.py"},
    "PaymentAttempt": {
        "recovery/attempts.py",
        "recovery/failures.py",
        "recovery/forgotten.py",
        "recovery/recording.py",
        DEMO,
    },  # ours when asked for, Stripe's, ours when looked up, ours when answered
    "PaymentUpdateLink": {"billing_portal/links.py", DEMO},
    "Reconciliation": {"recovery/reconciliation/rows.py"},
    "RecoveryCase": {
        "recovery/cases/by_hand.py",
        "recovery/cases/facts.py",
        "recovery/cases/moves.py",
        "recovery/cases/opening.py",
        "recovery/cases/rows.py",
        "recovery/timeline.py",
        DEMO,
    },
    "SavedView": {"recover_project/back_office/cases/saved_views.py"},
    "SigningSecret": {
        "recovery/endpoints.py",
        "recovery/merchants/accounts.py",
        "recovery/merchants/connections.py",
    },
    "StripeConnection": {
        "recovery/customer_events.py",
        "recovery/endpoints.py",
        "recovery/ingest.py",
        "recovery/merchants/accounts.py",
        "recovery/merchants/connections.py",
        "recovery/portal_configurations.py",
    },  # what events tell of it
    "StripeEvent": {"recovery/inbox.py", "recovery/retention.py"},  # stored, forgotten
    "SuppressedAddress": {"dunning/mail/addresses.py"},
    "TimelineEntry": {"recovery/timeline.py", DEMO},
    "TokenFamily": {"recovery/credentials/pruning.py", "recovery/credentials/token_pairs.py"},
    "WebhookDelivery": {"recovery/outbound.py", "recovery/outbound_delivery.py"},  # made, sent
    "WebhookRegistration": {"recovery/webhook_registrations.py"},
    "User": {"recovery/models/users.py", "recovery/team.py"},
}
WRITES = {
    "bulk_create", "bulk_update", "create", "create_user", "delete", "get_or_create", "save",
    "update", "update_or_create",
}  # fmt: skip
# Whoever leaves a row at a desk writes it; what the desk is put away by writes for all of them. A
# new key changes how a value is kept, whosever it is.
FOR_ALL = (ROOT / "recovery" / "desk.py", ROOT / "recovery" / "reencryption.py")
LEFT_AT_A_DESK = (["desk", "add"], ["desk", "keep"])
# What is written to by these methods and is no row of ours: allauth's, Stripe's client, Celery's
# settings, a picture, what OpenTelemetry calls a process.
NO_ROWS = {
    "Authenticator", "Resource", "UserSession", "app", "image", "self", "sender", "super", "v1",
}  # fmt: skip


def sources(*folders: str) -> Iterator[Path]:
    for folder in folders:
        for path in sorted((ROOT / folder).rglob("*.py")):
            if "migrations" not in path.parts:
                yield path


# --- files -----------------------------------------------------------------------------------


def test_no_source_file_is_longer_than_anybody_reads() -> None:
    lengths = {
        str(path.relative_to(ROOT)): len(path.read_text().splitlines())
        for path in [ROOT / "dev.py", *sources(*APPS, "recover_project", "tests", "benchmarks")]
    }

    assert {path: lines for path, lines in lengths.items() if lines > LONGEST_FILE} == {}


# --- models ----------------------------------------------------------------------------------


@pytest.mark.parametrize("model", MODELS.values(), ids=MODELS)
def test_every_model_says_whether_its_rows_may_change(model: type[models.Model]) -> None:
    assert issubclass(model, Mutable) != issubclass(model, AppendOnly)


@pytest.mark.parametrize("model", MODELS.values(), ids=MODELS)
def test_every_row_belongs_to_one_merchant(model: type[models.Model]) -> None:
    """A step is its campaign's, a user may work for several merchants, and where logins fail
    there may be no user at all; a worker works for all."""
    if model.__name__ in {"Merchant", "User", "DunningStep", "FailedLogins", "Heartbeat"}:
        assert not issubclass(model, TenantOwned)
        return
    assert issubclass(model, TenantOwned)
    owner = model._meta.get_field("merchant")
    assert isinstance(owner, models.ForeignKey)
    assert owner.related_model is MODELS["Merchant"]
    assert owner.null is False
    assert owner.remote_field.on_delete is models.CASCADE


def test_every_rule_of_the_database_is_named_as_a_promise() -> None:
    named = [rule.name for model in MODELS.values() for rule in model._meta.constraints]
    unnamed = [name for name in named if not re.fullmatch(r"[a-z]+(_[a-z]+){2,}", name)]

    assert len(named) == len(set(named))
    assert unnamed == []
    for model in MODELS.values():
        assert model._meta.unique_together == ()
        assert [index.name for index in model._meta.indexes if index.name.endswith("_idx")] == []


CHANGES: Mapping[str, Callable[[TimelineEntry], object]] = {
    "save": lambda entry: entry.save(),
    "save a field": lambda entry: entry.save(update_fields=["summary"]),
    "delete": lambda entry: entry.delete(),
    "update": lambda entry: TimelineEntry.objects.filter(pk=entry.pk).update(summary="another"),
    "bulk update": lambda entry: TimelineEntry.objects.bulk_update([entry], ["summary"]),
    "update by relation": lambda entry: entry.case.timeline.update(summary="another"),
    "delete by relation": lambda entry: entry.case.timeline.all().delete(),
}


@pytest.mark.django_db
@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_what_is_append_only_is_never_changed(
    change: Callable[[TimelineEntry], object],
) -> None:
    make_merchant()
    receive(DOCUMENTED_EXAMPLE)
    before = list(TimelineEntry.objects.order_by("pk").values())
    entry = TimelineEntry.objects.earliest("pk")
    entry.summary = "another"

    with pytest.raises(AppendOnlyError, match="TimelineEntry"), transaction.atomic():
        change(entry)

    assert list(TimelineEntry.objects.order_by("pk").values()) == before
    assert [name for name, model in MODELS.items() if issubclass(model, AppendOnly)] == [
        "TimelineEntry"
    ]


@pytest.mark.django_db
def test_a_merchant_goes_with_all_that_it_owns() -> None:
    merchant = make_merchant()
    registered(merchant)
    receive(DOCUMENTED_EXAMPLE)
    start_runs()
    work_due_steps()
    outbound.publish(now=timezone.now())
    assert TimelineEntry.objects.exists()
    assert WebhookDelivery.objects.exists()

    merchant.delete()

    left = {name: model._default_manager.count() for name, model in MODELS.items()}
    assert left == dict.fromkeys(MODELS, 0)


# --- one writer per aggregate ----------------------------------------------------------------


def rows_called() -> dict[str, str]:
    """A row goes by the last word of its model, or by the name of the relation it came by."""
    called = {re.findall("[A-Z][a-z]+", name)[-1].lower(): name for name in MODELS}
    for model in MODELS.values():
        for relation in model._meta.related_objects:
            if isinstance(accessor := relation.get_accessor_name(), str):
                called[accessor] = relation.related_model.__name__
    # a run that is still live, and a message that is ours to send
    return called | {"found": "DunningRun", "claimed": "DunningMessage"}


def writes() -> Iterator[tuple[str, str]]:
    """Each (model, file) where a row is created, changed or deleted."""
    called = rows_called()
    for path in sources(*APPS, "recover_project"):
        tree = ast.parse(path.read_text())
        modules, queries = set(_imported_modules(tree)), dict(_queries(tree))
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
                chain = _chain(node.func)
                if chain in LEFT_AT_A_DESK and path not in FOR_ALL:
                    yield _model(_chain(node.args[0]), called), str(path.relative_to(ROOT))
                elif _is_written(chain, path, NO_ROWS | modules):
                    yield _model(chain[:-1], called | queries), str(path.relative_to(ROOT))


def _imported_modules(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import | ast.ImportFrom):
            for alias in node.names:
                name = alias.asname or alias.name
                if name.islower():
                    yield name


def _queries(tree: ast.Module) -> Iterator[tuple[str, str]]:
    """Names for `Model.objects…`, so that writing to one of them is seen."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign) and (chain := _chain(node.value))[0] in MODELS:
            for target in node.targets:
                if isinstance(target, ast.Name):
                    yield target.id, chain[0]


def _chain(node: ast.expr) -> list[str]:
    """`Model.objects.filter(…)[:5].delete` → ["Model", "objects", "filter", "delete"]"""
    if isinstance(node, ast.Name):
        return [node.id]
    if isinstance(node, ast.Attribute):
        return [*_chain(node.value), node.attr]
    if isinstance(node, ast.Call):
        return _chain(node.func)
    if isinstance(node, ast.Subscript):
        return _chain(node.value)
    return [type(node).__name__]


def _is_written(chain: list[str], path: Path, no_rows: set[str]) -> bool:
    return chain[-1] in WRITES and path not in FOR_ALL and chain[0] not in no_rows


def _model(chain: list[str], called: Mapping[str, str]) -> str:
    """The model of the rows that a chain of names ends at."""
    for name in reversed(chain):
        if name in MODELS:
            return name
        if name in called:
            return called[name]
    return f"{'.'.join(chain)}: call the row by its model's last word"


def test_every_aggregate_has_one_writer() -> None:
    found: dict[str, set[str]] = {}
    for model, path in writes():
        found.setdefault(model, set()).add(path)

    assert found == WRITERS


# --- tasks -----------------------------------------------------------------------------------


def tasks() -> dict[str, Any]:
    celery_app.loader.import_default_modules()
    return {
        name: task for name, task in celery_app.tasks.items() if not name.startswith("celery.")
    }


def test_every_entry_of_the_timetable_names_a_task() -> None:
    timetable = celery_app.conf.beat_schedule

    assert {entry["task"] for entry in timetable.values()} - set(tasks()) == set()
    assert all("args" not in entry and "kwargs" not in entry for entry in timetable.values())


def test_every_task_is_named_after_its_app_and_takes_ids_and_what_may_come() -> None:
    for name, task in tasks().items():
        assert name == f"{task.run.__module__.partition('.')[0]}.{task.run.__name__}"
        facts = dict(inspect.signature(task.run).parameters)
        future = facts.popitem()[1]
        assert future.kind is inspect.Parameter.VAR_KEYWORD, name
        for fact, parameter in facts.items():
            assert parameter.kind is inspect.Parameter.KEYWORD_ONLY, name
            assert fact.endswith(("_id", "_ids")), name


def test_every_task_is_in_the_timetable_or_asked_for_by_a_row() -> None:
    """`deliver` is a hint: `deliver_queued` looks at the same rows."""
    timed = {entry["task"] for entry in celery_app.conf.beat_schedule.values()}

    assert set(tasks()) - timed == {"dunning.deliver"}


# --- enums -----------------------------------------------------------------------------------


def test_every_kind_of_timeline_entry_is_told_by_somebody() -> None:
    """Being on the list of what is told outside isn't being told."""
    product = "".join(path.read_text() for path in sources(*APPS) if path.stem != "timeline")

    assert [kind for kind in Kind if f"Kind.{kind.name}" not in product] == []


def test_every_type_of_event_is_about_something_and_does_something() -> None:
    about_cases = set(effects.EFFECTS)
    about_customers = set(customer_events.ABOUT_CUSTOMERS)

    assert set(CONCERNS) == set(EventType)
    assert about_cases | about_customers == set(EventType)
    assert about_cases & about_customers == set()
    assert set(ingest.OPENERS) < about_cases


def test_there_is_one_clock() -> None:
    """Whoever read the machine's would have another time than the row it writes is read by."""
    readers = [
        path.relative_to(ROOT).as_posix()
        for path in sources("recovery", "billing_portal", "dunning", "recover_project")
        if re.search(r"timezone\.now|datetime\.now|utcnow", path.read_text())
    ]

    assert readers == ["recovery/clock.py"]
