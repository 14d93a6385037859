"""The back office, page by page: nobody sees another merchant's rows, changes a row or reads
a secret. Generated from what is registered, so that a new page is held to the same."""

import itertools
from collections.abc import Iterator
from typing import Any, cast
from urllib.parse import urlencode

import pytest
from django.contrib import admin
from django.db import models
from django.test import Client
from django.test.client import MULTIPART_CONTENT
from django.urls import reverse
from django.utils import timezone
from pytest_django.asserts import assertContains

from billing_portal.models import PaymentUpdateLink
from recover_project.middleware import NO_NUL
from recovery import credentials
from recovery.models import (
    InternalKey,
    Membership,
    Merchant,
    RecoveryCase,
    User,
    WebhookRegistration,
)
from tests.back_office.people import (
    PASSWORD,
    STRIPE_KEY,
    log_in,
    log_in_superuser,
    make_world,
    members,
)
from tests.builders import SECRET

APPS = ("recovery", "billing_portal", "dunning")
REGISTERED = {
    model.__name__: model for model in admin.site._registry if model._meta.app_label in APPS
}
every_page = pytest.mark.parametrize("model", REGISTERED.values(), ids=REGISTERED)
pytestmark = [pytest.mark.django_db, pytest.mark.no_cover]  # long, of lines that others run


@pytest.fixture
def ours() -> Merchant:
    return make_world("fern")


@pytest.fixture
def theirs() -> Merchant:
    return make_world("moss")


def rows_of(model: type[models.Model], merchant: Merchant) -> list[Any]:
    key = {"pk": merchant.pk} if model is Merchant else {"merchant": merchant}
    return list(model._default_manager.filter(**key))


def address(model: type[models.Model], page: str, *args: object) -> str:
    meta = model._meta
    return reverse(f"admin:{meta.app_label}_{meta.model_name}_{page}", args=args)


def pages(model: type[models.Model], pk: object) -> Iterator[str]:
    yield address(model, "changelist")
    for page in ("change", "history"):
        yield address(model, page, pk)


# --- who sees what ----------------------------------------------------------------------------


@every_page
def test_a_member_sees_the_rows_of_their_merchant(
    model: type[models.Model], ours: Merchant
) -> None:
    [row] = rows_of(model, ours)

    for client in members(ours):
        for page in pages(model, row.pk):
            assert client.get(page).status_code == 200


@every_page
def test_no_list_shows_or_counts_another_merchants_row(
    model: type[models.Model], ours: Merchant, theirs: Merchant
) -> None:
    [row], [other] = rows_of(model, ours), rows_of(model, theirs)

    for client in members(ours):
        shown = client.get(address(model, "changelist"))
        assert list(shown.context["cl"].queryset) == [row]
        assert shown.context["cl"].result_count == 1
        assert "moss" not in shown.content.decode()
        assert address(model, "change", other.pk) not in shown.content.decode()


@every_page
def test_nothing_that_is_asked_for_brings_another_merchants_row_into_a_list(
    model: type[models.Model], ours: Merchant, theirs: Merchant
) -> None:
    client = log_in(ours)
    [other] = rows_of(model, theirs)
    questions = [
        {"q": "moss"}, {"q": str(other)}, {"id": other.pk}, {"id__exact": other.pk},
        {"pk__in": other.pk}, {"merchant": theirs.pk}, {"merchant__id__exact": theirs.pk},
        {"case__merchant": theirs.pk}, {"all": ""}, {"o": "-1"}, {"p": "2"},
        {"_facets": "True", "q": "moss"}, {"_popup": "1", "id": other.pk},
        {"merchant__stripe__api_key__startswith": "rk_"}, {"customer__merchant": theirs.pk},
    ]  # fmt: skip

    for question in questions:
        answer = client.get(address(model, "changelist"), question, follow=True)
        assert answer.status_code in {200, 400}, question
        if answer.status_code == 200:
            assert other not in list(answer.context["cl"].queryset), question
            assert address(model, "change", other.pk) not in answer.content.decode(), question


@every_page
def test_the_choices_of_a_filter_are_of_the_own_rows(
    model: type[models.Model], ours: Merchant, theirs: Merchant
) -> None:
    RecoveryCase.objects.of(theirs).update(currency="xof")
    client = log_in(ours)

    shown = client.get(address(model, "changelist"), {"_facets": "True"}).content.decode()

    assert "xof" not in shown


