"""/v1/account and /v1/accounts"""

from tests.local_stripe import errors
from tests.local_stripe.accounts_by_key import Account
from tests.local_stripe.ids import account_id, new_id
from tests.local_stripe.listing import page
from tests.local_stripe.routing import Call, route
from tests.local_stripe.shapes import Object


@route("GET /v1/account", permission="rak_connected_account_read")
def own(call: Call) -> Object:
    return _as_object(call, call.realm.account)


@route("POST /v1/accounts", permission="rak_connected_account_write")
def create(call: Call) -> Object:
    """A connected account; act for it with the `Stripe-Account` header."""
    world, platform = call.realm.world, call.realm.account
    account = world.open_account(account_id(new_id("seed")), platform=platform.id)
    account.email = call.params.get("email") or account.email
    account.country = call.params.get("country") or account.country
    profile = call.params.get("business_profile") or {}
    account.name = profile.get("name") or account.name
    return _as_object(call, account)


@route("GET /v1/accounts/{account}", permission="rak_connected_account_read")
def retrieve(call: Call) -> Object:
    account = call.realm.world.accounts.get(call.path_ids["account"])
    mine = call.realm.account.id
    if account is None or mine not in (account.id, account.platform):
        raise errors.no_access_to_account("sk_…", call.path_ids["account"])
    return _as_object(call, account)


@route("GET /v1/accounts", permission="rak_connected_account_read")
def list_(call: Call) -> Object:
    world, mine = call.realm.world, call.realm.account.id
    connected = [one for one in world.accounts.values() if one.platform == mine]
    return page(call, [_as_object(call, one) for one in connected])


def _as_object(call: Call, account: Account) -> Object:
    return {
        "id": account.id,
        "object": "account",
        "business_profile": {
            "annual_revenue": None,
            "estimated_worker_count": None,
            "mcc": None,
            "name": account.name,
            "product_description": None,
            "support_address": None,
            "support_email": account.email,
            "support_phone": None,
            "support_url": None,
            "url": None,
        },
        "business_type": "company",
        "capabilities": {"card_payments": "active", "transfers": "active"},
        "charges_enabled": True,
        "country": account.country,
        "created": call.realm.now(),
        "default_currency": account.default_currency,
        "details_submitted": True,
        "email": account.email,
        "metadata": {},
        "payouts_enabled": True,
        "settings": {
            "bacs_debit_payments": {"display_name": None, "service_user_number": None},
            "branding": {
                "icon": None,
                "logo": None,
                "primary_color": None,
                "secondary_color": None,
            },
            "card_issuing": {"tos_acceptance": {"date": None, "ip": None}},
            "card_payments": {
                "decline_on": {"avs_failure": False, "cvc_failure": False},
                "statement_descriptor_prefix": None,
                "statement_descriptor_prefix_kana": None,
                "statement_descriptor_prefix_kanji": None,
            },
            "dashboard": {"display_name": account.name, "timezone": "Etc/UTC"},
            "payments": {
                "statement_descriptor": "EXAMPLE INC",
                "statement_descriptor_kana": None,
                "statement_descriptor_kanji": None,
            },
            "sepa_debit_payments": {},
        },
        "type": "standard",
    }
