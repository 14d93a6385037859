"""What operators do to cases: said beforehand, done once, refused in words, by whoever may."""

from datetime import UTC, datetime
from typing import Any

import pytest
from django.core.management import call_command
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from dunning import campaigns
from dunning.models import DunningCampaign, DunningMessage, DunningRun
from recover_project.back_office.cases.verbs import VERBS
from recovery import cases
from recovery.models import Customer, Merchant, OperatorTask, RecoveryCase, Role
from tests.back_office.people import log_in, make_world, members

pytestmark = pytest.mark.django_db
LIST = "/admin/recovery/recoverycase/"


@pytest.fixture
def ours() -> Merchant:
    return make_world("fern")


@pytest.fixture
def jo(ours: Merchant) -> Client:
    return log_in(ours)


def case_of(merchant: Merchant) -> RecoveryCase:
    return RecoveryCase.objects.of(merchant).select_related("merchant", "customer").get()


def ask(client: Client, verb: str, *asked: RecoveryCase, **told: Any) -> Any:
    """The form that says what will be done."""
    ids = [case.public_id for case in asked]
    return client.post(reverse("admin:cases_act", args=[verb]), {"case": ids, **told})


def do(client: Client, verb: str, *asked: RecoveryCase, **told: Any) -> list[str]:
    """What is said afterwards."""
    answer = ask(client, verb, *asked, confirmed="yes", **told)
    assert answer.status_code == 302, answer.content.decode()
    page = client.get(answer["Location"])
    return [str(message) for message in page.context["messages"]]


def page_of(client: Client, case: RecoveryCase) -> str:
    shown = client.get(reverse("admin:recovery_recoverycase_change", args=[case.pk]))
    assert shown.status_code == 200
    return str(shown.content.decode())


def told(case: RecoveryCase, kind: str) -> list[tuple[str, str]]:
    return list(case.timeline.filter(kind=kind).order_by("id").values_list("actor", "summary"))


# --- each verb -----------------------------------------------------------------------------------


def test_nothing_is_done_before_it_is_confirmed(ours: Merchant, jo: Client) -> None:
    case = case_of(ours)
    before = list(case.timeline.values_list("pk", flat=True))

    for verb in VERBS.values():
        shown = ask(jo, verb.name, case)
        assert shown.status_code == 200
        assert "fern@example.com" in shown.content.decode()

    assert list(case.timeline.values_list("pk", flat=True)) == before


def test_a_case_is_paused_until_a_day_of_the_merchants_and_goes_on(
    ours: Merchant, jo: Client
) -> None:
    Merchant.objects.filter(pk=ours.pk).update(time_zone="Asia/Tokyo")

    said = do(jo, "pause", case_of(ours), until="2999-01-01")

    assert said == ["fern@example.com: The case is paused."]
    paused = case_of(ours)
    assert paused.paused_until == datetime(2998, 12, 31, 15, tzinfo=UTC)
    assert told(paused, "paused")[0][0] == "jo@example.com"
    assert do(jo, "resume", paused) == ["fern@example.com: The case goes on."]
    assert not case_of(ours).is_paused


def test_a_pause_into_the_past_is_refused_in_words(ours: Merchant, jo: Client) -> None:
    said = do(jo, "pause", case_of(ours), until="2020-01-01")

    assert said == ["fern@example.com: Nothing was done: that day is over."]
    assert not case_of(ours).is_paused


def test_a_day_that_is_none_is_asked_for_again(ours: Merchant, jo: Client) -> None:
    answer = ask(jo, "pause", case_of(ours), confirmed="yes", until="tomorrow")

    assert (answer.status_code, "Enter a valid date." in answer.content.decode()) == (200, True)


def test_a_case_is_given_up_with_a_reason(ours: Merchant, jo: Client) -> None:
    do(jo, "close", case_of(ours), reason="Paid by check.")

    closed = case_of(ours)
    assert (closed.status, closed.reason) == ("lost", "operator_closed")
    assert "Paid by check." in page_of(jo, closed)
    assert do(jo, "pause", closed) == [
        "fern@example.com: Nothing was done: the case was given up and stays so until it is paid."
    ]


def test_a_note_is_kept_once_however_often_it_is_clicked(ours: Merchant, jo: Client) -> None:
    case = case_of(ours)

    for _click in range(2):
        do(jo, "note", case, text="She pays on <Friday>.", once="abc")

    assert told(case, "note") == [("jo@example.com", "She pays on <Friday>.")]
    assert "She pays on &lt;Friday&gt;." in page_of(jo, case)


def test_an_empty_note_is_asked_for_again(ours: Merchant, jo: Client) -> None:
    case = case_of(ours)

    for text in ("", "   ", "x" * 501):
        assert ask(jo, "note", case, confirmed="yes", text=text).status_code == 200

    assert told(case, "note") == []


