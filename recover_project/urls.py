from django.contrib import admin
from django.urls import include, path

from recover_project.probes.views import PROBES

PUBLIC_PREFIX = "fourthngoal/recover/"

probes = [path(address, view, name=view.__name__) for address, view in PROBES.items()]

urlpatterns = [
    path(PUBLIC_PREFIX, include("recovery.urls")),
    path(PUBLIC_PREFIX, include("billing_portal.urls")),
    path(PUBLIC_PREFIX, include("dunning.urls")),
    path("", include((probes, "probes"))),
    path("admin/account/", include("recover_project.back_office.people.urls")),
    path("admin/look-on-as/", include("hijack.urls")),
    path("admin/", admin.site.urls),
]
