"""manage.py rotate_encryption_keys: all that is encrypted can be read by the newest key alone."""

from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import TOTP
from allauth.mfa.utils import decrypt
from cryptography.fernet import Fernet
from django.db import connection, models
from django.utils import timezone
from pytest_django import Settings

from recovery import reencryption
from recovery.models import (
    IdempotentRequest,
    Merchant,
    SigningSecret,
    User,
    WebhookRegistration,
)
from tests.builders import make_merchant
from tests.recovery.test_commands import refused, run

pytestmark = [pytest.mark.django_db, pytest.mark.both_databases]
OLD, NEW = (Fernet.generate_key().decode() for _each in range(2))
COMMAND = "rotate_encryption_keys"


@pytest.fixture
def merchant(settings: Settings) -> Merchant:
    """A value in every encrypted column, and a user with a second factor, by the old key."""
    settings.FIELD_ENCRYPTION_KEYS = [OLD]
    made = make_merchant()
    made.stripe.api_key = "rk_test_kept"
    made.stripe.save()
    now = timezone.now()
    SigningSecret.objects.create(merchant=made, secret="whsec_kept")
    WebhookRegistration.objects.create(
        merchant=made, url="https://example.com/hook", secret="whsec_own", event_types=["*"],
        previous_secret="whsec_before", created_at=now, updated_at=now,
    )  # fmt: skip
    IdempotentRequest.objects.create(
        merchant=made, credential_kind="api_key", key="k", asked="d", created_at=now,
        claimed_at=now, body='{"secret": "kept"}',
    )  # fmt: skip
    olga = User.objects.create_user(email="olga@example.com")
    TOTP.activate(olga, "JBSWY3DPEHPK3PXP")
    RecoveryCodes.activate(olga)
    return made


def stored(model: type[models.Model], name: str) -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute(f'SELECT "{name}" FROM "{model._meta.db_table}" ORDER BY id')
        return [value for (value,) in cursor.fetchall() if value]


def values() -> dict[str, list[Any]]:
    """What the product reads of all that is encrypted."""
    read = {
        f"{model.__name__}.{name}": list(
            model._base_manager.order_by("pk").values_list(name, flat=True)
        )
        for model, name in reencryption.columns()
    }
    secrets = [
        decrypt(one.data.get("secret") or one.data["seed"])
        for one in Authenticator.objects.order_by("pk")
    ]
    return {**read, "second factors": secrets}


def test_with_both_keys_set_everything_is_renewed_and_the_old_one_can_go(
    merchant: Merchant, settings: Settings
) -> None:
    before = values()
    assert all(any(found) for found in before.values())
    settings.FIELD_ENCRYPTION_KEYS = [NEW, OLD]

    said = run(COMMAND)

    settings.FIELD_ENCRYPTION_KEYS = [NEW]
    assert values() == before
    assert said.endswith("All keys but the first can be taken out of FIELD_ENCRYPTION_KEYS now.\n")
    assert "kept" not in said


def test_every_encrypted_column_is_found() -> None:
    assert {f"{model.__name__}.{name}" for model, name in reencryption.columns()} >= {
        "IdempotentRequest.body", "SigningSecret.secret", "StripeConnection.api_key",
        "WebhookRegistration.previous_secret", "WebhookRegistration.secret",
    }  # fmt: skip


def test_run_again_it_writes_nothing(merchant: Merchant, settings: Settings) -> None:
    settings.FIELD_ENCRYPTION_KEYS = [NEW, OLD]
    run(COMMAND)
    before = [stored(model, name) for model, name in reencryption.columns()]

    said = run(COMMAND)

    assert [stored(model, name) for model, name in reencryption.columns()] == before
    assert all(" 0 renewed" in line for line in said.splitlines()[:-1])


def test_a_value_that_changes_meanwhile_is_not_put_back(
    merchant: Merchant, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.FIELD_ENCRYPTION_KEYS = [NEW, OLD]
    renewed_value = reencryption.renewed_value

    def overtaken(value: str, count: reencryption.Count) -> str | None:
        made = renewed_value(value, count)
        merchant.stripe.api_key = "rk_test_newer"
        merchant.stripe.save()
        return made

    monkeypatch.setattr(reencryption, "renewed_value", overtaken)
    reencryption.renew_column(type(merchant.stripe), "api_key")

    merchant.stripe.refresh_from_db()
    assert merchant.stripe.api_key == "rk_test_newer"


def test_what_no_key_can_read_is_told_and_all_else_is_renewed(
    merchant: Merchant, settings: Settings
) -> None:
    settings.FIELD_ENCRYPTION_KEYS = [NEW, OLD]
    merchant.stripe.api_key = "rk_test_new"
    merchant.stripe.save()
    settings.FIELD_ENCRYPTION_KEYS = [NEW]

    said = refused(COMMAND)

    assert "FIELD_ENCRYPTION_KEYS, and stay as they are. Add the key" in said
    settings.FIELD_ENCRYPTION_KEYS = [NEW, OLD]
    assert values()["StripeConnection.api_key"] == ["rk_test_new"]


def test_many_rows_are_renewed_page_by_page(
    merchant: Merchant, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(4):
        SigningSecret.objects.create(merchant=merchant, secret=f"whsec_{number}")
    monkeypatch.setattr(reencryption, "BATCH", 2)
    settings.FIELD_ENCRYPTION_KEYS = [NEW, OLD]

    assert reencryption.renew_column(SigningSecret, "secret").renewed >= 5