@every_page
def test_another_merchants_row_is_as_unknown_as_one_that_is_not_there(
    model: type[models.Model], ours: Merchant, theirs: Merchant
) -> None:
    [other] = rows_of(model, theirs)

    for client, page in itertools.product(members(ours), ("change", "history")):
        theirs_is = client.get(address(model, page, other.pk))
        nobodys_is = client.get(address(model, page, 987_654))
        assert (theirs_is.status_code, theirs_is["Location"]) == (302, reverse("admin:index"))
        assert (nobodys_is.status_code, nobodys_is["Location"]) == (302, reverse("admin:index"))
        said, *others = [str(message) for message in client.get("/admin/").context["messages"]]
        assert [said.replace(str(other.pk), "987654")] == others


@every_page
def test_what_is_no_id_is_as_unknown_as_one_that_is_not_there(
    model: type[models.Model], ours: Merchant
) -> None:
    client = log_in(ours)
    no_ids = ("x", "-1", "0", "9" * 40, "1 OR 1=1", "%00", "é", "_5F", "1.5")

    for key, page in itertools.product(no_ids, ("change", "history")):
        path = address(model, page, 987_654).replace("987654", key)
        assert client.get(path).status_code in {302, 404}


@every_page
def test_a_nul_in_a_filter_is_refused_in_a_sentence(
    model: type[models.Model], ours: Merchant
) -> None:
    """PostgreSQL takes none; every field of the row is tried, whether it is a filter or not."""
    client = log_in(ours)
    fields = [field.name for field in model._meta.fields]
    lookups = [f"{field}{lookup}" for field in fields for lookup in ("", "__exact", "__in")]

    for name in ["q", "o", "p", "e", "a\x00b", *lookups]:
        answer = client.get(address(model, "changelist"), {name: "a\x00b"})
        assertContains(answer, f"<p>{NO_NUL}</p>", status_code=400, msg_prefix=name, html=True)


def test_a_nul_in_a_form_is_refused_in_a_sentence(ours: Merchant) -> None:
    log_in(ours)
    for form in ({"username": "jo@example.com\x00"}, {"password": "\x00"}, {"a\x00": "b"}):
        for content_type in (MULTIPART_CONTENT, "application/x-www-form-urlencoded"):
            body = form if content_type == MULTIPART_CONTENT else urlencode(form)
            answer = Client().post("/admin/login/", body, content_type=content_type)
            assertContains(answer, f"<p>{NO_NUL}</p>", status_code=400, html=True)


def searched_for() -> list[tuple[type[models.Model], str]]:
    """Each foreign key that a form could let an operator search the other end of."""
    return [
        (model, field.name)
        for model in REGISTERED.values()
        for field in model._meta.get_fields()
        if isinstance(field, models.ForeignKey) and field.related_model in REGISTERED.values()
    ]


@pytest.mark.parametrize(("model", "field"), searched_for())
def test_autocompletion_finds_nothing_of_another_merchant(
    model: type[models.Model], field: str, ours: Merchant, theirs: Merchant
) -> None:
    question = {
        "app_label": model._meta.app_label, "model_name": str(model._meta.model_name),
        "field_name": field,
    }  # fmt: skip
    remote = model._meta.get_field(field).related_model
    is_searched = bool(admin.site._registry[cast("Any", remote)].search_fields)
    client = log_in(ours)

    for term in ("", "moss", "fern@"):
        answer = client.get(reverse("admin:autocomplete"), question | {"term": term})
        assert answer.status_code == (200 if is_searched else 404)
        assert "moss" not in answer.content.decode()
        if is_searched:
            assert len(answer.json()["results"]) == (term != "moss")


def switch(client: Client, merchant: Merchant) -> int:
    return client.post("/admin/switch/", {"merchant": merchant.public_id}).status_code


@every_page
def test_who_works_for_two_merchants_sees_one_at_a_time(
    model: type[models.Model], ours: Merchant, theirs: Merchant
) -> None:
    log_in(theirs)
    client = log_in(ours)

    for merchant in (ours, theirs, ours):
        assert switch(client, merchant) == 302
        shown = client.get(address(model, "changelist"))
        assert list(shown.context["cl"].queryset) == rows_of(model, merchant)


@every_page
def test_the_platforms_own_staff_sees_every_merchant_by_switching(
    model: type[models.Model], ours: Merchant, theirs: Merchant
) -> None:
    client = log_in_superuser()

    for merchant in (ours, theirs):
        switch(client, merchant)
        shown = client.get(address(model, "changelist"))
        assert list(shown.context["cl"].queryset) == rows_of(model, merchant)


def test_nobody_switches_to_where_they_do_not_work(ours: Merchant, theirs: Merchant) -> None:
    for client in members(ours):
        refused = [switch(client, theirs), switch(client, Merchant(public_id="mer_nobody"))]
        assert refused == [403, 403]
        assert "moss" not in client.get("/admin/").content.decode()


