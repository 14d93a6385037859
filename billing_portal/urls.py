from django.urls import path

from billing_portal import pictures, views

urlpatterns = [
    path("update", views.update, name="update"),
    path("update/replace", views.replace, name="update_replace"),
    path("update/invoice", views.invoice, name="update_invoice"),
    path("update/return", views.come_back, name="update_return"),
    path(
        "update/return/checkout", views.come_back_from_checkout, name="update_return_from_checkout"
    ),
    path("logo/<slug:digest>.png", pictures.logo, name="logo"),
]
