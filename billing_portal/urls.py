from django.urls import path, re_path

from billing_portal import pictures, views

urlpatterns = [
    path("update", views.update, name="update"),
    path("update/replace", views.replace, name="update_replace"),
    path("update/return", views.come_back, name="update_return"),
    re_path(r"^logo/(?P<digest>[0-9a-f]{64})\.png$", pictures.logo, name="logo"),
]
