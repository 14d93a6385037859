from django.urls import path

from billing_portal import views

urlpatterns = [
    path("update", views.update, name="update"),
    path("update/replace", views.replace, name="update_replace"),
    path("update/return", views.come_back, name="update_return"),
]