def test_writing_now_sends_one_mail_and_says_why_a_second_is_not(
    ours: Merchant, jo: Client
) -> None:
    case = case_of(ours)

    first, second = do(jo, "write", case), do(jo, "write", case)

    assert first == ["fern@example.com: A mail with a new link is on its way to the customer."]
    assert second == ["fern@example.com: Nothing was done: a new link is on its way already."]
    assert DunningMessage.objects.filter(asked_for_by="jo@example.com").count() == 1


def test_a_charge_that_a_rule_forbids_says_which(ours: Merchant, jo: Client) -> None:
    ours.stripe.api_key = ""
    ours.stripe.save()

    said = do(jo, "charge", case_of(ours))

    [why] = said
    assert why.startswith("fern@example.com: Nothing was done: The merchant has no Stripe key")


def test_another_campaign_takes_the_case_over(ours: Merchant, jo: Client) -> None:
    case = case_of(ours)
    soft = campaigns.default(merchant=ours, decline_type="soft", now=timezone.now())  # type: ignore[arg-type]

    said = do(jo, "reassign", case, campaign=soft.pk)

    assert said == [f"fern@example.com: {soft} works the case from now on."]
    live = DunningRun.objects.get(case=case, state=DunningRun.State.LIVE)
    assert live.campaign == soft
    assert ("jo@example.com", f"{soft} was started.") in told(case, "dunning_started")
    again = do(jo, "reassign", case, campaign=soft.pk)
    assert again == [f"fern@example.com: Nothing was done: it is worked by {soft} already."]


def test_no_campaign_of_another_merchant_or_out_of_use_takes_a_case(
    ours: Merchant, jo: Client
) -> None:
    theirs = make_world("moss")
    case, other = case_of(ours), DunningCampaign.objects.of(theirs).get()

    answer = ask(jo, "reassign", case, confirmed="yes", campaign=other.pk)

    assert "Select a valid choice." in answer.content.decode()
    assert DunningRun.objects.get(case=case).campaign.merchant == ours


def test_a_link_to_hand_on_is_shown_once(ours: Merchant, jo: Client) -> None:
    case = case_of(ours)

    shown = jo.post(reverse("admin:cases_link"), {"case": case.public_id})

    assert "/fourthngoal/recover/update?token=" in shown.content.decode()
    assert "no-store" in shown["Cache-Control"]
    assert told(case, "link_made")[0][0] == "jo@example.com"
    assert "token=" not in page_of(jo, case)


def test_there_is_no_link_for_what_is_paid(ours: Merchant, jo: Client) -> None:
    RecoveryCase.objects.update(status="voided", reason="invoice_voided", closed_at=timezone.now())

    answer = jo.post(reverse("admin:cases_link"), {"case": case_of(ours).public_id}, follow=True)

    assert "No link was made: the case is voided." in answer.content.decode()


def test_a_task_is_done_by_somebody_once(ours: Merchant, jo: Client) -> None:
    task = OperatorTask.objects.get(case=case_of(ours))

    said = [
        [str(one) for one in jo.post(reverse("admin:task_done"), {"task": task.public_id},
                                     follow=True).context["messages"]]
        for _click in range(2)
    ]  # fmt: skip

    assert said == [["The task is done."], ["The task was done already."]]
    assert told(case_of(ours), "task_done")[0][0] == "jo@example.com"


# --- many at once --------------------------------------------------------------------------------


def second_case(merchant: Merchant) -> RecoveryCase:
    first = case_of(merchant)
    first.pk, first.public_id = None, "case_second"
    first.stripe_invoice_id, first._state.adding = "in_second", True
    first.status, first.reason, first.closed_at = "voided", "invoice_voided", timezone.now()
    first.save()
    return first


@pytest.mark.parametrize(
    ("currency", "told", "kept"),
    [
        ("usd", ["$10.00", "$20.00"], "$49.00, of which $20.00 went back again"),
        ("jpy", ["¥1,000", "¥2,000"], "¥4,900, of which ¥2,000 went back again"),
    ],
)
def test_what_went_back_is_told_in_money_and_in_all(
    ours: Merchant, jo: Client, currency: str, told: list[str], kept: str
) -> None:
    case, now = case_of(ours), timezone.now()
    case.currency, case.amount_recovered, case.closed_at = currency, 4900, now
    case.status, case.reason, case.mechanism = "recovered", "invoice_paid", "stripe_retry"
    case.save()
    for amount in (1000, 2000):
        cases.refund(case=case, amount=amount, at=now, now=now, once=str(amount))

    page = page_of(jo, case)

    for amount_told in told:
        assert f"{amount_told} of the payment went back in all." in page
    assert kept in page


def test_no_more_went_back_than_came(ours: Merchant, jo: Client) -> None:
    RecoveryCase.objects.update(
        status="voided", reason="refunded", closed_at=timezone.now(), amount_recovered=4900,
        amount_refunded=9900,
    )  # fmt: skip

    assert "$49.00, of which $49.00 went back again" in page_of(jo, case_of(ours))


