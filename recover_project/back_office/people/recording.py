"""Every change of what people set is recorded: who, when, before and after (django-auditlog).

Secrets are masked. What a case lived through is on its own timeline instead.
"""

from typing import Any

from auditlog.middleware import AuditlogMiddleware
from auditlog.registry import auditlog
from django.conf import settings
from django.db.models import Model
from django.http import HttpRequest
from django.http.response import HttpResponseBase

from dunning.models import DunningCampaign, DunningStep, MessageTemplate
from recover_project.back_office.people import looking_on
from recover_project.routes import BACK_OFFICE
from recovery.limits.client_address import client_address
from recovery.models import (
    ApiKey,
    DeclineOverride,
    InternalKey,
    Membership,
    Merchant,
    MerchantLogo,
    StripeConnection,
    User,
    WebhookRegistration,
)

# What is recorded, and of it what isn't: secrets, content of files, what the system itself notes.
RECORDED: dict[type[Model], dict[str, list[str]]] = {
    ApiKey: {"exclude_fields": ["last_used_at"]},
    DeclineOverride: {},
    DunningCampaign: {},
    DunningStep: {},
    InternalKey: {"exclude_fields": ["digest", "last_used_at"]},
    Membership: {},
    Merchant: {},
    MerchantLogo: {"exclude_fields": ["content"]},
    MessageTemplate: {},
    StripeConnection: {"mask_fields": ["api_key"]},
    User: {"mask_fields": ["password"], "exclude_fields": ["last_login"]},
    WebhookRegistration: {
        "mask_fields": ["secret", "previous_secret"],
        "exclude_fields": ["failing_since", "updated_at"],
    },
}
HIDDEN = "•••"


def hide(_value: str) -> str:
    """The theme of masks that auditlog knows shows half of what it masks."""
    return HIDDEN


def merchant_of(row: Model) -> int | None:
    if isinstance(row, Merchant):
        return row.pk
    if isinstance(row, DunningStep):
        return row.campaign.merchant_id
    found: int | None = getattr(row, "merchant_id", None)
    return found


def _additional_data(row: Model) -> dict[str, Any]:
    return {"merchant": merchant_of(row)}


def record() -> None:
    for model, told in RECORDED.items():
        known = {field.name for field in model._meta.get_fields()}  # noqa: SLF001 - Django's own
        named = {key: [name for name in names if name in known] for key, names in told.items()}
        model.get_additional_data = _additional_data  # type: ignore[attr-defined] # auditlog's hook
        auditlog.register(
            model, mask_callable="recover_project.back_office.people.recording.hide", **named
        )


class WhoChanges(AuditlogMiddleware):  # type: ignore[misc] # untyped
    """The one who truly sits there, from the address that counts."""

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Outside of the back office nobody is asked for: a page without a session stays so."""
        if not request.path_info.startswith(BACK_OFFICE):
            unasked: HttpResponseBase = self.get_response(request)
            return unasked
        answer: HttpResponseBase = super().__call__(request)
        return answer

    def get_extra_data(self, request: HttpRequest) -> dict[str, Any]:
        address = client_address(request.META, trusted_proxies=settings.TRUSTED_PROXY_COUNT)
        is_one = "/" not in address and address != "unknown"
        user = request.user if isinstance(request.user, User) else None
        return {
            "remote_addr": address if is_one else None,
            "remote_port": None,
            "actor": looking_on.who_looks(request) or user,
        }
