"""A merchant's own endpoints over HTTP: webhooks, their tests and their secrets."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

from django.core.exceptions import ObjectDoesNotExist
from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.exceptions import NotFound, ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from recovery import clock, webhook_registrations
from recovery.api.conflicts import ConflictError
from recovery.api.paging import PageParameters, page
from recovery.api.parameters import once_each
from recovery.api.views import ClientView
from recovery.api.webhook_shapes import (
    Delivery,
    Overlap,
    Webhook,
    WebhookChanges,
    WebhookParameters,
    Webhooks,
    WebhookWithSecret,
)
from recovery.models import WebhookRegistration
from recovery.webhook_registrations import (
    InvalidRegistrationError,
    RegistrationDisabledError,
    TooManyRegistrationsError,
)


@contextmanager
def refusals() -> Iterator[None]:
    """What the use cases refuse, as answers."""
    try:
        yield
    except InvalidRegistrationError as error:
        raise ValidationError({error.field: [str(error)]}) from error
    except TooManyRegistrationsError as error:
        raise ConflictError("too_many_webhooks", str(error)) from error
    except RegistrationDisabledError as error:
        raise ConflictError("webhook_disabled", str(error)) from error
    except ObjectDoesNotExist as error:  # it was deleted a moment ago
        raise NotFound from error


class WebhooksView(ClientView):
    @extend_schema(
        operation_id="list_webhooks",
        summary="List webhooks",
        description="The newest first.",
        tags=["Webhooks"],
        parameters=[PageParameters],
        responses=Webhooks,
    )
    def get(self, request: Request) -> Response:
        parameters = _valid(PageParameters(data=once_each(request.query_params)))
        registrations = WebhookRegistration.objects.of(self.merchant)
        found = page(
            registrations, by="created_at", of=f"webhooks of {self.merchant.public_id}",
            parameters=parameters,
        )  # fmt: skip
        return Response(found.answer(Webhook(found.rows, many=True).data))

    @extend_schema(
        operation_id="create_webhook",
        summary="Register a webhook",
        description="The answer has the secret that signs its messages, this once. A merchant has "
        "20 webhooks at most.",
        tags=["Webhooks"],
        request=WebhookParameters,
        responses={201: WebhookWithSecret},
    )
    def post(self, request: Request) -> Response:
        wanted = _valid(WebhookParameters(data=request.data))
        with refusals():
            registration, secret = webhook_registrations.register(
                merchant=self.merchant, now=clock.now(), **wanted
            )
        return Response(_with_secret(registration, secret), status=status.HTTP_201_CREATED)


class OneWebhookView(ClientView):
    """What is asked of one of the merchant's webhooks."""

    def registration(self, webhook_id: str) -> WebhookRegistration:
        return get_object_or_404(
            WebhookRegistration.objects.of(self.merchant), public_id=webhook_id
        )


class WebhookView(OneWebhookView):
    @extend_schema(
        operation_id="get_webhook",
        summary="Get a webhook",
        description="Its secret isn't shown again.",
        tags=["Webhooks"],
        responses=Webhook,
    )
    def get(self, request: Request, webhook_id: str) -> Response:  # noqa: ARG002
        return Response(Webhook(self.registration(webhook_id)).data)

    @extend_schema(
        operation_id="update_webhook",
        summary="Change a webhook",
        description="What is left out stays. A message that waits goes to the new URL.",
        tags=["Webhooks"],
        request=WebhookChanges,
        responses=Webhook,
    )
    def patch(self, request: Request, webhook_id: str) -> Response:
        registration = self.registration(webhook_id)
        changes = _valid(WebhookChanges(data=request.data))
        with refusals():
            changed = webhook_registrations.update(
                registration=registration, now=clock.now(), **changes
            )
        return Response(Webhook(changed).data)

    @extend_schema(
        operation_id="delete_webhook",
        summary="Delete a webhook",
        description="It goes with the log of its deliveries. To keep that, disable it instead.",
        tags=["Webhooks"],
        responses={204: None},
    )
    def delete(self, request: Request, webhook_id: str) -> Response:  # noqa: ARG002
        webhook_registrations.remove(registration=self.registration(webhook_id))
        return Response(status=status.HTTP_204_NO_CONTENT)


class WebhookTestView(OneWebhookView):
    @extend_schema(
        operation_id="test_webhook",
        summary="Send a test",
        description="A `webhook.test` is sent within seconds, whatever the webhook has chosen; "
        "the delivery in the answer says what became of it.",
        tags=["Webhooks"],
        request=None,
        responses={202: Delivery},
    )
    def post(self, request: Request, webhook_id: str) -> Response:  # noqa: ARG002
        registration = self.registration(webhook_id)
        with refusals():
            delivery = webhook_registrations.send_test(registration=registration, now=clock.now())
        return Response(Delivery(delivery).data, status=status.HTTP_202_ACCEPTED)


class WebhookSecretView(OneWebhookView):
    @extend_schema(
        operation_id="rotate_webhook_secret",
        summary="Replace the secret",
        description="The answer has the new secret, this once. For `overlap_hours` both sign each "
        "message: a receiver that checks with either takes it.",
        tags=["Webhooks"],
        request=Overlap,
        responses=WebhookWithSecret,
    )
    def post(self, request: Request, webhook_id: str) -> Response:
        registration = self.registration(webhook_id)
        overlap = timedelta(hours=_valid(Overlap(data=request.data))["overlap_hours"])
        with refusals():
            secret = webhook_registrations.rotate_secret(
                registration=registration, now=clock.now(), overlap=overlap
            )
            registration.refresh_from_db()
        return Response(_with_secret(registration, secret))


def _valid(parameters: Any) -> dict[str, Any]:
    parameters.is_valid(raise_exception=True)
    valid: dict[str, Any] = parameters.validated_data
    return valid


def _with_secret(registration: WebhookRegistration, secret: str) -> dict[str, Any]:
    return {**Webhook(registration).data, "secret": secret}
