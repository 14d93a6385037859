"""A link is taken back, once, and the timeline says by whom."""

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from billing_portal import links
from billing_portal.models import PaymentUpdateLink
from recovery.models import RecoveryCase
from tests.builders import DOCUMENTED_EXAMPLE, make_merchant, receive
from tests.dunning.facts import fail

pytestmark = pytest.mark.django_db
PAGE = "/fourthngoal/recover/update"


@pytest.fixture
def case() -> RecoveryCase:
    make_merchant()
    receive(DOCUMENTED_EXAMPLE)
    return RecoveryCase.objects.get()


def make_link(case: RecoveryCase, *, age: timedelta = timedelta(0)) -> tuple[str, str]:
    """The token of a new link, and its way back."""
    token = links.create(case=case, now=timezone.now() - age).partition("token=")[2]
    back = links.return_url(PaymentUpdateLink.objects.latest("id"), now=timezone.now())
    return token, back.partition("?r=")[2]


def told(case: RecoveryCase) -> list[tuple[str, str]]:
    entries = case.timeline.filter(kind="link_revoked").order_by("id")
    return [(entry.summary, entry.actor) for entry in entries]


def test_a_revoked_link_opens_nothing_and_says_who_revoked_it(case: RecoveryCase) -> None:
    token, back = make_link(case)
    link = PaymentUpdateLink.objects.get()

    assert links.revoke(link, now=timezone.now(), actor="jo@example.com")

    assert Client().get(PAGE, {"token": token}).status_code == 410
    assert Client().post(PAGE, {"token": token}).status_code == 410
    assert Client().post(f"{PAGE}/replace", {"token": token}).status_code == 410
    assert Client().get(f"{PAGE}/return", {"r": back}).status_code == 410
    assert told(case) == [(f"The link {link.public_id} was revoked.", "jo@example.com")]
    link.refresh_from_db()
    assert (link.opened_at, link.started_at, link.replacement_requested_at) == (None, None, None)


def test_a_link_is_revoked_once(case: RecoveryCase) -> None:
    make_link(case)
    first, link = timezone.now(), PaymentUpdateLink.objects.get()
    stale = PaymentUpdateLink.objects.get()
    assert links.revoke(link, now=first)

    assert not links.revoke(stale, now=first + timedelta(hours=1))

    link.refresh_from_db()
    assert link.revoked_at == first
    assert len(told(case)) == 1


def test_all_links_of_a_case_are_revoked_and_no_others(case: RecoveryCase) -> None:
    other = fail()
    expired, _back = make_link(case, age=links.LIFETIME)
    valid, _back = make_link(case)
    gone, _back = make_link(case)
    links.revoke(PaymentUpdateLink.objects.latest("id"), now=timezone.now())
    theirs, _back = make_link(other)

    assert links.revoke_all(case, now=timezone.now(), actor="jo@example.com") == 2
    assert links.revoke_all(case, now=timezone.now(), actor="al@example.com") == 0

    opened = [Client().get(PAGE, {"token": token}) for token in (expired, valid, gone, theirs)]
    assert [page.status_code for page in opened] == [410, 410, 410, 200]
    assert [actor for _summary, actor in told(case)] == ["operator", *["jo@example.com"] * 2]
    assert told(other) == []


def test_a_case_without_links_has_none_revoked(case: RecoveryCase) -> None:
    assert links.revoke_all(case, now=timezone.now()) == 0
    assert told(case) == []
