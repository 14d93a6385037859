from django.urls import path

from recovery import webhooks
from recovery.dashboard import DashboardView

urlpatterns = [
    path("webhook", webhooks.receive, name="webhook"),
    path("dashboard", DashboardView.as_view(), name="dashboard"),
]
