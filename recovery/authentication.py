"""Who calls the JSON API, and for which merchant."""

from dataclasses import dataclass

from django.contrib.auth.models import AnonymousUser
from django.utils import timezone
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.views import APIView

from recovery import credentials
from recovery.models import Merchant


@dataclass(frozen=True, slots=True)
class Client:
    """`credential` names the key that was shown without being it ("internal_key:12"): requests
    are counted by it."""

    merchant: Merchant
    credential: str


class InternalKeyAuthentication(BaseAuthentication):
    """X-Internal-Key: the request is the merchant's whose key it shows (`request.auth`)."""

    def authenticate(self, request: Request) -> tuple[AnonymousUser, Client] | None:
        shown = request.headers.get("X-Internal-Key", "")
        if not shown:
            return None
        key = credentials.internal_key(shown, now=timezone.now())
        if key is None:
            raise AuthenticationFailed("This internal key is unknown or has ended.")
        return AnonymousUser(), Client(key.merchant, f"internal_key:{key.pk}")

    def authenticate_header(self, request: Request) -> str:  # noqa: ARG002 - DRF's signature
        return 'X-Internal-Key realm="recover"'


class IsMerchantsClient(BasePermission):
    def has_permission(self, request: Request, view: APIView) -> bool:  # noqa: ARG002
        return isinstance(request.auth, Client)
