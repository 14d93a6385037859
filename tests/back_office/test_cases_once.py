"""A second click, or two people at once: what they ask for is done once."""

import threading
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from billing_portal.models import PaymentUpdateLink
from dunning.models import DunningMessage, DunningRun, EndAction
from dunning.tasks import deliver_queued
from recover_project.back_office.cases import acting, to_come, words
from recovery import operator_charges, timeline
from recovery.models import Merchant, RecoveryCase
from recovery.timeline import Kind
from tests.back_office.people import log_in, make_world

pytestmark = pytest.mark.django_db


@pytest.fixture
def ours() -> Merchant:
    return make_world("fern")


def case_of(merchant: Merchant) -> RecoveryCase:
    return RecoveryCase.objects.of(merchant).select_related("merchant", "customer").get()


def without_stripe(merchant: Merchant) -> None:
    """Mail goes by what is known: nobody is asked."""
    merchant.stripe.api_key = ""
    merchant.stripe.save()


def form(client: Client, verb: str, case: RecoveryCase) -> dict[str, Any]:
    """What a browser would send from the form that is shown."""
    shown = client.post(reverse("admin:cases_act", args=[verb]), {"case": case.public_id})
    told = {name: shown.context[name] for name in ("once", "seen_at")}
    return {"case": case.public_id, "confirmed": "yes", **told}


def send(client: Client, verb: str, told: dict[str, Any]) -> list[str]:
    answer = client.post(reverse("admin:cases_act", args=[verb]), told, follow=True)
    return [str(message) for message in answer.context["messages"]]


def test_a_second_click_writes_once_and_is_answered_as_the_first(ours: Merchant) -> None:
    without_stripe(ours)
    jo, case = log_in(ours), case_of(ours)
    told = form(jo, "write", case)

    first, second = send(jo, "write", told), send(jo, "write", told)
    deliver_queued()
    when_it_is_gone = send(jo, "write", told)

    assert first == ["fern@example.com: A mail with a new link is on its way to the customer."]
    assert first == second == when_it_is_gone
    assert DunningMessage.objects.exclude(asked_for_by="").count() == 1


def test_who_writes_second_of_two_who_saw_the_same_case_is_told_who_was_first(
    ours: Merchant,
) -> None:
    without_stripe(ours)
    jo, al, case = log_in(ours), log_in(ours, email="al@example.com"), case_of(ours)
    jos, als = form(jo, "write", case), form(al, "write", case)

    send(jo, "write", jos)

    why = "jo@example.com has had one sent since you saw the case."
    assert send(al, "write", als) == [f"fern@example.com: Nothing was done: {why}"]
    assert DunningMessage.objects.exclude(asked_for_by="").count() == 1


def test_who_looks_again_may_write_again(ours: Merchant) -> None:
    without_stripe(ours)
    jo, case = log_in(ours), case_of(ours)
    for _time in range(2):
        send(jo, "write", form(jo, "write", case))
        deliver_queued()

    assert DunningMessage.objects.exclude(asked_for_by="").count() == 2


def test_two_people_who_saw_the_same_case_ask_for_one_charge(ours: Merchant) -> None:
    case, seen_at = case_of(ours), timezone.now()
    both = [operator_charges.step_as_seen(case=case, at=seen_at + timedelta(seconds=n))
            for n in range(2)]  # fmt: skip
    timeline.append(
        case=case, kind=Kind.CHARGE_ASKED, summary="Asked.", once="asked:first",
        at=seen_at + timedelta(seconds=5),
    )  # fmt: skip

    late = operator_charges.step_as_seen(case=case, at=seen_at + timedelta(seconds=1))
    anew = operator_charges.step_as_seen(case=case, at=seen_at + timedelta(seconds=6))

    assert {*both, late} == {"first"}
    assert anew.startswith("after:")


def test_a_second_click_asks_stripe_once(ours: Merchant, monkeypatch: pytest.MonkeyPatch) -> None:
    steps = []
    charge = operator_charges.charge

    def note_step(**facts: Any) -> Any:
        steps.append(facts["step"])
        return charge(**facts)

    monkeypatch.setattr(operator_charges, "charge", note_step)
    jo, al = log_in(ours), log_in(ours, email="al@example.com")
    without_stripe(ours)
    case = case_of(ours)
    told, als = form(jo, "charge", case), form(al, "charge", case)

    for client, sent in ((jo, told), (jo, told), (al, als)):
        send(client, "charge", sent)

    assert steps == ["first", "first", "first"]
    assert case.timeline.filter(kind=Kind.CHARGE_ASKED).count() == 1


