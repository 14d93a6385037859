"""What operators do with links in the back office: who may, and that it is written down."""

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from billing_portal import links
from billing_portal.models import PaymentUpdateLink
from dunning.models import DunningMessage
from recover_project.back_office.cases.verbs import VERBS
from recovery.models import Merchant, RecoveryCase, Role
from recovery.state_machine import Trigger
from tests.back_office.people import log_in, log_in_superuser, make_world
from tests.dunning.facts import close

pytestmark = pytest.mark.django_db
CASES, LINKS = "recovery_recoverycase", "billing_portal_paymentupdatelink"
ACTIONS = {CASES: {name for name, verb in VERBS.items() if verb.is_for_many}, LINKS: {"revoke"}}


@pytest.fixture
def ours() -> Merchant:
    return make_world("fern")


def case_of(merchant: Merchant) -> RecoveryCase:
    return RecoveryCase.objects.get(merchant=merchant)


def link_of(merchant: Merchant) -> PaymentUpdateLink:
    return PaymentUpdateLink.objects.get(merchant=merchant)


def act(client: Client, page: str, action: str, *rows: int) -> list[str]:
    """What the back office says to an action on some rows of a list; on cases, once it is
    confirmed."""
    answer = client.post(
        reverse(f"admin:{page}_changelist"),
        {"action": action, "_selected_action": list(rows)}, follow=True,
    )  # fmt: skip
    assert answer.status_code == 200
    if page == CASES and "chosen" in answer.context:
        told = {"case": [case.public_id for case in answer.context["chosen"]], "confirmed": "yes"}
        answer = client.post(reverse("admin:cases_act", args=[action]), told, follow=True)
    return [str(message) for message in answer.context["messages"]]


def offered(client: Client, page: str) -> set[str]:
    form = client.get(reverse(f"admin:{page}_changelist")).context["action_form"]
    return {name for name, _ in form.fields["action"].choices if name} if form else set()


def told(case: RecoveryCase, kind: str) -> list[str]:
    entries = case.timeline.filter(kind=kind).order_by("id")
    return list(entries.values_list("actor", flat=True))


@pytest.mark.parametrize("page", ACTIONS)
def test_who_may_operate_is_offered_actions_and_who_views_is_not(
    ours: Merchant, page: str
) -> None:
    for role in (Role.OWNER, Role.OPERATOR):
        assert offered(log_in(ours, role, f"{role}@example.com"), page) == ACTIONS[page]
    assert offered(log_in(ours, Role.VIEWER, "viewer@example.com"), page) == set()


def test_all_links_of_a_case_are_revoked_by_who_says_so(ours: Merchant) -> None:
    client, case = log_in(ours), case_of(ours)
    links.create(case=case, now=timezone.now())

    said = act(client, CASES, "revoke_links", case.pk)
    again = act(client, CASES, "revoke_links", case.pk)

    assert (said, again) == (
        ["fern@example.com: Links revoked: 2."],
        ["fern@example.com: There was no link that worked."],
    )  # fmt: skip
    assert not PaymentUpdateLink.objects.filter(revoked_at=None).exists()
    assert told(case, "link_revoked") == ["jo@example.com"] * 2


def test_one_link_is_revoked(ours: Merchant) -> None:
    case, link = case_of(ours), link_of(ours)
    links.create(case=case, now=timezone.now())

    assert act(log_in(ours), LINKS, "revoke", link.pk) == ["Links revoked: 1."]

    assert list(PaymentUpdateLink.objects.exclude(revoked_at=None)) == [link]
    assert told(case, "link_revoked") == ["jo@example.com"]


def test_a_new_link_is_sent_by_who_says_so(ours: Merchant) -> None:
    case = case_of(ours)

    said = act(log_in(ours), CASES, "write", case.pk)

    assert said == ["fern@example.com: A mail with a new link is on its way to the customer."]
    message = DunningMessage.objects.get(asked_for_by="jo@example.com")
    assert (message.case, message.state, message.template) == (case, "queued", "new_link")
    assert told(case, "link_requested") == ["jo@example.com"]


def test_a_link_that_would_not_go_is_refused_with_the_reason(ours: Merchant) -> None:
    case = case_of(ours)
    close(case, now=timezone.now(), trigger=Trigger.INVOICE_VOIDED)
    before = DunningMessage.objects.count()

    assert act(log_in(ours), CASES, "write", case.pk) == [
        "fern@example.com: Nothing was done: the case is voided."
    ]
    assert DunningMessage.objects.count() == before
    assert told(case, "link_requested") == []


def nothing_was_done(merchant: Merchant, *, messages: int) -> None:
    assert link_of(merchant).revoked_at is None
    assert DunningMessage.objects.filter(merchant=merchant).count() == messages
    assert told(case_of(merchant), "link_requested") == []


def test_who_only_views_can_t_act_by_any_form(ours: Merchant) -> None:
    client = log_in(ours, Role.VIEWER)
    messages = DunningMessage.objects.count()

    act(client, CASES, "revoke_links", case_of(ours).pk)
    act(client, CASES, "write", case_of(ours).pk)
    act(client, LINKS, "revoke", link_of(ours).pk)

    nothing_was_done(ours, messages=messages)


@pytest.mark.parametrize("is_viewer_there", [True, False])
def test_nobody_acts_on_another_merchants_rows(ours: Merchant, is_viewer_there: bool) -> None:
    """Who operates for one merchant may view another: that is no more than to look."""
    theirs = make_world("moss")
    messages = DunningMessage.objects.filter(merchant=theirs).count()
    if is_viewer_there:
        log_in(theirs, Role.VIEWER)
    client = log_in(ours)

    act(client, CASES, "revoke_links", case_of(theirs).pk)
    act(client, CASES, "write", case_of(theirs).pk)
    act(client, LINKS, "revoke", link_of(theirs).pk)

    nothing_was_done(theirs, messages=messages)


def test_the_platforms_staff_acts_for_the_merchant_that_is_worked_for(ours: Merchant) -> None:
    theirs, staff = make_world("moss"), log_in_superuser()
    rows = [case_of(ours).pk, case_of(theirs).pk]

    for merchant in (ours, theirs):
        staff.post("/admin/switch/", {"merchant": merchant.public_id})
        [said] = act(staff, CASES, "revoke_links", *rows)
        assert said == f"{merchant}@example.com: Links revoked: 1."


def test_a_cases_page_tells_of_its_links_and_shows_no_token(ours: Merchant) -> None:
    link = link_of(ours)
    links.opened(link, now=timezone.now())
    page = log_in(ours).get(reverse(f"admin:{CASES}_change", args=[case_of(ours).pk]))

    shown = page.content.decode()

    assert link.public_id in shown
    for told_of in ("Made", "works until", "opened"):
        assert told_of in shown
    assert link.digest not in shown
    assert "eyJ" not in shown
