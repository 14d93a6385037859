"""Two merchants whose every row tells whose it is; what is read and changed of either.

    ours, theirs = make_full_world("birch"), make_full_world("moss")

`ours.ids` fills in addresses and forms: {"case": "case_7m2k…", "recovery.recoverycase": "12", …}.
Both names are words that the product itself never says.
"""

import copy
import itertools
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from auditlog.models import LogEntry
from django.apps import apps
from django.contrib import admin
from django.contrib.contenttypes.models import ContentType
from django.db import IntegrityError, models, transaction
from django.utils import timezone

from dunning import campaigns
from dunning.models import (
    DunningCampaign,
    DunningMessage,
    DunningRetry,
    DunningRun,
    DunningStep,
    SuppressedAddress,
)
from dunning.tasks import deliver_queued, start_runs, work_due_steps
from dunning.wording import templates
from recover_project.back_office.models import SavedView
from recover_project.back_office.operations import checking
from recovery import cases, credentials, merchants, webhook_registrations
from recovery.declines import DeclineType
from recovery.metrics import tallying
from recovery.models import (
    ApiKey,
    Checkout,
    Coverage,
    IdempotentRequest,
    InternalKey,
    Membership,
    Merchant,
    MerchantLogo,
    OperatorTask,
    PaymentAttempt,
    RecoveryCase,
    Role,
    StripeConnection,
    Tally,
    TokenFamily,
    User,
    WebhookRegistration,
)
from recovery.models.base import TenantOwned
from recovery.models.fields import EncryptedTextField
from tests.back_office.people import PASSWORD, make_world
from tests.builders import EXPIRED_CARD, receive
from tests.dunning.campaigns_of import draft, publish

OURS = ("recovery", "billing_portal", "dunning", "back_office")
# What belongs to a merchant without saying so itself, and by what it does.
OWNED_BY: Mapping[type[models.Model], str] = {
    Merchant: "pk",
    DunningStep: "campaign__merchant",
    User: "memberships__merchant",
    LogEntry: "additional_data__merchant",
}
# Ours, and no merchant's; and a word between workers, struck by the next tick.
NOBODYS = {"FailedLogins", "Heartbeat", "Closing"}
# Left as they are: by these words something is found, or a constraint says when there are none.
NOT_PLANTED = {
    "currency", "language", "locale", "country", "state", "stripe_payment_intent_id", "digest",
    "key", "once", "kind", "card_expiry", "card_last4", "password", "time_zone", "color",
    "account_id",  # by which Stripe would be asked
}  # fmt: skip
KEPT_AS_THEY_ARE = (models.JSONField, EncryptedTextField)  # what is encrypted can't be asked for
SHORTEST_ID = 12


@dataclass
class World:
    name: str
    merchant: Merchant
    ids: dict[str, str] = field(default_factory=dict)


def make_full_world(name: str) -> World:
    """With a row of every model that is a merchant's, and several of what lists show."""
    merchant = make_world(name)
    StripeConnection.objects.of(merchant).update(api_key="")  # there is no Stripe to be asked
    merchant = Merchant.objects.select_related("stripe").get(pk=merchant.pk)
    for number in (2, 3):
        receive(_failure(name, number), merchant=merchant)
    start_runs()
    work_due_steps()
    deliver_queued()
    _set_up(merchant, name)
    _keep(merchant, name)
    for model in owned():
        _plant(model, merchant, name)
    return World(name, merchant, _ids(merchant))


def owned() -> list[type[models.Model]]:
    """Each model that has rows of a merchant's."""
    found = [
        model
        for model in apps.get_models()
        if model._meta.app_label in OURS and model.__name__ not in NOBODYS
    ]
    return [*found, LogEntry]


def rows_of(model: type[models.Model], merchant: Merchant) -> models.QuerySet[Any]:
    """Raises LookupError for a model of which nobody said whose its rows are."""
    if model not in OWNED_BY and not issubclass(model, TenantOwned):
        raise LookupError(f"{model.__name__} is no merchant's: say in worlds.py whose it is.")
    key = OWNED_BY.get(model, "merchant")
    # Not by its own manager: what is append-only is planted in as well.
    return models.QuerySet(model).filter(**{key: merchant.pk})


