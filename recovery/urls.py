from django.urls import path

from recovery import webhooks
from recovery.api.analytics import AnalyticsView
from recovery.api.dashboard import DashboardView, DefinitionsView
from recovery.api.events.retries import RetryView
from recovery.api.events.verbs import CloseView, PauseView, ResumeView
from recovery.api.events.views import EventsView, EventView
from recovery.api.metrics import MetricsView
from recovery.api.tokens import RefreshView, TokenView

urlpatterns = [
    path("webhook", webhooks.receive, name="webhook"),
    path("dashboard", DashboardView.as_view(), name="dashboard"),
    path("events", EventsView.as_view(), name="events"),
    path("events/<str:event_id>", EventView.as_view(), name="event"),
    path("events/<str:event_id>/retry", RetryView.as_view(), name="retry_event"),
    path("events/<str:event_id>/pause", PauseView.as_view(), name="pause_event"),
    path("events/<str:event_id>/resume", ResumeView.as_view(), name="resume_event"),
    path("events/<str:event_id>/close", CloseView.as_view(), name="close_event"),
    path("analytics", AnalyticsView.as_view(), name="analytics"),
    path("metrics", MetricsView.as_view(), name="metrics"),
    path("metrics/definitions", DefinitionsView.as_view(), name="definitions"),
    path("token", TokenView.as_view(), name="token"),
    path("token/refresh", RefreshView.as_view(), name="token-refresh"),
]
