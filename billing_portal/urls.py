from django.urls import path

from billing_portal import views

urlpatterns = [
    path("update", views.update, name="update"),
    path("update/return", views.come_back, name="update_return"),
]
