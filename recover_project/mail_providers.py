"""Which mail provider carries the mail, and django-anymail's settings for it.

Amazon SES, and every provider that isn't here, is reached by SMTP: EMAIL_URL.
"""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from django.core.exceptions import ImproperlyConfigured

from recover_project.environment import Environment

NOBODYS_LENGTH = 32


@dataclass(frozen=True, slots=True)
class Provider:
    """The names of django-anymail's settings: of the key, and of what else a variable sets."""

    key: str
    needs: Mapping[str, str] = field(default_factory=dict)
    takes: Mapping[str, str] = field(default_factory=dict)


PROVIDERS: Mapping[str, Provider] = MappingProxyType(
    {
        "brevo": Provider("API_KEY"),
        "mailgun": Provider(
            "API_KEY",
            needs={"EMAIL_PROVIDER_SIGNING_KEY": "WEBHOOK_SIGNING_KEY"},
            takes={"EMAIL_PROVIDER_DOMAIN": "SENDER_DOMAIN"},
        ),
        "mailjet": Provider("API_KEY", needs={"EMAIL_PROVIDER_SECRET": "SECRET_KEY"}),
        "mandrill": Provider("API_KEY", needs={"EMAIL_PROVIDER_SIGNING_KEY": "WEBHOOK_KEY"}),
        "postmark": Provider("SERVER_TOKEN"),
        "resend": Provider("API_KEY"),
        "sendgrid": Provider(
            "API_KEY",
            takes={"EMAIL_PROVIDER_SIGNING_KEY": "TRACKING_WEBHOOK_VERIFICATION_KEY"},
        ),
        "sparkpost": Provider("API_KEY"),
    }
)
DETAILS = (
    "EMAIL_PROVIDER_KEY", "EMAIL_PROVIDER_SECRET", "EMAIL_PROVIDER_DOMAIN", "EMAIL_PROVIDER_URL",
    "EMAIL_PROVIDER_SIGNING_KEY", "EMAIL_WEBHOOK_SECRET",
)  # fmt: skip


def read(environment: Environment) -> tuple[str, dict[str, Any]]:
    """The provider, "" for SMTP, and ANYMAIL. Raises ImproperlyConfigured for half a setting."""
    name = environment.text("EMAIL_PROVIDER").lower()
    common = {
        # Some can't be told not to count clicks, and don't.
        "IGNORE_UNSUPPORTED_FEATURES": True,
        "REQUESTS_TIMEOUT": (5, 20),  # seconds to connect, and to answer
        # Unset, the door is closed: nobody knows this one.
        "WEBHOOK_SECRET": f"nobody:{secrets.token_urlsafe(NOBODYS_LENGTH)}",
    }
    if not name:
        _refuse_orphans(environment)
        return "", common
    if name not in PROVIDERS:
        raise ImproperlyConfigured(
            f"EMAIL_PROVIDER is {name!r}. Write one of: {', '.join(PROVIDERS)}; or leave it out "
            "and set EMAIL_URL to reach another provider by SMTP."
        )
    if environment.text("EMAIL_URL"):
        raise ImproperlyConfigured(
            "EMAIL_PROVIDER and EMAIL_URL both say how mail is sent. Set one of them."
        )
    return name, common | _settings(environment, name, PROVIDERS[name])


def _refuse_orphans(environment: Environment) -> None:
    for detail in DETAILS:
        if environment.text(detail):
            raise ImproperlyConfigured(
                f"{detail} is set, but EMAIL_PROVIDER doesn't say which provider it is for."
            )


def _settings(environment: Environment, name: str, provider: Provider) -> dict[str, Any]:
    needed = {"EMAIL_PROVIDER_KEY": provider.key, **provider.needs}
    found = {"WEBHOOK_SECRET": _webhook_secret(environment, name)}
    for variable, setting in {**needed, **provider.takes, "EMAIL_PROVIDER_URL": "API_URL"}.items():
        value = environment.text(variable)
        if value:
            found[f"{name.upper()}_{setting}"] = value
        elif variable in needed:
            raise ImproperlyConfigured(
                f"EMAIL_PROVIDER is {name!r}, which needs {variable} (docs/configuration.md)."
            )
    return found


def _webhook_secret(environment: Environment, name: str) -> str:
    secret = environment.text("EMAIL_WEBHOOK_SECRET")
    user, _, password = secret.partition(":")
    if not user or len(password) < NOBODYS_LENGTH // 2:
        raise ImproperlyConfigured(
            f"EMAIL_PROVIDER is {name!r}, which needs EMAIL_WEBHOOK_SECRET, written as "
            "user:password with at least 16 characters of password: without it bounces and "
            "complaints aren't heard of. Give the provider the same in the address of its webhook."
        )
    return secret
