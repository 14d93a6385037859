from django.urls import path

from recovery import webhooks
from recovery.api.dashboard import DashboardView, DefinitionsView

urlpatterns = [
    path("webhook", webhooks.receive, name="webhook"),
    path("dashboard", DashboardView.as_view(), name="dashboard"),
    path("metrics/definitions", DefinitionsView.as_view(), name="definitions"),
]
