from recovery.models.cases import RecoveryCase
from recovery.models.checkouts import Checkout
from recovery.models.credentials import ApiKey, InternalKey
from recovery.models.customers import Customer
from recovery.models.decline_overrides import DeclineOverride
from recovery.models.failed_logins import FailedLogins
from recovery.models.heartbeats import Heartbeat
from recovery.models.idempotent_requests import IdempotentRequest
from recovery.models.merchant_logos import MerchantLogo
from recovery.models.merchants import Merchant
from recovery.models.operator_tasks import OperatorTask
from recovery.models.outbound_notices import OutboundNotice
from recovery.models.payment_attempts import PaymentAttempt
from recovery.models.reconciliations import Coverage, Reconciliation
from recovery.models.stripe_connections import SigningSecret, StripeConnection
from recovery.models.stripe_events import StripeEvent
from recovery.models.tallies import Tally
from recovery.models.timeline_entries import TimelineEntry
from recovery.models.token_families import TokenFamily
from recovery.models.users import Membership, Role, User
from recovery.models.webhook_deliveries import WebhookDelivery
from recovery.models.webhook_registrations import WebhookRegistration

__all__ = [
    "ApiKey",
    "Checkout",
    "Coverage",
    "Customer",
    "DeclineOverride",
    "FailedLogins",
    "Heartbeat",
    "IdempotentRequest",
    "InternalKey",
    "Membership",
    "Merchant",
    "MerchantLogo",
    "OperatorTask",
    "OutboundNotice",
    "PaymentAttempt",
    "Reconciliation",
    "RecoveryCase",
    "Role",
    "SigningSecret",
    "StripeConnection",
    "StripeEvent",
    "Tally",
    "TimelineEntry",
    "TokenFamily",
    "User",
    "WebhookDelivery",
    "WebhookRegistration",
]