def state_of(merchant: Merchant) -> dict[str, list[dict[str, Any]]]:
    """All that is the merchant's, but for when its people were last there."""
    return {
        model.__name__: [
            {**row, "last_login": None} for row in rows_of(model, merchant).order_by("pk").values()
        ]
        for model in owned()
    }


def words_of(world: World, *, but: World) -> set[str]:
    """All that is written in the rows of one and not in those of the other."""
    theirs, others = (set(_written(one.merchant)) for one in (world, but))
    links = {f"{name.replace('.', '/')}/{pk}/" for name, pk in world.ids.items() if "." in name}
    return {word for word in theirs - others if _tells(word, world.name)} | links | {world.name}


def _tells(word: str, name: str) -> bool:
    """Not of what a word of everybody's would be."""
    return name in word or (len(word) >= SHORTEST_ID and any(sign.isdigit() for sign in word))


def _written(merchant: Merchant) -> Iterator[str]:
    for model in owned():
        texts = [one.name for one in _texts(model)]
        for row in rows_of(model, merchant).values_list(*texts):
            yield from itertools.chain.from_iterable(_strings(value) for value in row)


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value.strip()
    elif isinstance(value, dict):
        yield from itertools.chain.from_iterable(_strings(one) for one in value.values())
    elif isinstance(value, list):
        yield from itertools.chain.from_iterable(_strings(one) for one in value)


def _texts(model: type[models.Model]) -> list[Any]:
    kinds = (models.CharField, models.TextField, models.JSONField)
    return [one for one in model._meta.fields if isinstance(one, kinds) and not one.choices]


# --- what there is ------------------------------------------------------------------------------


def _failure(name: str, number: int) -> dict[str, Any]:
    payload = copy.deepcopy(EXPIRED_CARD)
    payload["id"] = f"evt_{name}{number}"
    payload["data"]["object"] |= {
        "id": f"in_{name}{number}", "customer": f"cus_{name}{number}",
        "customer_email": f"{name}{number}@example.com", "number": f"{name}-000{number}",
    }  # fmt: skip
    return payload


def _set_up(merchant: Merchant, name: str) -> None:
    """What owners set up."""
    now = timezone.now()
    Merchant.objects.filter(pk=merchant.pk).update(
        product_name=f"{name} tea", support_email=f"support@{name}.example",
        sender_email=f"billing@{name}.example",
    )  # fmt: skip
    for number in range(3):
        credentials.new_api_key(merchant=merchant, name=f"{name} key {number}", now=now)
        webhook_registrations.register(
            merchant=merchant, url=f"https://{name}{number}.example.org/", description="",
            event_types=["case.lost"], now=now,
        )  # fmt: skip
        user = User.objects.create_user(f"{name}{number}@silent.example", PASSWORD)
        membership = Membership.objects.create(user=user, merchant=merchant, role=Role.VIEWER)
    publish(merchant, f"{name} plan", conditions={"currencies": ["eur"]})
    drafted = publish(merchant, f"{name} drafted", conditions={"currencies": ["jpy"]})
    campaigns.draft(campaign=drafted)
    draft(merchant, f"{name} sketch")
    merchants.override_decline(
        merchant=merchant, decline_code=f"{name}_decline", decline_type=DeclineType.SOFT
    )
    templates.save(
        merchant=merchant, name="failed", language="en", subject=f"{name} says", now=now,
        body=f"<p>{name} says {{{{ amount }}}}.</p>", text="", button="",
    )  # fmt: skip
    MerchantLogo.objects.create(
        merchant=merchant, digest=f"{name}-logo", content=name.encode(), width=1, height=1,
        ground="light",
    )  # fmt: skip
    TokenFamily.objects.create(
        merchant=merchant, membership=membership, role=Role.VIEWER, password_fingerprint=name,
        current_jti=name, created_at=now, expires_at=now,
    )  # fmt: skip


