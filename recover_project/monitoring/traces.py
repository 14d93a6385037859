"""Traces by OpenTelemetry: each request and each task, with what the log says meanwhile."""

import logging
from collections.abc import Sequence
from wsgiref.types import WSGIApplication

from django.conf import settings
from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.instrumentation.celery import CeleryInstrumentor
from opentelemetry.instrumentation.wsgi import OpenTelemetryMiddleware
from opentelemetry.sdk.resources import SERVICE_NAME, Resource
from opentelemetry.sdk.trace import Event, ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.trace import Status

from recover_project.logs import redact, redacted
from recovery import log_context

# All that is told of a request and a task. The rest has addresses, tokens and names of people.
KEPT = (
    "http.method", "http.request.method", "http.status_code", "http.response.status_code",
    "celery.action", "celery.state", "celery.task_name", "error.type",
)  # fmt: skip


def begin(service: str) -> None:
    provider = TracerProvider(resource=Resource.create({SERVICE_NAME: f"recover-{service}"}))
    exporter = OTLPSpanExporter(endpoint=f"{settings.OTEL_EXPORTER_OTLP_ENDPOINT}/v1/traces")
    provider.add_span_processor(BatchSpanProcessor(Cleaned(exporter)))
    trace.set_tracer_provider(provider)
    CeleryInstrumentor().instrument(tracer_provider=provider)  # type: ignore[no-untyped-call]
    logging.getLogger().addHandler(OnTheSpan(logging.INFO))


def end() -> None:
    provider = trace.get_tracer_provider()
    if isinstance(provider, TracerProvider):
        provider.force_flush(timeout_millis=2000)


def traced(application: WSGIApplication) -> WSGIApplication:
    return OpenTelemetryMiddleware(application)


class OnTheSpan(logging.Handler):
    """What is logged stands on what is being done, with the ids that it is about. It is cleaned
    with the rest, before it goes out."""

    def emit(self, record: logging.LogRecord) -> None:
        said = {"level": record.levelname, "logger": record.name, **log_context.current()}
        trace.get_current_span().add_event(record.getMessage(), said)


class Cleaned(SpanExporter):
    """Hands on what names no person and shows no secret."""

    def __init__(self, to: SpanExporter) -> None:
        self._to = to

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        return self._to.export([_cleaned(span) for span in spans])

    def shutdown(self) -> None:
        self._to.shutdown()

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        return self._to.force_flush(timeout_millis)


def _cleaned(span: ReadableSpan) -> ReadableSpan:
    attributes = span.attributes or {}
    return ReadableSpan(
        name=redact(span.name),
        context=span.get_span_context(),
        parent=span.parent,
        resource=span.resource,
        attributes={name: attributes[name] for name in KEPT if name in attributes},
        events=[Event(redact(one.name), redacted(one.attributes), one.timestamp)
                for one in span.events],
        links=span.links,
        kind=span.kind,
        status=Status(span.status.status_code),
        start_time=span.start_time,
        end_time=span.end_time,
        instrumentation_scope=span.instrumentation_scope,
    )  # fmt: skip
