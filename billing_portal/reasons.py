"""Why a payment failed, as far as its customer may read it: the reason of each decline code.

The reasons' words are in data/, one file for each language. What each code means:
https://docs.stripe.com/declines/codes; that some are told as a plain decline only:
https://docs.stripe.com/declines/card#issuer-declines
"""

from collections.abc import Mapping
from types import MappingProxyType

DECLINED = "declined"  # the plain decline
CODES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "address": ("incorrect_address",),
        "bank_account": (
            "account_closed", "bank_account_closed", "bank_account_unusable", "no_account",
            "sepa_unsupported_account",
        ),
        "bank_details": (
            "account_number_invalid", "bank_account_invalid_details", "routing_number_invalid",
        ),
        "card_details": (
            "advice_code:confirm_card_data", "invalid_expiry_month", "invalid_expiry_year",
        ),
        "confirmation": (
            "authentication_not_handled", "authentication_required",
            "invoice_payment_intent_requires_action", "mobile_device_authentication_required",
            "payment_intent_action_required", "payment_intent_authentication_failure",
        ),
        "currency": ("currency_not_supported",),
        "duplicate": ("duplicate_transaction",),
        "expired": ("expired_card",),
        "funds": (
            "ach:insufficient_funds", "insufficient_funds", "partner_insufficient_funds",
        ),
        "limit": (
            "card_velocity_exceeded", "charge_exceeds_source_limit",
            "charge_exceeds_transaction_limit", "invalid_amount",
            "withdrawal_count_limit_exceeded",
        ),
        "new_details": ("new_account_information_available",),
        "no_method": ("no_payment_method",),
        "number": ("incorrect_number", "invalid_number"),
        "permission": (
            "billing_invalid_mandate", "debit_not_authorized",
            "india_recurring_payment_mandate_canceled", "payment_intent_mandate_invalid",
            "revocation_of_all_authorizations", "revocation_of_authorization",
            "stop_payment_order",
        ),
        "pin": (
            "incorrect_pin", "invalid_pin", "offline_pin_required",
            "online_or_offline_pin_required", "pin_try_exceeded",
        ),
        "postcode": ("incorrect_zip",),
        "saved_details": ("link_connection_closed", "resource_missing"),
        "security_code": (
            "incorrect_cvc", "invalid_cvc", "requested_block_on_incorrect_cvc",
        ),
        "technical": (
            "issuer_not_available", "payment_method_provider_timeout", "processing_error",
            "reenter_transaction",
        ),
        "test_card": ("live_mode_test_card", "testmode_decline"),
        "unconfirmed": ("payment_method_customer_decline",),
        "unsupported": ("card_not_supported", "invalid_card_type"),
        DECLINED: (
            # never to be told
            "fraudulent", "lost_card", "merchant_blacklist", "pickup_card", "stolen_card",
            "blocklist", "highest_risk_level", "rule", "security_violation", "restricted_card",
            "bank_account_restricted",
            # nothing more is known, or nothing that would help
            "UNKNOWN", "advice_code:do_not_try_again", "advice_code:try_again_later",
            "approve_with_id", "bank_account_declined", "call_issuer",
            "card_decline_rate_limit_exceeded", "card_declined", "cashapp_payment_declined",
            "debit_notification_undelivered", "do_not_honor", "do_not_try_again",
            "generic_decline", "invalid_account", "low_probability_of_authorization",
            "no_action_taken", "not_permitted", "payment_method_provider_decline",
            "previously_declined_do_not_retry", "refer_to_customer", "service_not_allowed",
            "transaction_not_allowed", "try_again_later",
        ),
    }
)  # fmt: skip
REASONS: Mapping[str, str] = MappingProxyType(
    {code: reason for reason, codes in CODES.items() for code in codes}
)


def reason(*, decline_code: str, advice_code: str = "") -> str:
    """The key of what may be told: the code's, else the advice's, else a plain decline."""
    told = REASONS.get(decline_code, DECLINED)
    return REASONS.get(f"advice_code:{advice_code}", DECLINED) if told == DECLINED else told
