from django.contrib import admin
from django.urls import include, path

PUBLIC_PREFIX = "fourthngoal/recover/"

admin.site.site_header = admin.site.site_title = "Recover"

urlpatterns = [
    path(PUBLIC_PREFIX, include("recovery.urls")),
    path(PUBLIC_PREFIX, include("billing_portal.urls")),
    path(PUBLIC_PREFIX, include("dunning.urls")),
    path("admin/", admin.site.urls),
]
