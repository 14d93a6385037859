from django.contrib import admin
from django.urls import include, path

from billing_portal import preview_pages

PUBLIC_PREFIX = "fourthngoal/recover/"

admin.site.site_header = admin.site.site_title = "Recover"

PREVIEW = "admin/billing_portal/preview/<str:merchant_id>/"

urlpatterns = [
    path(PUBLIC_PREFIX, include("recovery.urls")),
    path(PUBLIC_PREFIX, include("billing_portal.urls")),
    path(PUBLIC_PREFIX, include("dunning.urls")),
    path(PREVIEW, admin.site.admin_view(preview_pages.chooser), name="page_preview"),
    path(
        f"{PREVIEW}frame/", admin.site.admin_view(preview_pages.frame), name="page_preview_frame"
    ),
    path("admin/", admin.site.urls),
]
