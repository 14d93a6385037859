from django.contrib import admin
from django.urls import include, path
from hijack.views import ReleaseUserView

from recover_project.back_office.people.looking_on import Begin
from recover_project.probes.views import PROBES

PUBLIC_PREFIX = "fourthngoal/recover/"

probes = [path(address, view, name=view.__name__) for address, view in PROBES.items()]

looking_on = [
    path("acquire/", Begin.as_view(), name="acquire"),
    path("release/", ReleaseUserView.as_view(), name="release"),
]

handler429 = "recover_project.limits.tried_too_often"  # which allauth asks for
handler500 = "recover_project.error_pages.broken"
urlpatterns = [
    # The first that fits is found soonest: the customers' page, which is asked for most.
    path(PUBLIC_PREFIX, include("billing_portal.urls")),
    path(PUBLIC_PREFIX, include("recovery.urls")),
    path(PUBLIC_PREFIX, include("dunning.urls")),
    path("", include((probes, "probes"))),
    path("admin/account/", include("recover_project.back_office.people.urls")),
    path("admin/look-on-as/", include((looking_on, "hijack"))),
    path("admin/", admin.site.urls),
]