def test_a_choice_ends_with_the_work(ours: Merchant, theirs: Merchant) -> None:
    log_in(theirs)
    client = log_in(ours)
    switch(client, theirs)
    Membership.objects.of(theirs).delete()

    shown = client.get(address(RecoveryCase, "changelist"))

    assert list(shown.context["cl"].queryset) == rows_of(RecoveryCase, ours)


@every_page
def test_who_is_no_longer_a_member_is_let_in_nowhere(
    model: type[models.Model], ours: Merchant
) -> None:
    client = log_in(ours)
    [row] = rows_of(model, ours)
    Membership.objects.all().delete()

    for page in [*pages(model, row.pk), "/admin/"]:
        assert client.get(page, follow=True).status_code == 403


# --- who is let in ----------------------------------------------------------------------------


@every_page
def test_who_is_not_logged_in_is_sent_to_the_login(
    model: type[models.Model], ours: Merchant
) -> None:
    [row] = rows_of(model, ours)
    log_in(ours)
    others = [Client(), Client(), Client()]
    others[1].force_login(User.objects.create_user("customer@example.com", PASSWORD))
    others[2].force_login(User.objects.get(email="jo@example.com"))
    User.objects.filter(email="jo@example.com").update(is_active=False)

    for client in others:
        for page in [*pages(model, row.pk), "/admin/", "/admin/no/such/page/"]:
            answer = client.get(page)
            assert answer.status_code == 302
            assert answer["Location"].startswith("/admin/login/?next=/admin/")


@pytest.mark.parametrize(
    ("email", "password"),
    [
        ("jo@example.com", "wrong"),
        ("jo@example.com", ""),
        ("nobody@example.com", PASSWORD),
    ],
)
def test_a_refused_login_does_not_tell_what_was_wrong(
    email: str, password: str, ours: Merchant
) -> None:
    log_in(ours)
    client = Client()

    answer = client.post(reverse("account_login"), {"login": email, "password": password})

    assert answer.status_code == 200
    assert "_auth_user_id" not in client.session
    assert "nobody" not in str(answer.context["form"].errors)


# --- nothing changes here ---------------------------------------------------------------------


@every_page
def test_nobody_adds_changes_or_deletes(model: type[models.Model], ours: Merchant) -> None:
    [row] = rows_of(model, ours)
    before = list(model._default_manager.values())
    facts = {field.name: "1" for field in model._meta.fields} | {"post": "yes"}
    delete = {"action": "delete_selected", "_selected_action": row.pk, "post": "yes"}

    for client in members(ours):
        for page in (address(model, "add"), address(model, "change", row.pk),
                     address(model, "delete", row.pk)):  # fmt: skip
            assert client.post(page, facts).status_code == 403
        client.post(address(model, "changelist"), delete)
        assert list(model._default_manager.values()) == before
        shown = client.get(address(model, "change", row.pk)).content.decode()
        assert 'name="_save"' not in shown
        assert "deletelink" not in shown


def test_what_other_apps_would_register_is_not_there(ours: Merchant) -> None:
    assert {model._meta.app_label for model in admin.site._registry} == set(APPS)
    for client in [*members(ours), log_in_superuser()]:
        for path in ("auth/group/", "account/emailaddress/", "auditlog/logentry/", "mfa/"):
            assert client.get(f"/admin/{path}").status_code == 404


# --- no secrets -------------------------------------------------------------------------------


@every_page
def test_no_page_prints_a_secret_even_to_the_platforms_staff(
    model: type[models.Model], ours: Merchant
) -> None:
    key = credentials.new_internal_key(merchant=ours, now=timezone.now())
    digests = {row.digest for row in InternalKey.objects.all()}
    digests |= {row.digest for row in PaymentUpdateLink.objects.all()}
    client = log_in_superuser()
    [registration] = WebhookRegistration.objects.all()
    secrets = {
        STRIPE_KEY, SECRET, key, *digests, User.objects.get().password, "token=",
        registration.secret, registration.previous_secret, "whsec_",
    }  # fmt: skip
    [row] = rows_of(model, ours)

    for page in [*pages(model, row.pk), "/admin/"]:
        shown = client.get(page).content.decode()
        assert {secret for secret in secrets if secret in shown} == set()


def test_what_was_written_to_a_customer_is_shown_as_text(ours: Merchant) -> None:
    model = REGISTERED["DunningMessage"]
    [message] = rows_of(model, ours)
    model._default_manager.update(body_html="<script>alert(1)</script>", subject="<b>x</b>")

    client = log_in(ours)

    for page in pages(model, message.pk):
        shown = client.get(page).content.decode()
        assert "<script>alert(1)" not in shown
        assert "<b>x</b>" not in shown
