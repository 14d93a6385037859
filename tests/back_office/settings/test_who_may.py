"""Settings, page by page: who may look, who may change, and nobody another merchant's.

Generated from what is declared, so that a new page is held to the same.
"""

import itertools
from typing import Any

import pytest
from django.apps import apps
from django.test import Client
from django.urls import reverse

from recover_project.back_office.access import Right
from recover_project.back_office.pages import PAGES, DeclaredPage
from recovery.models import ApiKey, InternalKey, Membership, Merchant, Role, WebhookRegistration
from tests.back_office.people import log_in, log_in_superuser, make_world
from tests.back_office.settings.filling_in import ACCOUNT, address

pytestmark = pytest.mark.django_db
BUTTON = '<button type="submit" class="bo-button"'
SETTINGS = [page for page in PAGES if page.route.startswith("settings/")]
OF_ROWS = [page for page in SETTINGS if "<" in page.route and page.right is not Right.STAFF]


def arguments(page: DeclaredPage, merchant: Merchant) -> dict[str, Any]:
    """What an address needs to name a row of the merchant's."""
    if "key_id" in page.route:
        return {"key_id": ApiKey.objects.of(merchant).latest("id").key_id}
    if "public_id" in page.route:
        registration = WebhookRegistration.objects.of(merchant).latest("id")
        verb = {"verb": "delete"} if "verb" in page.route else {}
        return {"public_id": registration.public_id, **verb}
    if "pk" in page.route:
        rows = Membership.objects if "team" in page.route else InternalKey.objects
        return {"pk": rows.of(merchant).latest("id").pk}
    return {}


def path(page: DeclaredPage, merchant: Merchant) -> str:
    return reverse(f"admin:{page.name}", kwargs=arguments(page, merchant))


def everything() -> dict[str, list[dict[str, Any]]]:
    models = apps.get_app_config("recovery").get_models()
    return {
        model.__name__: list(model._default_manager.order_by("pk").values())
        for model in models
        if model.__name__ != "User"  # a login is written down there
    }


@pytest.fixture
def ours() -> Merchant:
    merchant = make_world("fern")
    log_in(merchant, Role.OWNER, "owner@example.com")
    return merchant


@pytest.mark.parametrize("role", [Role.VIEWER, Role.OPERATOR])
def test_who_is_no_owner_changes_nothing(role: str, ours: Merchant) -> None:
    client, before = log_in(ours, role), everything()

    for page in SETTINGS:
        where = path(page, ours)
        asked, sent = client.get(where, follow=True), client.post(where, ACCOUNT)
        if page.right is Right.LOOK:
            assert asked.status_code == 200, page.name
            assert sent.status_code in {403, 200, 405}, page.name
            assert BUTTON not in asked.content.decode(), page.name
        else:
            assert (asked.status_code, sent.status_code) == (403, 403), page.name
    assert everything() == before


def test_a_form_of_another_site_is_refused(ours: Merchant) -> None:
    strict = Client(enforce_csrf_checks=True)
    strict.cookies = log_in(ours, Role.OWNER).cookies
    before = everything()

    for page in SETTINGS:
        assert strict.post(path(page, ours), ACCOUNT).status_code == 403, page.name

    assert everything() == before


def test_who_owns_another_merchant_and_views_this_one_changes_nothing_here(
    ours: Merchant,
) -> None:
    theirs = make_world("moss")
    client = log_in(ours, Role.VIEWER)
    user = Membership.objects.of(ours).latest("id").user
    Membership.objects.create(user=user, merchant=theirs, role=Role.OWNER)

    assert client.get(address("_keys")).status_code == 403
    client.post("/admin/switch/", {"merchant": theirs.public_id})
    assert client.get(address("_keys")).status_code == 200


def test_the_platforms_staff_changes_whom_it_works_for(ours: Merchant) -> None:
    theirs, staff = make_world("moss"), log_in_superuser()

    for merchant, name in itertools.product((ours, theirs), ("One", "Two")):
        staff.post("/admin/switch/", {"merchant": merchant.public_id})
        staff.post(address(""), ACCOUNT | {"name": name})

    assert list(Merchant.objects.order_by("pk").values_list("name", flat=True)) == ["Two", "Two"]


def test_without_a_merchant_staff_is_led_to_the_first_steps() -> None:
    staff = log_in_superuser()

    for page in SETTINGS:
        if page.needs_merchant and "<" not in page.route:
            answer = staff.get(reverse(f"admin:{page.name}"))
            assert (answer.status_code, answer["Location"]) == (302, "/admin/"), page.name