def test_many_are_summed_up_before_and_each_is_told_of_after(ours: Merchant, jo: Client) -> None:
    first, voided = case_of(ours), second_case(ours)
    chosen = {"action": "pause", "_selected_action": [first.pk, voided.pk]}

    summary = jo.post(LIST, chosen).content.decode()

    assert "Of 2 cases, 1 will stay as they are" in summary
    assert "nothing was owed, so nothing can change that" in summary
    assert sorted(do(jo, "pause", first, voided)) == [
        "fern@example.com: Nothing was done: nothing was owed, so nothing can change that.",
        "fern@example.com: The case is paused.",
    ]


def test_the_lists_actions_are_those_of_the_case(ours: Merchant, jo: Client) -> None:
    shown = jo.get(LIST).content.decode()

    assert all(f'value="{verb.name}"' in shown for verb in VERBS.values() if verb.is_for_many)


# --- who may -------------------------------------------------------------------------------------


def test_a_viewer_looks_and_is_offered_nothing(ours: Merchant) -> None:
    case, viewer = case_of(ours), log_in(ours, Role.VIEWER)
    shown = page_of(viewer, case) + viewer.get(LIST).content.decode()

    assert "cases/act" not in shown
    assert "tasks/done" not in shown
    assert 'name="action"' not in shown
    for verb in VERBS:
        assert ask(viewer, verb, case, confirmed="yes").status_code == 403
    assert viewer.post(reverse("admin:cases_link"), {"case": case.public_id}).status_code == 403
    task = {"task": OperatorTask.objects.get().public_id}
    assert viewer.post(reverse("admin:task_done"), task).status_code == 403


def test_another_merchants_case_is_as_unknown_as_none(ours: Merchant) -> None:
    theirs = make_world("moss")
    mine, other = case_of(ours), case_of(theirs)
    nobodys = RecoveryCase(public_id="case_nobodys")
    before = other.timeline.count()

    owner, operator, _viewer = members(ours)
    for client in (owner, operator):
        for unknown in (other, nobodys):
            for verb in VERBS:
                assert ask(client, verb, mine, unknown, confirmed="yes").status_code == 404
            link = client.post(reverse("admin:cases_link"), {"case": unknown.public_id})
            assert link.status_code == 404
        task = {"task": OperatorTask.objects.get(case=other).public_id}
        assert client.post(reverse("admin:task_done"), task).status_code == 404

    assert other.timeline.count() == before


def test_a_message_is_shown_as_it_went_and_does_nothing(ours: Merchant, jo: Client) -> None:
    theirs = make_world("moss")
    message = DunningMessage.objects.of(ours).get()
    other = DunningMessage.objects.of(theirs).get()

    page = jo.get(reverse("admin:message", args=[message.public_id]))
    framed = jo.get(reverse("admin:message_html", args=[message.public_id]))

    assert message.subject in page.content.decode()
    policy = framed["Content-Security-Policy"]
    assert all(part in policy for part in ("sandbox", "script-src 'none'", "form-action 'none'"))
    assert framed["X-Frame-Options"] == "SAMEORIGIN"
    for name in ("message", "message_html"):
        assert jo.get(reverse(f"admin:{name}", args=[other.public_id])).status_code == 404


# --- what it costs -------------------------------------------------------------------------------


def test_a_list_and_a_page_cost_few_questions_however_much_is_on_them(
    ours: Merchant, jo: Client, django_assert_max_num_queries: Any
) -> None:
    case = case_of(ours)
    for n in range(150):
        cases.note(case=case, text=f"Note {n}", once=str(n), actor="jo", now=timezone.now())
        if n < 30:
            copied = case_of_copy(case, n)
            copied.save()

    with django_assert_max_num_queries(20):
        shown = jo.get(LIST)
    assert shown.context["cl"].result_count == 31
    with django_assert_max_num_queries(20):
        first = page_of(jo, case)
    assert "Note 149" in first
    assert "Note 3<" not in first
    assert "Page 1" in first


def case_of_copy(case: RecoveryCase, n: int) -> RecoveryCase:
    copied = RecoveryCase.objects.get(pk=case.pk)
    copied.pk, copied.public_id, copied.stripe_invoice_id = None, f"case_{n}", f"in_{n}"
    copied._state.adding = True
    return copied


def test_who_logs_in_by_the_command_may_work_at_once(ours: Merchant) -> None:
    call_command(
        "create_operator", "new@example.com", "--merchant", ours.public_id, "--role", "operator",
        "--password", "a long pass phrase, new",
    )  # fmt: skip
    client = Client()
    client.login(username="new@example.com", password="a long pass phrase, new")

    assert do(client, "note", case_of(ours), text="Hello.") == [
        "fern@example.com: The note is kept."
    ]


def test_a_customer_whom_stripe_has_deleted_is_marked_and_no_other(ours: Merchant) -> None:
    customer = Customer.objects.of(ours).get()
    address = reverse("admin:recovery_customer_changelist")

    before = log_in(ours).get(address).content.decode()
    Customer.objects.filter(pk=customer.pk).update(is_deleted=True)

    assert 'data-tone="bad">deleted<' not in before
    assert 'data-tone="bad">deleted<' in log_in(ours).get(address).content.decode()
