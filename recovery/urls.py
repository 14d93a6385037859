from django.urls import path

from recovery import webhooks
from recovery.api.analytics import AnalyticsView
from recovery.api.dashboard import DashboardView, DefinitionsView
from recovery.api.description.views import SchemaView, docs
from recovery.api.events.retries import RetryView
from recovery.api.events.verbs import CloseView, PauseView, ResumeView
from recovery.api.events.views import EventsView, EventView
from recovery.api.metrics import MetricsView
from recovery.api.tokens import RefreshView, TokenView
from recovery.api.webhook_deliveries import DeliveriesView, DeliveryView, ResendView
from recovery.api.webhook_registrations import (
    WebhookSecretView,
    WebhooksView,
    WebhookTestView,
    WebhookView,
)

urlpatterns = [
    path("webhook", webhooks.receive, name="webhook"),
    path("dashboard", DashboardView.as_view(), name="dashboard"),
    path("events", EventsView.as_view(), name="events"),
    path("events/<slug:event_id>", EventView.as_view(), name="event"),
    path("events/<slug:event_id>/retry", RetryView.as_view(), name="retry_event"),
    path("events/<slug:event_id>/pause", PauseView.as_view(), name="pause_event"),
    path("events/<slug:event_id>/resume", ResumeView.as_view(), name="resume_event"),
    path("events/<slug:event_id>/close", CloseView.as_view(), name="close_event"),
    path("analytics", AnalyticsView.as_view(), name="analytics"),
    path("metrics", MetricsView.as_view(), name="metrics"),
    path("metrics/definitions", DefinitionsView.as_view(), name="definitions"),
    path("schema", SchemaView.as_view(), name="schema"),
    path("docs", docs, name="docs"),
    path("webhooks", WebhooksView.as_view(), name="webhooks"),
    path("webhooks/<slug:webhook_id>", WebhookView.as_view(), name="a_webhook"),
    path("webhooks/<slug:webhook_id>/test", WebhookTestView.as_view(), name="test_webhook"),
    path(
        "webhooks/<slug:webhook_id>/rotate-secret",
        WebhookSecretView.as_view(),
        name="rotate_secret",
    ),
    path("webhooks/<slug:webhook_id>/deliveries", DeliveriesView.as_view(), name="deliveries"),
    path("deliveries/<slug:delivery_id>", DeliveryView.as_view(), name="delivery"),
    path("deliveries/<slug:delivery_id>/resend", ResendView.as_view(), name="resend"),
    path("token", TokenView.as_view(), name="token"),
    path("token/refresh", RefreshView.as_view(), name="token-refresh"),
]
