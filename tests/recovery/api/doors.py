"""One view of each base, to see who is let in and as whom. A ROOT_URLCONF for tests."""

from django.urls import path
from rest_framework.request import Request
from rest_framework.response import Response

from recover_project import urls
from recovery.api.views import AnyClientView, ClientView, InternalView

PREFIX = "fourthngoal/recover/doors/"
BEARER, INTERNAL, EITHER = (f"/{PREFIX}{name}" for name in ("bearer", "internal", "either"))
DOORS = (BEARER, INTERNAL, EITHER)


class Door(ClientView):
    def get(self, request: Request) -> Response:  # noqa: ARG002 - DRF's signature
        client = self.client
        return Response(
            {
                "merchant": self.merchant.public_id,
                "credential": client.credential,
                "actor": client.actor,
                "scopes": sorted(client.scopes),
            }
        )

    post = delete = get


class InternalDoor(InternalView, Door):
    pass


class EitherDoor(AnyClientView, Door):
    pass


urlpatterns = [
    *urls.urlpatterns,
    path(f"{PREFIX}bearer", Door.as_view()),
    path(f"{PREFIX}internal", InternalDoor.as_view()),
    path(f"{PREFIX}either", EitherDoor.as_view()),
]
