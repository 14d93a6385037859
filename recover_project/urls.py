from django.contrib import admin
from django.urls import include, path

PUBLIC_PREFIX = "fourthngoal/recover/"

urlpatterns = [
    path(PUBLIC_PREFIX, include("recovery.urls")),
    path(PUBLIC_PREFIX, include("billing_portal.urls")),
    path("admin/", admin.site.urls),
]
