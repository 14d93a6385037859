"""What rows keep for themselves: secrets at rest, who a user is, what a row is called."""

import pytest
from cryptography.fernet import Fernet
from django.core.exceptions import FieldError, ImproperlyConfigured
from django.db import connection
from django.db.utils import IntegrityError
from pytest_django import Settings

from recovery.models import SigningSecret, StripeConnection, User
from tests.builders import SECRET, make_merchant

pytestmark = pytest.mark.django_db
KEYS = [Fernet.generate_key().decode() for _each in range(2)]
PASSWORD = "a long pass phrase of jo's"


def stored_secret() -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT secret FROM recovery_signingsecret")
        return str(cursor.fetchone()[0])


def test_a_secret_is_encrypted_at_rest_and_read_as_it_was(settings: Settings) -> None:
    settings.FIELD_ENCRYPTION_KEYS = KEYS[:1]
    make_merchant()

    assert SECRET not in stored_secret()
    assert Fernet(KEYS[0]).decrypt(stored_secret()).decode() == SECRET
    assert SigningSecret.objects.get().secret == SECRET


def test_a_new_key_encrypts_and_the_old_one_still_reads(settings: Settings) -> None:
    settings.FIELD_ENCRYPTION_KEYS = KEYS[1:]
    make_merchant()
    settings.FIELD_ENCRYPTION_KEYS = KEYS

    row = SigningSecret.objects.get()
    assert row.secret == SECRET
    row.save()

    assert Fernet(KEYS[0]).decrypt(stored_secret()).decode() == SECRET


def test_a_key_that_was_taken_away_is_asked_back(settings: Settings) -> None:
    settings.FIELD_ENCRYPTION_KEYS = KEYS[:1]
    make_merchant()
    settings.FIELD_ENCRYPTION_KEYS = KEYS[1:]

    with pytest.raises(ImproperlyConfigured, match=r"SigningSecret\.secret .* Add the key back"):
        SigningSecret.objects.get()


def test_no_secret_stays_empty_and_is_no_ciphertext() -> None:
    merchant = make_merchant()

    assert StripeConnection.objects.get(merchant=merchant).api_key == ""
    with connection.cursor() as cursor:
        cursor.execute("SELECT api_key FROM recovery_stripeconnection")
        assert cursor.fetchall() == [("",)]


@pytest.mark.parametrize("lookup", ["secret", "secret__contains", "secret__in", "secret__gt"])
def test_nobody_searches_for_a_secret(lookup: str) -> None:
    with pytest.raises(FieldError, match="secret is encrypted"):
        SigningSecret.objects.filter(**{lookup: SECRET}).exists()


def test_an_address_is_kept_in_small_letters_and_found_in_any() -> None:
    user = User.objects.create_user("Jo@Example.COM", PASSWORD, name="Jo")

    assert user.email == "jo@example.com"
    assert User.objects.get_by_natural_key("JO@example.com") == user
    assert (str(user), user.get_full_name(), user.get_short_name()) == ("Jo", "Jo", "Jo")
    assert (user.is_staff, user.is_superuser, user.check_password(PASSWORD)) == (
        False, False, True,
    )  # fmt: skip


def test_a_superuser_is_of_the_platforms_own_staff() -> None:
    root = User.objects.create_superuser("root@example.com", PASSWORD)

    assert (root.is_staff, root.is_superuser, str(root)) == (True, True, "root@example.com")


def test_one_address_is_one_user_however_it_is_written() -> None:
    User.objects.create_user("jo@example.com")

    with pytest.raises(IntegrityError):
        User.objects.bulk_create([User(email="JO@example.com")])
