from recovery.models.cases import RecoveryCase
from recovery.models.checkouts import Checkout
from recovery.models.credentials import ApiKey, InternalKey
from recovery.models.customers import Customer
from recovery.models.decline_overrides import DeclineOverride
from recovery.models.merchants import Merchant
from recovery.models.operator_tasks import OperatorTask
from recovery.models.outbound_notices import OutboundNotice
from recovery.models.payment_attempts import PaymentAttempt
from recovery.models.stripe_connections import SigningSecret, StripeConnection
from recovery.models.stripe_events import StripeEvent
from recovery.models.timeline_entries import TimelineEntry
from recovery.models.users import Membership, Role, User
from recovery.models.webhook_deliveries import WebhookDelivery
from recovery.models.webhook_registrations import WebhookRegistration

__all__ = [
    "ApiKey",
    "Checkout",
    "Customer",
    "DeclineOverride",
    "InternalKey",
    "Membership",
    "Merchant",
    "OperatorTask",
    "OutboundNotice",
    "PaymentAttempt",
    "RecoveryCase",
    "Role",
    "SigningSecret",
    "StripeConnection",
    "StripeEvent",
    "TimelineEntry",
    "User",
    "WebhookDelivery",
    "WebhookRegistration",
]
