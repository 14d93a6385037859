"""Which client a request shows the credentials of."""

from django.contrib.auth.models import AnonymousUser
from django.utils import timezone
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from recovery import credentials
from recovery.api.clients import Client, Scope

EVERYTHING = frozenset(Scope)


class InternalKeyAuthentication(BaseAuthentication):
    """X-Internal-Key: the request is the merchant's whose key it shows (`request.auth`)."""

    def authenticate(self, request: Request) -> tuple[AnonymousUser, Client] | None:
        shown = request.headers.get("X-Internal-Key", "")
        if not shown:
            return None
        key = credentials.internal_key(shown, now=timezone.now())
        if key is None:
            raise AuthenticationFailed("This internal key is unknown or has ended.")
        return AnonymousUser(), Client(key.merchant, f"internal_key:{key.pk}", EVERYTHING)

    def authenticate_header(self, request: Request) -> str:  # noqa: ARG002 - DRF's signature
        return 'X-Internal-Key realm="recover"'


class BearerAuthentication(BaseAuthentication):
    """Authorization: Bearer, with an API key."""

    def authenticate(self, request: Request) -> tuple[AnonymousUser, Client] | None:
        scheme, _space, shown = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "bearer":
            return None
        key = credentials.api_key(shown.strip(), now=timezone.now())
        if key is None:
            raise AuthenticationFailed("This API key is unknown, was revoked or has ended.")
        return AnonymousUser(), Client(key.merchant, f"api_key:{key.key_id}", EVERYTHING)

    def authenticate_header(self, request: Request) -> str:  # noqa: ARG002 - DRF's signature
        return 'Bearer realm="recover"'
