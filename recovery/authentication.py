"""Who calls the JSON API, and for which merchant."""

from django.contrib.auth.models import AnonymousUser
from django.utils import timezone
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.views import APIView

from recovery import credentials
from recovery.models import Merchant


class InternalKeyAuthentication(BaseAuthentication):
    """X-Internal-Key: the request is the merchant's whose key it shows (`request.auth`)."""

    def authenticate(self, request: Request) -> tuple[AnonymousUser, Merchant] | None:
        key = request.headers.get("X-Internal-Key", "")
        if not key:
            return None
        merchant = credentials.merchant_of_internal_key(key, now=timezone.now())
        if merchant is None:
            raise AuthenticationFailed("This internal key is unknown or has ended.")
        return AnonymousUser(), merchant

    def authenticate_header(self, request: Request) -> str:  # noqa: ARG002 - DRF's signature
        return 'X-Internal-Key realm="recover"'


class IsMerchantsClient(BasePermission):
    def has_permission(self, request: Request, view: APIView) -> bool:  # noqa: ARG002
        return isinstance(request.auth, Merchant)
