from django.contrib import admin
from django.urls import include, path

PUBLIC_PREFIX = "fourthngoal/recover/"

urlpatterns = [
    path(PUBLIC_PREFIX, include("recovery.urls")),
    path(PUBLIC_PREFIX, include("billing_portal.urls")),
    path(PUBLIC_PREFIX, include("dunning.urls")),
    path("admin/account/", include("recover_project.back_office.people.urls")),
    path("admin/look-on-as/", include("hijack.urls")),
    path("admin/", admin.site.urls),
]
