"""Demo data: plausible, marked, never worked, and gone with one command."""

from collections import Counter
from datetime import timedelta
from typing import Any

import pytest
from django.apps import apps
from django.core import mail
from django.core.management import CommandError, call_command
from django.urls import reverse
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from dunning.models import DunningMessage
from recover_project.back_office.demo import filling, rows
from recover_project.celery import app as celery_app
from recovery.models import Customer, Merchant, RecoveryCase, Role, TimelineEntry
from tests.back_office.people import log_in, make_world
from tests.builders import make_merchant
from tests.recovery.receivers import registered

pytestmark = pytest.mark.django_db
APPS = ("recovery", "billing_portal", "dunning")
FEW = 60  # cases, where it isn't asked what they look like
OF_THE_WORKER_ALONE = {"Heartbeat", "Tally"}


def everything() -> dict[str, list[dict[str, Any]]]:
    return {
        model.__name__: [
            {**row, "tallied_in": ""} for row in model._default_manager.order_by("pk").values()
        ]
        for label in APPS
        for model in apps.get_app_config(label).get_models()
        if model.__name__ not in OF_THE_WORKER_ALONE
    }


def work_the_timetable() -> None:
    celery_app.loader.import_default_modules()
    for entry in celery_app.conf.beat_schedule.values():
        celery_app.tasks[entry["task"]].run()


def test_six_months_look_like_a_business() -> None:
    merchant, now = make_merchant(), timezone.now()
    merchant.public_id = "mer_whose_draws_are_always_the_same"
    merchant.save()

    filling.fill(merchant, now=now)

    cases = list(rows.cases(merchant))
    statuses = Counter(case.status for case in cases)
    assert len(cases) == filling.CASES
    assert 0.55 <= statuses["recovered"] / len(cases) <= 0.65
    assert set(statuses) == {"open", "recovered", "lost", "voided"}
    assert {case.currency for case in cases} == {"usd", "eur", "jpy"}
    assert {case.mechanism for case in cases} >= {"stripe_retry", "card_update", "customer_paid"}
    assert min(case.failed_at for case in cases) > now - timedelta(days=184)
    assert not TimelineEntry.objects.filter(at__gt=now).exists()
    assert not DunningMessage.objects.filter(sent_at__gt=now).exists()


def test_every_row_says_that_it_is_made_up() -> None:
    merchant = make_merchant()

    filling.fill(merchant, now=timezone.now(), count=FEW)

    assert all(
        case.stripe_invoice_id.startswith("in_demo_") and case.description.startswith("Demo data")
        for case in RecoveryCase.objects.all()
    )
    assert all(
        customer.stripe_customer_id.startswith("cus_demo_")
        and customer.email.endswith(("@example.com", "@example.org"))
        for customer in Customer.objects.all()
    )


def test_the_same_merchant_and_moment_make_the_same_rows() -> None:
    merchant, now = make_merchant(), timezone.now()

    def told() -> list[Any]:
        cases = RecoveryCase.objects.order_by("public_id")
        return [
            *cases.values_list("public_id", "status", "amount", "opened_at", "customer__email"),
            *DunningMessage.objects.order_by("public_id").values_list("public_id", "body_text"),
        ]

    filling.fill(merchant, now=now, count=FEW)
    first = told()
    rows.remove(merchant)
    filling.fill(merchant, now=now, count=FEW)

    assert told() == first


@pytest.mark.parametrize("days", [0, 1, 40], ids=["at once", "a day later", "weeks later"])
def test_no_task_of_the_timetable_finds_anything_to_do(
    days: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    merchant, now = make_merchant(), timezone.now()
    merchant.stripe.api_key = "rk_test_never_used"  # asked for, Stripe would be an open socket
    merchant.stripe.save()
    registered(merchant)
    filling.fill(merchant, now=now, count=FEW)
    before = everything()
    monkeypatch.setattr(timezone, "now", lambda: now + timedelta(days=days))

    work_the_timetable()

    assert everything() == before
    assert mail.outbox == []


def test_removal_deletes_these_rows_and_no_others() -> None:
    merchant, other = make_world("fern"), make_world("moss")
    filling.fill(other, now=timezone.now(), count=FEW)
    before = everything()
    call_command("demo_data", merchant.public_id)
    assert RecoveryCase.objects.of(merchant).count() == filling.CASES + 1

    call_command("demo_data", merchant.public_id, "--remove")

    assert everything() == before


def test_who_has_none_is_known_without_looking_through_cases(
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    merchant = make_merchant()

    with django_assert_num_queries(1):
        assert not rows.are_there(merchant)


def test_a_merchant_in_live_mode_is_refused() -> None:
    merchant = make_merchant()
    merchant.stripe.livemode = True
    merchant.stripe.save()
    before = everything()

    with pytest.raises(CommandError, match="is in live mode: made-up cases would stand among"):
        call_command("demo_data", merchant.public_id)

    assert everything() == before


def test_demo_data_are_put_in_once() -> None:
    merchant = make_merchant()
    call_command("demo_data", merchant.public_id)
    before = everything()

    with pytest.raises(CommandError, match="has demo data already; remove them first"):
        call_command("demo_data", merchant.public_id)

    assert everything() == before


def page(merchant: Merchant, path: str) -> str:
    response = log_in(merchant, Role.VIEWER).get(path)
    assert response.status_code == 200
    return str(response.content.decode())


def test_home_and_each_case_say_it_and_how_to_be_rid_of_it() -> None:
    merchant = make_world("fern")
    real = RecoveryCase.objects.get()
    command = f"manage.py demo_data {merchant.public_id} --remove"
    assert command not in page(merchant, "/admin/")
    filling.fill(merchant, now=timezone.now(), count=FEW)
    made_up = rows.cases(merchant).latest("opened_at")

    assert command in page(merchant, "/admin/")
    assert command in page(merchant, f"/admin/recovery/recoverycase/{made_up.pk}/change/")
    assert command not in page(merchant, f"/admin/recovery/recoverycase/{real.pk}/change/")


def test_nobody_outside_hears_of_what_is_made_up() -> None:
    merchant = make_merchant()
    filling.fill(merchant, now=timezone.now(), count=FEW)
    case = rows.cases(merchant).filter(status="open").first()
    assert case
    client, before = log_in(merchant, Role.OWNER), DunningMessage.objects.count()
    told = {"case": case.public_id, "confirmed": "yes"}

    for verb in ("charge", "write", "close"):
        client.post(reverse("admin:cases_act", args=[verb]), told)
    shown = client.post(reverse("admin:cases_link"), told, follow=True).content.decode()

    assert "the case is made up, and nobody outside is to hear of it" in shown
    assert "token=" not in shown
    assert DunningMessage.objects.count() == before
    case.refresh_from_db()
    assert case.status == "open"
    client.post(reverse("admin:cases_act", args=["note"]), told | {"text": "Looks real."})
    assert case.timeline.filter(kind="note").exists()
