"""A mail provider is set up wholly or not at all."""

from pathlib import Path

import pytest
from anymail import urls
from django.core.exceptions import ImproperlyConfigured
from django.core.mail import get_connection
from pytest_django import Settings as SettingsWrapper

from dunning.urls import doors
from recover_project import mail_providers
from recover_project.environment import Environment

WHOLE = {
    "EMAIL_PROVIDER_KEY": "key", "EMAIL_PROVIDER_SECRET": "secret",
    "EMAIL_PROVIDER_SIGNING_KEY": "c2lnbmVk", "EMAIL_WEBHOOK_SECRET": "recover:0123456789abcdef",
}  # fmt: skip


def read(**variables: str) -> tuple[str, dict[str, object]]:
    return mail_providers.read(Environment(variables, run_dir=Path()))


def test_without_a_provider_mail_goes_by_smtp_and_the_door_is_closed() -> None:
    name, anymail = read()
    assert name == ""
    assert str(anymail["WEBHOOK_SECRET"]).startswith("nobody:")
    assert read()[1]["WEBHOOK_SECRET"] != anymail["WEBHOOK_SECRET"]
    assert doors("") == []


@pytest.mark.filterwarnings("ignore:django-anymail has dropped official support for SendGrid")
@pytest.mark.parametrize("provider", mail_providers.PROVIDERS)
def test_every_provider_can_be_set_up(provider: str, settings: SettingsWrapper) -> None:
    name, settings.ANYMAIL = read(EMAIL_PROVIDER=provider.upper(), **WHOLE)

    get_connection(f"anymail.backends.{name}.EmailBackend").open()
    [door] = doors(name)
    assert door in urls.urlpatterns


def test_a_provider_in_another_region_has_another_address() -> None:
    _name, anymail = read(
        EMAIL_PROVIDER="mailgun", EMAIL_PROVIDER_URL="https://api.eu.mailgun.net/v3",
        EMAIL_PROVIDER_DOMAIN="mail.fern.example", **WHOLE,
    )  # fmt: skip
    assert anymail["MAILGUN_API_URL"] == "https://api.eu.mailgun.net/v3"
    assert anymail["MAILGUN_SENDER_DOMAIN"] == "mail.fern.example"
    assert anymail["MAILGUN_WEBHOOK_SIGNING_KEY"] == "c2lnbmVk"


@pytest.mark.parametrize(
    ("variables", "sentence"),
    [
        ({"EMAIL_PROVIDER": "pigeon", **WHOLE}, "EMAIL_PROVIDER is 'pigeon'. Write one of: brevo"),
        ({"EMAIL_PROVIDER": "postmark"}, "needs EMAIL_WEBHOOK_SECRET, written as user:password"),
        (
            {"EMAIL_PROVIDER": "postmark", **WHOLE, "EMAIL_PROVIDER_KEY": " "},
            "needs EMAIL_PROVIDER_KEY",
        ),
        (
            {"EMAIL_PROVIDER": "mailjet", **WHOLE, "EMAIL_PROVIDER_SECRET": ""},
            "needs EMAIL_PROVIDER_SECRET",
        ),
        (
            {"EMAIL_PROVIDER": "postmark", **WHOLE, "EMAIL_WEBHOOK_SECRET": "a:b"},
            "at least 16 characters",
        ),
        ({"EMAIL_PROVIDER": "postmark", **WHOLE, "EMAIL_URL": "smtp://x"}, "Set one of them"),
        ({"EMAIL_PROVIDER_KEY": "key"}, "EMAIL_PROVIDER_KEY is set, but EMAIL_PROVIDER doesn't"),
        ({"EMAIL_WEBHOOK_SECRET": "a:b"}, "EMAIL_WEBHOOK_SECRET is set, but EMAIL_PROVIDER"),
    ],
)
def test_half_a_setting_is_refused(variables: dict[str, str], sentence: str) -> None:
    with pytest.raises(ImproperlyConfigured, match=sentence):
        read(**variables)
