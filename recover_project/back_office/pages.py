"""How a page that is no list of rows is declared: an address, a name, the right that it needs.

    @page("settings/", name="settings", right=Right.OWN)
    def settings(request: HttpRequest, at: Working) -> HttpResponseBase:
        return show(request, "back_office/settings.html", title="Account", form=form)

It is then at `/admin/settings/`, as `admin:settings`; whoever isn't logged in is sent to the
login, and whoever lacks the right gets a 403. `to_change` is the right to send the page a form,
where that is another one. `at.of` is the merchant that is worked for; where there is none yet, the
page leads to the first steps.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Any

from django.contrib import admin
from django.contrib.admin import AdminSite
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.views.decorators.http import require_http_methods

from recover_project.back_office import access
from recover_project.back_office.access import Right, Working

View = Callable[..., HttpResponseBase]
FIRST_STEPS = "admin:index"
METHODS = ("GET", "HEAD", "POST")  # of a page that says no fewer


@dataclass(frozen=True)
class DeclaredPage:
    route: str
    name: str
    right: Right
    to_change: Right
    view: View
    needs_merchant: bool

    def url(self, site: AdminSite) -> URLPattern:
        return path(self.route, site.admin_view(self.view), name=self.name)


PAGES: list[DeclaredPage] = []


def page(
    route: str, *, name: str, right: Right, to_change: Right | None = None,
    needs_merchant: bool = True,
) -> Callable[[View], View]:  # fmt: skip
    """Declares the view as a page; it is called with the request, the Working, and what is in the
    route."""

    needed = to_change or right

    def declare(view: View) -> View:
        answer = require_http_methods(METHODS)(view)

        @wraps(view)
        def guarded(request: HttpRequest, **kwargs: Any) -> HttpResponseBase:
            at = working_with(request, needed if request.method == "POST" else right)
            if needs_merchant and at.merchant is None:
                return redirect(FIRST_STEPS)
            return answer(request, at, **kwargs)

        PAGES.append(DeclaredPage(route, name, right, needed, guarded, needs_merchant))
        return guarded

    return declare


def working_with(request: HttpRequest, right: Right) -> Working:
    """Raises PermissionDenied."""
    at = access.working(request)
    if at is None or not at.may(right):
        raise PermissionDenied
    return at


def show(
    request: HttpRequest, template: str, *, status: int = 200, **context: Any
) -> TemplateResponse:
    """The template, in the frame of the site. `title` is the page's."""
    context = {**admin.site.each_context(request), **context}
    return TemplateResponse(request, template, context, status=status)
