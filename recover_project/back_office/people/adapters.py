"""What allauth asks of us: who may come, what is kept secret, whose address counts as whose."""

import time
from typing import Any

from allauth.account import app_settings
from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.internal.flows.login import get_authentication_records
from allauth.mfa.adapter import DefaultMFAAdapter
from django.conf import settings
from django.http import HttpRequest

from recovery.credentials import failed_logins
from recovery.limits.client_address import client_address
from recovery.models.fields import cipher


class Accounts(DefaultAccountAdapter):  # type: ignore[misc] # untyped
    def is_open_for_signup(self, request: HttpRequest) -> bool:  # noqa: ARG002
        """Nobody signs up: owners and the platform's staff ask people in."""
        return False

    def is_reauthentication_required(self, *, app: str) -> bool:
        """Who has logged in a moment ago isn't asked for the password once more."""
        request = self.request
        methods = get_authentication_records(request, request.user)
        latest = max((method["at"] for method in methods), default=0)
        is_recent = time.time() - latest < app_settings.REAUTHENTICATION_TIMEOUT
        return not is_recent and bool(super().is_reauthentication_required(app=app))

    def authentication_failed(self, request: HttpRequest, **given: Any) -> None:
        super().authentication_failed(request, **given)
        email = str(given.get("email") or given.get("username") or "")
        failed_logins.tell(email, where=" to the back office")

    def get_client_ip(self, request: HttpRequest) -> str:
        """Behind as many proxies as are trusted, as for every other limit."""
        return client_address(request.META, trusted_proxies=settings.TRUSTED_PROXY_COUNT)


class SecondFactors(DefaultMFAAdapter):  # type: ignore[misc] # untyped
    """A secret from which codes are made is kept as Stripe keys are (FIELD_ENCRYPTION_KEYS)."""

    def encrypt(self, text: str) -> str:
        return cipher().encrypt(text.encode()).decode()

    def decrypt(self, encrypted_text: str) -> str:
        return cipher().decrypt(encrypted_text.encode()).decode()
