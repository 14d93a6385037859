"""The site: the theme's, with our pages, our rights and the merchant that is worked for."""

from typing import Any

from django.contrib.auth import REDIRECT_FIELD_NAME
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.urls import URLPattern, reverse
from unfold.sites import UnfoldAdminSite

from recover_project.back_office import access, navigation
from recover_project.back_office.home.views import home
from recover_project.back_office.pages import PAGES


class BackOfficeSite(UnfoldAdminSite):  # type: ignore[misc] # the theme has no types
    index_title = "Home"
    enable_nav_sidebar = True
    final_catch_all_view = True

    def has_permission(self, request: HttpRequest) -> bool:
        return access.working(request) is not None

    def extra_urls(self) -> list[URLPattern]:
        """Those of PAGES. Read when the first request comes, when all of them are declared."""
        return [page.url(self) for page in PAGES]

    def index(
        self,
        request: HttpRequest,
        extra_context: dict[str, Any] | None = None,  # noqa: ARG002 - Django's signature
    ) -> HttpResponseBase:
        return home(request)

    def login(
        self,
        request: HttpRequest,
        extra_context: dict[str, Any] | None = None,  # noqa: ARG002 - Django's signature
    ) -> HttpResponseBase:
        """On to where everybody logs in, with the second factor and the throttling of that place.

        Raises PermissionDenied for who has logged in and has no business here.
        """
        if not request.user.is_authenticated:
            return redirect_to_login(
                request.GET.get(REDIRECT_FIELD_NAME) or reverse("admin:index")
            )
        if not self.has_permission(request):
            raise PermissionDenied
        return redirect("admin:index")

    def password_change(
        self,
        request: HttpRequest,  # noqa: ARG002 - Django's signature
        extra_context: dict[str, Any] | None = None,  # noqa: ARG002 - Django's signature
    ) -> HttpResponseBase:
        """On to where that is done, which whoever looks on as a user is kept from."""
        return redirect("account_change_password")

    def search(
        self,
        request: HttpRequest,  # noqa: ARG002 - the theme's signature
        extra_context: dict[str, Any] | None = None,  # noqa: ARG002 - the theme's signature
    ) -> HttpResponseBase:
        """The theme's search over everything is offered nowhere, and keeps what it found for a
        user whichever merchant they work for."""
        raise Http404

    def extra_context(self, context: dict[str, Any], request: HttpRequest) -> dict[str, Any]:
        at = access.working(request)
        if at is None:
            return context
        return {
            **context,
            "at": at,
            "merchant": at.merchant,
            "merchants": navigation.merchants_to_switch_to(at),
        }
