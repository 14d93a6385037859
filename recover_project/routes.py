"""Which limit holds for which route (the contract, section 6): every route is in one of these,
by its name or by its namespace and a colon, or a test fails."""

from collections.abc import Mapping
from types import MappingProxyType

BACK_OFFICE = "/admin/"

# Anybody may ask: counted by address; what mailbox providers post to `unsubscribe`, by mail.
PUBLIC = frozenset(
    {
        "account_inactive", "account_login", "account_logout", "account_reset_password",
        "account_reset_password_done", "account_reset_password_from_key",
        "account_reset_password_from_key_done", "account_signup", "mfa_authenticate",
        "admin:login", "docs", "logo", "schema", "token", "token-refresh", "unsubscribe", "update",
        "update_replace", "update_invoice", "update_return", "update_return_from_checkout",
    }
)  # fmt: skip
# Counted by key: each of their views is a recovery.limits.views.LimitedView.
AUTHENTICATED = frozenset(
    {
        "a_webhook", "analytics", "close_event", "dashboard", "definitions", "deliveries",
        "delivery", "event", "events", "metrics", "pause_event", "resend", "resume_event",
        "retry_event", "rotate_secret", "test_webhook", "webhooks",
    }
)  # fmt: skip
# One's own account, for whoever has logged in.
OWN_ACCOUNT = (
    "account_change_password", "account_email", "account_reauthenticate", "account_set_password",
    "mfa_activate_totp", "mfa_deactivate_totp", "mfa_download_recovery_codes",
    "mfa_generate_recovery_codes", "mfa_index", "mfa_reauthenticate", "mfa_view_recovery_codes",
    "usersessions_list",
)  # fmt: skip
# Counted by nobody, and why.
UNLIMITED: Mapping[str, str] = MappingProxyType(
    {
        "webhook": "Stripe sends as many events as things happen, and takes a 429 for a failure.",
        "anymail:": "A mail provider tells of every mail, and takes a 429 for a failure.",
        "probes:": "Every few seconds, of each process, by its own address; and an outage of the "
        "counters must not look like one of the process.",
        "hijack:": "As the rest of the back office.",
        **dict.fromkeys(OWN_ACCOUNT, "As the rest of the back office; allauth counts guesses."),
        "admin:": "Who has logged in is known. The way in, admin:login, is public.",
    }
)


def is_public(name: str) -> bool:
    """Of a route by its name with its namespace. A route that is in no table is public as well:
    what was forgotten is limited."""
    namespace = name.rpartition(":")[0]
    is_elsewhere = {name, f"{namespace}:"} & {*AUTHENTICATED, *UNLIMITED}
    return name in PUBLIC or not is_elsewhere
