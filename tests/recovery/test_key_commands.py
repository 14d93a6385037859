"""manage.py api_keys and internal_keys: shown once, listed without the key, ended."""

from datetime import datetime, timedelta

import pytest
from django.utils import timezone

from recovery import credentials
from recovery.models import ApiKey, InternalKey, Merchant
from tests.builders import make_merchant
from tests.recovery.credentials.cast import opens
from tests.recovery.test_commands import refused, run

pytestmark = pytest.mark.django_db


@pytest.fixture
def merchant() -> Merchant:
    merchant = make_merchant(time_zone="Asia/Tokyo")
    ApiKey.objects.all().delete()
    InternalKey.objects.all().delete()
    return merchant


def api_keys(merchant: Merchant, *arguments: str) -> str:
    return run("api_keys", merchant.public_id, *arguments)


def internal_keys(merchant: Merchant, *arguments: str) -> str:
    return run("internal_keys", merchant.public_id, *arguments)


# --- api_keys ---------------------------------------------------------------------------------


def test_an_api_key_that_is_made_is_shown_and_works(merchant: Merchant) -> None:
    key = api_keys(merchant, "create", "nightly import").strip()

    row = ApiKey.objects.get()
    assert opens(key)
    assert (row.name, row.scopes) == ("nightly import", "read write")
    assert row.expires_at - timezone.now() > timedelta(days=364)


def test_an_api_key_has_the_scopes_and_days_that_are_asked_for(merchant: Merchant) -> None:
    api_keys(merchant, "create", "import", "--scopes", "read", "--days", "90")

    row = ApiKey.objects.get()
    assert row.scopes == "read"
    assert timedelta(days=89) < row.expires_at - timezone.now() <= timedelta(days=90)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["import", "--days", "0"], "A key is valid for a day to five years."),
        (["import", "--days", "1827"], "A key is valid for a day to five years."),
        (["import", "--days", "9999999999"], "A key is valid for a day to five years."),
        (
            ["jo@example.com"],
            "Say in at most 80 characters what the key is for; without an address.",
        ),
    ],
)
def test_an_api_key_that_cannot_be_is_refused_in_a_sentence(
    merchant: Merchant, arguments: list[str], said: str
) -> None:
    assert refused("api_keys", merchant.public_id, "create", *arguments) == said
    assert ApiKey.objects.count() == 0


def test_scopes_that_are_none_are_refused(merchant: Merchant) -> None:
    said = refused("api_keys", merchant.public_id, "create", "x", "--scopes", "write")

    assert "invalid choice: 'write'" in said
    assert ApiKey.objects.count() == 0


def test_api_keys_are_listed_on_the_merchants_clock_without_the_key(merchant: Merchant) -> None:
    keys = [api_keys(merchant, "create", name).strip() for name in ("first", "second")]
    api_keys(make_merchant("Other"), "create", "theirs")
    first, second = ApiKey.objects.of(merchant).order_by("id")
    at = datetime.fromisoformat("2026-11-24T16:00:00Z")
    ApiKey.objects.filter(pk=first.pk).update(scopes="read", revoked_at=at, last_used_at=at)
    ApiKey.objects.filter(pk=second.pk).update(expires_at=at + timedelta(days=30))

    listed = api_keys(merchant, "list")

    assert listed.splitlines() == [
        f"{second.key_id}  read write  ends    2026-12-25 01:00  used never             second",
        f"{first.key_id}  read        revoked 2026-11-25 01:00  used 2026-11-25 01:00  first",
    ]
    assert [key for key in keys if key in listed] == []


def test_a_revoked_api_key_opens_nothing_any_more(merchant: Merchant) -> None:
    key = api_keys(merchant, "create", "import").strip()
    row = ApiKey.objects.get()

    assert api_keys(merchant, "revoke", row.key_id) == (
        f"{row.key_id} (import) opens nothing any more.\n"
    )
    assert not opens(key)


def test_another_merchants_api_key_is_not_there(merchant: Merchant) -> None:
    theirs = api_keys(make_merchant("Other"), "create", "theirs").strip()
    key_id = ApiKey.objects.get(name="theirs").key_id

    assert refused("api_keys", merchant.public_id, "revoke", key_id) == (
        f"Fern Tea Club has no API key {key_id}."
    )
    assert opens(theirs)


@pytest.mark.parametrize(
    ("command", "said"),
    [
        ("api_keys", "Fern Tea Club has no API key.\n"),
        ("internal_keys", "Fern Tea Club has no internal key.\n"),
    ],
)
def test_that_there_is_none_is_said(merchant: Merchant, command: str, said: str) -> None:
    assert run(command, merchant.public_id, "list") == said
    assert refused(command, "mer_unknown", "list") == "There is no merchant mer_unknown."


# --- internal_keys ----------------------------------------------------------------------------


def valid(*keys: str, now: datetime) -> list[bool]:
    return [credentials.internal_key(key, now=now) is not None for key in keys]


@pytest.mark.parametrize(
    ("options", "overlap"),
    [([], 24), (["--overlap-hours", "2"], 2), (["--overlap-hours", "0"], 0)],
)
def test_an_internal_key_is_replaced_with_an_overlap(
    merchant: Merchant, options: list[str], overlap: int
) -> None:
    old = internal_keys(merchant, "rotate").strip()

    new = internal_keys(merchant, "rotate", *options).strip()

    now = timezone.now()
    assert valid(old, new, now=now) == [overlap > 0, True]
    assert valid(old, new, now=now + timedelta(hours=overlap)) == [False, True]


@pytest.mark.parametrize("hours", ["-1", "721"])
def test_an_overlap_that_cannot_be_changes_nothing(merchant: Merchant, hours: str) -> None:
    key = internal_keys(merchant, "rotate").strip()

    said = refused("internal_keys", merchant.public_id, "rotate", "--overlap-hours", hours)

    assert said == "--overlap-hours is 0 to 720."
    assert InternalKey.objects.count() == 1
    assert valid(key, now=timezone.now() + timedelta(days=999)) == [True]


def test_internal_keys_are_listed_by_their_last_characters(merchant: Merchant) -> None:
    key = internal_keys(merchant, "rotate").strip()
    row = InternalKey.objects.get()
    at = datetime.fromisoformat("2026-11-24T16:00:00Z")
    InternalKey.objects.update(created_at=at, last_used_at=at)

    listed = internal_keys(merchant, "list")

    assert listed == (
        f"{row.pk:>6}  …{key[-4:]}  made 2026-11-25 01:00  ends never             "
        "used 2026-11-25 01:00\n"
    )


def test_a_revoked_internal_key_opens_nothing_any_more(merchant: Merchant) -> None:
    key = internal_keys(merchant, "rotate").strip()
    number = str(InternalKey.objects.get().pk)

    assert internal_keys(merchant, "revoke", number) == f"…{key[-4:]} opens nothing any more.\n"
    assert valid(key, now=timezone.now()) == [False]


def test_another_merchants_internal_key_is_not_there(merchant: Merchant) -> None:
    theirs = internal_keys(make_merchant("Other"), "rotate").strip()
    number = str(InternalKey.objects.latest("id").pk)

    for unknown in (number, "9" * 30):
        said = refused("internal_keys", merchant.public_id, "revoke", unknown)
        assert said == f"Fern Tea Club has no internal key {unknown}."
    assert valid(theirs, now=timezone.now()) == [True]
