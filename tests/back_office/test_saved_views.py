"""What people keep of the list of cases: for themselves, for one merchant, under a name."""

import pytest
from django.test import Client
from django.urls import reverse

from recover_project.back_office.models import SavedView
from recovery.models import Merchant, Role
from tests.back_office.people import log_in, make_world

pytestmark = pytest.mark.django_db
LIST = "/admin/recovery/recoverycase/"
PAUSED_MOSS = {"view": "paused", "q": "moss"}


@pytest.fixture
def ours() -> Merchant:
    return make_world("fern")


def keep(client: Client, name: str, **asked: str) -> list[str]:
    answer = client.post(reverse("admin:cases_keep_view"), {"name": name, **asked}, follow=True)
    assert answer.status_code == 200
    return [str(message) for message in answer.context["messages"]]


def tabs(client: Client, **asked: str) -> list[str]:
    return [view.name for view, _ in client.get(LIST, asked).context["own_views"]]


def test_a_filter_and_search_are_kept_and_shown_again(ours: Merchant) -> None:
    jo = log_in(ours, Role.VIEWER)

    said = keep(jo, "Big  ones", view="value", q="fern", p="7", merchant="1")

    assert said == ["“Big ones” is kept among your views."]
    view = SavedView.objects.get()
    assert (view.query, view.merchant, view.user.email) == (
        "view=value&q=fern", ours, "jo@example.com"
    )  # fmt: skip
    shown = jo.get(f"{LIST}?{view.query}")
    assert shown.context["own_views"] == [(view, True)]
    assert shown.context["asked"] == {}  # it is kept already
    assert shown.context["cl"].result_count == 1


def test_what_is_shown_is_offered_to_be_kept_unless_it_has_a_tab(ours: Merchant) -> None:
    jo = log_in(ours)

    assert jo.get(LIST, PAUSED_MOSS).context["asked"] == PAUSED_MOSS
    for asked in ({}, {"view": "paused"}):
        assert jo.get(LIST, asked).context["asked"] == {}


def test_a_name_that_is_taken_is_given_anew(ours: Merchant) -> None:
    jo = log_in(ours)
    keep(jo, "Mine", q="moss")

    keep(jo, "Mine", q="fern")

    assert list(SavedView.objects.values_list("query", flat=True)) == ["q=fern"]


@pytest.mark.parametrize(
    ("name", "q", "why"),
    [
        ("", "moss", "a name has 1 to 40 characters"),
        ("  ", "moss", "a name has 1 to 40 characters"),
        ("x" * 41, "moss", "a name has 1 to 40 characters"),
        ("Mine", "", "nothing is filtered or searched for"),
        ("Mine", "x" * 500, "what is searched for is too long"),
    ],
)
def test_what_can_not_be_kept_is_refused_in_words(
    ours: Merchant, name: str, q: str, why: str
) -> None:
    assert keep(log_in(ours), name, q=q) == [f"The view was not kept: {why}."]
    assert not SavedView.objects.exists()


def test_nobody_keeps_more_than_can_be_shown(ours: Merchant) -> None:
    jo = log_in(ours)
    for n in range(20):
        keep(jo, f"View {n}", q=str(n))

    assert keep(jo, "One more", q="x") == [
        "The view was not kept: you have 20 already; delete one that you no longer need."
    ]
    assert SavedView.objects.count() == 20


def test_a_view_is_its_owners_alone_and_of_one_merchant(ours: Merchant) -> None:
    theirs = make_world("moss")
    log_in(theirs)  # jo works there too
    jo, al = log_in(ours), log_in(ours, Role.OWNER, "al@example.com")
    stranger = log_in(theirs, Role.OWNER, "mo@example.com")
    jo.post("/admin/switch/", {"merchant": ours.public_id})
    keep(jo, "Mine", q="fern")
    view = {"saved": SavedView.objects.get().public_id}

    for client in (al, stranger):
        assert tabs(client) == []
        assert client.post(reverse("admin:cases_forget_view"), view).status_code == 404
    jo.post("/admin/switch/", {"merchant": theirs.public_id})
    assert tabs(jo) == []
    assert jo.post(reverse("admin:cases_forget_view"), view).status_code == 404
    jo.post("/admin/switch/", {"merchant": ours.public_id})
    assert tabs(jo) == ["Mine"]


def test_a_view_is_deleted_once(ours: Merchant) -> None:
    jo = log_in(ours)
    keep(jo, "Mine", q="fern")
    view = {"saved": SavedView.objects.get().public_id}

    answers = [jo.post(reverse("admin:cases_forget_view"), view).status_code for _ in range(2)]

    assert answers == [302, 404]
    assert not SavedView.objects.exists()
