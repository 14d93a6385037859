"""What is known of a merchant's door for a moment, and what isn't believed a moment longer."""

from typing import Any

import pytest

from recovery import doors
from recovery.models import Merchant, SigningSecret, StripeEvent
from tests.builders import SECRET, event, make_merchant, post

pytestmark = pytest.mark.django_db
NEW_SECRET = "whsec_made_a_moment_ago_0123456789abcdef"


@pytest.fixture
def merchant(monkeypatch: pytest.MonkeyPatch) -> Merchant:
    """Who is known for as long as a test takes."""
    monkeypatch.setattr(doors, "LIFETIME", 3600)
    return make_merchant()


def an_event() -> dict[str, Any]:
    return event("invoice.payment_failed", {"id": "in_1", "amount_due": 4900})


def test_a_merchant_who_is_known_is_asked_for_once(
    merchant: Merchant, django_assert_max_num_queries: Any
) -> None:
    post(an_event(), merchant=merchant)

    with django_assert_max_num_queries(1):  # the insert, where it is counted
        assert post(an_event(), merchant=merchant).status_code == 200
    assert StripeEvent.objects.of(merchant).count() == 2


def test_the_first_event_that_a_new_secret_signs_is_believed(merchant: Merchant) -> None:
    post(an_event(), merchant=merchant)
    SigningSecret.objects.create(merchant=merchant, secret=NEW_SECRET)

    assert post(an_event(), merchant=merchant, secret=NEW_SECRET).status_code == 200
    assert post(an_event(), merchant=merchant).status_code == 200


def test_a_secret_that_was_taken_back_is_believed_for_a_moment_only(
    merchant: Merchant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(doors, "LIFETIME", 1)
    doors.look(merchant.public_id, now=100)
    SigningSecret.objects.of(merchant).delete()

    within, after = (doors.named(merchant.public_id, now=now) for now in (100.9, 101))

    assert within is not None
    assert within.secrets == (SECRET,)
    assert after is not None
    assert after.secrets == ()


def test_who_comes_while_one_asks_again_does_not_wait(
    merchant: Merchant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(doors, "LIFETIME", 1)
    doors.look(merchant.public_id, now=1)
    looked: list[float] = []

    def look(public_id: str, *, now: float) -> doors.Door | None:
        looked.append(now)
        return doors.named(public_id, now=now)  # who comes meanwhile

    monkeypatch.setattr(doors, "look", look)

    door = doors.named(merchant.public_id, now=2)

    assert looked == [2]
    assert door is not None
    assert door.secrets == (SECRET,)


def test_a_wrong_signature_is_refused_however_often(merchant: Merchant) -> None:
    post(an_event(), merchant=merchant)

    for _time in range(3):
        answer = post(an_event(), merchant=merchant, secret=NEW_SECRET)
        assert (answer.status_code, answer.json()["error"]["code"]) == (400, "invalid_signature")
    assert StripeEvent.objects.count() == 1


def test_nothing_is_kept_of_merchants_that_there_are_not(merchant: Merchant) -> None:
    before = dict(doors._known)

    assert doors.named("mer_of_nobody", now=1) is None
    assert doors._known == before


def test_a_merchant_who_is_gone_has_no_door_any_more(merchant: Merchant) -> None:
    doors.look(merchant.public_id, now=1)
    public_id = merchant.public_id
    merchant.delete()

    assert doors.look(public_id, now=2) is None
    assert public_id not in doors._known
