from django.urls import path

from recovery import webhooks
from recovery.api.dashboard import DashboardView, DefinitionsView
from recovery.api.tokens import RefreshView, TokenView

urlpatterns = [
    path("webhook", webhooks.receive, name="webhook"),
    path("dashboard", DashboardView.as_view(), name="dashboard"),
    path("metrics/definitions", DefinitionsView.as_view(), name="definitions"),
    path("token", TokenView.as_view(), name="token"),
    path("token/refresh", RefreshView.as_view(), name="token-refresh"),
]