def _keep(merchant: Merchant, name: str) -> None:
    """What comes of work."""
    now = timezone.now()
    case = RecoveryCase.objects.of(merchant).earliest("id")
    cases.pause(case=case, until=None, actor=f"{name}@example.com", now=now)
    run = DunningRun.objects.of(merchant).filter(case__is_paused=False).latest("id")
    step = run.campaign.steps.latest("position")
    DunningRetry.objects.create(
        merchant=merchant, run=run, step=step, case=run.case, queued_at=now, due_at=now
    )
    PaymentAttempt.objects.create(
        merchant=merchant, case=run.case, trigger="operator", state="succeeded",
        key=f"{name} key", amount=4900, currency="usd", attempted_at=now, resolved_at=now,
    )  # fmt: skip
    Checkout.objects.create(
        merchant=merchant, case=run.case, created_at=now, expires_at=now, due_at=now
    )
    SuppressedAddress.objects.create(
        merchant=merchant, email=f"{name}@bounced.example", reason="bounced", suppressed_at=now
    )
    IdempotentRequest.objects.create(
        merchant=merchant, credential_kind="user", key=f"{name} request", asked=name,
        created_at=now - timedelta(hours=1), claimed_at=now,
    )  # fmt: skip
    Coverage.objects.create(
        merchant=merchant, account=name, covered_until=now, due_at=now + timedelta(hours=1)
    )
    checking.check(merchant, now=now)
    Tally.objects.create(
        merchant=merchant, is_of_day=True, placed_by="opened_at", at=now, livemode=False,
        status="open", decline_type="soft", decline_code=f"{name}_decline", mechanism="",
        currency="usd", **dict.fromkeys(tallying.MEASURES, 1),
    )  # fmt: skip
    SavedView.objects.create(
        merchant=merchant, user=User.objects.filter(memberships__merchant=merchant)[0],
        name=f"{name} view", query=f"q={name}", created_at=now,
    )  # fmt: skip


def _plant(model: type[models.Model], merchant: Merchant, name: str) -> None:
    """Every text that is empty names the merchant from now on."""
    for one in _texts(model):
        if isinstance(one, KEPT_AS_THEY_ARE) or one.name in NOT_PLANTED or one.unique:
            continue
        empty = rows_of(model, merchant).filter(**{one.name: ""})
        for pk in list(empty.values_list("pk", flat=True)):
            word = f"{name} {pk} {one.name} of {model.__name__}"[: one.max_length]
            with suppress(IntegrityError), transaction.atomic():  # some are to be empty
                models.QuerySet(model).filter(pk=pk).update(**{one.name: word})


def _ids(merchant: Merchant) -> dict[str, str]:
    def latest(model: type[models.Model], **which: Any) -> Any:
        return rows_of(model, merchant).filter(**which).latest("pk")

    plans = {one.name.partition(" ")[2]: one for one in campaigns.current(merchant)}
    case, paused = (latest(RecoveryCase, is_paused=is_paused) for is_paused in (False, True))
    drafts = latest(DunningCampaign, plan=plans["drafted"].plan, state="draft")
    found = {
        "merchant": merchant.public_id,
        "case": case.public_id,
        "paused": paused.public_id,
        "paused_pk": str(paused.pk),
        "task": latest(OperatorTask).public_id,
        "message": latest(DunningMessage).public_id,
        "plan": plans["plan"].plan,
        "campaign": str(plans["plan"].pk),
        "drafted": plans["drafted"].plan,
        "revision": campaigns.revision(drafts),
        "webhook": latest(WebhookRegistration).public_id,
        "api_key": latest(ApiKey).key_id,
        "internal_key": str(latest(InternalKey).pk),
        "member": str(latest(Membership).pk),
        "user": str(latest(Membership).user_id),
        "type": str(ContentType.objects.get_for_model(RecoveryCase).pk),
        "decline": f"{merchant.name}_decline",
        "view": latest(SavedView).public_id,
    }
    registered = {model._meta.label_lower: model for model in admin.site._registry}
    return found | {label: str(latest(model).pk) for label, model in registered.items()}


def nobodys(ids: Mapping[str, str]) -> dict[str, str]:
    """Of the same shapes, of rows that are not there."""
    return {
        name: "987654" if value.isdigit() else f"{value.partition('_')[0]}_bcdfgh"
        for name, value in ids.items()
    }
