"""Two who show one token, replace one key or guess one password at the same moment."""

from collections.abc import Callable
from datetime import datetime
from functools import partial

import pytest
from django.db import OperationalError, connection, transaction
from django.utils import timezone

from recovery import credentials
from recovery.credentials import token_pairs
from recovery.credentials.token_pairs import TokenPair
from recovery.models import FailedLogins, InternalKey, Membership, Merchant, TokenFamily
from tests.builders import make_merchant
from tests.recovery.credentials.cast import EMAIL, PASSWORD, log_in, member, opens, pair, refresh
from tests.threads import WAITS, at_once, in_thread

pytestmark = pytest.mark.django_db(transaction=True)
TIMES = 4


@pytest.fixture
def merchant() -> Merchant:
    merchant = make_merchant()
    member(merchant)
    return merchant


def together(work: Callable[[], object], *others: Callable[[], object]) -> list[object]:
    answers: list[object] = []
    at_once(*[lambda: answers.append(work())] * TIMES, *others)
    return answers


def test_one_refresh_token_at_once_makes_one_pair_and_ends_the_family(merchant: Merchant) -> None:
    tokens = pair()
    made: list[dict[str, str]] = []

    def show() -> int:
        answer = refresh(tokens["refresh"])
        if answer.status_code == 200:
            made.append(answer.json())
        return int(answer.status_code)

    statuses = together(show)

    assert sorted(statuses, key=str) == [200] + [401] * (TIMES - 1)
    [second] = made
    assert TokenFamily.objects.get().revoked_reason == "reused"
    assert [opens(token["access"]) for token in (tokens, second)] == [False, False]
    assert refresh(second["refresh"]).status_code == 401


def test_rotations_at_once_leave_two_valid_keys(merchant: Merchant) -> None:
    now = timezone.now()

    keys = together(partial(credentials.new_internal_key, merchant=merchant, now=now))

    assert len(set(keys)) == TIMES
    valid = [key for key in keys if credentials.internal_key(str(key), now=now)]
    assert len(valid) == 2
    assert InternalKey.objects.of(merchant).filter(expires_at=None).count() == 1


def test_guesses_at_once_are_ten_in_all(
    merchant: Merchant, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked_at: list[str] = []

    def look(username: str, password: str) -> None:
        looked_at.append(username)

    monkeypatch.setattr("recovery.credentials.logins.authenticate", look)
    for _each in range(8):
        log_in(password="wrong")

    statuses = together(lambda: log_in(password="wrong").status_code)

    assert sorted(statuses, key=str) == [401, 401, 429, 429]
    assert looked_at == [EMAIL] * 10
    assert FailedLogins.objects.get().tries == 10


def test_who_is_dismissed_while_logging_in_has_no_tokens_afterwards(merchant: Merchant) -> None:
    answers = together(
        lambda: log_in(password=PASSWORD), lambda: Membership.objects.all().delete()
    )

    for answer in answers:
        assert answer.status_code in {200, 401}  # type: ignore[attr-defined]
        if answer.status_code == 200:  # type: ignore[attr-defined]
            assert not opens(answer.json()["access"])  # type: ignore[attr-defined]
    assert TokenFamily.objects.count() == 0


def test_nobody_is_dismissed_between_the_look_and_the_first_tokens(
    merchant: Merchant, monkeypatch: pytest.MonkeyPatch
) -> None:
    if connection.vendor != "postgresql":
        pytest.skip("SQLite has one writer at a time.")
    begin = token_pairs.begin
    held: list[bool] = []

    def watched(membership: Membership, *, now: datetime) -> TokenPair:
        in_thread(lambda: held.append(is_held(membership))).join(WAITS)
        return begin(membership, now=now)

    monkeypatch.setattr(token_pairs, "begin", watched)

    assert opens(pair()["access"])
    assert held == [True]


def is_held(membership: Membership) -> bool:
    try:
        with transaction.atomic():
            Membership.objects.select_for_update(nowait=True).get(pk=membership.pk)
    except OperationalError:
        return True
    return False