@pytest.mark.parametrize("seen_at", ["", "yesterday", "2999-01-01T00:00:00+00:00", "2020-01-01"])
def test_a_time_that_nobody_saw_is_now(ours: Merchant, seen_at: str) -> None:
    jo, case = log_in(ours), case_of(ours)
    told = form(jo, "write", case) | {"seen_at": seen_at}

    assert send(jo, "write", told) == [
        "fern@example.com: A mail with a new link is on its way to the customer."
    ]


def test_a_second_click_shows_the_same_link(ours: Merchant) -> None:
    jo, case = log_in(ours), case_of(ours)
    before = PaymentUpdateLink.objects.count()

    def link(once: str) -> str:
        told = {"case": case.public_id, "once": once}
        shown = jo.post(reverse("admin:cases_link"), told, follow=True)
        return str(shown.context.get("address", [str(m) for m in shown.context["messages"]]))

    first, again, another = link("abc"), link("abc"), link("def")

    assert first == again
    assert first != another
    assert PaymentUpdateLink.objects.count() == before + 2
    assert case.timeline.filter(kind=Kind.LINK_MADE).count() == 2
    PaymentUpdateLink.objects.update(revoked_at=timezone.now())
    assert "works no more; make another" in link("abc")


def test_more_than_are_worked_at_once_are_refused(
    ours: Merchant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(acting, "MOST_AT_ONCE", 0)
    jo = log_in(ours)

    answer = jo.post(
        "/admin/recovery/recoverycase/",
        {"action": "pause", "_selected_action": [case_of(ours).pk]}, follow=True,
    )  # fmt: skip

    assert [str(one) for one in answer.context["messages"]] == [
        "No more than 0 cases are worked at once: choose fewer."
    ]


def test_where_a_rule_is_written_is_told_by_its_first_place() -> None:
    assert words.where_written("docs.stripe.com/declines; a@1234567 b.py") == (
        "docs.stripe.com/declines"
    )
    assert words.where_written("") == ""


# --- what is to come -----------------------------------------------------------------------------


def test_every_step_that_is_to_come_is_told_and_when_it_ends(ours: Merchant) -> None:
    case = case_of(ours)
    run = DunningRun.objects.select_related("campaign").get(case=case)
    left = list(run.campaign.steps.filter(position__gte=run.next_position).order_by("position"))

    told = to_come.events(case, now=timezone.now())

    assert len(told) == len(left) + 1
    assert told[0] == (run.due_at, f"The customer is written to: “{left[0].template}” (step 2).")
    assert told[-1] == (
        told[-2][0], f"{run.campaign} ends. If nobody has paid by then, the case stays open."
    )  # fmt: skip
    assert [at for at, _ in told] == sorted(at for at, _ in told if at)


def test_during_a_pause_only_stripe_does_anything(ours: Merchant) -> None:
    case, now = case_of(ours), timezone.now()
    case.is_paused, case.paused_until = True, now + timedelta(days=30)
    case.next_payment_attempt_at = now + timedelta(days=1)

    first, second, *others = to_come.events(case, now=now)

    assert first == (case.next_payment_attempt_at, "Stripe asks for the money again.")
    assert second == (case.paused_until, "The pause ends.")
    assert others
    assert all(at and at >= case.paused_until for at, _told in others)
    case.paused_until = None
    assert to_come.events(case, now=now) == [(None, "The pause ends."), first]


def test_giving_up_comes_when_the_last_link_is_over(ours: Merchant) -> None:
    case = case_of(ours)
    run = DunningRun.objects.select_related("campaign").get(case=case)
    type(run.campaign).objects.update(end_action=EndAction.MARK_LOST)

    *_, (last_at, _last), (end_at, end) = to_come.events(case, now=timezone.now())

    assert last_at
    assert end_at == last_at + timedelta(days=7)
    assert end.endswith("the case is given up.")


def test_nothing_comes_on_a_closed_case(ours: Merchant) -> None:
    RecoveryCase.objects.update(status="lost", reason="operator_closed", closed_at=timezone.now())

    assert to_come.events(case_of(ours), now=timezone.now()) == []


# --- at once -------------------------------------------------------------------------------------


@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite has one writer at a time.")
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("verb", ["write", "pause", "close"])
def test_two_operators_at_once_do_it_once(verb: str) -> None:
    ours = make_world("fern")
    people = [log_in(ours, email=f"{name}@example.com") for name in ("jo", "al")]
    case, together = case_of(ours), threading.Barrier(2)
    forms = [form(client, verb, case) for client in people]

    def press(client: Client, told: dict[str, Any]) -> None:
        together.wait(timeout=30)
        client.post(reverse("admin:cases_act", args=[verb]), told)
        connection.close()

    pairs = zip(people, forms, strict=True)
    threads = [threading.Thread(target=press, args=pair) for pair in pairs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)

    kind = {"write": Kind.LINK_REQUESTED, "pause": Kind.PAUSED, "close": Kind.MOVED}[verb]
    assert case.timeline.filter(kind=kind).count() == 1
